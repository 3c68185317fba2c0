// SPDX-License-Identifier: Apache-2.0
//! Tags of users, roles and managed policies. Keys differ in more than the case of their letters.

use crate::quota;
use api::iam::{Tag, fault};
use std::collections::BTreeMap;
use wire::Result;

/// Adds `new` to `tags`: all of it, or nothing.
pub(crate) fn add(tags: &mut BTreeMap<String, String>, new: Vec<Tag>) -> Result<()> {
    for (index, tag) in new.iter().enumerate() {
        if tag.key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(fault::invalid_input("Tag keys that begin with aws: are AWS's own."));
        }
        if new.iter().take(index).any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return Err(fault::invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    let mut all = tags.clone();
    for tag in new {
        all.retain(|key, _| !key.eq_ignore_ascii_case(&tag.key));
        all.insert(tag.key, tag.value);
    }
    if all.len() > quota::TAGS {
        return Err(fault::limit_exceeded("The number of tags has reached the maximum limit."));
    }
    *tags = all;
    Ok(())
}

pub(crate) fn remove(tags: &mut BTreeMap<String, String>, keys: &[String]) {
    tags.retain(|key, _| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
}

/// With their keys, as `page` takes them.
pub(crate) fn list(tags: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, Tag)> {
    tags.iter().map(|(key, value)| (key, Tag { key: key.clone(), value: value.clone() }))
}

/// `None` without any: answers then leave the member out.
pub(crate) fn view(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| list(tags).map(|(_, tag)| tag).collect())
}
