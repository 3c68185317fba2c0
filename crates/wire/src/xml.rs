// SPDX-License-Identifier: Apache-2.0
//! XML answers of the Query protocol, written straight from `Serialize`.
//!
//! A structure becomes an element per member, a list `<member>` elements, a map `<entry>` elements.

use crate::timestamp::TIMESTAMP;
use crate::{Fault, Timestamp};
use serde::ser::{self, Impossible, Serialize};
use std::fmt::{self, Display, Write as _};

/// Writes the content of an element.
pub(crate) fn write(xml: &mut String, value: &impl Serialize) -> crate::Result<()> {
    value.serialize(Content(xml)).map_err(|_| Fault::internal())
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

struct Content<'a>(&'a mut String);

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
    fn element(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result {
        let _ = write!(self.0, "<{name}>");
        value.serialize(Content(self.0))?;
        let _ = write!(self.0, "</{name}>");
        Ok(())
    }

    fn display(self, value: impl Display) -> Result {
        let _ = write!(self.0, "{value}");
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
        escape(self.0, value);
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
        self.element("member", value)
    }

    fn end(self) -> Result {
        Ok(())
    }
}

impl ser::SerializeMap for Content<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        self.0.push_str("<entry>");
        self.element("key", key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.element("value", value)?;
        self.0.push_str("</entry>");
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
        self.element(name, value)
    }

    fn end(self) -> Result {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(serde::Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sample {
        name: String,
        tags: Vec<BTreeMap<String, i32>>,
        at: Timestamp,
        is_on: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    #[test]
    fn structures_lists_maps_and_escapes() {
        let sample = Sample {
            name: "a<b>&\"\r".into(),
            tags: vec![[("k".into(), 1)].into(), BTreeMap::new()],
            at: Timestamp::from_epoch_ms(1_795_406_400_500),
            is_on: true,
            note: None,
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
}
