// SPDX-License-Identifier: Apache-2.0
//! A trace put together from its documents. Pure.
//!
//! Segments are told apart from each other, and parts of them may be told apart from the segment: those are put where they
//! belong. What belongs to nothing that is there stays on its own.

use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// How deep parts are put into each other. Deeper ones begin anew.
const DEPTH_MAX: usize = 64;

/// A segment, or a part of one whose segment is not there, with its own parts in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub id: String,
    pub members: Map<String, Value>,
}

impl Part {
    /// The segments of a trace, from its documents. Of two that have an id the later is taken, unless it is in progress only.
    pub fn assemble<'a>(documents: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for document in documents {
            let Ok(Value::Object(members)) = serde_json::from_str(document) else { continue };
            let Some(id) = members.get("id").and_then(Value::as_str).map(str::to_owned) else {
                continue;
            };
            let part = Self { id, members };
            match places.get(&part.id).and_then(|place| parts.get_mut(*place)) {
                Some(known) if part.is_in_progress() && !known.is_in_progress() => {}
                Some(known) => *known = part,
                None => {
                    places.insert(part.id.clone(), parts.len());
                    parts.push(part);
                }
            }
        }
        nest(parts)
    }

    fn is_in_progress(&self) -> bool {
        self.members.get("in_progress") == Some(&Value::Bool(true))
    }

    /// Whether it was told as a part of a segment.
    pub fn is_subsegment(&self) -> bool {
        self.members.get("type").and_then(Value::as_str) == Some("subsegment")
    }

    fn parent(&self) -> Option<&str> {
        self.members.get("parent_id")?.as_str()
    }
}

/// Puts each subsegment into its parent.
fn nest(parts: Vec<Part>) -> Vec<Part> {
    let mut whole = Vec::new();
    let mut children: Children = HashMap::new();
    for part in parts {
        match part.parent().filter(|_| part.is_subsegment()).map(str::to_owned) {
            Some(parent) => children.entry(parent).or_default().push(part),
            None => whole.push(part),
        }
    }
    for segment in &mut whole {
        adopt(&mut segment.members, &mut children, 0);
    }
    // Parts of what is not there. Those that nobody of the rest is the parent of come first, and take theirs along.
    while !children.is_empty() {
        let ids: HashSet<&str> = children.values().flatten().map(|part| part.id.as_str()).collect();
        let next = children.keys().find(|parent| !ids.contains(parent.as_str()));
        // If there are none, they are parts of each other.
        let Some(next) = next.or_else(|| children.keys().next()).cloned() else { break };
        for mut orphan in children.remove(&next).unwrap_or_default() {
            adopt(&mut orphan.members, &mut children, 0);
            whole.push(orphan);
        }
    }
    whole
}

/// By the ids of their parents.
type Children = HashMap<String, Vec<Part>>;

/// Puts the children of a part, and theirs, where they belong. Those that lie too deep are left.
fn adopt(members: &mut Map<String, Value>, children: &mut Children, depth: usize) {
    if depth >= DEPTH_MAX || children.is_empty() {
        return;
    }
    let own = members.get("id").and_then(Value::as_str).and_then(|id| children.remove(id));
    if let Some(own) = own {
        let parts = members.entry("subsegments").or_insert_with(|| Value::Array(Vec::new()));
        if !parts.is_array() {
            *parts = Value::Array(Vec::new());
        }
        if let Value::Array(parts) = parts {
            parts.extend(own.into_iter().map(|part| Value::Object(part.members)));
        }
    }
    let Some(Value::Array(parts)) = members.get_mut("subsegments") else { return };
    for part in parts.iter_mut().filter_map(Value::as_object_mut) {
        adopt(part, children, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `id<parent`, or `id` for a segment; parts in brackets are told with it.
    fn document(id: &str, parent: Option<&str>, parts: &[&str]) -> String {
        let mut document = json!({ "id": id, "name": id });
        if let Some(parent) = parent {
            document["type"] = "subsegment".into();
            document["parent_id"] = parent.into();
        }
        if !parts.is_empty() {
            document["subsegments"] = parts.iter().map(|part| json!({ "id": part })).collect();
        }
        document.to_string()
    }

    fn shown(members: &Map<String, Value>) -> String {
        let parts = members.get("subsegments").and_then(Value::as_array);
        let parts = parts.into_iter().flatten().map(|part| shown(part.as_object().unwrap()));
        let parts = parts.collect::<Vec<_>>().join(" ");
        let id = members["id"].as_str().unwrap();
        if parts.is_empty() { id.to_owned() } else { format!("{id}({parts})") }
    }

    fn assembled(documents: &[String]) -> String {
        let parts = Part::assemble(documents.iter().map(String::as_str));
        parts.iter().map(|part| shown(&part.members)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn parts_are_put_where_they_belong() {
        let documents = [
            document("deep", Some("child"), &[]),
            document("child", Some("invocation"), &[]),
            document("function", None, &["init", "invocation"]),
            document("other", Some("init"), &[]),
        ];
        assert_eq!(assembled(&documents), "function(init(other) invocation(child(deep)))");
    }

    #[test]
    fn parts_without_a_segment_are_shown_on_their_own() {
        let documents = [document("b", Some("a"), &[]), document("a", Some("gone"), &[])];
        assert_eq!(assembled(&documents), "a(b)");
        let loops = [document("a", Some("b"), &[]), document("b", Some("a"), &[])];
        assert_eq!(assembled(&loops).len(), "a(b)".len(), "they are parts of each other");
    }

    #[test]
    fn the_later_document_of_an_id_holds() {
        let document = |name: &str, more: Value| {
            let mut document = json!({ "id": "a", "name": name });
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            document.to_string()
        };
        let begun = document("begun", json!({ "in_progress": true }));
        let done = document("done", json!({}));
        for order in [[&begun, &done], [&done, &begun]] {
            let parts = Part::assemble(order.into_iter().map(String::as_str));
            assert_eq!(parts.len(), 1);
            assert_eq!(parts[0].members["name"], "done");
        }
    }

    #[test]
    fn a_chain_as_long_as_a_trace_does_no_harm() {
        let names: Vec<String> = (0..5_000).map(|number| format!("{number:016x}")).collect();
        let documents: Vec<String> =
            names.windows(2).map(|pair| document(&pair[1], Some(&pair[0]), &[])).collect();
        let parts = Part::assemble(documents.iter().map(String::as_str));
        assert_eq!(parts.len(), 4_999_usize.div_ceil(DEPTH_MAX + 1));
    }
}
