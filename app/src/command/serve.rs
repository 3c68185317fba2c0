// SPDX-License-Identifier: Apache-2.0
//! `tinderbox serve`: puts the parts together, says what is in force, runs until it is asked to stop.

use crate::config::Config;
use crate::control::Asked;
use crate::host::FunctionHost;
use crate::measured::Measured;
use crate::metering::{Kept, Metering};
use crate::notices::{self, Notices};
use crate::opening::{Later, LaterEndpoint};
use crate::principals::Principals;
use crate::resources::LaterResources;
use crate::scrape::{MetricsPage, PAGE, Sources, TOKEN_FILE};
use crate::senders::Senders;
use crate::stored_code::CodeInBuckets;
use crate::targets::Targets;
use crate::tenants::Tenants;
use crate::urls::FunctionUrls;
use crate::{control, polled, senders, telemetry, terminal};
use ::targets::Roles;
use anyhow::{Context, bail};
use api::lambda::LambdaEndpoint;
use api::logs::CloudWatchLogsEndpoint;
use api::scheduler::SchedulerEndpoint;
use api::sqs::SqsEndpoint;
use cloudwatch::CloudWatch;
use edge::{Access, Answer, Edge, Identity, Listening, Mode, Page, Root};
use events::Queue;
use events::disk::Directory;
use iam::Iam;
use images::Images;
use invoke::Invoker;
use lambda::{Functions, Lambda};
use log_store::Logs;
use meter::Meters;
use names::Region;
use recordings::Recordings;
use s3::S3;
use sandbox::{Launcher, Level, Network, Starting};
use scheduler::Scheduler;
use secrets::Token;
use sqs::Sqs;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traces::Traces;
use usage::Ledger;
use wire::{BoxFuture, Endpoint, Fault};
use worker::Worker;
use worker::runtimes::Runtimes;
use worker::snapshots::Snapshots;

/// How long a link to a function's code is good, as on AWS.
const LINK_SECONDS: u32 = 600;
/// How long the server's threads compute at once while others want to: the shortest that the kernel knows.
const TURN: Duration = Duration::from_micros(100);
const CODE_PAGE: &str = "code/";

pub(crate) fn run(config: &Config) -> anyhow::Result<()> {
    let _flush = telemetry::start(&config.server)?;
    let listener = bind(&config.server.listen)?;
    let data_dir = &config.server.data_dir;
    create_closed(data_dir).with_context(|| format!("cannot create {}", data_dir.display()))?;
    let data_dir = &data_dir.canonicalize()?;
    // Before the async runtime has threads: the launcher is forked from this process while it is small. It sets itself up while
    // everything else is opened.
    let launcher = Starting::begin(&config.sandbox).context("cannot start the launcher")?;
    // Not for the launcher, whose functions compute. What the server does for an event takes microseconds, and whatever of
    // it waits for the end of somebody's turn makes the caller wait.
    if let Err(error) = sys::process::ask_for_turns(TURN) {
        tracing::debug!(%error, "the kernel has no turns of another length");
    }
    let store = Store::open(data_dir, config.store.clone())?;
    let queue = open_queue(config, data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Functions may be many: they are read while the launcher sets itself up and the server listens already.
    let images = Images::open(config.images.clone(), data_dir.join("images"))
        .context("cannot open the images")?;
    let meters = Meters::new();
    let recordings = Recordings::open(data_dir.join("recordings"), config.recordings.clone())
        .context("cannot open the recordings")?;
    let options = lambda::Options {
        recordings: Some(recordings.clone()),
        ..lambda_options(config, &images, &queue, &meters)
    };
    let kept = Kept {
        meters,
        ledger: Ledger::new(store.keyspace("usage"), config.usage.clone()),
        metrics: CloudWatch::new(&store, config.cloudwatch.clone()),
    };
    let account = config.server.account.parse()?;
    let address = listener.local_addr()?;
    let principals = Principals::open(store.clone(), data_dir.clone(), account, address);
    let principals = runtime.spawn(principals);
    let queues = Sqs::open(store.clone(), data_dir.join("messages"), config.sqs.clone());
    let queues = runtime.spawn(queues);
    let targets = Arc::new(Targets::later());
    let objects = runtime.spawn(senders::objects(config, data_dir, &store, &targets));
    // Not before the server listens: what it needs for that is read from the same files.
    let (listens, begin) = oneshot::channel();
    let functions = Functions::load(store.clone(), data_dir.join("code"), options);
    let functions = runtime.spawn(async {
        let _ = begin.await;
        functions.await
    });
    let logs = Logs::start(&data_dir.join("logs"), config.logs.clone())?;
    // Each environment takes a dozen descriptors. What a machine gives by default is for a hundred.
    sys::process::raise_open_files_limit().context("cannot raise the limit of open files")?;
    let opening = Opening { functions, listens, queues, objects, principals };
    let kept_store = store.clone();
    let parts = Parts {
        listener,
        queue,
        launcher,
        logs,
        images,
        kept,
        recordings,
        store,
        targets,
        opening,
    };
    let result = runtime.block_on(serve(config, data_dir, parts));
    if let Err(error) = runtime.block_on(kept_store.settle()) {
        tracing::debug!(%error, "the next start goes over the last commits again");
    }
    // What is left are tasks of environments that are being stopped.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Opens the queue of asynchronous invocations. Behind the lock that the store has on the directory.
fn open_queue(config: &Config, data_dir: &Path) -> anyhow::Result<Arc<Queue>> {
    let disk = Directory::open(&data_dir.join("events")).context("cannot open the events")?;
    Ok(Arc::new(Queue::open(Arc::new(disk), config.events.clone())?))
}

/// Creates the data directory, for this user alone: code, logs and environment variables are in it.
fn create_closed(data_dir: &Path) -> io::Result<()> {
    if data_dir.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)
}

fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    let address: SocketAddr = listen.parse()?;
    TcpListener::bind(address).with_context(|| match address.port() {
        0 => format!("cannot listen on {address}"),
        _ => format!("cannot listen on {address} (hint: is another server running? choose a port with --listen {}:PORT)", address.ip()),
    })
}

/// Waits until the launcher is ready, and says which walls there are.
async fn finish(launcher: Starting, address: SocketAddr) -> anyhow::Result<Launcher> {
    let launcher = tokio::task::spawn_blocking(move || launcher.finish(address)).await?;
    let launcher = launcher.context("cannot start the launcher")?;
    announce_walls(&launcher);
    Ok(launcher)
}

fn announce_walls(launcher: &Launcher) {
    terminal::note(format!("isolation: {}", launcher.level()));
    terminal::note(format!("network of functions: {}", launcher.network()));
    let (level, network) = (launcher.level(), launcher.network());
    if level == Level::L0 {
        terminal::note(
            "WARNING: functions are NOT ISOLATED: they can do whatever the user of this server can",
        );
    }
    if network == Network::Host {
        terminal::note(
            "WARNING: functions are on the network of this machine, its local services included",
        );
    }
    if level != Level::L2 || network == Network::None {
        terminal::note("`tinderbox doctor` says how to get more");
    }
}

/// What was begun before the server listens.
struct Parts {
    listener: TcpListener,
    queue: Arc<Queue>,
    launcher: Starting,
    logs: Logs,
    images: Images,
    kept: Kept,
    recordings: Recordings,
    store: Store,
    targets: Arc<Targets>,
    opening: Opening,
}

/// What is read meanwhile.
struct Opening {
    functions: JoinHandle<Result<Functions, lambda::OpenError>>,
    /// Begins with the functions.
    listens: oneshot::Sender<()>,
    queues: JoinHandle<Result<Sqs, sqs::OpenError>>,
    objects: JoinHandle<Result<S3, s3::OpenError>>,
    principals: JoinHandle<anyhow::Result<Principals>>,
}

async fn serve(config: &Config, data_dir: &Path, parts: Parts) -> anyhow::Result<()> {
    let Parts { listener, queue, launcher, logs, images, kept, recordings, .. } = parts;
    let Parts { store, targets, opening, .. } = parts;
    let Opening { functions, listens, queues, objects, principals } = opening;
    let address = listener.local_addr()?;
    let region: Region = config.server.region.parse()?;
    // Before the server listens: it says whose a key is.
    let principals = principals.await.context("IAM was not opened")??;
    let (schedules, sources) = (Later::new(), Later::new());
    let log_groups = log_groups(&targets, &logs, &store, &kept.metrics).await?;
    let traces = Traces::new(&data_dir.join("traces"), config.traces.clone());
    let mut services = services(&targets, &schedules, &principals, &log_groups, &kept.metrics);
    services.push(xray::Service::new(traces.clone()).endpoint());
    let objects = objects.await.context("the objects were not opened")??;
    let page = metrics_page(data_dir, &sources)?;
    let edge = Arc::new(edge(config, services, &targets, &principals, &objects, page));
    let stored_code = Arc::new(CodeInBuckets(objects.clone()));
    let Principals { identity, root, iam, key_file, .. } = principals;
    let host = Arc::new(FunctionHost::new(Arc::clone(&identity), config.invoke.credentials_max()));
    host.set_edge(Arc::clone(&edge));
    targets.edge.set(Arc::clone(&edge));
    let stop = stop_signal()?;
    // Calls that need what is not there yet wait for it.
    let listening = edge.listen(listener)?;
    let _ = listens.send(());
    let ground = Ground::prepare(config, data_dir, &logs, &images, &kept.meters)?;
    let launcher = finish(launcher, address).await?;
    let runs_images = launcher.level() != Level::L0;
    let worker = ground.worker(launcher, host, config);
    let invoker = Invoker::new(worker, config.invoke.clone());
    let functions = functions.await.context("the functions were not loaded")??;
    let queues = queues.await.context("the queues were not opened")??;
    targets.queues.set(SqsEndpoint(queues.clone()));
    let roles = roles(iam.clone(), config.identity.mode);
    let place = senders::topics(data_dir, &key_file, address);
    let senders = Senders::open(config, data_dir, store, place, &objects, &targets, &roles).await?;
    schedules.set(SchedulerEndpoint(senders.schedules.clone()));
    let functions = if runs_images { functions } else { functions.without_images() }
        .with_targets(Arc::<Targets>::clone(&targets))
        .with_stored_code(stored_code)
        .with_roles(lambda_roles(roles))
        .with_tracer(tracer(&traces, &iam, config.identity.mode))
        .with_sources(polled::sources(queues.clone(), &edge));
    let opened = Lambda::serve(functions, invoker.clone(), presign(&identity));
    let metering = Metering::new(&invoker, &opened, &queues, &logs, kept, &config.usage);
    let tenants = Tenants::new(iam, &opened, &queues, &log_groups, &objects, &senders);
    let asked = Asked::new(&opened, &metering, &edge, &recordings, tenants);
    // Before anybody is told that the server is ready.
    let control = control::serve(control::listen(data_dir)?, &asked);
    sources.set(Sources::new(&invoker, &queue, &logs, data_dir));
    targets.lambda.set(LambdaEndpoint(opened.clone()));
    announce(config.identity.mode, address, &region, &root, data_dir)?;
    // Most of what has run until now runs once. Memory that stays where it is does no harm.
    let _ = sys::program::let_go();

    tokio::select! {
        () = stop => {}
        () = invoker.tend() => {}
        () = metering.run() => {}
        () = log_groups.run() => {}
        () = senders.run() => {}
        () = images.tend() => {}
        () = objects.tend() => {}
        error = control => error?,
    }
    log_groups.stop();
    let lambda = opened;
    let running =
        Running { lambda, queue, queues, senders, invoker, listening, metering, logs, recordings };
    let stopped = running.stop(Duration::from_secs(config.server.stop_patience_seconds)).await;
    tokio::task::spawn_blocking(move || traces.stop()).await?;
    drop(std::fs::remove_file(data_dir.join("address")));
    stopped
}

/// What a worker stands on beside its launcher.
struct Ground {
    runtimes: Runtimes,
    snapshots: Snapshots,
    logs: Logs,
    meters: Meters,
}

impl Ground {
    fn prepare(
        config: &Config,
        data_dir: &Path,
        logs: &Logs,
        images: &Images,
        meters: &Meters,
    ) -> anyhow::Result<Self> {
        let runtimes = Runtimes::prepare(&config.runtimes, data_dir)
            .context("cannot prepare the runtimes")?
            .with_images(images.clone());
        let snapshots = Snapshots::open(&data_dir.join("snapshots"), config.snapshots.clone())
            .context("cannot open the snapshots")?;
        Ok(Self { runtimes, snapshots, logs: logs.clone(), meters: meters.clone() })
    }

    fn worker(self, launcher: Launcher, host: Arc<FunctionHost>, config: &Config) -> Worker {
        let Self { runtimes, snapshots, logs, meters } = self;
        let stems = config.stems.clone();
        let worker = Worker::new(launcher, runtimes, logs, host, snapshots, stems, meters);
        worker.pull_runtimes();
        worker
    }
}

/// What goes on until the server is asked to stop.
struct Running {
    lambda: Lambda,
    queue: Arc<Queue>,
    queues: Sqs,
    senders: Senders,
    invoker: Invoker,
    listening: Listening,
    metering: Arc<Metering>,
    logs: Logs,
    recordings: Recordings,
}

impl Running {
    /// Waits for what runs, so long, and writes what is left.
    async fn stop(self, patience: Duration) -> anyhow::Result<()> {
        let Self { lambda, queue, queues, senders, invoker, listening, metering, logs, recordings } =
            self;
        terminal::note("stopping: no new requests; waiting for running invocations");
        queue.stop();
        queues.stop();
        senders.stop();
        let ((), cut_off, (), _, ()) = tokio::join!(
            lambda.stop_polling(patience),
            invoker.shut_down(patience),
            listening.stop(),
            queue.drain(patience),
            senders.drain(patience)
        );
        metering.finish().await?;
        let flush = move || {
            logs.flush();
            recordings.flush();
        };
        tokio::task::spawn_blocking(flush).await?;
        if cut_off > 0 {
            bail!("stopped; {cut_off} invocation(s) were cut off");
        }
        terminal::note("stopped");
        Ok(())
    }
}

/// The page for Prometheus. Its sources come later.
fn metrics_page(
    data_dir: &Path,
    sources: &Later<Arc<Sources>>,
) -> anyhow::Result<Arc<MetricsPage>> {
    let token = Token::open(&data_dir.join(TOKEN_FILE)).context("cannot make a token")?;
    Ok(Arc::new(MetricsPage { token, sources: sources.clone() }))
}

/// CloudWatch Logs, and where what its filters find goes.
async fn log_groups(
    targets: &Arc<Targets>,
    logs: &Logs,
    store: &Store,
    metrics: &CloudWatch,
) -> anyhow::Result<logs::Service> {
    let (sends, measured) = (Arc::<Targets>::clone(targets), Arc::new(Measured(metrics.clone())));
    let policies = logs::ResourcePolicies::open(store).await?;
    let groups = logs::Service::new(logs.clone(), policies, sends, measured);
    targets.groups.set(CloudWatchLogsEndpoint(groups.clone()));
    Ok(groups)
}

/// What answers on the port: services, packages behind links, and functions behind URLs.
fn edge(
    config: &Config,
    services: Vec<Arc<dyn Endpoint>>,
    targets: &Targets,
    principals: &Principals,
    objects: &S3,
    metrics: Arc<MetricsPage>,
) -> Edge {
    let Targets { lambda, queues, topics, buses, groups, .. } = targets;
    let code_page = Arc::new(CodePage(lambda.clone()));
    Edge::new(config.edge.clone(), services, Arc::clone(&principals.identity))
        .with_mode(config.identity.mode)
        .with_resources("events", Arc::new(LaterResources(buses.clone())))
        .with_resources("lambda", Arc::new(LaterResources(lambda.clone())))
        .with_resources("logs", Arc::new(LaterResources(groups.clone())))
        .with_resources("sns", Arc::new(LaterResources(topics.clone())))
        .with_resources("sqs", Arc::new(LaterResources(queues.clone())))
        .with_resources("iam", Arc::new(principals.iam.clone()))
        .with_resources("s3", Arc::new(objects.clone()))
        .with_objects(Arc::new(objects.clone()))
        .with_page(PAGE, Access::Open, metrics)
        .with_page(CODE_PAGE, Access::Link, code_page)
        .with_page(notices::PAGE, Access::Open, Arc::new(Notices(topics.clone())))
        .with_front(Arc::new(FunctionUrls(lambda.clone())))
}

/// The first has most of the calls. Its siblings share its endpoint, and none of them is built.
fn services(
    targets: &Targets,
    schedules: &Later<SchedulerEndpoint<Scheduler>>,
    principals: &Principals,
    logs: &logs::Service,
    cloudwatch: &CloudWatch,
) -> Vec<Arc<dyn Endpoint>> {
    let Principals { iam, tokens, .. } = principals;
    let Targets { lambda, queues, topics, buses, .. } = targets;
    let sts = sts::Service::new(iam.clone(), Arc::clone(tokens)).endpoint();
    vec![
        Arc::new(LaterEndpoint { spec: &api::lambda::SPEC, endpoint: lambda.clone() }),
        Arc::new(api::lambda_core::LambdaCoreEndpoint(())),
        Arc::new(api::lambda_microvms::LambdaMicrovmsEndpoint(())),
        Arc::new(api::lambda_web::LambdaWebEndpoint(())),
        iam.endpoint(),
        logs.clone().endpoint(),
        Arc::new(LaterEndpoint { spec: &api::eventbridge::SPEC, endpoint: buses.clone() }),
        Arc::new(LaterEndpoint { spec: &api::scheduler::SPEC, endpoint: schedules.clone() }),
        Arc::new(LaterEndpoint { spec: &api::sns::SPEC, endpoint: topics.clone() }),
        Arc::new(LaterEndpoint { spec: &api::sqs::SPEC, endpoint: queues.clone() }),
        sts,
        cloudwatch.endpoint(),
    ]
}

fn lambda_options(
    config: &Config,
    images: &Images,
    queue: &Arc<Queue>,
    meters: &Meters,
) -> lambda::Options {
    lambda::Options {
        concurrency_max: u32::try_from(config.invoke.concurrency_max).unwrap_or(u32::MAX),
        requests_per_second_max: config.invoke.requests_per_second_max,
        reserved_requests_per_second: config.invoke.reserved_requests_per_second,
        stream_bytes_per_second_max: config.invoke.stream_bytes_per_second_max,
        queue: Some(Arc::clone(queue)),
        images: Some(images.clone()),
        meters: meters.clone(),
        event_sources: config.event_sources.clone(),
        ..lambda::Options::default()
    }
}

fn presign(identity: &Arc<Identity>) -> lambda::Presign {
    let identity = Arc::clone(identity);
    lambda::Presign::new(move |cx: &wire::Context, path: &str| {
        identity.link(&cx.endpoint, path, &cx.region, LINK_SECONDS).unwrap_or_default()
    })
}

/// Which roles functions may have.
fn lambda_roles(roles: Roles) -> lambda::Roles {
    lambda::Roles::new(move |role, function| roles.are_good("lambda.amazonaws.com", role, function))
}

/// Which roles services may assume. Where policies are not enforced, any.
fn roles(iam: Iam, mode: Mode) -> Roles {
    Roles::new(move |service, role, source| {
        let is_good = mode == Mode::Off || iam.lets_service_assume(service, role, source);
        if !is_good && mode == Mode::Warn {
            tracing::warn!(role, service, "role would be refused");
        }
        is_good || mode == Mode::Warn
    })
}

/// Where segments go, and which roles may send them. Where policies are not enforced, all.
fn tracer(traces: &Traces, iam: &Iam, mode: Mode) -> lambda::Tracer {
    let iam = iam.clone();
    lambda::Tracer::new(Arc::new(traces.clone()), move |role| {
        mode != Mode::Enforce || iam.lets_role(role, "xray:PutTraceSegments")
    })
}

fn announce_mode(mode: Mode) {
    match mode {
        Mode::Enforce => {}
        Mode::Warn => {
            terminal::note("identity: policies are not enforced; the log says what would be denied")
        }
        Mode::Off => terminal::note("WARNING: identity is off: every key may do everything"),
    }
}

/// What policies do, the ready line, and the file that tells scripts where the server is.
fn announce(
    mode: Mode,
    address: SocketAddr,
    region: &Region,
    root: &Root,
    data_dir: &Path,
) -> anyhow::Result<()> {
    announce_mode(mode);
    let file = data_dir.join("address");
    let partial = data_dir.join("address.new");
    std::fs::write(&partial, format!("{address}\n"))?;
    std::fs::rename(&partial, &file)?;
    terminal::note(format!("data: {}", data_dir.display()));
    match root {
        Root::WellKnown => {
            terminal::note("credentials: access key `test`, secret `test` (on this machine only)")
        }
        Root::File { path, is_new, .. } => {
            let made = if *is_new { "made just now" } else { "made at the first start" };
            terminal::note(format!(
                "credentials: root's access key, {made}, is in {}",
                path.display()
            ));
        }
    }
    terminal::note(format!("ready: http://{address}, region {region}"));
    Ok(())
}

/// Ends at the first SIGTERM or SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Downloads of function code: what `GetFunction`'s `Code.Location` leads to.
struct CodePage(Later<LambdaEndpoint<Lambda>>);

impl Page for CodePage {
    fn answer<'a>(
        &'a self,
        rest: &'a str,
        _request: wire::Request,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let gone = || Fault::new("NoSuchKey", 404, "The code is gone.");
            let LambdaEndpoint(lambda) = self.0.wait().await;
            let path = lambda.zip_path(rest).ok_or_else(gone)?;
            let opened = tokio::task::spawn_blocking(move || std::fs::File::open(path)).await;
            let file = opened.map_err(|_| Fault::internal())?.map_err(|_| gone())?;
            Ok(Answer::File { file, content_type: "application/zip" })
        })
    }
}
