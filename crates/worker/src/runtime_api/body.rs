// SPDX-License-Identifier: Apache-2.0
//! A body that is read as it comes: by its length, or in chunks with trailers behind them. Pure.
//!
//! What has arrived is taken at once: a piece may be a part of a chunk, or hold several.

use super::request::invalid;
use bytes::{Buf as _, BytesMut};
use std::io;

/// A chunk's size in hexadecimal, and extensions that nobody uses.
const CHUNK_HEAD_BYTES_MAX: usize = 4096;
/// The longest legitimate trailers carry an error document.
const TRAILERS_BYTES_MAX: usize = 1_200_000;

/// Where in the body the next byte is.
#[derive(Debug)]
pub(super) struct Decoder {
    place: Place,
    trailers: Trailers,
    trailer_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// Bytes to come of a body whose length is known.
    Length(usize),
    ChunkHead,
    /// Bytes to come of this chunk.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    Trailers,
    Over,
}

/// What a runtime says after the last chunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trailers {
    /// `Lambda-Runtime-Function-Error-Type`
    pub(crate) error_type: Option<String>,
    /// `Lambda-Runtime-Function-Error-Body`, in base64 as it came.
    pub(crate) error_body: Option<String>,
}

#[derive(Debug)]
pub(super) enum Taken {
    Piece(BytesMut),
    /// Nothing is there yet.
    More,
    /// It is over. Answered once.
    End(Trailers),
}

impl Decoder {
    pub(super) fn of_length(length: usize) -> Self {
        Self { place: Place::Length(length), trailers: Trailers::default(), trailer_bytes: 0 }
    }

    pub(super) fn of_chunks() -> Self {
        Self { place: Place::ChunkHead, trailers: Trailers::default(), trailer_bytes: 0 }
    }

    /// Takes what there is of the body off the front of `incoming`.
    pub(super) fn take(&mut self, incoming: &mut BytesMut) -> io::Result<Taken> {
        let mut piece = BytesMut::new();
        while self.step(incoming, &mut piece)? {}
        Ok(match self.place {
            _ if !piece.is_empty() => Taken::Piece(piece),
            Place::Over => Taken::End(std::mem::take(&mut self.trailers)),
            _ => Taken::More,
        })
    }

    /// One step on; `false` when there is nothing to go on with.
    fn step(&mut self, incoming: &mut BytesMut, piece: &mut BytesMut) -> io::Result<bool> {
        self.place = match self.place {
            Place::Over => return Ok(false),
            Place::Length(0) => Place::Over,
            Place::Chunk(0) => Place::ChunkEnd,
            Place::Length(_) | Place::Chunk(_) if incoming.is_empty() => return Ok(false),
            Place::Length(left) => {
                let now = left.min(incoming.len());
                append(piece, incoming.split_to(now));
                Place::Length(left - now)
            }
            Place::Chunk(left) => {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(incoming.len());
                append(piece, incoming.split_to(now));
                Place::Chunk(left.saturating_sub(u64::try_from(now).unwrap_or(u64::MAX)))
            }
            Place::ChunkEnd => {
                if incoming.len() < 2 {
                    return Ok(false);
                }
                if !incoming.starts_with(b"\r\n") {
                    return Err(invalid("a chunk without its end"));
                }
                incoming.advance(2);
                Place::ChunkHead
            }
            Place::ChunkHead => match httparse::parse_chunk_size(incoming) {
                Ok(httparse::Status::Complete((length, size))) => {
                    incoming.advance(length);
                    if size == 0 { Place::Trailers } else { Place::Chunk(size) }
                }
                Ok(httparse::Status::Partial) if incoming.len() <= CHUNK_HEAD_BYTES_MAX => {
                    return Ok(false);
                }
                Ok(httparse::Status::Partial) | Err(_) => return Err(invalid("a bad chunk size")),
            },
            Place::Trailers => {
                let Some(end) = memchr::memchr(b'\n', incoming) else {
                    return if incoming.len() > TRAILERS_BYTES_MAX {
                        Err(invalid("the trailers are too long"))
                    } else {
                        Ok(false)
                    };
                };
                self.trailer(&incoming.split_to(end + 1))?
            }
        };
        Ok(true)
    }

    /// Reads one line of the trailers. An empty one is the last.
    fn trailer(&mut self, line: &[u8]) -> io::Result<Place> {
        self.trailer_bytes += line.len();
        if self.trailer_bytes > TRAILERS_BYTES_MAX {
            return Err(invalid("the trailers are too long"));
        }
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() {
            return Ok(Place::Over);
        }
        if let Some((name, value)) = line.split_once(':') {
            let value = || Some(value.trim().to_owned());
            match name.to_ascii_lowercase().as_str() {
                "lambda-runtime-function-error-type" => self.trailers.error_type = value(),
                "lambda-runtime-function-error-body" => self.trailers.error_body = value(),
                _ => {}
            }
        }
        Ok(Place::Trailers)
    }
}

/// Copies only from the second part on: one chunk, or a part of one, stays where it was received.
fn append(piece: &mut BytesMut, part: BytesMut) {
    if piece.is_empty() {
        *piece = part;
    } else {
        piece.extend_from_slice(&part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that `decoder` makes of `text`, which arrives in two parts.
    fn decoded(
        mut decoder: Decoder,
        text: &[u8],
        cut: usize,
    ) -> io::Result<(String, Trailers, String)> {
        let mut incoming = BytesMut::from(&text[..cut]);
        let mut rest = Some(&text[cut..]);
        let mut body = Vec::new();
        loop {
            match decoder.take(&mut incoming)? {
                Taken::Piece(piece) => body.extend_from_slice(&piece),
                Taken::End(trailers) => {
                    incoming.extend_from_slice(rest.unwrap_or_default());
                    let left = String::from_utf8(incoming.to_vec()).unwrap();
                    return Ok((String::from_utf8(body).unwrap(), trailers, left));
                }
                Taken::More => match rest.take() {
                    Some(rest) => incoming.extend_from_slice(rest),
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
            }
        }
    }

    #[test]
    fn chunks_are_read_however_they_are_cut() {
        let text = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\nlambda-runtime-function-Error-Type:  Function.Bad \r\n\
            Lambda-Runtime-Function-Error-Body: e30=\r\n\r\nGET";
        let trailers = Trailers {
            error_type: Some("Function.Bad".to_owned()),
            error_body: Some("e30=".to_owned()),
        };
        for cut in 0..=text.len() {
            let (body, found, left) = decoded(Decoder::of_chunks(), text, cut).unwrap();
            assert_eq!((body.as_str(), left.as_str()), ("abcde", "GET"), "cut at {cut}");
            assert_eq!(found, trailers);
        }
    }

    #[test]
    fn a_length_is_read_however_it_is_cut() {
        for cut in 0..=6 {
            let (body, trailers, left) = decoded(Decoder::of_length(3), b"abcGET", cut).unwrap();
            assert_eq!((body.as_str(), left.as_str()), ("abc", "GET"));
            assert_eq!(trailers, Trailers::default());
        }
        assert_eq!(decoded(Decoder::of_length(0), b"GET", 0).unwrap().2, "GET");
    }

    #[test]
    fn what_has_arrived_of_several_chunks_is_one_piece() {
        let mut incoming = BytesMut::from(&b"1\r\na\r\n1\r\nb\r\n5\r\ncd"[..]);
        let mut decoder = Decoder::of_chunks();
        assert!(
            matches!(decoder.take(&mut incoming).unwrap(), Taken::Piece(piece) if piece == "abcd")
        );
        assert!(matches!(decoder.take(&mut incoming).unwrap(), Taken::More));
    }

    #[test]
    fn nonsense_is_an_error() {
        let long = [vec![b'x'; TRAILERS_BYTES_MAX], b"\r\n".to_vec()].concat();
        let long = [b"0\r\nA: ", long.as_slice()].concat();
        for text in
            [&b"zz\r\n"[..], b"1\r\nabc\r\n", b"ffffffffffffffffff\r\n", &[b'1'; 5_000], &long]
        {
            let error = decoded(Decoder::of_chunks(), text, 0).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        let error = decoded(Decoder::of_chunks(), b"3\r\nab", 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
