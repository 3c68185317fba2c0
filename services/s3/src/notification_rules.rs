// SPDX-License-Identifier: Apache-2.0
//! Who wants to be told of what happens in a bucket: `NotificationConfiguration`, read, checked against itself, and asked. Pure.
//!
//! Invariant: no event on a key is for two rules of one bucket, but for Amazon EventBridge, which gets all.

use crate::fault;
use wire::{Element, Fault, Result, XmlWriter};

/// Of one bucket.
const RULES_MAX: usize = 100;
const ID_CHARACTERS_MAX: usize = 255;
const FILTER_BYTES_MAX: usize = 1024;

/// Every kind of event that AWS names, without `s3:`. Some of them never happen here.
const KNOWN: [&str; 31] = [
    "IntelligentTiering",
    "LifecycleExpiration:*",
    "LifecycleExpiration:Delete",
    "LifecycleExpiration:DeleteMarkerCreated",
    "LifecycleTransition",
    "ObjectAcl:Put",
    "ObjectAnnotation:*",
    "ObjectAnnotation:Delete",
    "ObjectAnnotation:Put",
    "ObjectCreated:*",
    "ObjectCreated:CompleteMultipartUpload",
    "ObjectCreated:Copy",
    "ObjectCreated:Post",
    "ObjectCreated:Put",
    "ObjectRemoved:*",
    "ObjectRemoved:Delete",
    "ObjectRemoved:DeleteMarkerCreated",
    "ObjectRestore:*",
    "ObjectRestore:Completed",
    "ObjectRestore:Delete",
    "ObjectRestore:Post",
    "ObjectRetention:Put",
    "ObjectTagging:*",
    "ObjectTagging:Delete",
    "ObjectTagging:Put",
    "ReducedRedundancyLostObject",
    "Replication:*",
    "Replication:OperationFailedReplication",
    "Replication:OperationMissedThreshold",
    "Replication:OperationNotTracked",
    "Replication:OperationReplicatedAfterThreshold",
];

/// What kind of thing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Kind {
    Function,
    Queue,
    Topic,
}

const KINDS: [Kind; 3] = [Kind::Topic, Kind::Queue, Kind::Function];

impl Kind {
    /// The element of a rule, that of the target in it, and the service in the target's ARN.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Function => ("CloudFunctionConfiguration", "CloudFunction", "lambda"),
            Self::Queue => ("QueueConfiguration", "Queue", "sqs"),
            Self::Topic => ("TopicConfiguration", "Topic", "sns"),
        }
    }

    /// As sentences have it.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Function => "Lambda function",
            Self::Queue => "queue",
            Self::Topic => "topic",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) target: String,
    /// Without `s3:`.
    events: Vec<&'static str>,
    prefix: Option<String>,
    suffix: Option<String>,
}

/// All that a bucket's configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    /// Whether Amazon EventBridge is told, of everything.
    pub(crate) has_bus: bool,
}

/// The element that has Amazon EventBridge told.
const BUS: &str = "EventBridgeConfiguration";

fn invalid(text: &str) -> Fault {
    Fault::new("InvalidArgument", 400, text)
}

impl Rules {
    /// What a caller puts. Rules without an id get one.
    pub(crate) fn read(root: &Element) -> Result<Self> {
        let mut rules = Vec::new();
        let has_bus = root.child(BUS).is_some();
        for element in root.children.iter().filter(|element| element.name != BUS) {
            let kind = KINDS.into_iter().find(|kind| kind.words().0 == element.name);
            rules.push(Rule::read(kind.ok_or_else(fault::malformed_xml)?, element)?);
        }
        if rules.len() > RULES_MAX {
            let text = format!("A bucket can have {RULES_MAX} notification configurations at most");
            return Err(invalid(&text));
        }
        let read = Self { rules, has_bus };
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<()> {
        for (place, rule) in self.rules.iter().enumerate() {
            for other in self.rules.iter().take(place) {
                if rule.id == other.id {
                    let text = "Same ID used for multiple configurations. IDs must be unique";
                    return Err(invalid(text));
                }
                if let Some(events) = rule.overlap(other) {
                    return Err(events);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, xml: &mut XmlWriter) {
        self.rules.iter().for_each(|rule| rule.write(xml));
        if self.has_bus {
            xml.element(BUS, |_| {});
        }
    }

    /// Whether nobody is told.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rules.is_empty() && !self.has_bus
    }

    /// Those that want an event, named without `s3:`, on a key.
    pub(crate) fn for_event<'a>(
        &'a self,
        event: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(move |rule| rule.wants(event, key))
    }
}

impl Rule {
    fn read(kind: Kind, element: &Element) -> Result<Self> {
        let (_, target, service) = kind.words();
        let target = element.text_of(target).ok_or_else(fault::malformed_xml)?;
        if target.split(':').nth(2) != Some(service) || target.split(':').count() < 6 {
            let text = "The ARN could not be parsed";
            return Err(fault::invalid_argument(text, kind.words().1, target));
        }
        let known = |event: &Element| {
            let name = event.text.trim();
            let bare = name.strip_prefix("s3:");
            KNOWN.into_iter().find(|known| Some(*known) == bare).ok_or_else(|| {
                let text = format!("The event '{name}' is not supported for notifications");
                fault::invalid_argument(text, "Event", name)
            })
        };
        let events = element.all("Event").map(known).collect::<Result<Vec<_>>>()?;
        if events.is_empty() {
            return Err(fault::malformed_xml());
        }
        let id = match element.text_of("Id").filter(|id| !id.is_empty()) {
            Some(id) if id.chars().count() > ID_CHARACTERS_MAX => {
                let text = "The ID of a notification configuration is longer than 255 characters";
                return Err(fault::invalid_argument(text, "Id", ""));
            }
            Some(id) => id.to_owned(),
            None => crate::body::Files::new_id(),
        };
        let mut rule =
            Self { id, kind, target: target.to_owned(), events, prefix: None, suffix: None };
        let key = element.child("Filter").and_then(|filter| filter.child("S3Key"));
        for filter in key.iter().flat_map(|key| key.all("FilterRule")) {
            rule.read_filter(filter)?;
        }
        Ok(rule)
    }

    fn read_filter(&mut self, filter: &Element) -> Result<()> {
        let name = filter.text_of("Name").ok_or_else(fault::malformed_xml)?.to_ascii_lowercase();
        let value = filter.child("Value").map(|value| value.text.clone()).unwrap_or_default();
        let slot = match name.as_str() {
            "prefix" => &mut self.prefix,
            "suffix" => &mut self.suffix,
            _ => {
                let text = "filter rule name must be either prefix or suffix";
                return Err(fault::invalid_argument(text, "FilterRule.Name", &name));
            }
        };
        if slot.is_some() {
            let text = format!("Cannot specify more than one {name} rule in a filter.");
            return Err(fault::invalid_argument(text, "FilterRule.Name", &name));
        }
        if value.len() > FILTER_BYTES_MAX {
            let text = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation";
            return Err(fault::invalid_argument(text, "FilterRule.Value", ""));
        }
        *slot = Some(value);
        Ok(())
    }

    fn wants(&self, event: &str, key: &str) -> bool {
        self.events.iter().any(|known| is_of(event, known))
            && key.starts_with(self.prefix())
            && key.ends_with(self.suffix())
    }

    fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }

    fn suffix(&self) -> &str {
        self.suffix.as_deref().unwrap_or_default()
    }

    /// The error for two rules that some event on some key is for.
    fn overlap(&self, other: &Self) -> Option<Fault> {
        let both = self.events.iter().flat_map(|one| other.events.iter().map(move |it| (one, it)));
        let (one, it) = both.into_iter().find(|(one, it)| is_of(one, it) || is_of(it, one))?;
        let (a, b) = (self.prefix(), other.prefix());
        let (c, d) = (self.suffix(), other.suffix());
        let is_apart =
            !(a.starts_with(b) || b.starts_with(a)) || !(c.ends_with(d) || d.ends_with(c));
        if is_apart {
            return None;
        }
        let text = match [a, b, c, d].iter().all(|filter| filter.is_empty()) {
            true => {
                "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            }
            false => {
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
            }
        };
        Some(fault::invalid_argument(text, "Event", &format!("s3:{one}, s3:{it}")))
    }

    fn write(&self, xml: &mut XmlWriter) {
        let (name, target, _) = self.kind.words();
        xml.element(name, |xml| {
            xml.text("Id", &self.id);
            xml.text(target, &self.target);
            self.events.iter().for_each(|event| xml.text("Event", format!("s3:{event}")));
            let filters = [("Prefix", &self.prefix), ("Suffix", &self.suffix)];
            if filters.iter().all(|(_, value)| value.is_none()) {
                return;
            }
            xml.element("Filter", |xml| {
                xml.element("S3Key", |xml| {
                    for (name, value) in filters {
                        let Some(value) = value else { continue };
                        xml.element("FilterRule", |xml| {
                            xml.text("Name", name);
                            xml.text("Value", value);
                        });
                    }
                });
            });
        });
    }
}

/// Whether an event is one of those that a name in a rule stands for.
fn is_of(event: &str, named: &str) -> bool {
    event == named || named.strip_suffix('*').is_some_and(|start| event.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, event: &str, filters: &[(&str, &str)]) -> String {
        let filters: String = filters
            .iter()
            .map(|(name, value)| {
                format!("<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>")
            })
            .collect();
        format!(
            "<QueueConfiguration><Id>{id}</Id><Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue><Event>{event}</Event><Filter><S3Key>{filters}</S3Key></Filter></QueueConfiguration>"
        )
    }

    fn read(rules: &[String]) -> Result<Rules> {
        let text =
            format!("<NotificationConfiguration>{}</NotificationConfiguration>", rules.concat());
        Rules::read(&Element::parse(&text).unwrap())
    }

    #[test]
    fn events_go_to_who_wants_them() {
        let rules = read(&[
            rule("all", "s3:ObjectCreated:*", &[("prefix", "in/")]),
            rule("jpg", "s3:ObjectRemoved:Delete", &[("Suffix", ".jpg"), ("Prefix", "a")]),
        ])
        .unwrap();
        for (event, key, expected) in [
            ("ObjectCreated:Put", "in/x", vec!["all"]),
            ("ObjectCreated:Copy", "in/", vec!["all"]),
            ("ObjectCreated:Put", "out/in/", vec![]),
            ("ObjectRemoved:Delete", "ab.jpg", vec!["jpg"]),
            ("ObjectRemoved:Delete", "b.jpg", vec![]),
            ("ObjectRemoved:Delete", "ab.jpeg", vec![]),
            ("ObjectRemoved:DeleteMarkerCreated", "ab.jpg", vec![]),
        ] {
            let found: Vec<_> = rules.for_event(event, key).map(|rule| rule.id.as_str()).collect();
            assert_eq!(found, expected, "{event} {key}");
        }
    }

    #[test]
    fn rules_that_some_event_is_for_twice_are_refused() {
        let (put, all) = ("s3:ObjectCreated:Put", "s3:ObjectCreated:*");
        for (first, second, is_refused) in [
            (rule("a", put, &[]), rule("b", all, &[]), true),
            (rule("a", put, &[("prefix", "x")]), rule("b", all, &[]), true),
            (rule("a", put, &[("prefix", "x")]), rule("b", all, &[("prefix", "xy")]), true),
            (rule("a", put, &[("prefix", "x")]), rule("b", all, &[("prefix", "y")]), false),
            (rule("a", put, &[("suffix", "jpg")]), rule("b", put, &[("suffix", "pg")]), true),
            (rule("a", put, &[("suffix", "jpg")]), rule("b", put, &[("suffix", "png")]), false),
            (rule("a", put, &[("suffix", "jpg")]), rule("b", put, &[("prefix", "png")]), true),
            (rule("a", put, &[]), rule("b", "s3:ObjectRemoved:*", &[]), false),
            (rule("a", put, &[]), rule("a", "s3:ObjectRemoved:*", &[]), true),
        ] {
            let found = read(&[first.clone(), second.clone()]);
            assert_eq!(found.is_err(), is_refused, "{first} {second}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            rule("a", "s3:ObjectCreated", &[]),
            rule("a", "ObjectCreated:Put", &[]),
            rule("a", "s3:ObjectCreated:Put", &[("infix", "x")]),
            rule("a", "s3:ObjectCreated:Put", &[("prefix", "x"), ("Prefix", "y")]),
            rule(&"a".repeat(256), "s3:ObjectCreated:Put", &[]),
            rule("a", "s3:ObjectCreated:Put", &[]).replace(":sqs:", ":sns:"),
            "<Other/>".to_owned(),
        ] {
            assert!(read(std::slice::from_ref(&text)).is_err(), "{text}");
        }
        let many: Vec<_> = (0..101)
            .map(|n| {
                rule(&n.to_string(), "s3:ObjectCreated:Put", &[("prefix", &format!("{n:03}"))])
            })
            .collect();
        assert!(read(&many).is_err());
        assert!(read(&many[..100]).is_ok());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rules = read(&[
            rule("a", "s3:ObjectCreated:*", &[("prefix", "a&amp;b"), ("suffix", "")]),
            rule("b", "s3:ObjectRemoved:*", &[]),
            "<EventBridgeConfiguration/>".to_owned(),
        ])
        .unwrap();
        assert!(rules.has_bus && rules.rules.len() == 2);
        let text = XmlWriter::document("NotificationConfiguration", "", |xml| rules.write(xml));
        assert_eq!(Rules::read(&Element::parse(&text).unwrap()).unwrap(), rules);
    }
}
