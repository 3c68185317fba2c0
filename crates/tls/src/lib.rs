// SPDX-License-Identifier: Apache-2.0
//! HTTPS to others: whom a client of ours trusts. `rustls` with `ring`, and the authorities of this machine.
//!
//! Not here: who asks whom, and for how long he waits.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

/// Where Linux distributions keep the authorities that they trust.
const CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authorities that an operator named could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the certificate authorities in {}", path.display())]
pub struct Unreadable {
    pub path: PathBuf,
    pub source: io::Error,
}

/// Trusts the authorities in `ca_file`, or else those of this machine. Blocks.
///
/// # Errors
///
/// When the file cannot be read. Where a machine has none, nobody is trusted.
pub fn client(ca_file: Option<&Path>) -> Result<TlsConfig, Unreadable> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&authorities(ca_file)?))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

fn authorities(file: Option<&Path>) -> Result<Vec<Certificate<'static>>, Unreadable> {
    let found = || CA_FILES.iter().map(Path::new).find(|path| path.is_file());
    let Some(path) = file.or_else(found) else { return Ok(Vec::new()) };
    let text =
        std::fs::read(path).map_err(|source| Unreadable { path: path.to_owned(), source })?;
    let certificates = ureq::tls::parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(certificates.collect())
}
