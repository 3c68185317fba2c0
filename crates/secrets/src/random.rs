// SPDX-License-Identifier: Apache-2.0
//! Random text, in the alphabets of AWS's ids and keys.

use ring::rand::{SecureRandom as _, SystemRandom};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `AKIA` or `ASIA`, and 16 letters.
pub fn access_key_id(prefix: &str) -> String {
    format!("{prefix}{}", spell(BASE32, &bytes::<16>()))
}

/// The id of a user (`AIDA`), group (`AGPA`), role (`AROA`) or policy (`ANPA`): its prefix and 17 letters.
pub fn unique_id(prefix: &str) -> String {
    unique_id_of(prefix, &bytes())
}

/// The same id for the same bytes.
pub fn unique_id_of(prefix: &str, bytes: &[u8; 17]) -> String {
    format!("{prefix}{}", spell(BASE32, bytes))
}

/// 40 letters.
pub fn secret_access_key() -> String {
    text::<40>()
}

/// `LENGTH` letters of six random bits each.
pub fn text<const LENGTH: usize>() -> String {
    spell(BASE64, &bytes::<LENGTH>())
}

pub(crate) fn bytes<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).expect("a kernel that is up has random bytes");
    bytes
}

/// A letter per byte. The alphabets' lengths divide 256, so random bytes make evenly random letters.
fn spell(alphabet: &[u8], bytes: &[u8]) -> String {
    let letter =
        |byte: &u8| alphabet.get(usize::from(*byte) % alphabet.len()).copied().map(char::from);
    bytes.iter().filter_map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_awss() {
        let (key, id, secret) = (access_key_id("AKIA"), unique_id("AROA"), secret_access_key());
        assert_eq!((key.len(), id.len(), secret.len()), (20, 21, 40));
        assert!(key.starts_with("AKIA") && id.starts_with("AROA"));
        assert!(key.bytes().chain(id.bytes()).all(|byte| BASE32.contains(&byte)));
        assert_ne!(secret, secret_access_key());
    }
}
