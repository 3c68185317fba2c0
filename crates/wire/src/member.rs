// SPDX-License-Identifier: Apache-2.0
//! The types a member may have, and how each is read and checked.
//!
//! A request is decoded in two steps. Serde reads the body straight into *drafts*, in which every
//! member is optional and an enumeration is still text; then a draft is moved into the type the
//! service sees, and each constraint it breaks is noted. Nothing is copied between the two.

use crate::check::{self, At, Violations};
use crate::{Blob, Constraints, Shape, Timestamp};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A type that AWS's model has a word for.
pub trait Described {
    const SHAPE: Shape;
}

/// A type that may stand in an input.
pub trait Member: Described + Sized {
    /// What the wire says, before anything is required of it.
    type Draft: DeserializeOwned + Send;

    /// The value, or `None` if a violation was found that leaves none.
    fn build(draft: Self::Draft, at: &At<'_>, found: &mut Violations) -> Option<Self>;

    /// Adds the sentences of `constraints` that this value breaks.
    fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
        let _ = (constraints, broken);
    }

    /// The value as AWS shows it in an error message.
    fn show(&self) -> String {
        String::new()
    }

    /// The same, for a value that could not be built.
    fn show_draft(draft: &Self::Draft) -> String {
        let _ = draft;
        String::new()
    }
}

/// Reads one member of a structure: builds it, then checks it.
pub fn read<T: Member>(
    draft: Option<T::Draft>,
    constraints: &Constraints,
    at: &At<'_>,
    found: &mut Violations,
) -> Option<T> {
    let value = T::build(draft?, at, found)?;
    let mut broken = Vec::new();
    value.broken(constraints, &mut broken);
    if !broken.is_empty() {
        let shown = (!constraints.is_sensitive).then(|| value.show());
        for sentence in &broken {
            found.add(at, shown.as_deref(), sentence);
        }
    }
    Some(value)
}

/// The same for a member that must be there.
pub fn read_required<T: Member>(
    draft: Option<T::Draft>,
    constraints: &Constraints,
    at: &At<'_>,
    found: &mut Violations,
) -> Option<T> {
    if draft.is_none() {
        found.missing(at);
    }
    read(draft, constraints, at, found)
}

impl Described for String {
    const SHAPE: Shape = Shape::Text;
}

impl Member for String {
    type Draft = Self;

    fn build(draft: Self, _: &At<'_>, _: &mut Violations) -> Option<Self> {
        Some(draft)
    }

    fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
        check::text(self, constraints, broken);
    }

    fn show(&self) -> String {
        self.clone()
    }

    fn show_draft(draft: &Self) -> String {
        draft.clone()
    }
}

macro_rules! integer {
    ($($type:ident $shape:ident),*) => {$(
        impl Described for $type {
            const SHAPE: Shape = Shape::$shape;
        }

        impl Member for $type {
            type Draft = Self;

            fn build(draft: Self, _: &At<'_>, _: &mut Violations) -> Option<Self> {
                Some(draft)
            }

            fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
                check::range(i64::from(*self), constraints, broken);
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn show_draft(draft: &Self) -> String {
                draft.to_string()
            }
        }
    )*};
}

integer!(i32 Integer, i64 Long);

impl Described for f64 {
    const SHAPE: Shape = Shape::Double;
}

impl Member for f64 {
    type Draft = Self;

    fn build(draft: Self, _: &At<'_>, _: &mut Violations) -> Option<Self> {
        Some(draft)
    }

    fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
        let Some((min, max)) = constraints.range else { return };
        // Bounds of AWS's doubles are small whole numbers: text carries them without a lossy cast.
        let bound = |bound: i64| bound.to_string().parse::<Self>().unwrap_or(Self::NAN);
        if *self > bound(max) {
            broken.push(format!("Member must have value less than or equal to {max}.0"));
        } else if *self < bound(min) {
            broken.push(format!("Member must have value greater than or equal to {min}.0"));
        }
    }

    /// AWS writes a whole double with its fraction: `2.0`.
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

macro_rules! unconstrained {
    ($($type:ty, $shape:ident;)*) => {$(
        impl Described for $type {
            const SHAPE: Shape = Shape::$shape;
        }

        impl Member for $type {
            type Draft = Self;

            fn build(draft: Self, _: &At<'_>, _: &mut Violations) -> Option<Self> {
                Some(draft)
            }
        }
    )*};
}

unconstrained! {
    bool, Boolean;
    Timestamp, Timestamp;
}

impl Described for Blob {
    const SHAPE: Shape = Shape::Blob;
}

impl Member for Blob {
    type Draft = Self;

    fn build(draft: Self, _: &At<'_>, _: &mut Violations) -> Option<Self> {
        Some(draft)
    }

    fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
        check::length(self.len(), || self.len(), constraints, broken);
    }
}

impl<T: Described> Described for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<T: Member> Member for Vec<T> {
    type Draft = Vec<T::Draft>;

    fn build(draft: Self::Draft, at: &At<'_>, found: &mut Violations) -> Option<Self> {
        // AWS reports a bad item of a list of enumerated texts against the list.
        if let Shape::Enumeration(values) = T::SHAPE {
            let shown = show_list(draft.iter().map(T::show_draft));
            let before = found.len();
            let items: Option<Self> =
                draft.into_iter().map(|item| T::build(item, at, found)).collect();
            if items.is_none() {
                found.truncate(before);
                let item = check::sentence_of_one_of(values);
                found.add(
                    at,
                    Some(&shown),
                    &format!("Member must satisfy constraint: [{item}, Member must not be null]"),
                );
            }
            return items;
        }
        draft
            .into_iter()
            .enumerate()
            .map(|(index, item)| T::build(item, &at.item(index), found))
            .collect()
    }

    fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
        check::length(self.len(), || self.len(), constraints, broken);
        let Some(each) = constraints.each else { return };
        if any_broken(self, each) {
            let sentences = check::sentences(each, T::SHAPE);
            broken.push(format!("Member must satisfy constraint: [{sentences}]"));
        }
    }

    fn show(&self) -> String {
        show_list(self.iter().map(Member::show))
    }
}

impl<T: Described> Described for BTreeMap<String, T> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);
}

impl<T: Member> Member for BTreeMap<String, T> {
    type Draft = BTreeMap<String, T::Draft>;

    fn build(draft: Self::Draft, at: &At<'_>, found: &mut Violations) -> Option<Self> {
        draft
            .into_iter()
            .map(|(key, value)| {
                let value = T::build(value, &at.value(&key), found)?;
                Some((key, value))
            })
            .collect()
    }

    fn broken(&self, constraints: &Constraints, broken: &mut Vec<String>) {
        check::length(self.len(), || self.len(), constraints, broken);
        if let Some(keys) = constraints.keys
            && any_broken(self.keys(), keys)
        {
            let sentences = check::sentences(keys, Shape::Text);
            broken.push(format!("Map keys must satisfy constraint: [{sentences}]"));
        }
        if let Some(each) = constraints.each
            && any_broken(self.values(), each)
        {
            let sentences = check::sentences(each, T::SHAPE);
            broken.push(format!("Map value must satisfy constraint: [{sentences}]"));
        }
    }

    fn show(&self) -> String {
        let entries: Vec<String> =
            self.iter().map(|(key, value)| format!("{key}={}", value.show())).collect();
        format!("{{{}}}", entries.join(", "))
    }
}

fn any_broken<'a, T: Member + 'a>(
    values: impl IntoIterator<Item = &'a T>,
    constraints: &Constraints,
) -> bool {
    let mut broken = Vec::new();
    values.into_iter().any(|value| {
        value.broken(constraints, &mut broken);
        !broken.is_empty()
    })
}

fn show_list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}
