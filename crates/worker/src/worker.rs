// SPDX-License-Identifier: Apache-2.0
//! The node agent: it makes execution environments.
//!
//! It does not decide how many there are or which one runs an event; `invoke` does.

use crate::bytecode::Compiler;
use crate::env_vars;
use crate::environment::Environment;
use crate::event::{Event, Outcome};
use crate::extensions::External;
use crate::failure::{Failure, kernel_reason};
use crate::function::{Function, FunctionImage, Initialization};
use crate::ground::{Ground, Origin, Parts};
use crate::host::{Host, Session};
use crate::image::{self, Prepared};
use crate::life::{init_result, spawn};
use crate::logs::LogStream;
use crate::multi::MultiEnvironment;
use crate::run::{Given, NotDelivered, outcome};
use crate::runtime_api::Connection;
use crate::runtimes::{self, Installed, NotInstalled, Runtimes};
use crate::snap_start::SnapStartError;
use crate::snapshots::Snapshots;
use crate::stems::{self, Grown, Stems};
use crate::telemetry::{Before, Ending, InitPhase, Invocation};
use log_store::Logs;
use meter::Meters;
use sandbox::{LaunchError, Launcher, Mount, Sandbox, Spec, Step};
use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

#[derive(Debug)]
pub struct Worker {
    pub(crate) launcher: Launcher,
    pub(crate) runtimes: Arc<Runtimes>,
    pub(crate) logs: Logs,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) snapshots: Arc<Snapshots>,
    meters: Meters,
    stems: Arc<Stems>,
    compiler: Arc<Compiler>,
    /// Versions of runtimes, by their ids, whose bootstrap was compiled, or is being compiled.
    compiled: Mutex<HashSet<String>>,
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    RuntimeNotInstalled(#[from] NotInstalled),
    #[error("failed to prepare the runtime")]
    Compile(#[from] runtimes::CompileError),
    #[error("failed to launch a sandbox")]
    Launch(#[from] LaunchError),
    #[error("failed to watch over a sandbox")]
    Watch(#[from] io::Error),
    /// The function's own code or runtime failed to initialise. Its invocation tries once more.
    #[error("the init phase failed")]
    Init(FailedInit),
    /// There is no snapshot to go on from, or it came to nothing.
    #[error(transparent)]
    SnapStart(#[from] SnapStartError),
}

impl StartError {
    /// Whether all sandboxes were in use, and stayed so.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Launch(LaunchError::Full { .. }))
    }
}

/// A failed init phase, as much of it as the second try goes on with.
#[derive(Debug)]
pub struct FailedInit {
    log: Arc<LogStream>,
    environment: Option<Arc<Environment>>,
}

/// Why a try to initialise came to nothing.
struct FailedTry {
    failure: Failure,
    /// If it came to one.
    environment: Option<Arc<Environment>>,
}

/// What a function runs on.
enum RunsOn<'a> {
    Runtime(Arc<Installed>),
    Image(&'a FunctionImage),
}

/// How one try is to be made.
struct Try {
    /// The phase that it belongs to.
    phase: InitPhase,
    initialization: Initialization,
    deadline: Instant,
}

/// How long a start waits for a place while all sandboxes are in use, and how often it looks.
const PLACE_MAX: Duration = Duration::from_secs(5);
const PLACE_RETRY: Duration = Duration::from_millis(5);

impl Worker {
    pub fn new(
        launcher: Launcher,
        runtimes: Runtimes,
        logs: Logs,
        host: Arc<dyn Host>,
        snapshots: Snapshots,
        stems: stems::Options,
        meters: Meters,
    ) -> Self {
        let stems = Arc::new(Stems::new(launcher.clone(), stems));
        let compiler = Compiler::new(launcher.clone(), runtimes.bytecode_bytes_max());
        Self {
            launcher,
            compiler: Arc::new(compiler),
            runtimes: Arc::new(runtimes),
            logs,
            host,
            snapshots: Arc::new(snapshots),
            meters,
            stems,
            compiled: Mutex::default(),
        }
    }

    pub(crate) fn runtimes(&self) -> &Runtimes {
        &self.runtimes
    }

    pub(crate) fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    /// Pulls the images of the runtimes that live in some, beside all else. One that is not there when it is needed is pulled then.
    /// Must be called on a tokio runtime.
    pub fn pull_runtimes(&self) {
        for identifier in self.runtimes.in_images() {
            let (runtimes, launcher) = (Arc::clone(&self.runtimes), self.launcher.clone());
            // What becomes of it is in the log.
            spawn(async move {
                let _ = runtimes.find_or_pull(&identifier.to_string(), None, &launcher).await;
            });
        }
    }

    /// A function like this one may be invoked soon: makes ready what does not depend on its code.
    pub fn expect(&self, function: &Function) {
        if function.image.is_some() {
            return;
        }
        match self.runtimes.find_version(&function.runtime, function.runtime_version.as_deref()) {
            Ok(installed) if !self.runtimes.must_compile(&installed) => {
                self.stems.expect(function, &installed);
                return;
            }
            Ok(_) | Err(NotInstalled::NotPulled { .. }) => {}
            Err(_) => return,
        }
        let (runtimes, stems) = (Arc::clone(&self.runtimes), Arc::clone(&self.stems));
        let (function, launcher) = (function.clone(), self.launcher.clone());
        spawn(async move {
            // That an image could not be pulled is in the log already.
            let id = function.runtime_version.as_deref();
            let found = runtimes.find_or_pull(&function.runtime, id, &launcher).await;
            let Ok(installed) = found else { return };
            match compile(runtimes, installed.clone()).await {
                Ok(()) => stems.expect(&function, &installed),
                Err(error) => tracing::warn!(%error, "bootstrap not compiled ahead"),
            }
        });
    }

    /// How many environments there can be at all.
    pub fn environments_max(&self) -> usize {
        self.launcher.sandboxes_max().into()
    }

    /// The id of the version of a runtime that functions run on: the newest, or the one with this id. It may read directories.
    pub fn runtime_version(&self, runtime: &str, id: Option<&str>) -> Result<String, NotInstalled> {
        Ok(self.runtimes.find_version(runtime, id)?.id)
    }

    /// Runtimes that were started ahead: those that are ready, and those that are being started.
    pub fn stems(&self) -> (usize, usize) {
        self.stems.count()
    }

    /// Stops what was made ready for functions that did not come.
    pub fn reap(&self, now: Instant) {
        self.stems.reap(now);
        self.launcher.reap();
    }

    /// Starts an environment and waits for the end of its init phase.
    pub async fn start(
        &self,
        function: &Arc<Function>,
        initialization: Initialization,
    ) -> Result<Arc<Environment>, StartError> {
        function.count_with(&self.meters);
        if let Some(snapshot) = &function.snapshot {
            return self.restored(function, snapshot).await;
        }
        let runs_on = self.runs_on(function).await?;
        let _hurry = (initialization == Initialization::OnDemand).then(|| self.launcher.hurry());
        if let RunsOn::Runtime(installed) = &runs_on
            && self.runtimes.must_compile(installed)
        {
            compile(Arc::clone(&self.runtimes), Installed::clone(installed)).await?;
        }
        let log = Arc::new(LogStream::create(&self.logs, function));
        let started = Instant::now();
        let deadline = started + initialization.init_max(function.timeout);
        let how = Try { phase: InitPhase::Init, initialization, deadline };
        match self.try_start(function, &runs_on, &log, &how).await? {
            Ok(environment) => {
                environment.set_before(Before::Init(started.elapsed()));
                if initialization == Initialization::Provisioned {
                    environment.set_provisioned();
                }
                Ok(environment)
            }
            Err(FailedTry { environment, .. }) => {
                Err(StartError::Init(FailedInit { log, environment }))
            }
        }
    }

    /// Starts an environment that runs `slots` invocations at once, and waits for the end of its init phase.
    pub async fn start_multi(
        &self,
        function: &Arc<Function>,
        slots: usize,
    ) -> Result<Arc<MultiEnvironment>, StartError> {
        function.count_with(&self.meters);
        let installed = self.installed(function).await?;
        let log = Arc::new(LogStream::create(&self.logs, function));
        let initialization = Initialization::ManagedInstances;
        let deadline = Instant::now() + initialization.init_max(function.timeout);
        self.compile_once(&installed);
        log.tell_init_start(function, Some(&installed), initialization, InitPhase::Init);
        let session = self.host.open_session(function, &function.name)?;
        let env = env_vars::all(function, &installed.env, &log, &session, initialization);
        let code = self.code_mounts(function, &installed);
        let result = match self.launch_anew(function, &installed, session, env, code).await? {
            Ok((parts, connection)) => {
                let (function, log) = (Arc::clone(function), Arc::clone(&log));
                let ground = Arc::new(Ground::new(parts)?);
                let new = MultiEnvironment::new(function, log, ground, slots)?;
                let environment = Arc::new(new);
                let init = environment.begin(connection);
                let result = init_result(init, deadline).await;
                if let Err(failure) = &result {
                    environment.stop_after(failure);
                }
                result.map(|()| environment)
            }
            Err(failure) => Err(failure),
        };
        log.tell_init_report(result.as_ref().err().map_or(Ending::SUCCESS, Failure::ending));
        result.map_err(|_told| StartError::Init(FailedInit { log, environment: None }))
    }

    /// Runs `event` after a failed init phase that left nothing: initialises again, in another sandbox, inside the invocation
    /// and within its timeout. The environment comes back too, if it lives.
    pub async fn run_with_init(
        &self,
        function: &Arc<Function>,
        failed: FailedInit,
        event: &Event,
    ) -> Result<(Outcome, Option<Arc<Environment>>), StartError> {
        let log = failed.log;
        let mut invocation = Invocation::new(&log, function, event);
        let (phase, initialization) = (InitPhase::Invoke, Initialization::OnDemand);
        let deadline = Instant::now() + function.timeout;
        let runs_on = self.runs_on(function).await?;
        let how = Try { phase, initialization, deadline };
        let tried = self.try_start(function, &runs_on, &log, &how).await?;
        invocation.initialised();
        invocation.tell_start(function, event);
        let environment = match tried {
            Ok(environment) => environment,
            Err(FailedTry { failure, environment }) => {
                let peak = environment.map_or(0, |environment| environment.memory_peak_bytes());
                let given = Given::from(Err(failure));
                invocation.answered(&given, None);
                invocation.tell_report(peak);
                return Ok((outcome(&log, function, event, given.result), None));
            }
        };
        let left = function.timeout.saturating_sub(invocation.elapsed());
        match environment.answer(event, left).await {
            Ok(given) => {
                let outcome = environment.conclude(invocation, event, given, deadline).await;
                Ok((outcome, Some(environment)))
            }
            Err(NotDelivered) => {
                let exit = sandbox::Exit::Killed;
                let given = Given::from(Err(Failure::Exited { exit, was_out_of_memory: false }));
                invocation.answered(&given, None);
                invocation.tell_report(0);
                Ok((outcome(&log, function, event, given.result), None))
            }
        }
    }

    /// One try: the outer error is ours, the inner one the function's.
    async fn try_start(
        &self,
        function: &Arc<Function>,
        runs_on: &RunsOn<'_>,
        log: &Arc<LogStream>,
        how: &Try,
    ) -> Result<Result<Arc<Environment>, FailedTry>, StartError> {
        let installed = match runs_on {
            RunsOn::Runtime(installed) => Some(&**installed),
            RunsOn::Image(_) => None,
        };
        log.tell_init_start(function, installed, how.initialization, how.phase);
        let parts = match runs_on {
            RunsOn::Runtime(installed) => {
                self.compile_once(installed);
                self.parts(function, log, installed, how.initialization).await?
            }
            RunsOn::Image(image) => {
                self.parts_of_image(function, image, log, how.initialization).await?
            }
        };
        let result = match parts {
            Ok((parts, connection)) => {
                let ground = Arc::new(Ground::new(parts)?);
                let new = Environment::new(Arc::clone(function), Arc::clone(log), ground)?;
                let environment = Arc::new(new);
                let init = environment.begin(connection);
                match init_result(init, how.deadline).await {
                    Ok(()) => Ok(environment),
                    Err(failure) => {
                        environment.stop_after(&failure);
                        Err(FailedTry { failure, environment: Some(environment) })
                    }
                }
            }
            Err(failure) => Err(FailedTry { failure, environment: None }),
        };
        let failure = result.as_ref().err().map(|failed| &failed.failure);
        log.tell_init_report(failure.map_or(Ending::SUCCESS, Failure::ending));
        Ok(result)
    }

    /// Looked for once for each start: it looks at files.
    async fn runs_on<'a>(&self, function: &'a Function) -> Result<RunsOn<'a>, NotInstalled> {
        match &function.image {
            Some(image) => Ok(RunsOn::Image(image)),
            None => {
                let id = function.runtime_version.as_deref();
                let found = self.runtimes.find_or_pull(&function.runtime, id, &self.launcher).await;
                Ok(RunsOn::Runtime(Arc::new(found?)))
            }
        }
    }

    /// The runtime of a function, ready to be started.
    pub(crate) async fn installed(
        &self,
        function: &Function,
    ) -> Result<Arc<Installed>, StartError> {
        let id = function.runtime_version.as_deref();
        let installed = self.runtimes.find_or_pull(&function.runtime, id, &self.launcher).await?;
        if self.runtimes.must_compile(&installed) {
            compile(Arc::clone(&self.runtimes), installed.clone()).await?;
        }
        Ok(Arc::new(installed))
    }

    /// Compiles a runtime's bootstrap beside its first start, for the starts to come.
    fn compile_once(&self, installed: &Installed) {
        let id = installed.id.clone();
        if !self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            return;
        }
        let compiling = compile(Arc::clone(&self.runtimes), installed.clone());
        spawn(async {
            if let Err(error) = compiling.await {
                tracing::warn!(%error, "bootstrap not compiled: starts take longer");
            }
        });
    }

    /// A sandbox with the function's runtime in it: one that grew from a stem, or a new one.
    pub(crate) async fn parts(
        &self,
        function: &Arc<Function>,
        log: &LogStream,
        installed: &Arc<Installed>,
        initialization: Initialization,
    ) -> Result<Result<(Parts, Option<Connection>), Failure>, StartError> {
        let session = self.host.open_session(function, &function.name)?;
        let env = env_vars::all(function, &installed.env, log, &session, initialization);
        let code = self.code_mounts(function, installed);
        if let Some(stem) = self.stems.take(function, installed) {
            match stem.grow(&self.launcher, &code, function.limits(), &env).await {
                Ok(grown) => {
                    metrics::STARTED_FROM_STEM.add(1);
                    return Ok(Ok(self.with_session(
                        grown,
                        session,
                        Some(Arc::clone(installed)),
                    )?));
                }
                Err(error) => tracing::warn!(%error, "stem not used"),
            }
        }
        self.launch_anew(function, installed, session, env, code).await
    }

    /// The function's code and layers, and what was compiled of them.
    pub(crate) fn code_mounts(
        &self,
        function: &Arc<Function>,
        installed: &Installed,
    ) -> Vec<Mount> {
        let mut mounts = code_mounts(function);
        mounts.extend(self.compiler.mounts(function, installed));
        mounts
    }

    /// A new sandbox with the function's runtime in it.
    async fn launch_anew(
        &self,
        function: &Function,
        installed: &Arc<Installed>,
        session: Session,
        env: Vec<(String, String)>,
        code: Vec<Mount>,
    ) -> Result<Result<(Parts, Option<Connection>), Failure>, StartError> {
        let Some(mut argv) = entrypoint(function, installed) else {
            return Ok(Err(Failure::NoEntrypoint));
        };
        let mut mounts = runtimes::mounts(installed);
        mounts.extend(code);
        let extensions = function.layers_dir.as_ref().map(|layers| layers.join("extensions"));
        let external = match External::prepare(extensions.as_deref(), &self.runtimes.rapid_dir())? {
            Ok(external) => external,
            Err(failure) => return Ok(Err(failure)),
        };
        let root = installed.image.as_ref().map(|image| image.directory.clone());
        if let Some(external) = &external {
            if let Some(root) = &root
                && let Some(failure) = image::no_shell(root)?
            {
                return Ok(Err(failure));
            }
            argv = external.argv(argv);
            mounts.push(external.mount());
        }
        let (cwd, limits) = ("/var/task".into(), function.limits());
        let spec = Spec { root, mounts, argv, env, cwd, limits, is_ahead: false };
        self.launched(function, spec, session, external, Some(Arc::clone(installed))).await
    }

    /// A sandbox with the function's image in it.
    async fn parts_of_image(
        &self,
        function: &Arc<Function>,
        image: &FunctionImage,
        log: &LogStream,
        initialization: Initialization,
    ) -> Result<Result<(Parts, Option<Connection>), Failure>, StartError> {
        let session = self.host.open_session(function, &function.name)?;
        let rapid_dir = self.runtimes.rapid_dir();
        match image::prepare(function, image, log, &session, initialization, &rapid_dir)? {
            Ok(Prepared { spec, external }) => {
                self.launched(function, spec, session, external, None).await
            }
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// Sandboxes that are about to end have their place still: a launch that finds none waits for one, and a stem makes way.
    async fn launch(&self, spec: &Spec) -> Result<Sandbox, LaunchError> {
        let deadline = Instant::now() + PLACE_MAX;
        loop {
            match self.launcher.launch(spec).await {
                Err(LaunchError::Full { .. }) if Instant::now() < deadline => {
                    self.stems.make_way();
                    tokio::time::sleep(PLACE_RETRY).await;
                }
                result => return result,
            }
        }
    }

    async fn launched(
        &self,
        function: &Function,
        spec: Spec,
        session: Session,
        external: Option<External>,
        installed: Option<Arc<Installed>>,
    ) -> Result<Result<(Parts, Option<Connection>), Failure>, StartError> {
        metrics::STARTED_ORDINARILY.add(1);
        let launched = self.launch(&spec).await;
        let Sandbox { runtime_api, connection, edge, output, log, process } = match launched {
            Ok(sandbox) => sandbox,
            Err(error) => return Ok(Err(not_executable(function, &error).ok_or(error)?)),
        };
        let first = connection.map(runtime_connection).transpose()?;
        let grown = Grown { process, runtime_api, edge, output, log, told: None };
        let (parts, _) = self.with_session(grown, session, installed)?;
        Ok(Ok((Parts { external, ..parts }, first)))
    }

    pub(crate) fn with_session(
        &self,
        grown: Grown,
        mut session: Session,
        installed: Option<Arc<Installed>>,
    ) -> io::Result<(Parts, Option<Connection>)> {
        let Grown { process, runtime_api, edge, output, log, told } = grown;
        if let Some(listener) = edge {
            session.lifeline.push(self.host.serve(listener)?);
        }
        let (connection, identity) = told.unzip();
        let parts = Parts {
            process,
            runtime_api,
            output,
            log,
            session,
            external: None,
            identity,
            installed,
            origin: Origin::Started,
        };
        Ok((parts, connection))
    }
}

impl FailedInit {
    /// The environment in which the next event initialises again, in the sandbox of the one that failed. Without any, the
    /// worker runs the event with a whole new try.
    pub async fn renew(self) -> Result<Arc<Environment>, Self> {
        let Some(environment) = &self.environment else { return Err(self) };
        match environment.renew().await {
            Some(renewed) => Ok(renewed),
            None => Err(Self { environment: None, ..self }),
        }
    }
}

async fn compile(
    runtimes: Arc<Runtimes>,
    installed: Installed,
) -> Result<(), runtimes::CompileError> {
    let identifier = installed.identifier;
    let compiled = tokio::task::spawn_blocking(move || runtimes.compile(&installed)).await;
    // Cut short where the server stops.
    compiled.unwrap_or(Err(runtimes::CompileError::NoCompiler(identifier)))
}

/// A delay of Nagle's algorithm would cost more than the invocation.
fn runtime_connection(stream: TcpStream) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    Ok(Connection::new(stream))
}

/// The command of a function: its runtime's, or its own bootstrap, behind the wrapper it may ask for.
fn entrypoint(function: &Function, installed: &Installed) -> Option<Vec<String>> {
    let mut argv = if installed.argv.is_empty() {
        runtimes::provided_argv(&function.code_dir, function.layers_dir.as_deref())?
    } else {
        installed.argv_for(function.memory_mb, &function.env_vars)
    };
    if let Some(wrapper) = wrapper(function)
        && !installed.argv.is_empty()
    {
        argv.insert(0, wrapper.to_owned());
    }
    Some(argv)
}

/// A program that starts the runtime in its own way. Custom runtimes have none, as on AWS.
fn wrapper(function: &Function) -> Option<&str> {
    let wrapper = function.env_vars.iter().find(|(name, _)| name == "AWS_LAMBDA_EXEC_WRAPPER");
    wrapper.map(|(_, path)| path.as_str()).filter(|path| !path.is_empty())
}

/// What a launch error means if it is the function's own fault.
fn not_executable(function: &Function, error: &LaunchError) -> Option<Failure> {
    let LaunchError::Step { step, thing, source } = error else { return None };
    match step {
        Step::Execute => {}
        Step::WorkingDirectory if function.image.is_some() => {
            let (directory, reason) = (thing.clone(), kernel_reason(source));
            return Some(Failure::NoWorkingDirectory { directory, reason });
        }
        _ => return None,
    }
    if wrapper(function).is_some_and(|wrapper| wrapper == thing) {
        return Some(Failure::NoWrapper);
    }
    Some(Failure::NotExecutable { program: thing.clone(), reason: kernel_reason(source) })
}

fn code_mounts(function: &Function) -> Vec<Mount> {
    let layers = function.layers_dir.iter().map(|source| (source, "/opt"));
    let all = [(&function.code_dir, "/var/task")].into_iter().chain(layers);
    all.map(|(source, target)| Mount { source: source.clone(), target: target.into() }).collect()
}
