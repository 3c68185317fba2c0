// SPDX-License-Identifier: Apache-2.0
//! Trace headers: how calls that belong together say so.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};
use uuid::Uuid;

/// The value of `X-Amzn-Trace-Id`: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
///
/// Whether the trace is sampled may be undecided. Who decides it first decides for all who pass the header on from here.
///
/// Invariant: at most 512 visible ASCII characters, and a root.
#[derive(Debug)]
pub struct TraceHeader {
    text: Box<str>,
    /// Whether the parent came with it.
    has_parent: bool,
    decision: AtomicU8,
}

/// The id of a segment or of a part of one: eight random bytes, as sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentId(u64);

/// The id of a trace: `1-5759e988-bd862e3fe1be46a994272793`, of which the middle is when it began.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceId(Box<str>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a trace")]
pub struct InvalidTraceId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a segment")]
pub struct InvalidSegmentId;

const LINEAGE: &str = ";Lineage=";
const PARENT: &str = "Parent=";
const NOT_SAMPLED: &str = ";Sampled=0";
const SAMPLED: &str = ";Sampled=1";

const UNDECIDED: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;

/// Longer than any that AWS's services write.
const LENGTH_MAX: usize = 512;

impl TraceHeader {
    /// A new trace that begins here. Nobody has decided whether it is sampled.
    pub fn start(epoch_seconds: u64) -> Self {
        let id = Uuid::new_v4().simple().to_string();
        let (root, _) = id.split_at(24);
        let parent = SegmentId::random();
        let text = format!("Root=1-{epoch_seconds:08x}-{root};Parent={parent}{NOT_SAMPLED}");
        Self { text: text.into(), has_parent: false, decision: AtomicU8::new(UNDECIDED) }
    }

    /// Goes on with a trace that came from outside. What lacks a parent or a decision about sampling is given one; the
    /// decision may still be changed then. The SDK for Python sends the bars of a lineage as `%7C`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_visible = |byte: u8| byte.is_ascii_graphic();
        let field = |name: &str| text.split(';').find_map(|part| part.strip_prefix(name));
        if text.len() > LENGTH_MAX
            || !text.bytes().all(is_visible)
            || field("Root=")?.parse::<TraceId>().is_err()
        {
            return None;
        }
        let has_parent = field(PARENT).is_some();
        let decision = match field("Sampled=") {
            Some("1") => YES,
            Some("0") => NO,
            Some(_) | None => UNDECIDED,
        };
        let mut whole = match decision {
            UNDECIDED => {
                let others = text.split(';').filter(|part| !part.starts_with("Sampled="));
                others.collect::<Vec<_>>().join(";")
            }
            _ => text.to_owned(),
        }
        .replace("%7C", "|");
        if !has_parent {
            whole += &format!(";{PARENT}{}", SegmentId::random());
        }
        if decision == UNDECIDED {
            whole += NOT_SAMPLED;
        }
        Some(Self { text: whole.into(), has_parent, decision: AtomicU8::new(decision) })
    }

    pub fn root(&self) -> TraceId {
        // Every header has one.
        TraceId(self.field("Root=").unwrap_or_default().into())
    }

    /// The segment that the call was made from, if it said so.
    pub fn parent(&self) -> Option<SegmentId> {
        self.field(PARENT).filter(|_| self.has_parent)?.parse().ok()
    }

    pub fn is_sampled(&self) -> bool {
        self.decision.load(Ordering::Relaxed) == YES
    }

    /// Decides whether it is sampled, unless somebody has. `decide` is asked only then.
    pub fn is_sampled_or(&self, decide: impl FnOnce() -> bool) -> bool {
        match self.decision.load(Ordering::Relaxed) {
            UNDECIDED => {
                let is_sampled = decide();
                self.decision.store(if is_sampled { YES } else { NO }, Ordering::Relaxed);
                is_sampled
            }
            decision => decision == YES,
        }
    }

    /// The header for what is called from the segment `parent`.
    #[must_use]
    pub fn below(&self, parent: SegmentId) -> Self {
        let mut is_replaced = false;
        let parts = self.text.split(';').map(|part| match part.starts_with(PARENT) {
            true => {
                is_replaced = true;
                format!("{PARENT}{parent}")
            }
            false => part.to_owned(),
        });
        let text = parts.collect::<Vec<_>>().join(";").into();
        debug_assert!(is_replaced, "every header has a parent");
        Self {
            text,
            has_parent: true,
            decision: AtomicU8::new(self.decision.load(Ordering::Relaxed)),
        }
    }

    /// The header as the next invocation of `resource` passes it on, and how many came before in this chain.
    ///
    /// Its `Lineage` has an entry for each resource of the chain, `1:3e56857a:0`, the number being that of its
    /// invocations before this one. Others' entries stay as they are, as far as there is room.
    pub fn hop(&self, resource: &str) -> (String, u64) {
        let (header, hops) = self.undecided_hop(resource);
        // It says 0 until somebody has decided otherwise.
        let is_late = self.is_sampled() && self.text.contains(NOT_SAMPLED);
        (if is_late { header.replacen(NOT_SAMPLED, SAMPLED, 1) } else { header }, hops)
    }

    fn undecided_hop(&self, resource: &str) -> (String, u64) {
        let Some((start, lineage)) = self.lineage() else {
            let mut header =
                String::with_capacity(self.text.len() + LINEAGE.len() + resource.len() + 5);
            for part in [&self.text, LINEAGE, "1:", resource, ":0"] {
                header.push_str(part);
            }
            return (header, 0);
        };
        let count_of = |entry: &str| {
            let (known, count) = entry.strip_prefix("1:")?.rsplit_once(':')?;
            (known == resource).then(|| count.parse::<u64>().ok())?
        };
        let hops =
            lineage.split('|').find_map(count_of).map_or(0, |before| before.saturating_add(1));
        let others = lineage.split('|').filter(|entry| count_of(entry).is_none());
        let rest = self.text.get(start + LINEAGE.len() + lineage.len()..).unwrap_or_default();
        let mut header = self.text.get(..start).unwrap_or_default().to_owned();
        header += &format!("{LINEAGE}1:{resource}:{hops}");
        for entry in others.filter(|entry| !entry.is_empty()) {
            if header.len() + entry.len() + rest.len() < LENGTH_MAX {
                header.push('|');
                header.push_str(entry);
            }
        }
        header.push_str(rest);
        (header, hops)
    }

    /// Whether it came by a function.
    pub fn has_lineage(&self) -> bool {
        self.lineage().is_some()
    }

    /// Whether the header that an invocation passes on says that something came before it in its chain.
    pub fn is_chained(header: &str) -> bool {
        let is_first = |lineage: &str| !lineage.contains('|') && lineage.ends_with(":0");
        lineage(header).is_some_and(|(_, lineage)| !is_first(lineage))
    }

    fn lineage(&self) -> Option<(usize, &str)> {
        lineage(&self.text)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.text.split(';').find_map(|part| part.strip_prefix(name))
    }
}

/// Where the lineage of a header begins, and what it is.
fn lineage(header: &str) -> Option<(usize, &str)> {
    let start = header.find(LINEAGE)?;
    let lineage = header.get(start + LINEAGE.len()..)?;
    Some((start, lineage.split(';').next().unwrap_or_default()))
}

impl Clone for TraceHeader {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            has_parent: self.has_parent,
            decision: AtomicU8::new(self.decision.load(Ordering::Relaxed)),
        }
    }
}

/// They are alike if they are written alike.
impl PartialEq for TraceHeader {
    fn eq(&self, other: &Self) -> bool {
        self.is_sampled() == other.is_sampled() && self.to_string() == other.to_string()
    }
}

impl Eq for TraceHeader {}

impl fmt::Display for TraceHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.split_once(NOT_SAMPLED) {
            Some((before, after)) if self.is_sampled() => write!(f, "{before}{SAMPLED}{after}"),
            _ => f.write_str(&self.text),
        }
    }
}

impl SegmentId {
    pub fn random() -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        // The bits that say the version and the variant of a UUID are not random, and at different places.
        Self(high ^ low.rotate_left(32))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SegmentId {
    type Err = InvalidSegmentId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !is_hex(text, 16) {
            return Err(InvalidSegmentId);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidSegmentId)
    }
}

impl TraceId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When it began, as whoever began it says, in seconds since 1970.
    pub fn epoch_seconds(&self) -> u32 {
        let time = self.0.split('-').nth(1).unwrap_or_default();
        u32::from_str_radix(time, 16).unwrap_or_default()
    }
}

impl FromStr for TraceId {
    type Err = InvalidTraceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let [version, time, id] = [parts.next(), parts.next(), parts.next()];
        let is_one = version == Some("1")
            && time.is_some_and(|part| is_hex(part, 8))
            && id.is_some_and(|part| is_hex(part, 24))
            && parts.next().is_none();
        if is_one { Ok(Self(text.into())) } else { Err(InvalidTraceId) }
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn hops_are_counted_by_resource() {
        let mut header =
            TraceHeader::parse(&format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=0")).unwrap();
        let mut counts = Vec::new();
        for resource in ["aaaa", "bbbb", "aaaa", "aaaa", "bbbb"] {
            let (next, count) = header.hop(resource);
            assert_eq!(TraceHeader::is_chained(&next), !counts.is_empty());
            header = TraceHeader::parse(&next).unwrap();
            counts.push(count);
        }
        assert_eq!(counts, [0, 0, 1, 2, 1]);
        assert_eq!(
            header.to_string(),
            format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:bbbb:1|1:aaaa:2")
        );
        let others = TraceHeader::parse(&format!(
            "{ROOT};Parent=53995c3f42cd8ad8;Lineage=x|1:a:b:c;Sampled=1"
        ))
        .unwrap();
        assert_eq!(
            others.hop("aaaa").0,
            format!("{ROOT};Parent=53995c3f42cd8ad8;Lineage=1:aaaa:0|x|1:a:b:c;Sampled=1")
        );
    }

    #[test]
    fn a_trace_from_outside_goes_on() {
        let whole = format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0");
        let header = TraceHeader::parse(&whole).unwrap();
        assert_eq!(header.to_string(), whole);
        assert_eq!(header.root().to_string(), "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(header.root().epoch_seconds(), 0x5759_e988);
        assert_eq!(header.parent().unwrap().to_string(), "53995c3f42cd8ad8");
        let quoted = TraceHeader::parse(&format!("{whole}%7C1:b:2")).unwrap();
        assert_eq!(quoted.to_string(), format!("{whole}|1:b:2"));
        let completed = TraceHeader::parse(ROOT).unwrap();
        assert!(completed.to_string().starts_with(&format!("{ROOT};Parent=")));
        assert!(completed.to_string().ends_with(";Sampled=0"));
        assert_eq!(completed.parent(), None, "it is made up");
    }

    #[test]
    fn whoever_is_upstream_decides() {
        for (given, expected) in [("1", true), ("0", false)] {
            let header = TraceHeader::parse(&format!("{ROOT};Sampled={given}")).unwrap();
            assert_eq!(header.is_sampled_or(|| unreachable!()), expected);
        }
        for given in [ROOT.to_owned(), format!("{ROOT};Sampled=?"), format!("Sampled=;{ROOT}")] {
            let header = TraceHeader::parse(&given).unwrap();
            assert!(!header.is_sampled(), "not before it is decided");
            assert!(header.is_sampled_or(|| true));
            assert!(header.is_sampled_or(|| unreachable!()), "it is decided once");
            assert!(header.to_string().ends_with(";Sampled=1"), "{header}");
            assert!(header.hop("aaaa").0.ends_with(";Sampled=1;Lineage=1:aaaa:0"));
        }
        assert!(!TraceHeader::start(0).is_sampled_or(|| false));
    }

    #[test]
    fn a_call_has_its_callers_segment_as_parent() {
        let header = TraceHeader::parse(&format!("{ROOT};Parent=53995c3f42cd8ad8;Lineage=1:a:0"));
        let header = header.unwrap();
        header.is_sampled_or(|| true);
        let segment = SegmentId::random();
        let below = header.below(segment);
        assert_eq!(below.to_string(), format!("{ROOT};Parent={segment};Lineage=1:a:0;Sampled=1"));
        assert_eq!(below.parent(), Some(segment));
        assert!(TraceHeader::parse(&below.to_string()).unwrap().is_sampled());
    }

    #[test]
    fn a_started_trace_is_one_that_would_be_accepted() {
        let started = TraceHeader::start(0x5759_e988).to_string();
        assert_eq!(TraceHeader::parse(&started).unwrap().to_string(), started);
    }

    #[test]
    fn nonsense_is_not_passed_on() {
        let long = format!("{ROOT};{}", "x".repeat(LENGTH_MAX));
        for text in
            ["", "Root=", "Root=1-x-y", "Parent=53995c3f42cd8ad8", &format!("{ROOT} "), &long]
        {
            assert!(TraceHeader::parse(text).is_none(), "{text}");
        }
        for text in ["", "53995c3f42cd8ad", "53995c3f42cd8ad8a", "+3995c3f42cd8ad8"] {
            assert_eq!(text.parse::<SegmentId>(), Err(InvalidSegmentId), "{text}");
        }
    }
}
