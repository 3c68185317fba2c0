// SPDX-License-Identifier: Apache-2.0
//! HTTP as registries need it: HTTPS, or plain to this machine's loopback; redirects that carry no credentials to another host.
//!
//! Blocks. Invariants:
//! - credentials go to the host that they are for, and to where it sends for a token, and are in no error;
//! - an answer is read up to a limit.

use crate::error::ImageError;
use crate::options::Options;
use std::io::Read;
use std::time::Duration;
use ureq::http::{Response, Uri, header};
use ureq::{Agent, Body};

const REDIRECTS_MAX: usize = 5;
const CONNECT_MAX: Duration = Duration::from_secs(10);
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Through a proxy, if the environment names one.
    outside: Agent,
    inside: Agent,
}

/// A registry's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) media_type: Option<String>,
    body: Body,
}

impl Answer {
    /// The whole body, if it is not longer than `max` bytes.
    pub(crate) fn bytes(self, host: &str, max: u64) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let mut reader = self.body.into_reader().take(max + 1);
        reader.read_to_end(&mut bytes).map_err(|error| unreachable(host, &error))?;
        if bytes.len() as u64 > max {
            return Err(ImageError::TooLarge { what: "bytes in a manifest", max });
        }
        Ok(bytes)
    }

    pub(crate) fn into_reader(self) -> impl Read + Send {
        self.body.into_reader()
    }
}

pub(crate) fn unreachable(host: &str, error: &dyn std::error::Error) -> ImageError {
    ImageError::Unreachable { host: host.to_owned(), reason: error.to_string() }
}

impl Client {
    pub(crate) fn new(options: &Options) -> Result<Self, ImageError> {
        let tls = tls::client(options.ca_file.as_deref());
        let tls = tls.map_err(|error| ImageError::file("read", &error.path)(error.source))?;
        let patience = Some(Duration::from_secs(options.patience_seconds.max(1)));
        let config = || {
            Agent::config_builder()
                .tls_config(tls.clone())
                .user_agent("tinderbox")
                .max_redirects(0)
                .http_status_as_error(false)
                .timeout_connect(Some(CONNECT_MAX))
                .timeout_recv_response(patience)
                .timeout_per_read(patience)
        };
        let outside = config().build().into();
        Ok(Self { outside, inside: config().proxy(None).build().into() })
    }

    /// Asks for `url`, and for what it redirects to. `authorization` is for its own host only.
    pub(crate) fn get(
        &self,
        url: &str,
        accept: &[&str],
        authorization: Option<&str>,
        is_plain_allowed: bool,
    ) -> Result<Answer, ImageError> {
        let mut uri: Uri = url.parse().map_err(|_| bad_url(url))?;
        let first = authority(&uri)?;
        for _ in 0..=REDIRECTS_MAX {
            let host = authority(&uri)?;
            check_scheme(&uri, &host, is_plain_allowed && host == first)?;
            let agent = if is_loopback(&host) { &self.inside } else { &self.outside };
            let mut request = agent.get(&uri);
            for accepted in accept {
                request = request.header(header::ACCEPT, *accepted);
            }
            if let Some(authorization) = authorization.filter(|_| host == first) {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let response = request.call().map_err(|error| unreachable(&host, &error))?;
            match redirect(&response) {
                Some(location) => uri = follow(&uri, location, &host)?,
                None => return Ok(answer(response)),
            }
        }
        Err(ImageError::Unreachable { host: first, reason: "too many redirects".to_owned() })
    }
}

fn answer(response: Response<Body>) -> Answer {
    let text =
        |name: header::HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    // Without parameters such as a character set.
    let media_type =
        text(header::CONTENT_TYPE).and_then(|text| Some(text.split(';').next()?.trim().to_owned()));
    let challenge = text(header::WWW_AUTHENTICATE);
    Answer { status: response.status().as_u16(), challenge, media_type, body: response.into_body() }
}

fn redirect(response: &Response<Body>) -> Option<&str> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    response.headers().get(header::LOCATION)?.to_str().ok()
}

fn follow(from: &Uri, location: &str, host: &str) -> Result<Uri, ImageError> {
    let absolute = match location {
        path if path.starts_with('/') && !path.starts_with("//") => {
            let scheme = from.scheme_str().unwrap_or("https");
            format!("{scheme}://{host}{path}")
        }
        url => url.to_owned(),
    };
    absolute.parse().map_err(|_| bad_url(host))
}

/// Plain HTTP is for what does not leave this machine, and for what the operator says.
fn check_scheme(uri: &Uri, host: &str, is_plain_allowed: bool) -> Result<(), ImageError> {
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_plain_allowed || is_loopback(host) => Ok(()),
        _ => Err(ImageError::Unreachable {
            host: host.to_owned(),
            reason: "it leads to an address that is not HTTPS".to_owned(),
        }),
    }
}

fn authority(uri: &Uri) -> Result<String, ImageError> {
    let authority = uri.authority().map(|authority| authority.as_str());
    // A name and a password in an address are nobody's business.
    let plain = authority.filter(|text| !text.contains('@'));
    Ok(plain.ok_or_else(|| bad_url("an address without a host"))?.to_owned())
}

fn bad_url(host: &str) -> ImageError {
    let host = host.chars().take(200).collect();
    ImageError::Unreachable { host, reason: "the address is not valid".to_owned() }
}

/// Whether a host is this machine, by its loopback.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_from_what_looks_like_it() {
        for (host, expected) in [
            ("127.0.0.1:5000", true),
            ("127.9.9.9", true),
            ("[::1]:5000", true),
            ("localhost:5000", true),
            ("localhost.evil.test", false),
            ("127.0.0.1.evil.test", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn plain_http_leaves_this_machine_only_if_it_was_allowed() {
        let check = |url: &str, is_allowed| {
            let uri: Uri = url.parse().unwrap();
            check_scheme(&uri, &authority(&uri).unwrap(), is_allowed).is_ok()
        };
        assert!(check("https://r.example.com/v2/", false));
        assert!(check("http://127.0.0.1:5000/v2/", false));
        assert!(!check("http://r.example.com/v2/", false));
        assert!(check("http://r.example.com/v2/", true));
        assert!(!check("ftp://r.example.com/v2/", true));
    }

    #[test]
    fn a_redirect_is_followed_from_where_it_is() {
        let from: Uri = "https://r.example.com:8443/v2/a".parse().unwrap();
        let to = |location| follow(&from, location, "r.example.com:8443").unwrap().to_string();
        assert_eq!(to("/b?c"), "https://r.example.com:8443/b?c");
        assert_eq!(to("https://s3.test/b"), "https://s3.test/b");
    }
}
