// SPDX-License-Identifier: Apache-2.0
//! The front listener: which service, who calls, which operation, and then the call.
//!
//! One code path serves the address that clients use and the listener inside each sandbox. Start at `dispatch.rs` for
//! the life of one request, at `listen.rs` for that of a connection.
//!
//! Invariants:
//! - no endpoint sees a request whose signature was not verified, or whose body is not whole; a front sees one that is not
//!   signed only where it says that nobody must; Amazon S3 reads bodies while they come, and learns at their end whether they
//!   are what was signed;
//! - no operation is run for a caller whose policies do not allow it;
//! - a body is never held beyond its operation's limit;
//! - a call that began runs to its end, whether or not its caller still waits, and a panic in it ends only that call;
//! - payloads and credentials are in no log line.
//!
//! Not here: who has which policies (see [`Directory`]), TLS, and what operations mean.

mod access_key;
mod body;
mod clock;
mod detect;
mod directory;
mod dispatch;
mod explain;
mod facts;
mod front;
mod guard;
mod identity;
mod listen;
mod objects;
mod page;
mod refusal;
mod running;
mod session;
mod steady;
mod upload;

pub use access_key::{AccessKey, SessionCredentials};
pub use directory::{Directory, Entity, EntityKind, Powers, Signer};
pub use explain::{ExplainedStatement, Explanation, Question, Unexplained};
pub use front::{Front, Guest, Reception, Site};
pub use guard::{Mode, Resources};
pub use identity::{Identity, IdentityError, IdentityOptions, Root};
pub use listen::Listening;
pub use page::{Access, Answer, Page};
pub use session::{Session, SessionTokens};

use facts::Origin;
use guard::Guard;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use wire::{Authority, Caller, Endpoint, StreamEndpoint};

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Connections of one listener at the same time. Further ones wait in the kernel. Default: 4096.
    pub connections_max: usize,
    /// Milliseconds from the start of a connection, or the end of the last answer, to the end of the next head.
    /// Default: 30000.
    pub head_timeout_ms: u64,
    /// Milliseconds between two pieces of a body. Default: 30000.
    pub body_idle_timeout_ms: u64,
    /// Bytes of all bodies that are held at the same time. Large ones wait for room. Default: 1 GiB.
    pub bodies_bytes_max: usize,
    /// Bytes of a refused body that are read and thrown away, so that its sender gets to read why. Default: 128 MiB.
    pub drained_bytes_max: usize,
    /// Milliseconds that may take. Default: 10000.
    pub drain_timeout_ms: u64,
    /// Milliseconds that a graceful stop waits for calls that run. Default: 30000.
    pub stop_timeout_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            head_timeout_ms: 30_000,
            body_idle_timeout_ms: 30_000,
            bodies_bytes_max: 1 << 30,
            drained_bytes_max: 128 << 20,
            drain_timeout_ms: 10_000,
            stop_timeout_ms: 30_000,
        }
    }
}

impl Options {
    const fn body_idle_timeout(&self) -> Duration {
        Duration::from_millis(self.body_idle_timeout_ms)
    }
}

/// Everything that answers requests. Listeners share it.
pub struct Edge {
    options: Options,
    services: Vec<Arc<dyn Endpoint>>,
    identity: Arc<Identity>,
    pages: Vec<page::Registered>,
    fronts: Vec<Arc<dyn Front>>,
    objects: Option<Arc<dyn StreamEndpoint>>,
    guard: Arc<Guard>,
    /// Room for bodies, in units of `body::ROOM_UNIT_BYTES`.
    room: Arc<Semaphore>,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Edge {
    pub fn new(
        options: Options,
        services: Vec<Arc<dyn Endpoint>>,
        identity: Arc<Identity>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(body::units(options.bodies_bytes_max)));
        let guard = Arc::default();
        let (pages, fronts, objects) = (Vec::new(), Vec::new(), None);
        Self { options, services, identity, pages, fronts, objects, guard, room }
    }

    /// How policies are applied. Every policy is enforced otherwise.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.change_guard(|guard| guard.mode = mode);
        self
    }

    /// Where policies and tags are of resources whose ARNs say `service`.
    #[must_use]
    pub fn with_resources(mut self, service: &'static str, resources: Arc<dyn Resources>) -> Self {
        self.change_guard(|guard| guard.resources.push((service, resources)));
        self
    }

    fn change_guard(&mut self, change: impl FnOnce(&mut Guard)) {
        change(Arc::get_mut(&mut self.guard).expect("no request has it yet"));
    }

    /// Who this server is when it calls as a session of a role, and what it may do then, as policies say at this moment.
    pub fn act_as(&self, role_arn: &str, session_name: &str) -> (Caller, Authority) {
        let account = guard::account_of(role_arn).unwrap_or(self.identity.account().as_str());
        let role_id = self.identity.role_id(role_arn);
        let caller = access_key::session_caller(account, role_arn, &role_id, session_name, "");
        let powers = self.identity.session_powers(&caller.arn);
        let has_several_accounts = self.identity.has_several_accounts();
        let authority = self.guard.authority_of(powers, has_several_accounts, Origin::nowhere);
        (caller, authority)
    }

    /// Who a service of this server is when it calls for a resource of somebody's, and what it may do then: what the policies of
    /// other resources let it, which see that resource as `aws:SourceArn`.
    pub fn act_for(
        &self,
        service: &'static str,
        source_arn: &str,
        source_account: &str,
    ) -> (Caller, Authority) {
        let called = service.to_owned();
        let caller = Caller { arn: called.clone(), user_id: called, access_key_id: String::new() };
        let service = guard::ServiceCaller {
            name: service,
            regional_name: guard::regional(service, source_arn),
            source_arn: source_arn.to_owned(),
            source_account: source_account.to_owned(),
        };
        (caller, self.guard.authority_of_service(service))
    }

    /// Serves what is under `/_tinderbox/{prefix}`. The longest prefix wins.
    #[must_use]
    pub fn with_page(mut self, prefix: &'static str, access: Access, page: Arc<dyn Page>) -> Self {
        self.pages.push(page::Registered { prefix, access, page });
        self
    }

    /// Serves Amazon S3, whose bodies are not held.
    #[must_use]
    pub fn with_objects(mut self, objects: Arc<dyn StreamEndpoint>) -> Self {
        self.objects = Some(objects);
        self
    }

    /// Serves the front's places, before everything else.
    #[must_use]
    pub fn with_front(mut self, front: Arc<dyn Front>) -> Self {
        self.fronts.push(front);
        self
    }
}
