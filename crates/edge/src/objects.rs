// SPDX-License-Identifier: Apache-2.0
//! Requests for Amazon S3: signed or not, with bodies that are read by the service itself, while they come.
//!
//! What is signed for S3 is for S3. What nobody signed is, if the service says that it is meant.

use crate::body::Outgoing;
use crate::directory::Signer;
use crate::dispatch::{Aborted, Record, context, finish, set_request_id, set_trace, trace};
use crate::facts::Origin;
use crate::running::Running;
use crate::upload::Checked;
use crate::{Edge, clock, refusal};
use http::header::{AUTHORIZATION, CONNECTION};
use http::request::Parts;
use http::{HeaderValue, Method};
use hyper::body::Incoming;
use names::{AccountId, Region};
use sigv4::{ChunkSigner, Claim, OBJECTS, Payload, QueryV2, SignatureError};
use std::net::IpAddr;
use std::sync::Arc;
use wire::{Caller, Context, Fault, Peer, Protocol, StreamEndpoint};

/// What a signature turned out to be. `None`: nobody signed.
struct Proven {
    signer: Option<(Signer, Region)>,
    payload: Payload,
    chunks: Option<ChunkSigner>,
}

impl Edge {
    pub(crate) fn find_objects(&self, head: &Parts) -> Option<Arc<dyn StreamEndpoint>> {
        let objects = self.objects.as_ref()?;
        let is_meant = match signed_for(head) {
            Some(is_for_objects) => is_for_objects,
            None => objects.is_meant(head),
        };
        is_meant.then(|| Arc::clone(objects))
    }

    pub(crate) async fn answer_objects(
        self: Arc<Self>,
        objects: Arc<dyn StreamEndpoint>,
        mut head: Parts,
        body: Incoming,
        peer: IpAddr,
        mut record: Record,
    ) -> Result<http::Response<Outgoing>, Aborted> {
        record.service = Some(OBJECTS);
        if head.method == Method::OPTIONS {
            let mut response = objects.preflight(&head).await;
            set_request_id(&mut response, record.request_id);
            return Ok(record.send(response, None));
        }
        let operation = objects.find(&head);
        record.operation = operation
            .and_then(|operation| objects.spec().operations.get(operation))
            .map(|operation| operation.name);
        let proven = self.prove(&*objects, &head).and_then(|proven| {
            let operation = operation.ok_or_else(not_allowed)?;
            let cx = self.object_context(&head, &proven, peer, record)?;
            Ok((proven, operation, cx))
        });
        let (proven, operation, cx) = match proven {
            Ok(proven) => proven,
            Err(fault) => return Ok(self.refuse_object(&fault, head, body, record).await),
        };
        head.extensions.insert(Peer(peer.to_canonical()));
        let idle = self.options.body_idle_timeout();
        let body = Checked::new(body, &head, proven.payload, proven.chunks, idle);
        let edge = Arc::clone(&self);
        let called = Running::new(async move {
            edge.call_object(objects, cx, operation, head, body, record).await
        });
        Ok(called.await.unwrap_or_else(|_panicked| {
            tracing::error!(request_id = %record.request_id, "call panicked");
            let fault = Fault::new("InternalError", 500, INTERNAL);
            finish(Protocol::RestXml.write_fault(&fault, &record.request_id))
        }))
    }

    async fn call_object(
        &self,
        objects: Arc<dyn StreamEndpoint>,
        cx: Context,
        operation: usize,
        head: Parts,
        mut body: Checked,
        record: Record,
    ) -> http::Response<Outgoing> {
        let mut response = objects.call(&cx, operation, &head, &mut body).await;
        set_request_id(&mut response, record.request_id);
        set_trace(&mut response, &cx.trace);
        let is_whole = match body.into_rest() {
            Some(mut rest) => self.drain(&mut rest, &head).await,
            None => false,
        };
        if !is_whole {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        record.send(response, None)
    }

    async fn refuse_object(
        &self,
        fault: &Fault,
        head: Parts,
        mut body: Incoming,
        record: Record,
    ) -> http::Response<Outgoing> {
        let mut response = Protocol::RestXml.write_fault(fault, &record.request_id);
        if !self.drain(&mut body, &head).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        record.log(&response, Some(fault));
        if head.method == Method::HEAD {
            *response.body_mut() = wire::Body::default();
        }
        finish(response)
    }

    /// Who signed, and what for. All that can be verified before the body comes is.
    fn prove(&self, objects: &dyn StreamEndpoint, head: &Parts) -> Result<Proven, Fault> {
        if let Some(claim) = QueryV2::parse(head) {
            let bucket = objects.bucket_in_host(head);
            let proven = claim.and_then(|claim| self.prove_v2(&claim, bucket.as_deref(), head));
            return proven.map_err(|error| refusal::unsigned_object(&error, true));
        }
        if signed_for(head).is_none() {
            return Ok(Proven { signer: None, payload: Payload::Unsigned, chunks: None });
        }
        let is_presigned = !head.headers.contains_key(AUTHORIZATION);
        let refuse = |error: SignatureError| refusal::unsigned_object(&error, is_presigned);
        let claim = Claim::parse(head).map_err(refuse)?;
        let signer = self
            .identity
            .find(claim.access_key_id(), claim.session_token())
            .ok_or_else(|| refuse(SignatureError::UnknownKey))?;
        let credentials = &signer.key.credentials;
        claim.check_head(credentials, clock::now()).map_err(refuse)?;
        claim.check_object_signature(head, credentials).map_err(refuse)?;
        if signer.key.is_expired(clock::epoch_seconds()) {
            return Err(refuse(SignatureError::ExpiredToken));
        }
        let region = claim.scope().region.parse().map_err(|_| {
            refuse(SignatureError::Scope("The region of the credential is no region.".to_owned()))
        })?;
        let payload = claim.object_payload().unwrap_or(Payload::Unsigned);
        let chunks = Some(claim.chunk_signer(credentials));
        Ok(Proven { signer: Some((signer, region)), payload, chunks })
    }

    /// The same of a query that is signed the old way. It names no region.
    fn prove_v2(
        &self,
        claim: &QueryV2,
        bucket: Option<&str>,
        head: &Parts,
    ) -> Result<Proven, SignatureError> {
        let signer = self
            .identity
            .find(claim.access_key_id(), claim.session_token())
            .ok_or(SignatureError::UnknownKey)?;
        claim.check(head, bucket, &signer.key.credentials)?;
        let now_s = clock::epoch_seconds();
        if signer.key.is_expired(now_s) {
            return Err(SignatureError::ExpiredToken);
        }
        if i64::try_from(now_s).is_ok_and(|now_s| claim.is_expired(now_s)) {
            return Err(SignatureError::LinkExpired);
        }
        let region = FIRST_REGION.parse().map_err(|_| SignatureError::Mismatch)?;
        Ok(Proven { signer: Some((signer, region)), payload: Payload::Unsigned, chunks: None })
    }

    fn object_context(
        &self,
        head: &Parts,
        proven: &Proven,
        peer: IpAddr,
        record: Record,
    ) -> Result<Context, Fault> {
        let origin = Origin::of(peer, &head.headers);
        let powers = proven.signer.as_ref().map(|(signer, _)| signer.powers.clone());
        let authority = self.guard.authority_over_all(powers, origin);
        if let Some((signer, region)) = &proven.signer {
            return Ok(context(head, &signer.key, authority, region.clone(), record.request_id));
        }
        let nobody = Fault::internal;
        let account: AccountId = NOBODY.parse().map_err(|_| nobody())?;
        let caller = Caller::default();
        let region = FIRST_REGION.parse().map_err(|_| nobody())?;
        let (request_id, trace, endpoint) = (record.request_id, trace(head), String::new());
        Ok(Context { account, region, request_id, trace, caller, authority, endpoint })
    }
}

/// The account of those that have none: nothing is anybody's in it, and policies do not look at it.
const NOBODY: &str = "999999999999";
/// Of requests that name none.
const FIRST_REGION: &str = "us-east-1";
const INTERNAL: &str = "We encountered an internal error. Please try again.";

fn not_allowed() -> Fault {
    let text = "The specified method is not allowed against this resource.";
    Fault::new("MethodNotAllowed", 405, text)
}

/// Whether a signature says that it is for Amazon S3, if there is one.
fn signed_for(head: &Parts) -> Option<bool> {
    if let Some(value) = head.headers.get(AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        return Some(text.contains("/s3/aws4_request") || text.starts_with("AWS "));
    }
    let query = head.uri.query()?;
    if query.split('&').any(|pair| pair.starts_with("AWSAccessKeyId=")) {
        return Some(true);
    }
    let scope = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?;
    Some(scope.contains("%2Fs3%2F") || scope.contains("%2fs3%2f") || scope.contains("/s3/"))
}
