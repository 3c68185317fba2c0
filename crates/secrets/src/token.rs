// SPDX-License-Identifier: Apache-2.0
//! A file with a token: whoever may read the file may show what is in it.

use crate::private_file::{PrivateFileError, read_private, write_private};
use crate::random;
use ring::digest::{Digest, SHA256, digest};
use std::path::Path;

/// Of the token there is a digest in memory: to compare digests takes as long whatever is shown.
#[derive(Debug)]
pub struct Token(Digest);

impl Token {
    /// The token of the file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, PrivateFileError> {
        let text = match read_private(path)? {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                let text = random::text::<40>();
                write_private(path, &text)?;
                text
            }
        };
        Ok(Self(digest(&SHA256, text.trim().as_bytes())))
    }

    pub fn is(&self, shown: &str) -> bool {
        digest(&SHA256, shown.as_bytes()).as_ref() == self.0.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_file_stays_and_may_be_written_by_hand() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.token");
        let token = Token::open(&path).unwrap();
        let text = read_private(&path).unwrap().unwrap();
        assert!(token.is(&text) && Token::open(&path).unwrap().is(&text));
        assert!(!token.is("") && !token.is(&text[1..]));
        write_private(&path, "mine\n").unwrap();
        assert!(Token::open(&path).unwrap().is("mine"));
        write_private(&path, "\n").unwrap();
        assert!(!Token::open(&path).unwrap().is(""), "no token lets nobody in");
    }
}
