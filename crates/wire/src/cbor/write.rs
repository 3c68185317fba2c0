// SPDX-License-Identifier: Apache-2.0
//! From a type into CBOR.

use super::{BREAK, NotCbor, major};
use crate::timestamp::TIMESTAMP;
use crate::{Fault, Result};
use serde::ser::{self, Error as _, Impossible, Serialize};

/// What stands before a time in seconds since 1970.
const EPOCH: u8 = major::TAG << 5 | 1;
const ANY_LENGTH: u8 = 31;

pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut writer = Writer { bytes: Vec::new() };
    value.serialize(&mut writer).map_err(|_| Fault::internal())?;
    Ok(writer.bytes)
}

struct Writer {
    bytes: Vec<u8>,
}

type Written = std::result::Result<(), NotCbor>;

impl Writer {
    fn head(&mut self, major: u8, value: u64) {
        let major = major << 5;
        if let Ok(small) = u8::try_from(value) {
            match small {
                0..24 => self.bytes.push(major | small),
                24.. => self.bytes.extend([major | 24, small]),
            }
        } else if let Ok(value) = u16::try_from(value) {
            self.bytes.push(major | 25);
            self.bytes.extend(value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.bytes.push(major | 26);
            self.bytes.extend(value.to_be_bytes());
        } else {
            self.bytes.push(major | 27);
            self.bytes.extend(value.to_be_bytes());
        }
    }

    fn length(&mut self, major: u8, length: usize) {
        self.head(major, u64::try_from(length).unwrap_or(u64::MAX));
    }

    fn begin(&mut self, major: u8, length: Option<usize>) -> Open<'_> {
        match length {
            Some(length) => self.length(major, length),
            None => self.bytes.push(major << 5 | ANY_LENGTH),
        }
        Open { writer: self, ends_with_break: length.is_none() }
    }
}

macro_rules! integers {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Written {
            self.serialize_i64(value.into())
        }
    )*};
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = NotCbor;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Impossible<(), NotCbor>;
    type SerializeTupleVariant = Impossible<(), NotCbor>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Impossible<(), NotCbor>;

    integers! { serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_u8 u8, serialize_u16 u16, serialize_u32 u32 }

    fn serialize_i64(self, value: i64) -> Written {
        match u64::try_from(value) {
            Ok(value) => self.head(major::UNSIGNED, value),
            Err(_) => self.head(major::NEGATIVE, value.unsigned_abs() - 1),
        }
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Written {
        self.head(major::UNSIGNED, value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Written {
        self.bytes.push(major::SIMPLE << 5 | 27);
        self.bytes.extend(value.to_be_bytes());
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Written {
        self.bytes.push(major::SIMPLE << 5 | if value { 21 } else { 20 });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        self.length(major::TEXT, value.len());
        self.bytes.extend(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.length(major::BYTES, value.len());
        self.bytes.extend(value);
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.bytes.push(major::SIMPLE << 5 | 22);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Written {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Written {
        if name == TIMESTAMP {
            self.bytes.push(EPOCH);
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Written {
        let mut union = self.begin(major::MAP, Some(1));
        ser::SerializeStruct::serialize_field(&mut union, name, value)
    }

    fn serialize_seq(self, length: Option<usize>) -> std::result::Result<Open<'a>, NotCbor> {
        Ok(self.begin(major::ARRAY, length))
    }

    fn serialize_tuple(self, length: usize) -> std::result::Result<Open<'a>, NotCbor> {
        Ok(self.begin(major::ARRAY, Some(length)))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> std::result::Result<Self::SerializeTupleStruct, NotCbor> {
        Err(NotCbor::custom("no such shape"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> std::result::Result<Self::SerializeTupleVariant, NotCbor> {
        Err(NotCbor::custom("no such shape"))
    }

    fn serialize_map(self, length: Option<usize>) -> std::result::Result<Open<'a>, NotCbor> {
        Ok(self.begin(major::MAP, length))
    }

    /// How many members there will be is not known: those that are absent are left out.
    fn serialize_struct(self, _: &'static str, _: usize) -> std::result::Result<Open<'a>, NotCbor> {
        Ok(self.begin(major::MAP, None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> std::result::Result<Self::SerializeStructVariant, NotCbor> {
        Err(NotCbor::custom("no such shape"))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A list or a map that is being written.
struct Open<'a> {
    writer: &'a mut Writer,
    ends_with_break: bool,
}

impl Open<'_> {
    fn close(self) -> Written {
        if self.ends_with_break {
            self.writer.bytes.push(BREAK);
        }
        Ok(())
    }
}

impl ser::SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = NotCbor;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.close()
    }
}

impl ser::SerializeTuple for Open<'_> {
    type Ok = ();
    type Error = NotCbor;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.close()
    }
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = NotCbor;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.close()
    }
}

impl ser::SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = NotCbor;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
        ser::Serializer::serialize_str(&mut *self.writer, key)?;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.close()
    }
}
