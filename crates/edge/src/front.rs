// SPDX-License-Identifier: Apache-2.0
//! Fronts: what answers plain HTTP on hosts and paths of its own, where clients do not speak one of AWS's protocols.
//!
//! A front is asked about the head of a request first: whether it answers at once, and whether the caller must sign. Then it
//! gets the whole request, and who signed it.

use crate::body::{self, Outgoing, ReadError};
use crate::directory::Signer;
use crate::dispatch::{Aborted, Record, finish, hash, set_request_id, set_trace, trace};
use crate::facts::Origin;
use crate::running::Running;
use crate::{Edge, clock, refusal};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONNECTION, HOST};
use http::request::Parts;
use hyper::body::Incoming;
use names::{RequestId, TraceHeader};
use sigv4::{Claim, SignatureError};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use wire::{Authority, BoxFuture, Fault, Protocol, Response};

/// Answers requests that are no calls of AWS's operations.
pub trait Front: Send + Sync + 'static {
    /// What the log calls it.
    fn name(&self) -> &'static str;

    /// Which of its places a request is for. It is asked about every request, so it looks at this and at nothing else.
    fn find(&self, host: &str, path: &str) -> Option<Site>;

    /// What is asked of whoever comes there.
    fn receive<'a>(&'a self, site: &'a Site, head: &'a Parts) -> BoxFuture<'a, Reception>;

    fn answer<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Response>;
}

/// A place of a front's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The front's own name for it.
    pub id: String,
    pub region: Option<String>,
    /// So many bytes of the path lead to the place; what follows is the place's own.
    pub path_start: usize,
}

#[derive(Debug)]
pub enum Reception {
    /// The answer, whatever the body is.
    Answered(Response),
    Open {
        body_max: usize,
    },
    /// The caller must sign for this service.
    Signed {
        service: &'static str,
        body_max: usize,
    },
}

/// A request that was let in, whole.
#[derive(Debug)]
pub struct Guest {
    pub site: Site,
    pub request_id: RequestId,
    pub trace: Arc<TraceHeader>,
    pub source: IpAddr,
    pub head: Parts,
    pub body: Bytes,
    /// `None`: the site asks nobody to sign, or nobody did.
    pub signer: Option<Signer>,
    /// What the signer may do, or nobody in particular.
    pub authority: Authority,
}

impl Guest {
    /// The host as the client wrote it, without its port.
    pub fn host(&self) -> &str {
        let host = host(&self.head);
        host.rsplit_once(':').map_or(host, |(host, _)| host)
    }

    /// The port that the client named.
    pub fn port(&self) -> Option<u16> {
        host(&self.head).rsplit_once(':')?.1.parse().ok()
    }

    /// What of the path is the site's own. It begins with a slash.
    pub fn path(&self) -> &str {
        let path = self.head.uri.path().get(self.site.path_start..).unwrap_or_default();
        if path.is_empty() { "/" } else { path }
    }
}

/// A request that goes no further.
enum Stop {
    Answer(Response),
    Fault(Fault),
    Aborted(Aborted),
}

impl Edge {
    pub(crate) fn find_front(&self, head: &Parts) -> Option<(Arc<dyn Front>, Site)> {
        let (host, path) = (host(head), head.uri.path());
        self.fronts.iter().find_map(|front| Some((Arc::clone(front), front.find(host, path)?)))
    }

    pub(crate) async fn answer_front(
        &self,
        (front, site): (Arc<dyn Front>, Site),
        head: Parts,
        mut body: Incoming,
        source: IpAddr,
        mut record: Record,
    ) -> Result<http::Response<Outgoing>, Aborted> {
        record.service = Some(front.name());
        let (mut response, fault) = match self.admit(&*front, &site, &head, &mut body).await {
            Ok((bytes, signer, room)) => {
                let (request_id, trace) = (record.request_id, Arc::new(trace(&head)));
                let authority = self.authority_of(signer.as_ref(), source, &head);
                let guest =
                    Guest { site, request_id, trace, source, head, body: bytes, signer, authority };
                return Ok(welcome(front, guest, room, record).await);
            }
            Err(Stop::Aborted(aborted)) => return Err(aborted),
            Err(Stop::Answer(response)) => (response, None),
            Err(Stop::Fault(fault)) => {
                (Protocol::RestJson.write_fault(&fault, &record.request_id), Some(fault))
            }
        };
        let is_late = fault.as_ref() == Some(&refusal::idle());
        if is_late || !self.drain(&mut body, &head).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        set_request_id(&mut response, record.request_id);
        record.log(&response, fault.as_ref());
        Ok(finish(response))
    }

    fn authority_of(&self, signer: Option<&Signer>, source: IpAddr, head: &Parts) -> Authority {
        let origin = || Origin::of(source, &head.headers);
        match signer {
            Some(signer) => {
                let has_several_accounts = self.identity.has_several_accounts();
                self.guard.authority(signer.clone(), has_several_accounts, origin)
            }
            None => self.guard.authority_of_guest(origin()),
        }
    }

    /// Reads the body, and finds out who signed where somebody must.
    async fn admit(
        &self,
        front: &dyn Front,
        site: &Site,
        head: &Parts,
        body: &mut Incoming,
    ) -> Result<(Bytes, Option<Signer>, Option<OwnedSemaphorePermit>), Stop> {
        let (service, body_max) = match front.receive(site, head).await {
            Reception::Answered(response) => return Err(Stop::Answer(response)),
            Reception::Open { body_max } => (None, body_max),
            Reception::Signed { service, body_max } => (Some(service), body_max),
        };
        let refuse =
            |error: SignatureError| Stop::Fault(refusal::unsigned(&error, Protocol::RestJson));
        let claim = match service.map(|service| self.claim(head, service)).transpose() {
            Ok(claim) => claim,
            // The front knows what to say to those who did not sign.
            Err(SignatureError::Missing) => None,
            Err(error) => return Err(refuse(error)),
        };
        let room = self.room_for(body, body_max).await;
        let read = body::read(body, body_max, self.options.body_idle_timeout()).await;
        let bytes = read.map_err(|error| match error {
            ReadError::TooLarge => Stop::Fault(refusal::too_large_for(front.name(), body_max)),
            ReadError::Idle => Stop::Fault(refusal::idle()),
            ReadError::Broken(source) => Stop::Aborted(Aborted { source }),
        })?;
        let Some((claim, signer)) = claim else { return Ok((bytes, None, room)) };
        let credentials = &signer.key.credentials;
        let hash = hash(&bytes).await;
        if claim.payload().is_some_and(|stated| stated != hash) {
            return Err(refuse(SignatureError::Mismatch));
        }
        claim.check_signature(head, credentials, hash).map_err(refuse)?;
        if signer.key.is_expired(clock::epoch_seconds()) {
            return Err(refuse(SignatureError::ExpiredToken));
        }
        Ok((bytes, Some(signer), room))
    }

    /// The signature and whose it says to be, not yet believed.
    fn claim<'a>(
        &self,
        head: &'a Parts,
        service: &str,
    ) -> Result<(Claim<'a>, Signer), SignatureError> {
        let claim = Claim::parse(head)?;
        if claim.scope().service != service {
            return Err(SignatureError::Scope(format!(
                "Credential should be scoped to correct service: '{service}'. "
            )));
        }
        let signer = self
            .identity
            .find(claim.access_key_id(), claim.session_token())
            .ok_or(SignatureError::UnknownKey)?;
        claim.check_head(&signer.key.credentials, clock::now())?;
        Ok((claim, signer))
    }
}

/// Runs the call to its end, whoever still waits.
async fn welcome(
    front: Arc<dyn Front>,
    guest: Guest,
    room: Option<OwnedSemaphorePermit>,
    record: Record,
) -> http::Response<Outgoing> {
    let (request_id, trace) = (guest.request_id, Arc::clone(&guest.trace));
    let called = Running::new(async move { front.answer(&guest).await }).await;
    let mut response = called.unwrap_or_else(|_panicked| {
        metrics::CALLS_PANICKED.add(1);
        tracing::error!(request_id = %request_id, "call panicked");
        Protocol::RestJson.write_fault(&Fault::internal(), &request_id)
    });
    set_request_id(&mut response, request_id);
    set_trace(&mut response, &trace);
    record.send(response, room)
}

fn host(head: &Parts) -> &str {
    head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}
