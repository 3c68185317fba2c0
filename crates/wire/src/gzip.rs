// SPDX-License-Identifier: Apache-2.0
//! Bodies that their sender has compressed, as the SDKs do with long ones.

use crate::{BODY_MAX, Fault, Result};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, HeaderMap};
use std::io::Read as _;

/// The body as it was before it was compressed, if it was: at most as long as one that was not.
pub(crate) fn body(headers: &HeaderMap, body: Bytes) -> Result<Bytes> {
    if headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding != "gzip") {
        return Ok(body);
    }
    let limit = u64::try_from(BODY_MAX).unwrap_or(u64::MAX);
    let mut whole = Vec::new();
    MultiGzDecoder::new(&*body)
        .take(limit + 1)
        .read_to_end(&mut whole)
        .map_err(|_| Fault::serialization("The body is not compressed with gzip"))?;
    match whole.len() <= BODY_MAX {
        true => Ok(whole.into()),
        false => {
            Err(Fault::new("RequestEntityTooLargeException", 413, "Request body is too large"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;
    use std::io::Write as _;

    fn read(bytes: Vec<u8>) -> Result<Bytes> {
        let encoding = (CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        body(&HeaderMap::from_iter([encoding]), bytes.into())
    }

    fn packed(length: usize) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![b'x'; length]).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_unpacked_up_to_its_limit() {
        assert_eq!(read(packed(5)).unwrap(), "xxxxx");
        assert_eq!(read(packed(BODY_MAX)).unwrap().len(), BODY_MAX);
        assert_eq!(read(packed(BODY_MAX + 1)).unwrap_err().status, 413);
        assert_eq!(read(b"plain".to_vec()).unwrap_err().code, "SerializationException");
        assert_eq!(body(&HeaderMap::new(), "plain".into()).unwrap(), "plain");
    }
}
