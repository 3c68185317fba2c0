// SPDX-License-Identifier: Apache-2.0
//! Forms of the Query protocol: `Tags.member.1.Key=a`.
//!
//! A form says nothing of types, so the type that is read decides what a key means: a list takes
//! `member.N` or `N`, a map `entry.N.key` and `entry.N.value`, a number is parsed.

use crate::{Fault, Result, percent};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Parts of a key. Deeper than any input of AWS, and shallow enough to walk by recursion.
const DEPTH_MAX: usize = 32;

/// More than any request of AWS's clients has, and few enough to hold as a tree.
const PARAMETERS_MAX: usize = 10_000;

pub(crate) fn read<T: DeserializeOwned>(form: &str) -> Result<T> {
    let mut root = Node::default();
    for (index, (key, value)) in percent::pairs(form).enumerate() {
        if index == PARAMETERS_MAX {
            return Err(Fault::new("MalformedInput", 400, "The request has too many parameters"));
        }
        if key != "Action" && key != "Version" {
            root.insert(&key, value)?;
        }
    }
    T::deserialize(root).map_err(|error| Fault::new("MalformedInput", 400, error.to_string()))
}

type Error = de::value::Error;

#[derive(Debug, Default)]
struct Node<'a> {
    text: Option<Cow<'a, str>>,
    children: BTreeMap<String, Self>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, key: &str, value: Cow<'a, str>) -> Result<()> {
        let mut node = self;
        for (depth, part) in key.split('.').enumerate() {
            if depth == DEPTH_MAX {
                return Err(Fault::new(
                    "MalformedInput",
                    400,
                    "The parameter name has too many parts",
                ));
            }
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(value);
        Ok(())
    }

    fn into_text(self) -> std::result::Result<Cow<'a, str>, Error> {
        self.text.ok_or_else(|| de::Error::custom("Unexpected list element or structure"))
    }

    /// The children by number, below `wrapper` if that stands between.
    fn into_numbered(mut self, wrapper: &str) -> impl Iterator<Item = Self> {
        let wrapped = self.children.remove(wrapper);
        let mut numbered: Vec<(u32, Self)> = wrapped
            .unwrap_or(self)
            .children
            .into_iter()
            .filter_map(|(number, node)| Some((number.parse().ok()?, node)))
            .collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node)
    }
}

macro_rules! parse_text {
    ($($method:ident $visit:ident $name:literal),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
            let text = self.into_text()?;
            let value = text.trim().parse().map_err(|_| {
                de::Error::custom(concat!("STRING_VALUE can not be converted to ", $name))
            })?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Node<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        match self.text {
            Some(Cow::Owned(text)) => visitor.visit_string(text),
            Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            None => visitor.visit_map(MapDeserializer::new(self.children.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.into_numbered("member")))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        let entries: Vec<(String, Self)> = self
            .into_numbered("entry")
            .map(|mut entry| {
                let mut take = |names: [&str; 3]| {
                    names.into_iter().find_map(|name| entry.children.remove(name))
                };
                let key = take(["key", "Name", "Key"]);
                let value = take(["value", "Value", "Value"]);
                let key = key.ok_or_else(|| de::Error::custom("A map entry has no key"))?;
                Ok((key.into_text()?.into_owned(), value.unwrap_or_default()))
            })
            .collect::<std::result::Result<_, Error>>()?;
        visitor.visit_map(MapDeserializer::new(entries.into_iter()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.children.into_iter()))
    }

    parse_text! {
        deserialize_bool visit_bool "a Boolean",
        deserialize_i32 visit_i32 "an Integer",
        deserialize_i64 visit_i64 "a Long",
        deserialize_f64 visit_f64 "a Double"
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct newtype_struct
        tuple tuple_struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, Timestamp};

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Draft {
        name: Option<String>,
        seconds: Option<i32>,
        is_on: Option<bool>,
        tags: Option<Vec<Tag>>,
        keys: Option<Vec<String>>,
        attributes: Option<BTreeMap<String, String>>,
        body: Option<Blob>,
        since: Option<Timestamp>,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Tag {
        key: Option<String>,
        value: Option<String>,
    }

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: Some(key.into()), value: Some(value.into()) }
    }

    #[test]
    fn types_decide_what_keys_mean() {
        let form = "Action=X&Version=1&Name=a%2Bb+c&Seconds=900&IsOn=true&Unknown.1.a=7\
            &Tags.member.10.Key=z&Tags.member.10.Value=26&Tags.member.2.Key=b&Tags.member.2.Value=\
            &Keys.1=k1&Keys.2=k2&Attributes.entry.1.key=q&Attributes.entry.1.value=r\
            &Body=aGk%3D&Since=2026-11-23T04%3A00%3A00Z";
        let expected = Draft {
            name: Some("a+b c".into()),
            seconds: Some(900),
            is_on: Some(true),
            tags: Some(vec![tag("b", ""), tag("z", "26")]),
            keys: Some(vec!["k1".into(), "k2".into()]),
            attributes: Some([("q".into(), "r".into())].into()),
            body: Some(b"hi".to_vec().into()),
            since: Some(Timestamp::from_epoch_ms(1_795_406_400_000)),
        };
        assert_eq!(read::<Draft>(form).unwrap(), expected);
    }

    #[test]
    fn empty_list_and_absent_members() {
        assert_eq!(
            read::<Draft>("Keys=").unwrap(),
            Draft { keys: Some(Vec::new()), ..Draft::default() }
        );
        assert_eq!(read::<Draft>("").unwrap(), Draft::default());
    }

    #[test]
    fn bad_forms_are_refused() {
        let deep = format!("a{}=1", ".b".repeat(100_000));
        let many = "a=1&".repeat(10_001);
        for form in ["Seconds=soon", "Name.x=1", "Attributes.entry.1.value=r", &deep, &many] {
            assert_eq!(read::<Draft>(form).unwrap_err().code, "MalformedInput", "{form:.40}");
        }
    }
}
