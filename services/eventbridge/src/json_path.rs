// SPDX-License-Identifier: Apache-2.0
//! Which part of an event a path means: `$.detail.items[0].id`. Pure.
//!
//! EventBridge knows names behind dots, numbers of items, and `*` for all of them: so does this, and refuses the rest.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
    All,
}

impl JsonPath {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while let Some(first) = rest.chars().next() {
            let (step, behind) = match first {
                '.' => member(rest.get(1..)?)?,
                '[' => item(rest.get(1..)?)?,
                _ => return None,
            };
            steps.push(step);
            rest = behind;
        }
        Some(Self(steps))
    }

    /// What is there. Of several, a list.
    pub(crate) fn find(&self, event: &Value) -> Option<Value> {
        let mut found = vec![event];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.find(value)).collect();
        }
        let is_one = !self.0.contains(&Step::All);
        match found.as_slice() {
            [] => None,
            [value] if is_one => Some((*value).clone()),
            values => Some(values.iter().copied().cloned().collect()),
        }
    }
}

fn member(text: &str) -> Option<(Step, &str)> {
    let is_name = |c: char| c.is_alphanumeric() || "-_/:@".contains(c);
    if let Some(behind) = text.strip_prefix('*') {
        return Some((Step::All, behind));
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, behind) = text.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    Some((Step::Member(name.to_owned()), behind))
}

fn item(text: &str) -> Option<(Step, &str)> {
    let (index, behind) = text.split_once(']')?;
    let step = match index {
        "*" => Step::All,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Step::Item(number.parse().ok()?)
        }
        _ => return None,
    };
    Some((step, behind))
}

impl Step {
    fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Self::Member(name), value) => value.get(name).into_iter().collect(),
            (Self::Item(index), value) => value.get(*index).into_iter().collect(),
            (Self::All, Value::Array(items)) => items.iter().collect(),
            (Self::All, Value::Object(members)) => members.values().collect(),
            (Self::All, _) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_finds_what_it_names() {
        let event = json!({"detail-type": "t", "resources": ["a", "b"], "detail": {"items": [{"id": 1}, {"id": 2}, {}], "n": null}});
        for (path, expected) in [
            ("$", Some(event.clone())),
            ("$.detail-type", Some(json!("t"))),
            ("$.resources[1]", Some(json!("b"))),
            ("$.resources[2]", None),
            ("$.resources", Some(json!(["a", "b"]))),
            ("$.detail.items[0].id", Some(json!(1))),
            ("$.detail.items[*].id", Some(json!([1, 2]))),
            ("$.detail.n", Some(json!(null))),
            ("$.detail.gone.id", None),
            ("$.resources.*", Some(json!(["a", "b"]))),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().find(&event), expected, "{path}");
        }
        for bad in [
            "",
            "detail",
            "$detail",
            "$.",
            "$..a",
            "$.a[",
            "$.a[x]",
            "$.a[-1]",
            "$.a[?(@.b)]",
            "$['a']",
            "$.a b",
        ] {
            assert_eq!(JsonPath::parse(bad), None, "{bad}");
        }
    }
}
