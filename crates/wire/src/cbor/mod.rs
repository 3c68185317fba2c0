// SPDX-License-Identifier: Apache-2.0
//! CBOR bodies (RFC 8949), as far as Smithy's RPC protocol has them: `read` and `write`.
//!
//! Structures are maps of texts, timestamps are numbers of seconds with tag 1, blobs are byte strings. What is read may be of
//! any length, definite or not; what is written has definite lengths, but for structures, whose absent members are left out.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

use std::fmt;

/// The kinds of data items: the first three bits of each.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// The end of what has no definite length.
const BREAK: u8 = 0xff;

/// What is wrong with a body, or cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotCbor(String);

impl fmt::Display for NotCbor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotCbor {}

impl serde::de::Error for NotCbor {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

impl serde::ser::Error for NotCbor {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, Timestamp};
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Draft {
        text: Option<String>,
        number: Option<i32>,
        long: Option<i64>,
        double: Option<f64>,
        flag: Option<bool>,
        list: Option<Vec<f64>>,
        map: Option<BTreeMap<String, String>>,
        blob: Option<Blob>,
        at: Option<Timestamp>,
    }

    fn full() -> Draft {
        Draft {
            text: Some("ä".repeat(300)),
            number: Some(-70_000),
            long: Some(i64::MIN),
            double: Some(0.1),
            flag: Some(true),
            list: Some(vec![1.0, -2.5, f64::MAX]),
            map: Some([("a".to_owned(), String::new())].into()),
            blob: Some(vec![0, 255].into()),
            at: Some(Timestamp::from_epoch_ms(1_795_406_400_123)),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for draft in [full(), Draft::default()] {
            assert_eq!(read::<Draft>(&write(&draft).unwrap()).unwrap(), draft);
        }
    }

    #[test]
    fn bytes_are_as_the_standard_has_them() {
        #[derive(Serialize)]
        struct Small {
            a: i64,
            b: Timestamp,
            c: Vec<bool>,
        }
        let small =
            Small { a: -500, b: Timestamp::from_epoch_ms(1_363_896_240_500), c: vec![true] };
        let mut expected = vec![0xbf, 0x61, b'a', 0x39, 0x01, 0xf3, 0x61, b'b', 0xc1, 0xfb];
        expected.extend(1_363_896_240.5_f64.to_be_bytes());
        expected.extend([0x61, b'c', 0x81, 0xf5, 0xff]);
        assert_eq!(write(&small).unwrap(), expected);
    }

    /// As other writers may have it: half and single precision, texts in chunks, unknown members, null for nothing.
    #[test]
    fn every_form_is_read() {
        let body = [
            &[0xbf, 0x64][..],
            b"text",
            &[0x7f, 0x61, b'x', 0x61, b'y', 0xff],
            &[0x66],
            b"double",
            &[0xf9, 0x3e, 0x00],
            &[0x64],
            b"list",
            &[0x9f, 0xfa, 0x47, 0xc3, 0x50, 0x00, 0x18, 0x64, 0xff],
            &[0x64],
            b"long",
            &[0xf6],
            &[0x64],
            b"more",
            &[0xd8, 0x20, 0xa1, 0x61, b'a', 0x82, 0x40, 0xf7],
            &[0x62],
            b"at",
            &[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0],
            &[0xff],
        ]
        .concat();
        let expected = Draft {
            text: Some("xy".into()),
            double: Some(1.5),
            list: Some(vec![100_000.0, 100.0]),
            at: Some(Timestamp::from_epoch_ms(1_363_896_240_000)),
            ..Draft::default()
        };
        assert_eq!(read::<Draft>(&body).unwrap(), expected);
        assert_eq!(read::<Draft>(&[]).unwrap(), Draft::default());
    }

    #[test]
    fn bad_bodies_are_refused() {
        let deep = vec![0x81; 100_000];
        let long =
            [0xa1, 0x64, b't', b'e', b'x', b't', 0x7b, 0x7f, 255, 255, 255, 255, 255, 255, 255];
        for body in [
            &deep[..],
            &long,
            &[0xa1],
            &[0x81, 0x01],
            &[0x1c],
            &[0xff],
            &[0xa1, 0x01, 0x01],
            &[0xa0, 0xa0],
        ] {
            let fault = read::<Draft>(body).unwrap_err();
            assert_eq!((fault.code.as_ref(), fault.status), ("SerializationException", 400));
        }
        let whole = write(&full()).unwrap();
        for length in 1..whole.len() {
            assert!(read::<Draft>(&whole[..length]).is_err(), "{length}");
        }
    }

    proptest::proptest! {
        #[test]
        fn noise_is_no_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            drop(read::<Draft>(&noise));
        }
    }
}
