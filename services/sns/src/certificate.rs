// SPDX-License-Identifier: Apache-2.0
//! The certificate under which messages are signed: X.509, version 3, signed with its own key. Pure: one key makes one certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const UTF8: u8 = 0x0c;
/// `[0] EXPLICIT`
const VERSION: u8 = 0xa0;
/// `sha256WithRSAEncryption`, without parameters.
const ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
/// `commonName`
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
const NAME: &str = "sns.amazonaws.com";
const NOT_BEFORE: &str = "200101000000Z";
/// The last year that such a time can tell.
const NOT_AFTER: &str = "491231235959Z";
const PEM_LINE: usize = 64;

/// The certificate of a key, whose `public` part is a `SubjectPublicKeyInfo`. `sign` signs with it, by SHA-256.
pub(crate) fn of<E>(
    public: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let name = tlv(UTF8, NAME.as_bytes());
    let name = tlv(SEQUENCE, &[&COMMON_NAME[..], &name].concat());
    let name = tlv(SEQUENCE, &tlv(SET, &name));
    let validity = [tlv(UTC_TIME, NOT_BEFORE.as_bytes()), tlv(UTC_TIME, NOT_AFTER.as_bytes())];
    let contents = [
        tlv(VERSION, &tlv(INTEGER, &[2])),
        tlv(INTEGER, &[1]),
        ALGORITHM.to_vec(),
        name.clone(),
        tlv(SEQUENCE, &validity.concat()),
        name,
        public.to_vec(),
    ];
    let contents = tlv(SEQUENCE, &contents.concat());
    // No bit of the last byte is unused.
    let signature = tlv(BIT_STRING, &[&[0][..], &sign(&contents)?].concat());
    Ok(tlv(SEQUENCE, &[contents, ALGORITHM.to_vec(), signature].concat()))
}

pub(crate) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// A value of DER, behind its tag and length.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut coded = vec![tag];
    let length = value.len().to_be_bytes();
    match u8::try_from(value.len()) {
        Ok(short @ 0..=127) => coded.push(short),
        Ok(_) | Err(_) => {
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            let digits = length.get(zeros..).unwrap_or_default();
            coded.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            coded.extend_from_slice(digits);
        }
    }
    coded.extend_from_slice(value);
    coded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(tlv(2, &[7]), [2, 1, 7]);
        assert_eq!(tlv(2, &[0; 127])[..2], [2, 127]);
        assert_eq!(tlv(2, &[0; 128])[..3], [2, 0x81, 128]);
        assert_eq!(tlv(2, &[0; 300])[..4], [2, 0x82, 1, 44]);
    }
}
