// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda's control plane, and the way of an Invoke to the worker.
//!
//! Start at `service.rs` for the parts, at `change.rs` for how a function changes, at `settle.rs` for what happens
//! after the answer. `validate.rs` and `refuse.rs` say what a function may be.
//!
//! Invariants:
//! - what was acknowledged is on disk; what is on disk is read whole at start, and every read is from memory;
//! - an invocation that starts after an update was acknowledged runs the updated function, or nothing;
//! - a setting that is accepted is enforced, or named in the README as stored only.
//!
//! Not here: how events are kept until they have run, which is `events`'. Who may call what is the edge's; policies are
//! only kept.

mod address;
mod alias;
mod aliases;
pub mod archive;
mod archive_file;
mod asleep;
mod asynchronous;
mod attached;
mod capacity_provider;
mod change;
mod code;
mod code_signing;
mod concurrency;
mod content;
mod destinations;
mod directory;
mod error;
mod event_invoke;
mod event_source;
mod event_source_checks;
mod event_source_mappings;
mod function;
mod function_scaling;
mod function_urls;
mod image;
mod instances;
mod invoke;
mod invoke_stream;
mod json_complaint;
mod layer;
mod layer_permissions;
mod layer_table;
mod layers;
mod level;
mod logging;
mod merge;
mod noting;
mod operations;
mod package;
mod page;
mod permissions;
mod polling;
mod provisioned;
mod read;
mod recording;
mod records;
mod recursion;
mod refuse;
mod registry;
mod replay;
mod reservations;
mod resource_policy;
mod runtime_management;
mod service;
mod settings;
mod settle;
mod stack;
mod stored_code;
mod table;
mod tags;
mod tasks;
mod traces;
mod unpack;
mod url;
mod validate;
mod version;
mod view;
mod waiting;
mod watched;

pub use package::PackageLimits;
pub use replay::{How as ReplayHow, Replayed, Run as ReplayRun};
pub use stored_code::{ReadCode, StoredCode};
pub use traces::Tracer;
pub use url::{UrlCaller, UrlName, UrlReception, UrlRequest};
pub use waiting::Waiting;

use ::invoke::{InvokeError, Invoker, Managed, Provisioned, Wanted};
use event_sources::Sources;
use events::Queue;
use images::Images;
use meter::Meters;
use recordings::Recordings;
use service::{Kept, Service};
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{BlobId, Store};
use targets::Deliver;
use wire::{Context, Fault, Result, Timestamp};
use worker::{Deployment, Event, Function, Outcome, StartError};

/// Whatever runs events on functions. A seam for tests; in a server it is the `Invoker`.
pub trait Invoke: fmt::Debug + Send + Sync + 'static {
    /// `provisioned` is the qualifier whose provisioned environments may serve it.
    fn invoke(
        &self,
        function: &Arc<Function>,
        event: Event,
        provisioned: Option<&str>,
    ) -> impl Future<Output = std::result::Result<Outcome, InvokeError>> + Send;

    /// A function like this one may be invoked soon: what does not depend on its code can be made ready.
    fn expect(&self, _function: &Function) {}

    /// The code of a function is unpacked: what depends on nothing else can be made ready.
    fn compile(&self, _function: &Arc<Function>) {}

    /// The id of the version of a runtime that functions run on: the newest, or the one with this id. It may read directories.
    fn runtime_version(
        &self,
        runtime: &str,
        id: Option<&str>,
    ) -> std::result::Result<String, String>;

    /// No event that is invoked from here on runs on `deployment`.
    fn retire(&self, deployment: Deployment);

    /// Sees to it that what is `wanted` is initialised ahead of events, and nothing else of `owner`.
    fn provision(&self, owner: &str, wanted: Vec<Wanted>);

    /// Whether versions can have snapshots here. The reason is for the customer.
    fn check_snap_start(&self) -> std::result::Result<(), &'static str> {
        Ok(())
    }

    /// Initialises a version that has SnapStart, and keeps its snapshot unless there is one.
    fn take_snapshot(
        &self,
        _function: &Arc<Function>,
    ) -> impl Future<Output = std::result::Result<(), StartError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Forgets the snapshot of a version that is no more.
    fn forget_snapshot(&self, _name: &str) {}

    /// Forgets all snapshots that are not of these names.
    fn retain_snapshots(&self, _used: &HashSet<String>) {}

    /// How far what was wanted has come.
    fn provisioned(&self, deployment: Deployment, qualifier: &str) -> Option<Provisioned>;

    /// Sees to it that the environments that are `wanted` on capacity providers are there, and no others of `owner`.
    fn manage(&self, owner: &str, wanted: Vec<Managed>);

    /// How far those of a version have come.
    fn managed(&self, deployment: Deployment) -> Option<Provisioned>;

    /// The same, once there are enough, or never will be. `None` when nobody wants them any more.
    fn managed_settled(
        &self,
        deployment: Deployment,
    ) -> impl Future<Output = Option<Provisioned>> + Send;

    /// How many vCPUs all environments on a capacity provider may have together.
    fn limit_provider(&self, provider: &str, vcpus_max: u32);
}

impl Invoke for Invoker {
    async fn invoke(
        &self,
        function: &Arc<Function>,
        event: Event,
        provisioned: Option<&str>,
    ) -> std::result::Result<Outcome, InvokeError> {
        Self::invoke(self, function, event, provisioned).await
    }

    fn expect(&self, function: &Function) {
        Self::expect(self, function);
    }

    fn compile(&self, function: &Arc<Function>) {
        Self::compile(self, function);
    }

    fn runtime_version(
        &self,
        runtime: &str,
        id: Option<&str>,
    ) -> std::result::Result<String, String> {
        Self::runtime_version(self, runtime, id)
    }

    fn retire(&self, deployment: Deployment) {
        Self::retire(self, deployment);
    }

    fn provision(&self, owner: &str, wanted: Vec<Wanted>) {
        Self::provision(self, owner, wanted);
    }

    fn check_snap_start(&self) -> std::result::Result<(), &'static str> {
        Self::check_snap_start(self)
    }

    async fn take_snapshot(&self, function: &Arc<Function>) -> std::result::Result<(), StartError> {
        Self::take_snapshot(self, function).await
    }

    fn forget_snapshot(&self, name: &str) {
        Self::forget_snapshot(self, name);
    }

    fn retain_snapshots(&self, used: &HashSet<String>) {
        Self::retain_snapshots(self, used);
    }

    fn provisioned(&self, deployment: Deployment, qualifier: &str) -> Option<Provisioned> {
        Self::provisioned(self, deployment, qualifier)
    }

    fn manage(&self, owner: &str, wanted: Vec<Managed>) {
        Self::manage(self, owner, wanted);
    }

    fn managed(&self, deployment: Deployment) -> Option<Provisioned> {
        Self::managed(self, deployment)
    }

    async fn managed_settled(&self, deployment: Deployment) -> Option<Provisioned> {
        Self::managed_settled(self, deployment).await
    }

    fn limit_provider(&self, provider: &str, vcpus_max: u32) {
        Self::limit_provider(self, provider, vcpus_max);
    }
}

/// Says which roles functions may have: IAM knows.
#[derive(Clone)]
pub struct Roles(Arc<IsGood>);

type IsGood = dyn Fn(&str, &str) -> bool + Send + Sync;

impl Roles {
    /// `is_good` is given the ARNs of a role and of the function that it is for.
    pub fn new(is_good: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_good))
    }

    pub(crate) fn are_good(&self, role: &str, function: &str) -> bool {
        (self.0)(role, function)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Roles")
    }
}

/// Makes the address a package can be downloaded from, without further credentials and for a while.
#[derive(Clone)]
pub struct Presign(Arc<MakeUrl>);

type MakeUrl = dyn Fn(&Context, &str) -> String + Send + Sync;

impl Presign {
    /// `url` is given the caller and a path such as `/_tinderbox/code/HASH`, and answers the whole URL.
    pub fn new(url: impl Fn(&Context, &str) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(url))
    }

    fn url(&self, cx: &Context, path: &str) -> String {
        (self.0)(cx, path)
    }
}

impl fmt::Debug for Presign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presign")
    }
}

#[derive(Debug, Clone)]
pub struct Options {
    pub package: PackageLimits,
    /// Functions of one account in one region.
    pub functions_max: usize,
    /// Published versions of one function or layer.
    pub versions_max: usize,
    /// Aliases of one function.
    pub aliases_max: usize,
    /// Layers of one account in one region, those whose versions are all deleted included.
    pub layers_max: usize,
    /// Bytes of the zips of all versions of functions and layers of one account in one region.
    pub code_bytes_max: u64,
    /// Event source mappings of one account in one region.
    pub mappings_max: usize,
    /// Code signing configurations of one account in one region.
    pub signing_configs_max: usize,
    /// Capacity providers of one account in one region.
    pub capacity_providers_max: usize,
    /// Invocations that may run at once, of one account in one region. What is reserved is part of it.
    pub concurrency_max: u32,
    /// Invocations per second of all functions without reserved concurrency, of one account in one region. 0: no limit.
    pub requests_per_second_max: u32,
    /// Invocations per second of a function with reserved concurrency, for each one that is reserved. 0: no limit.
    pub reserved_requests_per_second: u32,
    /// Bytes per second of a streamed response after its first 6 MB. 0: no limit.
    pub stream_bytes_per_second_max: u32,
    /// Where asynchronous invocations wait. `None`: a queue of this service's own, beside the code.
    pub queue: Option<Arc<Queue>>,
    /// Where records go. `None`: to functions, whatever their roles; others wait.
    pub targets: Option<Arc<dyn Deliver>>,
    /// What event source mappings poll. `None`: they say that nobody polls.
    pub sources: Option<Sources>,
    /// How much pollers may hold.
    pub event_sources: event_sources::Options,
    /// `None`: images of this service's own, beside the code.
    pub images: Option<Images>,
    /// Whether images can run: not as plain processes.
    pub runs_images: bool,
    /// Where throttles and the like are noted. The default one forgets them.
    pub meters: Meters,
    /// Where invocations of functions go that ask to be recorded. `None`: no function may ask.
    pub recordings: Option<Recordings>,
    /// `None`: functions may have any role.
    pub roles: Option<Roles>,
    /// Where code and layers lie that requests only name. `None`: nowhere.
    pub stored_code: Option<Arc<dyn ReadCode>>,
    /// Where segments of traces go. `None`: nowhere.
    pub tracer: Option<Tracer>,
    pub clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            package: PackageLimits::default(),
            functions_max: 100_000,
            versions_max: 5_000,
            aliases_max: 1_000,
            layers_max: 10_000,
            code_bytes_max: 75 << 30,
            mappings_max: 10_000,
            signing_configs_max: 1_000,
            capacity_providers_max: 1_000,
            concurrency_max: 1_000,
            requests_per_second_max: 0,
            reserved_requests_per_second: 10,
            stream_bytes_per_second_max: 0,
            queue: None,
            targets: None,
            sources: None,
            event_sources: event_sources::Options::default(),
            images: None,
            runs_images: true,
            meters: Meters::default(),
            recordings: None,
            roles: None,
            stored_code: None,
            tracer: None,
            clock: now,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock of this service; tests put another into `Options`"
)]
fn now() -> Timestamp {
    let elapsed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
#[error("failed to load the functions")]
pub struct OpenError(#[source] error::Error);

/// The functions of a store, before anything can be invoked: what a server reads while the rest of it gets ready.
#[derive(Debug)]
pub struct Functions(Kept);

impl Functions {
    /// Loads every function from `store`. Packages are unpacked under `code_dir`, which belongs to this service alone.
    pub async fn load(
        store: Store,
        code_dir: PathBuf,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        Kept::load(store, code_dir, options).await.map(Self).map_err(OpenError)
    }

    /// Of a server that has other services: records for them go there, and roles are asked.
    #[must_use]
    pub fn with_targets(mut self, targets: Arc<dyn Deliver>) -> Self {
        self.0.options.targets = Some(targets);
        self
    }

    /// Of a server whose queues can be polled.
    #[must_use]
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.0.options.sources = Some(sources);
        self
    }

    /// Of a server that turns out not to run images: `Options::runs_images` is no.
    #[must_use]
    pub fn without_images(mut self) -> Self {
        self.0.options.runs_images = false;
        self
    }

    /// Of a server that has objects: code may lie in them.
    #[must_use]
    pub fn with_stored_code(mut self, code: Arc<dyn ReadCode>) -> Self {
        self.0.options.stored_code = Some(code);
        self
    }

    /// Of a server that keeps traces: segments of functions with active tracing go there.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.0.options.tracer = Some(tracer);
        self
    }

    /// Functions are made with the roles that these say are good.
    #[must_use]
    pub fn with_roles(mut self, roles: Roles) -> Self {
        self.0.options.roles = Some(roles);
        self
    }
}

/// AWS Lambda. Clones share it.
#[derive(Debug)]
pub struct Lambda<I = Invoker> {
    service: Arc<Service<I>>,
}

impl<I> Clone for Lambda<I> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service) }
    }
}

impl<I: Invoke> Lambda<I> {
    /// Serves `functions`, and goes on with what a crash interrupted.
    pub fn serve(functions: Functions, invoker: I, presign: Presign) -> Self {
        Self { service: Service::begin(functions.0, invoker, presign) }
    }

    /// Loads the functions and serves them.
    pub async fn open(
        store: Store,
        code_dir: PathBuf,
        invoker: I,
        presign: Presign,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        Ok(Self::serve(Functions::load(store, code_dir, options).await?, invoker, presign))
    }

    /// What waits of a function, which is named by its ARN.
    ///
    /// # Errors
    ///
    /// When the disk can not be read.
    pub async fn waiting(&self, function: &str, count_max: usize) -> std::io::Result<Vec<Waiting>> {
        let items = self.service.queue.items(function, count_max).await?;
        Ok(items.iter().map(Waiting::of).collect())
    }

    /// Notes for metrics how many invocations ran at once since the last time. Whoever drains the meters asks for it before.
    pub fn note_levels(&self) {
        self.service.note_levels();
    }

    /// Where asynchronous invocations wait.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.service.queue
    }

    /// Polls no more, and waits until nothing of event source mappings runs, for so long at most.
    pub async fn stop_polling(&self, patience: Duration) {
        let Some(pollers) = &self.service.pollers else { return };
        pollers.pause_all();
        // What is not deleted by then comes again.
        drop(tokio::time::timeout(patience, pollers.all_settled()).await);
    }

    /// The policies that are attached to a function, a version or an alias.
    pub fn attached_policies(&self, arn: &str) -> Vec<policy::Named> {
        self.service.attached_policies(arn)
    }

    /// What of functions, layers and the like an account has, if it has any.
    pub fn holds(&self, account: &names::AccountId) -> Option<&'static str> {
        self.service.holds(account)
    }

    /// A tag of a function.
    pub fn tag_of(&self, arn: &str, key: &str) -> Option<String> {
        self.service.tag_of(arn, key)
    }

    /// A condition key that says something of a resource: `lambda:FunctionArn` of an event source mapping.
    pub fn fact_of(&self, arn: &str, key: &str) -> Option<String> {
        self.service.fact_of(arn, key)
    }

    /// Whether the policy of a function, a version or an alias lets in who brings no policies: a service, or nobody.
    ///
    /// `facts` are what is known of the call: `aws:SourceArn`, `aws:SourceAccount`, `lambda:FunctionUrlAuthType`,
    /// `lambda:InvokedViaFunctionUrl`. Ask for each action that the call needs.
    pub fn allows(
        &self,
        arn: &str,
        principal: policy::Principal<'_>,
        action: &str,
        facts: &dyn policy::Facts,
    ) -> bool {
        self.service.allows(arn, principal, action, facts)
    }

    /// The file to answer a download of `/_tinderbox/code/HASH` with, if some function or layer has this package.
    pub fn zip_path(&self, hash: &str) -> Option<PathBuf> {
        let id: BlobId = hash.parse().ok()?;
        self.service.codes.is_used(id).then(|| self.service.codes.zip_path(id))
    }

    /// Runs a change to its end, whoever waits, and removes what it left unused.
    async fn change<T: Send + 'static, F>(
        &self,
        cx: &Context,
        work: impl FnOnce(Arc<Service<I>>, Context) -> F,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, error::Error>> + Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let work = work(Arc::clone(&self.service), cx.clone());
        tasks::complete(async move {
            let result = work.await;
            if result.is_err() {
                service.codes.sweep().await;
            }
            result.map_err(Fault::from)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use names::RequestId;
    use wire::Caller;

    /// A call by the root of the usual account.
    pub(crate) fn context() -> Context {
        Context {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            request_id: RequestId::random(),
            trace: names::TraceHeader::start(0),
            caller: Caller {
                arn: "arn:aws:iam::000000000000:root".to_owned(),
                user_id: "000000000000".to_owned(),
                access_key_id: "test".to_owned(),
            },
            authority: wire::Authority::Full,
            endpoint: "http://127.0.0.1:4566".to_owned(),
        }
    }
}
