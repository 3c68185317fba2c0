// SPDX-License-Identifier: Apache-2.0
//! XML answers of the Query protocol, written straight from `Serialize`.
//!
//! A structure becomes an element per member, a list `<member>` elements, a map `<entry>` elements. Where the declaration
//! says that a list or a map is flat, its items stand beside each other, under a name of their own.

use crate::timestamp::TIMESTAMP;
use crate::{Described, Fault, Flat, Shape, Timestamp};
use serde::ser::{self, Impossible, Serialize};
use std::fmt::{self, Display, Write as _};

/// Writes the content of an element.
pub(crate) fn write<T: Described + Serialize>(xml: &mut String, value: &T) -> crate::Result<()> {
    value.serialize(Content { xml, shape: T::SHAPE, flat: None }).map_err(|_| Fault::internal())
}

pub(crate) fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#xD;"),
            other => xml.push(other),
        }
    }
}

pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

pub(crate) fn push_element(xml: &mut String, name: &str, text: &str) {
    let _ = write!(xml, "<{name}>");
    escape(xml, text);
    let _ = write!(xml, "</{name}>");
}

struct Content<'a> {
    xml: &'a mut String,
    /// What is written.
    shape: Shape,
    flat: Option<Flat>,
}

#[derive(Debug)]
struct NotXml;

impl Display for NotXml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no output of AWS has this type")
    }
}

impl std::error::Error for NotXml {}

impl ser::Error for NotXml {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Result<T = ()> = std::result::Result<T, NotXml>;

impl Content<'_> {
    fn element(&mut self, name: &str, shape: Shape, value: &(impl Serialize + ?Sized)) -> Result {
        let _ = write!(self.xml, "<{name}>");
        value.serialize(Content { xml: self.xml, shape, flat: None })?;
        let _ = write!(self.xml, "</{name}>");
        Ok(())
    }

    /// The shape of a list's items, or of a map's values.
    const fn items(&self) -> Shape {
        match self.shape {
            Shape::List(item) | Shape::Map(item) => *item,
            other => other,
        }
    }

    fn display(self, value: impl Display) -> Result {
        let _ = write!(self.xml, "{value}");
        Ok(())
    }
}

/// Keeps the seconds of a timestamp, to be written as ISO 8601.
fn timestamp(value: &(impl Serialize + ?Sized)) -> Result<Timestamp> {
    let json = serde_json::to_value(value).map_err(|_| NotXml)?;
    serde_json::from_value(json).map_err(|_| NotXml)
}

macro_rules! displayed {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result {
            self.display(value)
        }
    )*};
}

impl<'a> ser::Serializer for Content<'a> {
    type Ok = ();
    type Error = NotXml;
    type SerializeSeq = Self;
    type SerializeTuple = Impossible<(), NotXml>;
    type SerializeTupleStruct = Impossible<(), NotXml>;
    type SerializeTupleVariant = Impossible<(), NotXml>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), NotXml>;

    displayed! {
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_f32 f32, serialize_f64 f64
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result {
        escape(self.xml, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result {
        Err(NotXml)
    }

    fn serialize_none(self) -> Result {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result {
        if name == TIMESTAMP {
            return self.serialize_str(&timestamp(value)?.iso_text());
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result {
        Err(NotXml)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple> {
        Err(NotXml)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct> {
        Err(NotXml)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Err(NotXml)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Err(NotXml)
    }
}

impl ser::SerializeSeq for Content<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        let (name, shape) = (self.flat.map_or("member", |flat| flat.item), self.items());
        self.element(name, shape, value)
    }

    fn end(self) -> Result {
        Ok(())
    }
}

impl ser::SerializeMap for Content<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        let (item, name) = self.flat.map_or(("entry", "key"), |flat| (flat.item, flat.key));
        let _ = write!(self.xml, "<{item}>");
        self.element(name, Shape::Text, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        let (item, name) = self.flat.map_or(("entry", "value"), |flat| (flat.item, "Value"));
        let shape = self.items();
        self.element(name, shape, value)?;
        let _ = write!(self.xml, "</{item}>");
        Ok(())
    }

    fn end(self) -> Result {
        Ok(())
    }
}

impl ser::SerializeStruct for Content<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
        let members = self.shape.structure().map_or(&[][..], |structure| structure.members);
        let Some(member) = members.iter().find(|member| member.name == name) else {
            return Err(NotXml);
        };
        match member.flat {
            None => self.element(name, member.shape, value),
            flat => value.serialize(Content { xml: self.xml, shape: member.shape, flat }),
        }
    }

    fn end(self) -> Result {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(crate::Output)]
    struct Sample {
        name: String,
        tags: Vec<BTreeMap<String, i32>>,
        at: Timestamp,
        is_on: bool,
        note: Option<String>,
        #[wire(flat = "Url")]
        urls: Vec<String>,
        #[wire(flat = "Attribute.Name")]
        attributes: BTreeMap<String, String>,
        #[wire(flat = "Message")]
        messages: Vec<Message>,
    }

    #[derive(crate::Structure)]
    struct Message {
        #[wire(flat = "Tag.Key")]
        tags: BTreeMap<String, i32>,
    }

    fn empty() -> Sample {
        Sample {
            name: String::new(),
            tags: Vec::new(),
            at: Timestamp::from_epoch_ms(0),
            is_on: true,
            note: None,
            urls: Vec::new(),
            attributes: BTreeMap::new(),
            messages: Vec::new(),
        }
    }

    #[test]
    fn structures_lists_maps_and_escapes() {
        let sample = Sample {
            name: "a<b>&\"\r".into(),
            tags: vec![[("k".into(), 1)].into(), BTreeMap::new()],
            at: Timestamp::from_epoch_ms(1_795_406_400_500),
            ..empty()
        };
        let mut xml = String::new();
        write(&mut xml, &sample).unwrap();
        assert_eq!(
            xml,
            "<Name>a&lt;b&gt;&amp;&quot;&#xD;</Name>\
             <Tags><member><entry><key>k</key><value>1</value></entry></member><member></member></Tags>\
             <At>2026-11-23T04:00:00Z</At><IsOn>true</IsOn>"
        );
    }

    #[test]
    fn items_that_are_members_of_their_own() {
        let sample = Sample {
            urls: vec!["u".into(), "v".into()],
            attributes: [("a".into(), "1".into()), ("b".into(), "2".into())].into(),
            messages: vec![Message { tags: [("k".into(), 3)].into() }],
            ..empty()
        };
        let mut xml = String::new();
        write(&mut xml, &sample).unwrap();
        let (_, flat) = xml.split_once("</IsOn>").unwrap();
        assert_eq!(
            flat,
            "<Url>u</Url><Url>v</Url>\
             <Attribute><Name>a</Name><Value>1</Value></Attribute>\
             <Attribute><Name>b</Name><Value>2</Value></Attribute>\
             <Message><Tag><Key>k</Key><Value>3</Value></Tag></Message>"
        );
    }
}
