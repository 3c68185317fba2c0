// SPDX-License-Identifier: Apache-2.0
//! What one value must be.

use serde_json::Value;
use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Is(Value),
    /// As a leaf: an object is none.
    Exists(bool),
    Prefix(String),
    /// In lower case, as all that ignore it.
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    IgnoringCase(String),
    Wildcard(Wildcard),
    Cidr(Network),
    /// All of them.
    Numeric(Vec<Bound>),
    /// A leaf that is none of these.
    AnythingBut(Vec<Exclusion>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Exclusion {
    Value(Value),
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    Wildcard(Wildcard),
}

impl Rule {
    /// Of a list one item is enough.
    pub(crate) fn holds(&self, found: Option<&Value>) -> bool {
        if let Self::Exists(exists) = self {
            return found.is_some_and(is_leaf) == *exists;
        }
        match found {
            Some(Value::Array(items)) => items.iter().any(|item| self.holds(Some(item))),
            Some(found) => self.is_met(found),
            None => false,
        }
    }

    fn is_met(&self, found: &Value) -> bool {
        let text = || found.as_str();
        match self {
            Self::Is(wanted) => is_same(wanted, found),
            Self::Exists(exists) => *exists,
            Self::Prefix(start) => text().is_some_and(|text| text.starts_with(start)),
            Self::PrefixIgnoringCase(start) => {
                text().is_some_and(|text| text.to_lowercase().starts_with(start))
            }
            Self::Suffix(end) => text().is_some_and(|text| text.ends_with(end)),
            Self::SuffixIgnoringCase(end) => {
                text().is_some_and(|text| text.to_lowercase().ends_with(end))
            }
            Self::IgnoringCase(wanted) => text().is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Wildcard(wildcard) => text().is_some_and(|text| wildcard.matches(text)),
            Self::Cidr(network) => text()
                .and_then(|text| text.parse().ok())
                .is_some_and(|address| network.contains(address)),
            Self::Numeric(bounds) => {
                found.as_f64().is_some_and(|number| bounds.iter().all(|bound| bound.holds(number)))
            }
            Self::AnythingBut(exclusions) => {
                is_leaf(found) && !exclusions.iter().any(|exclusion| exclusion.is_met(found))
            }
        }
    }
}

impl Exclusion {
    fn is_met(&self, found: &Value) -> bool {
        let text = || found.as_str();
        match self {
            Self::Value(excluded) => is_same(excluded, found),
            Self::Prefix(start) => text().is_some_and(|text| text.starts_with(start)),
            Self::Suffix(end) => text().is_some_and(|text| text.ends_with(end)),
            Self::IgnoringCase(excluded) => {
                text().is_some_and(|text| text.to_lowercase() == *excluded)
            }
            Self::Wildcard(wildcard) => text().is_some_and(|text| wildcard.matches(text)),
        }
    }
}

/// A list is one as far as something is in it that is.
fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        Value::Array(items) => items.iter().any(is_leaf),
        _ => true,
    }
}

/// Numbers are the same if they are written the same; `numeric` compares what they are.
fn is_same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Number(wanted), Value::Number(found)) => wanted.to_string() == found.to_string(),
        _ => wanted == found,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    pub(crate) comparison: Comparison,
    pub(crate) number: f64,
}

impl Comparison {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Is,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }
}

impl Bound {
    fn holds(&self, found: f64) -> bool {
        let order = found.total_cmp(&self.number);
        match self.comparison {
            Comparison::Is => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

/// A text with `*` for any text, and `\*` and `\\` for themselves. Invariant: at least one part; a `*` stands between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wildcard(Vec<String>);

impl Wildcard {
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Empty wildcard pattern is not allowed".to_owned());
        }
        let mut parts = vec![String::new()];
        let mut characters = text.chars().enumerate();
        let mut was_wild = false;
        while let Some((position, character)) = characters.next() {
            let literal = match character {
                '*' if was_wild => {
                    return Err(format!("Consecutive wildcard characters at pos {}", position - 1));
                }
                '*' => None,
                // Nothing else is escaped.
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => Some(escaped),
                    _ => return Err(format!("Invalid escape character at pos {position}")),
                },
                character => Some(character),
            };
            was_wild = literal.is_none();
            match (literal, parts.last_mut()) {
                (Some(literal), Some(part)) => part.push(literal),
                _ => parts.push(String::new()),
            }
        }
        Ok(Self(parts))
    }

    /// Each part where it is found first, but for the last, which is the end.
    fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|whole| whole == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some((_, behind)) = rest.split_once(part.as_str()) else { return false };
            rest = behind;
        }
        rest.ends_with(last.as_str())
    }
}

/// `10.0.0.0/24`. Bits of an address beyond its prefix do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let network = Self { address: address.parse().ok()?, prefix: prefix.parse().ok()? };
        let bits = if network.address.is_ipv4() { 32 } else { 128 };
        (network.prefix <= bits).then_some(network)
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}
