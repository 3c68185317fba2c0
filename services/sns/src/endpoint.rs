// SPDX-License-Identifier: Apache-2.0
//! An endpoint of HTTP or HTTPS: its URL, and the name and password that may stand in it. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::net::IpAddr;

const BYTES_MAX: usize = 2_048;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Without a name and a password.
    pub(crate) url: String,
    /// The value of the header that they make.
    pub(crate) authorization: Option<String>,
    /// Where no name has to be looked up.
    pub(crate) address: Option<IpAddr>,
}

impl Endpoint {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok().filter(|_| text.len() <= BYTES_MAX && text.is_ascii())?;
        if !matches!(uri.scheme_str()?, "http" | "https") {
            return None;
        }
        let host = uri.host().filter(|host| !host.is_empty())?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let Some((start, end)) = userinfo(text) else {
            return Some(Self { url: text.to_owned(), authorization: None, address });
        };
        let known: Vec<u8> = percent_decode_str(text.get(start..end)?).collect();
        let (head, tail) = (text.get(..start)?, text.get(end + 1..)?);
        let authorization = Some(format!("Basic {}", STANDARD.encode(known)));
        Some(Self { url: format!("{head}{tail}"), authorization, address })
    }
}

/// An endpoint as everybody may see it, as AWS shows it: without the password.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let hidden = userinfo(text).and_then(|(start, end)| {
        let (known, rest) = (text.get(..end)?, text.get(end..)?);
        let colon = start + known.get(start..)?.find(':')?;
        Some(format!("{}:****{rest}", known.get(..colon)?))
    });
    hidden.map_or(text.into(), Cow::Owned)
}

/// From where to where a name and a password stand in a URL. Behind them is an `@`.
fn userinfo(text: &str) -> Option<(usize, usize)> {
    let start = text.find("://")? + 3;
    let authority = text.get(start..)?.split(['/', '?', '#']).next()?;
    Some((start, start + authority.rfind('@')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let text = "https://me:s%40crt@example.com:8443/in?a=b@c";
        let endpoint = Endpoint::parse(text).unwrap();
        assert_eq!(endpoint.url, "https://example.com:8443/in?a=b@c");
        assert_eq!(endpoint.authorization, Some(format!("Basic {}", STANDARD.encode("me:s@crt"))));
        assert_eq!(shown(text), "https://me:****@example.com:8443/in?a=b@c");
        for plain in ["http://example.com/a@b", "http://me@example.com/", "arn:aws:sqs:r:1:q"] {
            assert_eq!(shown(plain), plain);
        }
        assert_eq!(Endpoint::parse("http://a/b@c").unwrap().authorization, None);
    }

    #[test]
    fn addresses_are_known_and_what_is_no_url_is_refused() {
        let address = |text| Endpoint::parse(text).unwrap().address.map(|found| found.to_string());
        assert_eq!(address("http://127.0.0.1:80/"), Some("127.0.0.1".to_owned()));
        assert_eq!(address("http://me:x@[::1]/"), Some("::1".to_owned()));
        assert_eq!(address("http://localhost/"), None);
        for bad in ["", "http://", "ftp://a/", "http:/a", "a", "http://a b/", "http://ä/"] {
            assert_eq!(Endpoint::parse(bad), None, "{bad}");
        }
    }
}
