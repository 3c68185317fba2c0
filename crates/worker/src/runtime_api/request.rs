// SPDX-License-Identifier: Apache-2.0
//! The head of a request, as much of it as the Runtime API looks at. Pure.

use super::body::Decoder;
use bytes::Bytes;
use std::io;
use std::mem::MaybeUninit;

/// A head longer than this is refused. The longest legitimate one carries an X-Ray cause of 1 MB.
const HEAD_BYTES_MAX: usize = 1_200_000;
const HEADERS_MAX: usize = 64;
const EXTENSION_PREFIX: &str = "lambda-extension-";
/// The one value that `Lambda-Runtime-Function-Response-Mode` may have.
const STREAMING: &str = "streaming";

/// Where an environment that goes on from a snapshot asks for its keys.
pub(super) const CREDENTIALS_PATH: &str = "/2021-04-23/credentials";

/// A request, as much of it as the Runtime API looks at.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    /// `Lambda-Runtime-Function-Error-Type`
    pub(crate) error_type: Option<Box<str>>,
    /// `Lambda-Runtime-Function-Response-Mode`
    pub(crate) response_mode: Option<Box<str>>,
    /// `Content-Type`, of a streamed response only.
    pub(crate) content_type: Option<Box<str>>,
    /// `Authorization`, of who asks for credentials only.
    pub(crate) authorization: Option<Box<str>>,
    /// Only extensions send any.
    pub(crate) extension: Option<Box<ExtensionHeaders>>,
    pub(crate) body: Body,
}

#[derive(Debug, Default)]
pub(crate) struct ExtensionHeaders {
    /// `Lambda-Extension-Name`
    pub(crate) name: Option<Box<str>>,
    /// `Lambda-Extension-Identifier`
    pub(crate) identifier: Option<Box<str>>,
    /// `Lambda-Extension-Accept-Feature`
    pub(crate) features: Option<Box<str>>,
    /// `Lambda-Extension-Function-Error-Type`
    pub(crate) error_type: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Other,
}

#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    /// Longer than allowed; none of it was kept.
    TooLarge,
    /// It is to be read piece by piece, off the connection. What nobody reads is skipped.
    Streamed,
}

/// What the head of a request says about its body.
pub(super) struct Head {
    pub(super) request: Request,
    pub(super) length: usize,
    pub(super) framing: Framing,
    pub(super) expects_continue: bool,
    pub(super) closes: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

pub(super) fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

pub(super) fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let length = match parsed.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD_BYTES_MAX => {
            return Err(invalid("the head is too long"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    };
    let method = match parsed.method {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        _ => Method::Other,
    };
    let path = parsed.path.unwrap_or_default().into();
    let mut head = Head {
        request: Request {
            method,
            path,
            error_type: None,
            response_mode: None,
            content_type: None,
            authorization: None,
            extension: None,
            body: Body::TooLarge,
        },
        length,
        framing: Framing::Length(0),
        expects_continue: false,
        closes: false,
    };
    for header in parsed.headers.iter() {
        head.read_header(header)?;
    }
    let value = |name: &str| {
        let mut headers = parsed.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| text(header.value))
    };
    if head.request.is_streamed() {
        head.request.content_type = value("content-type");
    } else if &*head.request.path == CREDENTIALS_PATH {
        head.request.authorization = value("authorization");
    }
    Ok(Some(head))
}

fn text(value: &[u8]) -> Box<str> {
    String::from_utf8_lossy(value).trim().into()
}

impl Request {
    /// Whether the runtime makes this response while it sends it.
    pub(super) fn is_streamed(&self) -> bool {
        self.response_mode.as_deref() == Some(STREAMING) && self.path.ends_with("/response")
    }
}

impl Framing {
    pub(super) fn decoder(self) -> Decoder {
        match self {
            Self::Length(length) => Decoder::of_length(length),
            Self::Chunked => Decoder::of_chunks(),
        }
    }
}

impl Head {
    fn read_header(&mut self, header: &httparse::Header<'_>) -> io::Result<()> {
        let text = || text(header.value);
        if header.name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(header.value).ok().map(str::trim);
            let length = digits
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(|| invalid("a bad content-length"))?;
            if matches!(self.framing, Framing::Length(_)) {
                self.framing = Framing::Length(length);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            self.framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            self.closes = header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("expect") {
            self.expects_continue = true;
        } else if header.name.eq_ignore_ascii_case("lambda-runtime-function-error-type") {
            self.request.error_type = Some(text());
        } else if header.name.eq_ignore_ascii_case("lambda-runtime-function-response-mode") {
            self.request.response_mode = Some(text());
        } else if let Some((prefix, name)) = header.name.split_at_checked(EXTENSION_PREFIX.len())
            && prefix.eq_ignore_ascii_case(EXTENSION_PREFIX)
        {
            let headers = self.request.extension.get_or_insert_default();
            match name.to_ascii_lowercase().as_str() {
                "name" => headers.name = Some(text()),
                "identifier" => headers.identifier = Some(text()),
                "accept-feature" => headers.features = Some(text()),
                "function-error-type" => headers.error_type = Some(text()),
                _ => {}
            }
        }
        Ok(())
    }
}
