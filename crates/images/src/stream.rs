// SPDX-License-Identifier: Apache-2.0
//! A layer on its way: bytes that are counted, hashed and decompressed while they are read.
//!
//! Readers can only fail with an `io::Error`, and those in between wrap it beyond recognition. So what went wrong at our own ends
//! is laid down in a `Trouble`, and asked for there.

use crate::budget::Budget;
use crate::digest::Digest;
use crate::error::ImageError;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest as _, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

const BUFFER_BYTES: usize = 64 << 10;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The first of a frame that is skipped; its first byte has any lower half.
const ZSTD_SKIPPED: &[u8] = &[0x2a, 0x4d, 0x18];

/// The first thing that went wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<ImageError>>>);

impl Trouble {
    fn note(&self, error: ImageError) -> io::Error {
        let text = error.to_string();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        io::Error::other(text)
    }

    /// What really was wrong where a reader failed with `seen`.
    pub(crate) fn or(&self, seen: ImageError) -> ImageError {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(seen)
    }
}

/// Bytes from a registry or a file, whose failure is theirs.
#[derive(Debug)]
pub(crate) struct Source<R> {
    pub(crate) inner: R,
    pub(crate) host: String,
    pub(crate) trouble: Trouble,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let reason = error.to_string();
            self.trouble.note(ImageError::Unreachable { host: self.host.clone(), reason })
        })
    }
}

/// Reads on, and tells afterwards what it was.
#[derive(Debug)]
pub(crate) struct Metered<R> {
    inner: R,
    hasher: Sha256,
    length: u64,
    limit: Limit,
    trouble: Trouble,
}

#[derive(Debug)]
pub(crate) enum Limit {
    /// No more than was said.
    Bytes(u64),
    /// Each byte costs.
    Budget(Arc<Budget>),
}

impl<R: Read> Metered<R> {
    pub(crate) fn new(inner: R, limit: Limit, trouble: Trouble) -> Self {
        Self { inner, hasher: Sha256::new(), length: 0, limit, trouble }
    }

    /// Reads what is left.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    /// The digest of all that was read.
    pub(crate) fn digest(&self) -> Digest {
        Digest::finish(self.hasher.clone())
    }

    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.length += read as u64;
        let allowed = match &self.limit {
            Limit::Bytes(max) if self.length > *max => Err(ImageError::TooLarge {
                what: "bytes in a blob than it was said to have",
                max: *max,
            }),
            Limit::Bytes(_) => Ok(()),
            Limit::Budget(budget) => budget.bytes(read as u64),
        };
        allowed.map_err(|error| self.trouble.note(error))?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A layer without its compression, which its first bytes tell: media types are often wrong about it.
pub(crate) enum Plain<R: Read> {
    Tar(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Zstd(Box<Zstd<R>>),
}

impl<R: Read> Plain<R> {
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        let start = reader.fill_buf()?;
        if start.starts_with(GZIP) {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(reader))));
        }
        if start.starts_with(ZSTD)
            || start.get(1..).is_some_and(|rest| rest.starts_with(ZSTD_SKIPPED))
        {
            return Ok(Self::Zstd(Box::new(Zstd {
                reader,
                decoder: FrameDecoder::new(),
                is_inside: false,
            })));
        }
        Ok(Self::Tar(reader))
    }

    /// What it reads from.
    pub(crate) fn into_inner(self) -> BufReader<R> {
        match self {
            Self::Tar(reader) => reader,
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(zstd) => zstd.reader,
        }
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tar(reader) => reader.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(zstd) => zstd.read(buffer),
        }
    }
}

/// Frames of Zstandard, one after the other; those that are to be skipped are.
pub(crate) struct Zstd<R: Read> {
    reader: BufReader<R>,
    decoder: FrameDecoder,
    is_inside: bool,
}

impl<R: Read> Zstd<R> {
    /// Begins the next frame. `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.reader.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.reader) {
                Ok(()) => {
                    self.is_inside = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.reader).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Ok(false)
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_inside && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() < buffer.len().min(BUFFER_BYTES)
                && !self.decoder.is_finished()
            {
                self.decoder
                    .decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBytes(BUFFER_BYTES))
                    .map_err(|error| io::Error::other(error.to_string()))?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.is_inside = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const TEXT: &[u8] = b"a layer, more or less";

    fn plain(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Plain::new(bytes)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn each_compression_is_known_by_its_first_bytes() {
        assert_eq!(plain(TEXT).unwrap(), TEXT);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT).unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(plain(&gzip).unwrap(), TEXT);
        assert_eq!(plain(&[gzip.as_slice(), &gzip].concat()).unwrap(), [TEXT, TEXT].concat());
        assert!(plain(&gzip[..gzip.len() - 9]).is_err(), "cut off");

        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let zstd = ruzstd::encoding::compress_to_vec(TEXT, level);
        assert_eq!(plain(&zstd).unwrap(), TEXT);
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let all = [&skipped, zstd.as_slice(), &skipped, &zstd].concat();
        assert_eq!(plain(&all).unwrap(), [TEXT, TEXT].concat());
        assert!(plain(&zstd[..zstd.len() - 4]).is_err(), "cut off");
    }

    #[test]
    fn more_than_was_said_is_not_read() {
        let trouble = Trouble::default();
        let mut metered = Metered::new(TEXT, Limit::Bytes(3), trouble.clone());
        assert!(metered.drain().is_err());
        assert!(matches!(trouble.or(ImageError::NotFound), ImageError::TooLarge { max: 3, .. }));
        let mut metered = Metered::new(TEXT, Limit::Bytes(100), trouble);
        metered.drain().unwrap();
        assert_eq!((metered.digest(), metered.length()), (Digest::of(TEXT), TEXT.len() as u64));
    }
}
