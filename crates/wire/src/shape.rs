// SPDX-License-Identifier: Apache-2.0
//! What AWS's model says of a type: members, where each travels, and what it must satisfy.
//!
//! These are constants that the derives write down. Decoding checks inputs against them, and
//! [`crate::oracle`] compares them with AWS's published model.
//!
//! Nothing here decodes or encodes.

use std::fmt;

/// The kind of a type, by AWS's words.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Text,
    Boolean,
    Integer,
    Long,
    Double,
    Blob,
    Timestamp,
    Enumeration(&'static [&'static str]),
    List(&'static Self),
    /// Keys are always text.
    Map(&'static Self),
    Structure(&'static Structure),
}

impl Shape {
    pub const fn structure(self) -> Option<&'static Structure> {
        match self {
            Self::Structure(structure) => Some(structure),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Structure {
    /// The Rust name of the type.
    pub name: &'static str,
    pub members: &'static [MemberSpec],
}

impl Structure {
    pub const EMPTY: Self = Self { name: "", members: &[] };
}

#[derive(Debug, Clone, Copy)]
pub struct MemberSpec {
    /// The member's name in AWS's model: `FunctionName`.
    pub name: &'static str,
    pub location: Location,
    /// How a list or a map stands in a form and in XML, if each of its items is a member of its own.
    pub flat: Option<Flat>,
    pub is_required: bool,
    pub constraints: Constraints,
    pub shape: Shape,
}

/// A list or a map of the Query protocol whose items stand beside each other: `Tag.1.Key=a&Tag.1.Value=b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flat {
    /// `Tag`
    pub item: &'static str,
    /// What the key of a map's entry is called: `Key`, `Name`. Empty for a list.
    pub key: &'static str,
}

/// Where a member travels in a REST request or response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    Body,
    Label,
    /// Under this name in the query string.
    Query(&'static str),
    /// Under this name in the head, as AWS's model spells it.
    Header(&'static str),
    /// The whole body, raw.
    Payload,
    /// The status code of the response.
    Status,
}

/// What a value must satisfy, beyond being of its type.
#[derive(Debug, Clone, Copy)]
pub struct Constraints {
    /// Characters of a text, bytes of a blob, items of a list, entries of a map: both ends included.
    pub length: Option<(usize, usize)>,
    /// Both ends included. An open end is `i64::MIN` or `i64::MAX`.
    pub range: Option<(i64, i64)>,
    pub pattern: Option<Pattern>,
    pub one_of: &'static [&'static str],
    /// For the items of a list and the values of a map.
    pub each: Option<&'static Self>,
    /// For the keys of a map.
    pub keys: Option<&'static Self>,
    /// The value is kept out of error messages.
    pub is_sensitive: bool,
}

impl Constraints {
    pub const NONE: Self = Self {
        length: None,
        range: None,
        pattern: None,
        one_of: &[],
        each: None,
        keys: None,
        is_sensitive: false,
    };

    #[must_use]
    pub const fn length(mut self, min: usize, max: usize) -> Self {
        self.length = Some((min, max));
        self
    }

    #[must_use]
    pub const fn range(mut self, min: i64, max: i64) -> Self {
        self.range = Some((min, max));
        self
    }

    #[must_use]
    pub const fn pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    #[must_use]
    pub const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.one_of = values;
        self
    }

    #[must_use]
    pub const fn each(mut self, each: &'static Self) -> Self {
        self.each = Some(each);
        self
    }

    #[must_use]
    pub const fn keys(mut self, keys: &'static Self) -> Self {
        self.keys = Some(keys);
        self
    }

    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.is_sensitive = true;
        self
    }
}

/// A regular expression of AWS's model, which must match a text whole.
///
/// `is_match` is a function because some of AWS's patterns look around, which `regex-lite` can not
/// do, and because a few stand on the invoke path, where a hand-written test is fifty times faster.
#[derive(Clone, Copy)]
pub struct Pattern {
    /// As AWS writes it in error messages.
    pub text: &'static str,
    pub is_match: fn(&str) -> bool,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// A [`Pattern`] from the text of a regular expression, in one piece or more, compiled at its first use.
#[macro_export]
macro_rules! pattern {
    ($($text:literal),+ $(,)?) => {
        $crate::Pattern {
            text: concat!($($text),+),
            is_match: {
                fn is_match(text: &str) -> bool {
                    static REGEX: ::std::sync::LazyLock<$crate::private::Regex> = ::std::sync::LazyLock::new(|| {
                        $crate::private::Regex::new(concat!("^(?:", $($text),+, ")$"))
                            .expect("a pattern of the model compiles: a test compiles each")
                    });
                    REGEX.is_match(text)
                }
                is_match
            },
        }
    };
}
