// SPDX-License-Identifier: Apache-2.0
//! The floor: what the machine allows. An Invoke route and a Runtime API over one process per environment, on a bare
//! hyper server: no sandbox, no authentication, no logs, no storage. `POST /echo` answers its body: the ceiling.
//!
//!     floor PORT FUNCTIONS-FOLDER KIND=COMMAND,ARGUMENT,... ...
//!
//! A function is called KIND-NAME and need not be created: `python-1` runs FUNCTIONS-FOLDER/python with the command of
//! `python`.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// More starts than cores at once only make each other slow.
const STARTS_MAX: usize = 4;
const ENVIRONMENTS_MAX: usize = 128;

struct Floor {
    port: u16,
    functions: PathBuf,
    commands: HashMap<String, Vec<String>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pools: HashMap<String, Pool>,
    running: HashMap<String, oneshot::Sender<Bytes>>,
    children: Vec<Child>,
    last_id: u64,
}

#[derive(Default)]
struct Pool {
    idle: Vec<oneshot::Sender<Job>>,
    waiting: VecDeque<Job>,
    /// Answered, but have not asked for the next event yet: to start another one now would be a waste.
    returning: usize,
    starting: usize,
    count: usize,
}

struct Job {
    id: String,
    payload: Bytes,
    answer: oneshot::Sender<Bytes>,
}

impl Pool {
    /// Whether one more environment must be started for those who wait.
    fn should_start(&mut self) -> bool {
        let is_needed = self.waiting.len() > self.starting + self.returning;
        if !is_needed || self.starting >= STARTS_MAX || self.count >= ENVIRONMENTS_MAX {
            return false;
        }
        self.starting += 1;
        self.count += 1;
        true
    }
}

impl Floor {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let is_get = request.method() == Method::GET;
        let body = request.into_body().collect().await?.to_bytes();
        Ok(match parts.as_slice() {
            ["echo"] => json(body),
            ["ready"] => json(Bytes::from_static(b"{}")),
            ["2015-03-31", "functions", function, "invocations"] => {
                self.invoke(function, body).await
            }
            ["environment", function, "2018-06-01", "runtime", "invocation", "next"] if is_get => {
                self.next(function).await
            }
            [
                "environment",
                function,
                "2018-06-01",
                "runtime",
                "invocation",
                id,
                "response" | "error",
            ] => self.respond(function, id, body),
            _ => status(StatusCode::NOT_FOUND),
        })
    }

    async fn invoke(&self, function: &str, payload: Bytes) -> Response<Full<Bytes>> {
        let (answer, answered) = oneshot::channel();
        let should_start = {
            let mut state = self.state();
            state.last_id += 1;
            let mut job = Job { id: format!("{:032x}", state.last_id), payload, answer };
            let pool = state.pools.entry(function.to_owned()).or_default();
            loop {
                let Some(environment) = pool.idle.pop() else {
                    pool.waiting.push_back(job);
                    break;
                };
                match environment.send(job) {
                    Ok(()) => break,
                    Err(back) => {
                        pool.count -= 1;
                        job = back;
                    }
                }
            }
            pool.should_start()
        };
        if should_start && let Err(error) = self.start(function) {
            eprintln!("{function}: {error}");
            return status(StatusCode::BAD_GATEWAY);
        }
        answered.await.map_or_else(|_| status(StatusCode::BAD_GATEWAY), json)
    }

    async fn next(&self, function: &str) -> Response<Full<Bytes>> {
        let (mut should_start, mut job, mut turn) = (false, None, None);
        if let Some(pool) = self.state().pools.get_mut(function) {
            match pool.returning {
                0 => pool.starting = pool.starting.saturating_sub(1),
                _ => pool.returning -= 1,
            }
            job = pool.waiting.pop_front();
            should_start = pool.should_start();
            if job.is_none() {
                let (ours, theirs) = oneshot::channel();
                pool.idle.push(ours);
                turn = Some(theirs);
            }
        }
        if should_start && let Err(error) = self.start(function) {
            eprintln!("{function}: {error}");
        }
        if let Some(turn) = turn {
            job = turn.await.ok();
        }
        let Some(job) = job else { return status(StatusCode::GONE) };
        self.state().running.insert(job.id.clone(), job.answer);
        let mut response = json(job.payload);
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:floor";
        for (name, value) in [
            ("lambda-runtime-aws-request-id", job.id.as_str()),
            ("lambda-runtime-deadline-ms", "4102444800000"),
            ("lambda-runtime-invoked-function-arn", arn),
        ] {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn respond(&self, function: &str, id: &str, body: Bytes) -> Response<Full<Bytes>> {
        let mut state = self.state();
        if let Some(pool) = state.pools.get_mut(function) {
            pool.returning += 1;
        }
        if let Some(answer) = state.running.remove(id) {
            // A caller that is gone does not want it.
            let _ = answer.send(body);
        }
        let mut response = json(Bytes::from_static(b"{\"status\":\"OK\"}"));
        *response.status_mut() = StatusCode::ACCEPTED;
        response
    }

    fn start(&self, function: &str) -> io::Result<()> {
        let kind = function.split('-').next().unwrap_or_default();
        let command = self.commands.get(kind).and_then(|command| command.split_first());
        let (program, arguments) =
            command.ok_or_else(|| io::Error::other("there is no command for it"))?;
        let task = self.functions.join(kind);
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_CTYPE", "C.UTF-8")
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("127.0.0.1:{}/environment/{function}", self.port),
            )
            .env("LAMBDA_TASK_ROOT", &task)
            .env("_HANDLER", "handler.handler")
            .current_dir(&task)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        self.state().children.push(child);
        Ok(())
    }
}

fn json(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = json(Bytes::new());
    *response.status_mut() = status;
    response
}

#[tokio::main(worker_threads = 2)]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .ok_or_else(|| io::Error::other("usage: floor PORT FOLDER KIND=COMMAND,..."))
    };
    let port = next()?.parse().map_err(io::Error::other)?;
    let functions = next()?.into();
    let commands = arguments
        .filter_map(|argument| {
            let (kind, command) = argument.split_once('=')?;
            Some((kind.to_owned(), command.split(',').map(str::to_owned).collect()))
        })
        .collect();
    let floor = Arc::new(Floor { port, functions, commands, state: Mutex::default() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let floor = Arc::clone(&floor);
        tokio::spawn(async move {
            let service = service_fn(|request| Arc::clone(&floor).answer(request));
            let stream = hyper_util::rt::TokioIo::new(stream);
            // A connection that breaks is its client's affair.
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
        });
    }
}
