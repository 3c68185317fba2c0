// SPDX-License-Identifier: Apache-2.0
//! What SDKs send to the X-Ray daemon: a line that says the format, and a document.

use crate::{Document, Rejected};
use serde::Deserialize;

/// Longer ones do not fit into a datagram.
pub const DATAGRAM_BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize)]
struct Header {
    format: String,
    version: i64,
}

/// The document in a datagram.
///
/// # Errors
///
/// When it is not in the daemon's format, or X-Ray would not take the document.
pub fn document_of(datagram: &[u8]) -> Result<Document, Rejected> {
    let text = std::str::from_utf8(datagram).map_err(|_| Rejected::Format)?;
    let (header, document) = text.split_once('\n').ok_or(Rejected::Format)?;
    let header: Header = serde_json::from_str(header).map_err(|_| Rejected::Format)?;
    if header.format != "json" || header.version != 1 {
        return Err(Rejected::Format);
    }
    Document::parse(document.trim_end_matches(['\n', '\0']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCUMENT: &str = r#"{"id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","name":"x","start_time":1,"end_time":2.5}"#;

    #[test]
    fn a_datagram_is_a_header_and_a_document() {
        let document = |header: &str| document_of(format!("{header}\n{DOCUMENT}").as_bytes());
        assert_eq!(document(r#"{"format": "json", "version": 1}"#).unwrap().text(), DOCUMENT);
        for header in
            ["", "{}", r#"{"format":"json","version":2}"#, r#"{"format":"x","version":1}"#]
        {
            assert_eq!(document(header).unwrap_err(), Rejected::Format, "{header}");
        }
        assert_eq!(document_of(DOCUMENT.as_bytes()).unwrap_err(), Rejected::Format);
        assert_eq!(
            document_of(b"{\"format\":\"json\",\"version\":1}\n\xff").unwrap_err(),
            Rejected::Format
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_is_too_odd(datagram in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = document_of(&datagram);
            let _ = document_of(&[b"{\"format\":\"json\",\"version\":1}\n", datagram.as_slice()].concat());
        }
    }
}
