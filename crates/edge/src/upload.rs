// SPDX-License-Identifier: Apache-2.0
//! Bodies of requests for Amazon S3: checked against what was signed while they are read.
//!
//! Invariant: the end of a body is told only when all of it is what its head, and each of its chunks, says.

use crate::body::{ReadError, next_chunk};
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use hyper::body::Incoming;
use sha2::{Digest, Sha256};
use sigv4::{ChunkError, ChunkSigner, Chunks, Payload, PayloadHash};
use std::time::Duration;
use wire::{BoxFuture, Fault, Result, Upload};

pub(crate) struct Checked {
    body: Incoming,
    idle_timeout: Duration,
    check: Check,
    length: Option<u64>,
    /// What was received and not taken yet: parts of a frame.
    rest: Bytes,
    is_over: bool,
    /// The sender was too slow, or is gone: nothing more is read.
    is_broken: bool,
}

enum Check {
    Nothing,
    Hash { stated: PayloadHash, hash: Box<Sha256> },
    Chunks(Box<Chunks>),
}

impl Checked {
    /// `signer` is of the signature in the head, for chunks that are signed.
    pub(crate) fn new(
        body: Incoming,
        head: &Parts,
        payload: Payload,
        signer: Option<ChunkSigner>,
        idle_timeout: Duration,
    ) -> Self {
        let number = |name: &str| head.headers.get(name)?.to_str().ok()?.parse().ok();
        let payload = match payload {
            // What nobody signed says by itself that it comes in chunks.
            Payload::Unsigned if is_chunked(head) => {
                Payload::Chunked { is_signed: false, has_trailer: true }
            }
            payload => payload,
        };
        let (check, length) = match payload {
            Payload::Unsigned => (Check::Nothing, number("content-length")),
            Payload::Hash(stated) => {
                (Check::Hash { stated, hash: Box::default() }, number("content-length"))
            }
            Payload::Chunked { is_signed, has_trailer } => {
                let chunks = Chunks::new(signer.filter(|_| is_signed), has_trailer);
                (Check::Chunks(Box::new(chunks)), number("x-amz-decoded-content-length"))
            }
        };
        let (rest, is_over, is_broken) = (Bytes::new(), false, false);
        Self { body, idle_timeout, check, length, rest, is_over, is_broken }
    }

    /// What is left of the body, unless nobody should read it.
    pub(crate) fn into_rest(self) -> Option<Incoming> {
        (!self.is_broken).then_some(self.body)
    }

    async fn read(&mut self) -> Result<Option<Bytes>> {
        while !self.is_over {
            if self.rest.is_empty() {
                match next_chunk(&mut self.body, self.idle_timeout).await {
                    Ok(Some(frame)) => self.rest = frame,
                    Ok(None) => {
                        self.is_over = true;
                        self.finish()?;
                        return Ok(None);
                    }
                    Err(error) => {
                        self.is_broken = true;
                        return Err(broken(&error));
                    }
                }
            }
            match &mut self.check {
                Check::Nothing => return Ok(Some(std::mem::take(&mut self.rest))),
                Check::Hash { hash, .. } => {
                    hash.update(&self.rest);
                    return Ok(Some(std::mem::take(&mut self.rest)));
                }
                Check::Chunks(chunks) => {
                    if let Some(bytes) = chunks.take(&mut self.rest).map_err(not_chunks)? {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<()> {
        match &mut self.check {
            Check::Nothing => Ok(()),
            Check::Hash { stated, hash } => {
                let found = PayloadHash::from_digest(hash.finalize_reset().into());
                if found == *stated {
                    return Ok(());
                }
                let text =
                    "The provided 'x-amz-content-sha256' header does not match what was computed.";
                Err(Fault::new("XAmzContentSHA256Mismatch", 400, text))
            }
            Check::Chunks(chunks) if chunks.is_whole() => Ok(()),
            Check::Chunks(_) => Err(incomplete()),
        }
    }
}

impl Upload for Checked {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(self.read())
    }

    fn length(&self) -> Option<u64> {
        self.length
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        match &self.check {
            Check::Chunks(chunks) => chunks.trailer(name),
            Check::Nothing | Check::Hash { .. } => None,
        }
    }
}

fn is_chunked(head: &Parts) -> bool {
    let codings = head.headers.get_all(CONTENT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    codings.flat_map(|it| it.split(',')).any(|coding| coding.trim() == "aws-chunked")
}

fn broken(error: &ReadError) -> Fault {
    match error {
        ReadError::Idle => Fault::new(
            "RequestTimeout",
            400,
            "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
        ),
        ReadError::TooLarge | ReadError::Broken(_) => incomplete(),
    }
}

fn incomplete() -> Fault {
    let text =
        "You did not provide the number of bytes specified by the Content-Length HTTP header";
    Fault::new("IncompleteBody", 400, text)
}

fn not_chunks(error: ChunkError) -> Fault {
    match error {
        ChunkError::Malformed => incomplete(),
        ChunkError::Mismatch => {
            crate::refusal::unsigned_object(&sigv4::SignatureError::Mismatch, false)
        }
    }
}
