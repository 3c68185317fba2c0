// SPDX-License-Identifier: Apache-2.0
//! Where links lead that Amazon SNS puts into messages: the certificate that they are signed under. Whoever has the link may follow it.

use crate::opening::Later;
use api::sns::SnsEndpoint;
use edge::{Answer, Page};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use sns::Sns;
use wire::{BoxFuture, Fault, Response};

/// Under `/_tinderbox/`.
pub(crate) const PAGE: &str = "sns/";

pub(crate) struct Notices(pub(crate) Later<SnsEndpoint<Sns>>);

impl Page for Notices {
    fn answer<'a>(
        &'a self,
        rest: &'a str,
        _request: wire::Request,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let SnsEndpoint(topics) = self.0.wait().await;
            let pem = topics.certificate(rest).await?;
            let pem = pem.ok_or_else(|| Fault::new("NotFound", 404, "There is no such file."))?;
            let mut response = Response::new(pem.into());
            let kind = HeaderValue::from_static("application/x-pem-file");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok(Answer::Response(response))
        })
    }
}
