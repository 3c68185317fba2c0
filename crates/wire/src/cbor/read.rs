// SPDX-License-Identifier: Apache-2.0
//! From CBOR into a type, without a tree between.

use super::{BREAK, NotCbor, major};
use crate::{Fault, Result};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;

/// Deeper than any input of AWS, and shallow enough to walk by recursion.
const DEPTH_MAX: usize = 64;

/// An empty body is an empty structure.
pub(crate) fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let bad = |error: NotCbor| Fault::serialization(error);
    let mut reader = Reader { rest: body, depth: 0 };
    // Serde would also read a structure from a list.
    if body.first().is_none_or(|first| first >> 5 != major::MAP) {
        return Err(bad(NotCbor::custom("Start of structure expected")));
    }
    let value = T::deserialize(&mut reader).map_err(bad)?;
    match reader.rest {
        [] => Ok(value),
        _ => Err(bad(NotCbor::custom("Unexpected data after the end of input"))),
    }
}

struct Reader<'de> {
    rest: &'de [u8],
    depth: usize,
}

/// The head of a data item.
struct Head {
    major: u8,
    /// The five bits after that.
    minor: u8,
    /// What they say: a number or a length. `None`: no definite length.
    value: Option<u64>,
}

type Read<T> = std::result::Result<T, NotCbor>;

impl<'de> Reader<'de> {
    fn take(&mut self, length: usize) -> Read<&'de [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| NotCbor::custom("Unexpected end of input"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn head(&mut self) -> Read<Head> {
        let first = self.take(1)?.first().copied().unwrap_or_default();
        let (major, minor) = (first >> 5, first & 0x1f);
        let value = match minor {
            0..24 => Some(u64::from(minor)),
            24..28 => {
                let bytes = self.take(1 << (minor - 24))?;
                Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
            }
            31 if matches!(major, major::BYTES..=major::MAP | major::SIMPLE) => None,
            _ => return Err(NotCbor::custom("Malformed input")),
        };
        Ok(Head { major, minor, value })
    }

    fn string(&mut self, head: &Head) -> Read<Cow<'de, [u8]>> {
        let length = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        if let Some(value) = head.value {
            return Ok(Cow::Borrowed(self.take(length(value))?));
        }
        let mut whole = Vec::new();
        while !self.is_at_break()? {
            match self.head()? {
                Head { major, value: Some(value), .. } if major == head.major => {
                    whole.extend_from_slice(self.take(length(value))?);
                }
                Head { .. } => return Err(NotCbor::custom("Malformed string")),
            }
        }
        Ok(Cow::Owned(whole))
    }

    /// Whether what has no definite length ends here. Then its end is taken.
    fn is_at_break(&mut self) -> Read<bool> {
        match self.rest.first() {
            Some(&BREAK) => self.take(1).map(|_| true),
            Some(_) => Ok(false),
            None => Err(NotCbor::custom("Unexpected end of input")),
        }
    }

    fn simple<V: Visitor<'de>>(head: &Head, visitor: V) -> Read<V::Value> {
        let value = head.value.unwrap_or_default();
        match head.minor {
            20 | 21 => visitor.visit_bool(head.minor == 21),
            22 | 23 => visitor.visit_unit(),
            25 => visitor.visit_f64(half(value)),
            26 => visitor.visit_f64(
                u32::try_from(value).map_or(f64::NAN, |bits| f32::from_bits(bits).into()),
            ),
            27 => visitor.visit_f64(f64::from_bits(value)),
            _ => Err(NotCbor::custom("Malformed input")),
        }
    }

    /// Goes one level down, to the items of a list or the pairs of a map.
    fn inside<T>(
        &mut self,
        left: Option<u64>,
        visit: impl FnOnce(Items<'_, 'de>) -> Read<T>,
    ) -> Read<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(NotCbor::custom("Input is nested too deeply"));
        }
        let mut has_ended = false;
        let value = visit(Items { reader: self, left, has_ended: &mut has_ended })?;
        self.depth -= 1;
        match has_ended {
            true => Ok(value),
            false => Err(NotCbor::custom("Unexpected item in a list or a structure")),
        }
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = NotCbor;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let mut head = self.head()?;
        // What is tagged is read by its type.
        let mut tags = 0;
        while head.major == major::TAG {
            tags += 1;
            if tags > DEPTH_MAX {
                return Err(NotCbor::custom("Input is nested too deeply"));
            }
            head = self.head()?;
        }
        let out_of_range = || NotCbor::custom("Number out of range");
        match head.major {
            major::UNSIGNED => visitor.visit_u64(head.value.unwrap_or_default()),
            major::NEGATIVE => {
                let value =
                    i64::try_from(head.value.unwrap_or_default()).map_err(|_| out_of_range())?;
                visitor.visit_i64(-1 - value)
            }
            major::BYTES => match self.string(&head)? {
                Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
                Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
            },
            major::TEXT => {
                let not_text = || NotCbor::custom("Text is not valid UTF-8");
                match self.string(&head)? {
                    Cow::Borrowed(bytes) => visitor
                        .visit_borrowed_str(std::str::from_utf8(bytes).map_err(|_| not_text())?),
                    Cow::Owned(bytes) => {
                        visitor.visit_string(String::from_utf8(bytes).map_err(|_| not_text())?)
                    }
                }
            }
            major::ARRAY => self.inside(head.value, |items| visitor.visit_seq(items)),
            major::MAP => self.inside(head.value, |items| visitor.visit_map(items)),
            _ => Reader::simple(&head, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.rest.first() {
            Some(0xf6 | 0xf7) => {
                self.take(1)?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// `None`: until a break.
    left: Option<u64>,
    has_ended: &'a mut bool,
}

impl Items<'_, '_> {
    fn has_next(&mut self) -> Read<bool> {
        let is_over = match &mut self.left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => self.reader.is_at_break()?,
        };
        *self.has_ended = is_over;
        Ok(!is_over)
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = NotCbor;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        match self.has_next()? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = NotCbor;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !self.has_next()? {
            return Ok(None);
        }
        if self.reader.rest.first().is_none_or(|first| first >> 5 != major::TEXT) {
            return Err(NotCbor::custom("The name of a member must be a text"));
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<T::Value> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A number of half precision: one bit of sign, five of exponent, ten of fraction.
fn half(bits: u64) -> f64 {
    let fraction = bits & 0x3ff;
    let exponent = bits >> 10 & 0x1f;
    let magnitude = match exponent {
        0 => return signed(bits, f64::from_bits((1023 - 24) << 52) * small(fraction)),
        31 => f64::from_bits(0x7ff << 52 | fraction << 42),
        exponent => f64::from_bits((exponent + 1023 - 15) << 52 | fraction << 42),
    };
    signed(bits, magnitude)
}

fn signed(bits: u64, magnitude: f64) -> f64 {
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

fn small(fraction: u64) -> f64 {
    u16::try_from(fraction).map_or(f64::NAN, f64::from)
}
