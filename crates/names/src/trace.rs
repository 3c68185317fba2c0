// SPDX-License-Identifier: Apache-2.0
//! Trace headers: how calls that belong together say so.

use std::fmt;
use uuid::Uuid;

/// The value of `X-Amzn-Trace-Id`: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
///
/// Invariant: at most 512 visible ASCII characters, and a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader(Box<str>);

const LINEAGE: &str = ";Lineage=";

/// Longer than any that AWS's services write.
const LENGTH_MAX: usize = 512;

impl TraceHeader {
    /// A new trace that begins here, and is not sampled.
    pub fn start(epoch_seconds: u64) -> Self {
        let id = Uuid::new_v4().simple().to_string();
        let (root, _) = id.split_at(24);
        Self(format!("Root=1-{epoch_seconds:08x}-{root};Parent={};Sampled=0", segment()).into())
    }

    /// Goes on with a trace that came from outside. What lacks a parent or a decision about sampling is given one. The SDK for
    /// Python sends the bars of a lineage as `%7C`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_visible = |byte: u8| byte.is_ascii_graphic();
        let field = |name: &str| text.split(';').find_map(|part| part.strip_prefix(name));
        if text.len() > LENGTH_MAX || !text.bytes().all(is_visible) || !is_root(field("Root=")?) {
            return None;
        }
        let mut whole = text.replace("%7C", "|");
        if field("Parent=").is_none() {
            whole += &format!(";Parent={}", segment());
        }
        if field("Sampled=").is_none() {
            whole += ";Sampled=0";
        }
        Some(Self(whole.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header as the next invocation of `resource` passes it on, and how many came before in this chain.
    ///
    /// Its `Lineage` has an entry for each resource of the chain, `1:3e56857a:0`, the number being that of its
    /// invocations before this one. Others' entries stay as they are, as far as there is room.
    pub fn hop(&self, resource: &str) -> (String, u64) {
        let Some((start, lineage)) = self.lineage() else {
            let mut header =
                String::with_capacity(self.0.len() + LINEAGE.len() + resource.len() + 5);
            for part in [&self.0, LINEAGE, "1:", resource, ":0"] {
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
        let rest = self.0.get(start + LINEAGE.len() + lineage.len()..).unwrap_or_default();
        let mut header = self.0.get(..start).unwrap_or_default().to_owned();
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
        lineage(&self.0)
    }
}

/// Where the lineage of a header begins, and what it is.
fn lineage(header: &str) -> Option<(usize, &str)> {
    let start = header.find(LINEAGE)?;
    let lineage = header.get(start + LINEAGE.len()..)?;
    Some((start, lineage.split(';').next().unwrap_or_default()))
}

fn segment() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(16);
    id
}

/// `1-5759e988-bd862e3fe1be46a994272793`
fn is_root(text: &str) -> bool {
    let is_hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut parts = text.split('-');
    let [version, time, id] = [parts.next(), parts.next(), parts.next()];
    version == Some("1")
        && time.is_some_and(|part| is_hex(part, 8))
        && id.is_some_and(|part| is_hex(part, 24))
        && parts.next().is_none()
}

impl fmt::Display for TraceHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
            header.as_str(),
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
        assert_eq!(TraceHeader::parse(&whole).unwrap().as_str(), whole);
        let completed = TraceHeader::parse(ROOT).unwrap();
        assert!(completed.as_str().starts_with(&format!("{ROOT};Parent=")));
        assert!(completed.as_str().ends_with(";Sampled=0"));
        let quoted = TraceHeader::parse(&format!("{whole}%7C1:b:2")).unwrap();
        assert_eq!(quoted.as_str(), format!("{whole}|1:b:2"));
    }

    #[test]
    fn a_started_trace_is_one_that_would_be_accepted() {
        let started = TraceHeader::start(0x5759_e988);
        assert_eq!(TraceHeader::parse(started.as_str()), Some(started));
    }

    #[test]
    fn nonsense_is_not_passed_on() {
        let long = format!("{ROOT};{}", "x".repeat(LENGTH_MAX));
        for text in
            ["", "Root=", "Root=1-x-y", "Parent=53995c3f42cd8ad8", &format!("{ROOT} "), &long]
        {
            assert_eq!(TraceHeader::parse(text), None, "{text}");
        }
    }
}
