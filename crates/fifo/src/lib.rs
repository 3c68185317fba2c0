// SPDX-License-Identifier: Apache-2.0
//! What FIFO queues and FIFO topics have in common: ids of groups and for deduplication, sequence numbers, and what was sent
//! already. Pure: whoever uses it brings the time.

mod deduplication;

pub use deduplication::{Deduplication, First, Key, WINDOW_MS};

use sha2::{Digest as _, Sha256};

const ID_CHARACTERS_MAX: usize = 128;

/// Whether this may be the id of a group, or one for deduplication.
pub fn is_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte.is_ascii_punctuation();
    (1..=ID_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The id for deduplication of a body, where content decides.
pub fn id_of_content(body: &str) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sequence number as AWS writes it: 20 digits, which grow as the number does.
pub fn sequence_text(number: u64) -> String {
    (u128::from(u64::MAX) + 1 + u128::from(number)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_have_one_length_and_grow() {
        let texts = [0, 1, u64::MAX].map(sequence_text);
        assert!(texts.iter().all(|text| text.len() == 20) && texts.is_sorted());
    }

    #[test]
    fn ids_are_short_and_printable() {
        assert!(is_id("a-1!~") && is_id(&"x".repeat(128)));
        assert!(!is_id("") && !is_id("a b") && !is_id("ä") && !is_id(&"x".repeat(129)));
    }
}
