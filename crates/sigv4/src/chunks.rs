// SPDX-License-Identifier: Apache-2.0
//! `aws-chunked` bodies of Amazon S3: chunks, each with its signature or without one, and what follows the last.
//!
//! Pure: bytes in, as they come, and the body's bytes out. A chunk's bytes are given out before its signature is looked at, so
//! that no chunk is ever held: whoever takes them believes them once all have been.
//!
//! Invariant: `is_whole` only after the last chunk, with every signature verified.

use crate::canonical::{decode_hex, push_hex};
use crate::credentials::HmacSha256;
use bytes::Bytes;
use hmac::Mac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of a chunk's head, or of one line after the last chunk.
const LINE_BYTES_MAX: usize = 4096;
/// Lines after the last chunk.
const TRAILERS_MAX: usize = 16;
const SIGNATURE: &str = "chunk-signature";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("the body is not made of chunks")]
    Malformed,
    #[error("the signature of a chunk does not match")]
    Mismatch,
}

/// Signs the chunks of one body, each upon the one before.
#[derive(Clone)]
pub struct ChunkSigner {
    key: HmacSha256,
    /// The time and the scope, a line each.
    about: String,
    previous: [u8; 32],
}

/// Takes a body apart.
#[derive(Debug)]
pub struct Chunks {
    signer: Option<ChunkSigner>,
    has_trailer: bool,
    state: State,
    line: Vec<u8>,
    hash: Sha256,
    trailers: Vec<(String, String)>,
    trailer_text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Bytes {
        left: u64,
        signature: Option<[u8; 32]>,
    },
    /// The end of line after a chunk.
    End,
    Trailer,
    Whole,
}

impl std::fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkSigner").finish_non_exhaustive()
    }
}

impl ChunkSigner {
    pub(crate) const fn new(key: HmacSha256, about: String, seed: [u8; 32]) -> Self {
        Self { key, about, previous: seed }
    }

    fn check_chunk(&mut self, hash: [u8; 32], stated: [u8; 32]) -> Result<(), ChunkError> {
        let nothing: [u8; 32] = Sha256::digest(b"").into();
        self.check("AWS4-HMAC-SHA256-PAYLOAD", &[nothing, hash], stated)
    }

    fn check_trailer(&mut self, text: &str, stated: [u8; 32]) -> Result<(), ChunkError> {
        self.check("AWS4-HMAC-SHA256-TRAILER", &[Sha256::digest(text).into()], stated)
    }

    fn check(
        &mut self,
        what: &str,
        hashes: &[[u8; 32]],
        stated: [u8; 32],
    ) -> Result<(), ChunkError> {
        let mut text = format!("{what}\n{}", self.about).into_bytes();
        push_hex(&mut text, &self.previous);
        for hash in hashes {
            text.push(b'\n');
            push_hex(&mut text, hash);
        }
        let mut key = self.key.clone();
        key.update(&text);
        let signature: [u8; 32] = key.finalize().into_bytes().into();
        if !bool::from(signature.ct_eq(&stated)) {
            return Err(ChunkError::Mismatch);
        }
        self.previous = signature;
        Ok(())
    }
}

impl Chunks {
    /// `signer`: of a body whose chunks are signed.
    pub fn new(signer: Option<ChunkSigner>, has_trailer: bool) -> Self {
        Self {
            signer,
            has_trailer,
            state: State::Head,
            line: Vec::new(),
            hash: Sha256::new(),
            trailers: Vec::new(),
            trailer_text: String::new(),
        }
    }

    /// The next bytes of the body in `input`, which is shorter afterwards. `None`: all of it was taken.
    ///
    /// # Errors
    ///
    /// When the body is not what its head says.
    pub fn take(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        while !input.is_empty() {
            if let State::Bytes { left, signature } = self.state {
                let length =
                    usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                let bytes = input.split_to(length);
                if signature.is_some() {
                    self.hash.update(&bytes);
                }
                let left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
                self.state = State::Bytes { left, signature };
                if left == 0 {
                    self.end_chunk(signature)?;
                    self.state = State::End;
                }
                return Ok(Some(bytes));
            }
            if let Some(line) = self.take_line(input)? {
                self.read_line(&line)?;
            }
        }
        Ok(None)
    }

    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// What followed the last chunk. Names are in lower case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<String>, ChunkError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let part = input.split_to(end.map_or(input.len(), |end| end + 1));
        if self.line.len() + part.len() > LINE_BYTES_MAX {
            return Err(ChunkError::Malformed);
        }
        self.line.extend_from_slice(&part);
        if end.is_none() {
            return Ok(None);
        }
        let line = String::from_utf8(std::mem::take(&mut self.line));
        let line = line.map_err(|_| ChunkError::Malformed)?;
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn read_line(&mut self, line: &str) -> Result<(), ChunkError> {
        match self.state {
            State::Head => self.read_head(line),
            State::End if line.is_empty() => {
                self.state = State::Head;
                Ok(())
            }
            State::Trailer => self.read_trailer(line),
            State::Bytes { .. } | State::End | State::Whole => Err(ChunkError::Malformed),
        }
    }

    /// `10000;chunk-signature=ad80…`
    fn read_head(&mut self, line: &str) -> Result<(), ChunkError> {
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let is_hex = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let left =
            Some(size).filter(|_| is_hex).and_then(|size| u64::from_str_radix(size, 16).ok());
        let left = left.ok_or(ChunkError::Malformed)?;
        let signature = match (&self.signer, extension.split_once('=')) {
            (None, _) => None,
            (Some(_), Some((name, hex))) if name.trim() == SIGNATURE => {
                Some(decode_hex(hex.trim().as_bytes()).ok_or(ChunkError::Mismatch)?)
            }
            (Some(_), _) => return Err(ChunkError::Malformed),
        };
        if left > 0 {
            self.state = State::Bytes { left, signature };
            return Ok(());
        }
        self.end_chunk(signature)?;
        self.state = State::Trailer;
        Ok(())
    }

    fn end_chunk(&mut self, signature: Option<[u8; 32]>) -> Result<(), ChunkError> {
        let hash = self.hash.finalize_reset().into();
        match (&mut self.signer, signature) {
            (Some(signer), Some(signature)) => signer.check_chunk(hash, signature),
            _ => Ok(()),
        }
    }

    fn read_trailer(&mut self, line: &str) -> Result<(), ChunkError> {
        if line.is_empty() {
            let needs_signature = self.has_trailer && self.signer.is_some();
            if needs_signature && self.trailer(TRAILER_SIGNATURE).is_none() {
                return Err(ChunkError::Mismatch);
            }
            self.state = State::Whole;
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or(ChunkError::Malformed)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if !self.has_trailer || self.trailers.len() >= TRAILERS_MAX {
            return Err(ChunkError::Malformed);
        }
        if name == TRAILER_SIGNATURE {
            let stated = decode_hex(value.as_bytes()).ok_or(ChunkError::Mismatch)?;
            let signer = self.signer.as_mut().ok_or(ChunkError::Malformed)?;
            signer.check_trailer(&self.trailer_text, stated)?;
        } else if self.trailer(TRAILER_SIGNATURE).is_some() {
            // Nothing signs what follows the signature.
            return Err(ChunkError::Malformed);
        } else {
            self.trailer_text.push_str(&format!("{name}:{value}\n"));
        }
        self.trailers.push((name, value.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, fed so many bytes at a time.
    fn read(chunks: &mut Chunks, body: &[u8], step: usize) -> Result<Vec<u8>, ChunkError> {
        let mut read = Vec::new();
        for piece in body.chunks(step) {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(bytes) = chunks.take(&mut input)? {
                read.extend_from_slice(&bytes);
            }
        }
        Ok(read)
    }

    #[test]
    fn chunks_without_signatures_and_what_follows_them() {
        let body = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
        for step in [1, 2, 7, 1000] {
            let mut chunks = Chunks::new(None, true);
            assert_eq!(read(&mut chunks, body, step).unwrap(), b"hello world");
            assert!(chunks.is_whole());
            assert_eq!(chunks.trailer("x-amz-checksum-crc32"), Some("DUoRhQ=="));
        }
        for end in 1..body.len() {
            let mut chunks = Chunks::new(None, true);
            assert!(read(&mut chunks, &body[..end], 3).is_ok());
            assert!(!chunks.is_whole(), "cut at {end}");
        }
    }

    /// The example in AWS's page on signing chunks.
    #[test]
    fn signed_chunks_are_verified() {
        let credentials = crate::Credentials::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let scope = crate::Scope::parse("20130524/us-east-1/s3").unwrap();
        let seed = b"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        let about = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n".to_owned();
        let seed = decode_hex(seed).unwrap();
        let signer = ChunkSigner::new(credentials.signing_key(&scope), about, seed);
        let mut body = Vec::new();
        for (size, signature) in [
            (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
            (1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
            (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
        ] {
            body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
            body.extend(std::iter::repeat_n(b'a', size));
            body.extend_from_slice(b"\r\n");
        }
        let mut chunks = Chunks::new(Some(signer.clone()), false);
        assert_eq!(read(&mut chunks, &body, 1000).unwrap().len(), 66_560);
        assert!(chunks.is_whole());

        body[1000] = b'b';
        let mut chunks = Chunks::new(Some(signer), false);
        assert_eq!(read(&mut chunks, &body, 1000), Err(ChunkError::Mismatch));
    }

    #[test]
    fn what_is_not_chunks_is_refused() {
        for body in ["hello\n", "+5\r\nhello\r\n", "-1\n", "1\r\nab\r\n", "0\r\nx:y\r\n", "\r\n"] {
            let mut chunks = Chunks::new(None, false);
            assert_eq!(read(&mut chunks, body.as_bytes(), 3), Err(ChunkError::Malformed), "{body}");
        }
        let long = "0".repeat(LINE_BYTES_MAX + 1);
        let mut chunks = Chunks::new(None, false);
        assert_eq!(read(&mut chunks, long.as_bytes(), 100), Err(ChunkError::Malformed));
    }
}
