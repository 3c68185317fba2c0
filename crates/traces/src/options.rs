// SPDX-License-Identifier: Apache-2.0
//! The limits of traces.

use serde::Deserialize;
use std::path::PathBuf;
use ureq::http::Uri;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes that traces may have on the disk, compressed, of all accounts together; the oldest go first. Default: 1073741824 (1 GiB).
    pub bytes_max: u64,
    /// Days that traces are kept at most. Default: 30, as on AWS.
    pub days_max: u32,
    /// Bytes of segments that may wait to be written, over all functions. Default: 8388608 (8 MiB).
    pub queue_bytes_max: usize,
    /// A collector of OpenTelemetry that segments are sent to as well, over OTLP and HTTP: `http://127.0.0.1:4318`;
    /// `/v1/traces` is added. Default: none.
    pub otlp_endpoint: Option<String>,
    /// The certificate authorities to trust there, as a PEM file. Default: those of this machine.
    pub otlp_ca_file: Option<PathBuf>,
    /// Bytes of segments that may wait for the collector. Default: 8388608 (8 MiB).
    pub otlp_queue_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bytes_max: 1 << 30,
            days_max: 30,
            queue_bytes_max: 8 << 20,
            otlp_endpoint: None,
            otlp_ca_file: None,
            otlp_queue_bytes_max: 8 << 20,
        }
    }
}

impl Options {
    /// What can not be done as it was asked for.
    pub fn mistake(&self) -> Option<String> {
        let endpoint = self.otlp_endpoint.as_ref()?;
        let uri: Option<Uri> = endpoint.parse().ok();
        let is_good = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
        });
        let told =
            || format!("otlp_endpoint: `{endpoint}` is not http://HOST:PORT or https://HOST");
        (!is_good).then(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_has_an_address() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:4318", true),
            ("https://collector.example/otlp/", true),
            ("127.0.0.1:4318", false),
            ("grpc://127.0.0.1:4317", false),
            ("http://", false),
            ("http://x/?a=b", false),
        ] {
            let options = Options { otlp_endpoint: Some(endpoint.into()), ..Options::default() };
            assert_eq!(options.mistake().is_none(), expected, "{endpoint}");
        }
    }
}
