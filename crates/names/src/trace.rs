// SPDX-License-Identifier: Apache-2.0
//! Trace headers: how calls that belong together say so.

use std::fmt;
use uuid::Uuid;

/// The value of `X-Amzn-Trace-Id`: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
///
/// Invariant: at most 512 visible ASCII characters, and a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader(Box<str>);

/// Longer than any that AWS's services write.
const LENGTH_MAX: usize = 512;

impl TraceHeader {
    /// A new trace that begins here, and is not sampled.
    pub fn start(epoch_seconds: u64) -> Self {
        let id = Uuid::new_v4().simple().to_string();
        let (root, _) = id.split_at(24);
        Self(format!("Root=1-{epoch_seconds:08x}-{root};Parent={};Sampled=0", segment()).into())
    }

    /// Goes on with a trace that came from outside. What lacks a parent or a decision about sampling is given one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_visible = |byte: u8| byte.is_ascii_graphic();
        let field = |name: &str| text.split(';').find_map(|part| part.strip_prefix(name));
        if text.len() > LENGTH_MAX || !text.bytes().all(is_visible) || !is_root(field("Root=")?) {
            return None;
        }
        let mut whole = text.to_owned();
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
    fn a_trace_from_outside_goes_on() {
        let whole = format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0");
        assert_eq!(TraceHeader::parse(&whole).unwrap().as_str(), whole);
        let completed = TraceHeader::parse(ROOT).unwrap();
        assert!(completed.as_str().starts_with(&format!("{ROOT};Parent=")));
        assert!(completed.as_str().ends_with(";Sampled=0"));
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
