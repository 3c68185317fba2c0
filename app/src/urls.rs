// SPDX-License-Identifier: Apache-2.0
//! Function URLs: which requests are for one, and what `lambda` makes of them.
//!
//! A URL is reached by its host, `ID.lambda-url.REGION.localhost:4566`, which the `Host` header alone decides; and, where such
//! names do not resolve, by the path `/_tinderbox/url/ID/`.

use crate::opening::Later;
use api::lambda::LambdaEndpoint;
use edge::{Front, Guest, Reception, Site};
use http::request::Parts;
use lambda::{Lambda, UrlCaller, UrlName, UrlReception, UrlRequest};
use std::sync::Arc;
use wire::{BoxFuture, Response};

const BY_PATH: &str = "/_tinderbox/url/";
const LABEL: &str = "lambda-url";
/// Of an event, and so of a body.
const BODY_BYTES_MAX: usize = 6_291_456;

pub(crate) struct FunctionUrls(pub(crate) Later<LambdaEndpoint<Lambda>>);

impl Front for FunctionUrls {
    fn name(&self) -> &'static str {
        "function URL"
    }

    fn find(&self, host: &str, path: &str) -> Option<Site> {
        by_path(path).or_else(|| by_host(host))
    }

    fn receive<'a>(&'a self, site: &'a Site, head: &'a Parts) -> BoxFuture<'a, Reception> {
        Box::pin(async move {
            let LambdaEndpoint(lambda) = self.0.wait().await;
            match lambda.receive_url(&name_of(site), head) {
                UrlReception::Answered(response) => Reception::Answered(response),
                UrlReception::Open => Reception::Open { body_max: BODY_BYTES_MAX },
                UrlReception::Signed => {
                    Reception::Signed { service: "lambda", body_max: BODY_BYTES_MAX }
                }
            }
        })
    }

    fn answer<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let LambdaEndpoint(lambda) = self.0.wait().await;
            let signer = guest.signer.as_ref();
            let request = UrlRequest {
                url: &name_of(&guest.site),
                request_id: guest.request_id,
                trace: Arc::clone(&guest.trace),
                source: guest.source,
                host: guest.host(),
                port: guest.port().unwrap_or(80),
                path: guest.path(),
                head: &guest.head,
                body: guest.body.clone(),
                caller: signer.map(|signer| UrlCaller {
                    account: signer.key.account(),
                    caller: signer.key.caller(),
                }),
                authority: guest.authority.clone(),
            };
            lambda.answer_url(request).await
        })
    }
}

fn name_of(site: &Site) -> UrlName {
    UrlName { id: site.id.clone(), region: site.region.clone() }
}

fn by_path(path: &str) -> Option<Site> {
    let id = path.strip_prefix(BY_PATH)?.split('/').next()?;
    Some(Site { id: id.to_owned(), region: None, path_start: BY_PATH.len() + id.len() })
}

fn by_host(host: &str) -> Option<Site> {
    let mut labels = host.split(['.', ':']);
    let (id, label, region) = (labels.next()?, labels.next()?, labels.next()?);
    label.eq_ignore_ascii_case(LABEL).then(|| Site {
        id: id.to_ascii_lowercase(),
        region: Some(region.to_ascii_lowercase()),
        path_start: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_found_by_its_host_or_by_a_path() {
        let site = |id: &str, region: Option<&str>, path_start| {
            Some(Site { id: id.to_owned(), region: region.map(str::to_owned), path_start })
        };
        for host in ["abc.lambda-url.us-east-1.localhost:4566", "ABC.Lambda-Url.us-east-1.on.aws"] {
            assert_eq!(by_host(host), site("abc", Some("us-east-1"), 0), "{host}");
        }
        for host in ["127.0.0.1:4566", "lambda.us-east-1.amazonaws.com", "localhost", "", "a.b"] {
            assert_eq!(by_host(host), None, "{host}");
        }
        assert_eq!(by_path("/_tinderbox/url/abc/p/q"), site("abc", None, 19));
        assert_eq!(by_path("/_tinderbox/url/abc"), site("abc", None, 19));
        assert_eq!(by_path("/_tinderbox/health"), None);
    }
}
