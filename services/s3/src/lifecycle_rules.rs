// SPDX-License-Identifier: Apache-2.0
//! What of a bucket goes by itself, and when: `LifecycleConfiguration`, read, checked, and asked. Pure.
//!
//! A day ends at midnight: what is due in the middle of one goes at its end, as on AWS.

use crate::fault;
use crate::record::{Content, Object};
use crate::tags::Tags;
use std::time::Duration;
use wire::{Element, Fault, Result, Timestamp};

/// Of one bucket.
const RULES_MAX: usize = 1_000;
const ID_CHARACTERS_MAX: usize = 255;
const DAYS_MAX: u32 = i32::MAX.unsigned_abs();
const NEWER_MAX: u32 = 100;
/// Milliseconds of a day whose end can stand in a document.
const DAY_MS: i64 = 86_400_000;

/// When a current version goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Days(u32),
    /// Milliseconds since 1970.
    Date(i64),
    /// Only markers that mark nothing any more.
    Markers,
}

/// When versions go that are not current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Noncurrent {
    days: u32,
    /// So many of them stay.
    newer: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filter {
    prefix: String,
    tags: Tags,
    size_above: Option<u64>,
    size_below: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    id: String,
    is_enabled: bool,
    filter: Filter,
    expiry: Option<Expiry>,
    noncurrent: Option<Noncurrent>,
    abort_days: Option<u32>,
}

/// All rules of a bucket that are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lifecycle {
    rules: Vec<Rule>,
}

/// When something goes, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due<'a> {
    pub(crate) at_ms: i64,
    pub(crate) rule: &'a str,
}

impl Lifecycle {
    /// What a caller puts, with an id for each rule that has none.
    pub(crate) fn check(root: &mut Element) -> Result<()> {
        for child in &mut root.children {
            if child.name != "Rule" {
                return Err(fault::malformed_xml());
            }
            if child.text_of("ID").is_none_or(str::is_empty) {
                child.children.retain(|part| part.name != "ID");
                let (name, text) = ("ID".to_owned(), crate::body::Files::new_id());
                child.children.insert(0, Element { name, text, ..Element::default() });
            }
        }
        Self::read(root).map(drop)
    }

    pub(crate) fn read(root: &Element) -> Result<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        for child in &root.children {
            let rule = Rule::read(child)?;
            if rules.iter().any(|known| known.id == rule.id) {
                let text = "Rule ID must be unique. Found same ID for more than one rule";
                return Err(fault::invalid_argument(text, "ID", &rule.id));
            }
            rules.push(rule);
        }
        if rules.is_empty() || rules.len() > RULES_MAX {
            return Err(fault::malformed_xml());
        }
        rules.retain(|rule| rule.is_enabled);
        Ok(Self { rules })
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn looks_at_versions(&self) -> bool {
        self.rules.iter().any(|rule| rule.noncurrent.is_some())
    }

    pub(crate) fn looks_at_uploads(&self) -> bool {
        self.rules.iter().any(|rule| rule.abort_days.is_some())
    }

    /// When a current version that is no marker goes.
    pub(crate) fn expiry(&self, key: &str, object: &Object, day: Duration) -> Option<Due<'_>> {
        let content = object.content.as_ref()?;
        first(self.rules.iter().filter(|rule| rule.filter.is_for(key, content)).filter_map(
            |rule| {
                let at_ms = match rule.expiry? {
                    Expiry::Days(days) => end_of_day(object.modified_ms, days, day),
                    Expiry::Date(date) => date,
                    Expiry::Markers => return None,
                };
                Some(Due { at_ms, rule: &rule.id })
            },
        ))
    }

    /// When a current version goes that is a marker before which there is nothing.
    pub(crate) fn marker_expiry(
        &self,
        key: &str,
        object: &Object,
        day: Duration,
    ) -> Option<Due<'_>> {
        let rules = self.rules.iter().filter(|rule| rule.filter.is_for_markers(key));
        first(rules.filter_map(|rule| {
            let at_ms = match rule.expiry? {
                Expiry::Markers => object.modified_ms,
                Expiry::Days(days) => end_of_day(object.modified_ms, days, day),
                Expiry::Date(date) => date,
            };
            Some(Due { at_ms, rule: &rule.id })
        }))
    }

    /// When a version goes that has not been current since `since_ms`, and than which so many others are newer that are not either.
    pub(crate) fn noncurrent_expiry(
        &self,
        key: &str,
        object: &Object,
        (since_ms, newer): (i64, u32),
        day: Duration,
    ) -> Option<Due<'_>> {
        let is_for = |rule: &&Rule| match &object.content {
            Some(content) => rule.filter.is_for(key, content),
            None => rule.filter.is_for_markers(key),
        };
        first(self.rules.iter().filter(is_for).filter_map(|rule| {
            let noncurrent = rule.noncurrent.filter(|noncurrent| newer >= noncurrent.newer)?;
            let at_ms = end_of_day(since_ms, noncurrent.days, day);
            Some(Due { at_ms, rule: &rule.id })
        }))
    }

    /// When an upload that nobody completes goes.
    pub(crate) fn abort(&self, key: &str, initiated_ms: i64, day: Duration) -> Option<Due<'_>> {
        first(self.rules.iter().filter(|rule| key.starts_with(&rule.filter.prefix)).filter_map(
            |rule| {
                let at_ms = end_of_day(initiated_ms, rule.abort_days?, day);
                Some(Due { at_ms, rule: &rule.id })
            },
        ))
    }
}

fn first<'a>(dues: impl Iterator<Item = Due<'a>>) -> Option<Due<'a>> {
    dues.min_by_key(|due| due.at_ms)
}

/// The end of the day that is so many days after.
fn end_of_day(from_ms: i64, days: u32, day: Duration) -> i64 {
    let day_ms = i64::try_from(day.as_millis()).unwrap_or(i64::MAX).max(1);
    let due = from_ms.saturating_add(day_ms.saturating_mul(i64::from(days)));
    due.saturating_add(day_ms - 1).div_euclid(day_ms).saturating_mul(day_ms)
}

fn invalid(text: &str) -> Fault {
    Fault::new("InvalidArgument", 400, text)
}

/// A number of days, or of versions.
fn number(element: &Element, name: &str, action: &str, most: u32) -> Result<Option<u32>> {
    let Some(text) = element.text_of(name) else { return Ok(None) };
    match text.parse::<i64>() {
        Err(_) => Err(fault::malformed_xml()),
        Ok(number) => match u32::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
            _ => Err(invalid(&format!("'{name}' for {action} action must be a positive integer"))),
        },
    }
}

/// Refuses what nobody would look at.
fn check_parts(element: &Element, known: &[&str]) -> Result<()> {
    let is_twice = |(place, child): (usize, &Element)| {
        child.name != "Tag" && element.children.iter().take(place).any(|it| it.name == child.name)
    };
    let is_strange = element.children.iter().any(|child| !known.contains(&child.name.as_str()));
    if is_strange || element.children.iter().enumerate().any(is_twice) {
        return Err(fault::malformed_xml());
    }
    Ok(())
}

impl Rule {
    fn read(element: &Element) -> Result<Self> {
        for name in ["Transition", "NoncurrentVersionTransition"] {
            if element.child(name).is_some() {
                let text = "Transitions to another storage class are not available in this build of Tinderbox";
                return Err(Fault { message: text.into(), ..fault::not_implemented() });
            }
        }
        check_parts(
            element,
            &[
                "ID",
                "Prefix",
                "Filter",
                "Status",
                "Expiration",
                "NoncurrentVersionExpiration",
                "AbortIncompleteMultipartUpload",
            ],
        )?;
        let id = element.text_of("ID").unwrap_or_default();
        if id.chars().count() > ID_CHARACTERS_MAX {
            return Err(invalid("ID length should not exceed allowed limit of 255"));
        }
        let is_enabled = match element.text_of("Status") {
            Some("Enabled") => true,
            Some("Disabled") => false,
            _ => return Err(fault::malformed_xml()),
        };
        let filter = match (element.child("Prefix"), element.child("Filter")) {
            (Some(prefix), None) => Filter { prefix: prefix.text.clone(), ..Filter::default() },
            (None, Some(filter)) => Filter::read(filter)?,
            _ => return Err(fault::malformed_xml()),
        };
        let read = Self {
            id: id.to_owned(),
            is_enabled,
            filter,
            expiry: element.child("Expiration").map(expiry).transpose()?,
            noncurrent: element.child("NoncurrentVersionExpiration").map(noncurrent).transpose()?,
            abort_days: element.child("AbortIncompleteMultipartUpload").map(abort).transpose()?,
        };
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<()> {
        if self.expiry.is_none() && self.noncurrent.is_none() && self.abort_days.is_none() {
            let text = "At least one action needs to be specified in a rule";
            return Err(fault::invalid_request(text));
        }
        let filter = &self.filter;
        let has_size = filter.size_above.is_some() || filter.size_below.is_some();
        for (is_there, name) in [
            (self.abort_days.is_some(), "AbortIncompleteMultipartUpload"),
            (self.expiry == Some(Expiry::Markers), "ExpiredObjectDeleteMarker"),
        ] {
            if is_there && !filter.tags.is_empty() {
                let text = format!("{name} cannot be specified with Tags.");
                return Err(fault::invalid_request(text));
            }
            if is_there && has_size {
                let text = format!("{name} cannot be specified with Object Size.");
                return Err(fault::invalid_request(text));
            }
        }
        Ok(())
    }
}

fn expiry(element: &Element) -> Result<Expiry> {
    let action = "Expiration";
    let all = ["Days", "Date", "ExpiredObjectDeleteMarker"];
    check_parts(element, &all)?;
    if element.children.len() > 1 {
        return Err(fault::malformed_xml());
    }
    if let Some(days) = number(element, "Days", action, DAYS_MAX)? {
        return Ok(Expiry::Days(days));
    }
    if let Some(text) = element.text_of("Date") {
        let date = Timestamp::parse(text).ok_or_else(fault::malformed_xml)?.epoch_ms();
        if date.rem_euclid(DAY_MS) != 0 {
            return Err(invalid("'Date' must be at midnight GMT"));
        }
        return Ok(Expiry::Date(date));
    }
    match element.text_of("ExpiredObjectDeleteMarker") {
        Some("true") => Ok(Expiry::Markers),
        _ => Err(fault::malformed_xml()),
    }
}

fn noncurrent(element: &Element) -> Result<Noncurrent> {
    let action = "NoncurrentVersionExpiration";
    check_parts(element, &["NoncurrentDays", "NewerNoncurrentVersions"])?;
    let days = number(element, "NoncurrentDays", action, DAYS_MAX)?;
    let newer = number(element, "NewerNoncurrentVersions", action, NEWER_MAX)?;
    let days = days.ok_or_else(fault::malformed_xml)?;
    Ok(Noncurrent { days, newer: newer.unwrap_or(0) })
}

fn abort(element: &Element) -> Result<u32> {
    check_parts(element, &["DaysAfterInitiation"])?;
    let days = number(element, "DaysAfterInitiation", "AbortIncompleteMultipartUpload", DAYS_MAX)?;
    days.ok_or_else(fault::malformed_xml)
}

impl Filter {
    fn read(element: &Element) -> Result<Self> {
        let parts = ["Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan"];
        match element.children.as_slice() {
            [and] if and.name == "And" => {
                check_parts(and, &parts)?;
                if and.children.len() < 2 {
                    return Err(fault::malformed_xml());
                }
                Self::of(and)
            }
            [] | [_] => {
                check_parts(element, &parts)?;
                Self::of(element)
            }
            _ => Err(fault::malformed_xml()),
        }
    }

    fn of(element: &Element) -> Result<Self> {
        let size = |name: &str| match element.text_of(name) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| fault::malformed_xml()),
        };
        let (size_above, size_below) =
            (size("ObjectSizeGreaterThan")?, size("ObjectSizeLessThan")?);
        if let (Some(above), Some(below)) = (size_above, size_below)
            && below <= above
        {
            let text =
                "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.";
            return Err(fault::invalid_request(text));
        }
        let mut tags = Tags::new();
        for tag in element.all("Tag") {
            let text = |name: &str| tag.child(name).map(|child| child.text.clone());
            let (key, value) = (text("Key"), text("Value"));
            let (key, value) = key.zip(value).ok_or_else(fault::malformed_xml)?;
            if tags.insert(key, value).is_some() {
                let text = "Duplicate Tag Keys are not allowed.";
                return Err(fault::invalid_request(text));
            }
        }
        let prefix = element.child("Prefix").map(|prefix| prefix.text.clone()).unwrap_or_default();
        Ok(Self { prefix, tags, size_above, size_below })
    }

    fn is_for(&self, key: &str, content: &Content) -> bool {
        key.starts_with(&self.prefix)
            && self.tags.iter().all(|(key, value)| content.tags.get(key) == Some(value))
            && self.size_above.is_none_or(|least| content.size > least)
            && self.size_below.is_none_or(|most| content.size < most)
    }

    /// Markers have neither tags nor a size.
    fn is_for_markers(&self, key: &str) -> bool {
        let is_plain =
            self.tags.is_empty() && self.size_above.is_none() && self.size_below.is_none();
        is_plain && key.starts_with(&self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use std::collections::BTreeMap;

    const DAY: Duration = Duration::from_secs(86_400);

    fn read(rules: &str) -> Result<Lifecycle> {
        let text = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        Lifecycle::read(&Element::parse(&text).unwrap())
    }

    fn rule(id: &str, filter: &str, action: &str) -> String {
        format!(
            "<Rule><ID>{id}</ID><Filter>{filter}</Filter><Status>Enabled</Status>{action}</Rule>"
        )
    }

    fn object(size: u64, tags: &[(&str, &str)], modified_ms: i64) -> Object {
        let tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let content = Content {
            size,
            etag: String::new(),
            body: Body::Empty,
            headers: BTreeMap::new(),
            metadata: BTreeMap::new(),
            checksum: None,
            tags,
        };
        Object { version: None, order: 1, modified_ms, content: Some(content) }
    }

    #[test]
    fn an_object_goes_at_the_end_of_its_last_day() {
        let days = "<Expiration><Days>3</Days></Expiration>";
        let lifecycle = read(&rule("a", "", days)).unwrap();
        // 2026-01-15T10:30Z
        let due = lifecycle.expiry("k", &object(1, &[], 1_768_473_000_000), DAY).unwrap();
        assert_eq!(Timestamp::from_epoch_ms(due.at_ms).iso_text(), "2026-01-19T00:00:00Z");
        let due = lifecycle.expiry("k", &object(1, &[], 1_768_435_200_000), DAY).unwrap();
        assert_eq!(Timestamp::from_epoch_ms(due.at_ms).iso_text(), "2026-01-18T00:00:00Z");
    }

    #[test]
    fn a_rule_is_for_what_its_filter_says() {
        let days = "<Expiration><Days>1</Days></Expiration>";
        let tag = "<Tag><Key>a</Key><Value>b</Value></Tag>";
        let sizes = "<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan>";
        for (filter, key, size, tags, expected) in [
            ("", "k", 0, &[][..], true),
            ("<Prefix>in/</Prefix>", "in/k", 0, &[], true),
            ("<Prefix>in/</Prefix>", "out/k", 0, &[], false),
            (tag, "k", 0, &[("a", "b"), ("c", "d")], true),
            (tag, "k", 0, &[("a", "c")], false),
            (&format!("<And>{sizes}</And>"), "k", 5, &[], true),
            (&format!("<And>{sizes}</And>"), "k", 1, &[], false),
            (&format!("<And>{sizes}</And>"), "k", 9, &[], false),
            (&format!("<And><Prefix>k</Prefix>{tag}</And>"), "k", 9, &[("a", "b")], true),
            (&format!("<And><Prefix>k</Prefix>{tag}</And>"), "j", 9, &[("a", "b")], false),
        ] {
            let lifecycle = read(&rule("a", filter, days)).unwrap();
            let found = lifecycle.expiry(key, &object(size, tags, 0), DAY).is_some();
            assert_eq!(found, expected, "{filter} {key} {size} {tags:?}");
        }
    }

    #[test]
    fn the_first_of_several_rules_counts_and_none_that_is_disabled() {
        let days = |days: u32| format!("<Expiration><Days>{days}</Days></Expiration>");
        let both = rule("a", "", &days(9)) + &rule("b", "<Prefix>k</Prefix>", &days(2));
        let lifecycle = read(&both).unwrap();
        assert_eq!(lifecycle.expiry("k", &object(1, &[], 0), DAY).unwrap().rule, "b");
        assert_eq!(lifecycle.expiry("j", &object(1, &[], 0), DAY).unwrap().rule, "a");
        assert!(read(&both.replace("Enabled", "Disabled")).unwrap().is_idle());
    }

    #[test]
    fn versions_stay_until_enough_are_newer() {
        let action = "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>";
        let lifecycle = read(&rule("a", "", action)).unwrap();
        let goes =
            |newer| lifecycle.noncurrent_expiry("k", &object(1, &[], 0), (0, newer), DAY).is_some();
        assert_eq!([goes(0), goes(1), goes(2), goes(3)], [false, false, true, true]);
        assert!(lifecycle.expiry("k", &object(1, &[], 0), DAY).is_none());
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let days = "<Expiration><Days>1</Days></Expiration>";
        let tag = "<Tag><Key>a</Key><Value>b</Value></Tag>";
        let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
        let twice = rule("a", "", days) + &rule("a", "", days);
        for (text, code) in [
            (String::new(), "MalformedXML"),
            (twice, "InvalidArgument"),
            (rule(&"a".repeat(256), "", days), "InvalidArgument"),
            (rule("a", "", ""), "InvalidRequest"),
            (rule("a", tag, abort), "InvalidRequest"),
            (rule("a", "<Prefix>a</Prefix><Prefix>b</Prefix>", days), "MalformedXML"),
            (rule("a", &format!("<And>{tag}</And>"), days), "MalformedXML"),
            (rule("a", "", &days.replace('1', "0")), "InvalidArgument"),
            (rule("a", "", &days.replace('1', "x")), "MalformedXML"),
            (rule("a", "", days).replace("Enabled", "On"), "MalformedXML"),
            (rule("a", "", days).replace("<Filter></Filter>", ""), "MalformedXML"),
            (rule("a", "", "<Expiration/>"), "MalformedXML"),
            (
                rule("a", "", "<Expiration><Date>2026-01-01T01:00:00Z</Date></Expiration>"),
                "InvalidArgument",
            ),
            (
                rule(
                    "a",
                    "",
                    "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>",
                ),
                "NotImplemented",
            ),
        ] {
            assert_eq!(read(&text).unwrap_err().code, code, "{text}");
        }
    }
}
