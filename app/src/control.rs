// SPDX-License-Identifier: Apache-2.0
//! How other commands talk to the server of a data directory: a socket in it, one line of JSON each way.
//! Who listens to what happens gets as many lines as there are.
//!
//! Whoever may open the directory may ask: it belongs to the server's user alone. Functions do not see it.

use crate::metering::Metering;
use crate::recorded::{self, Compared, Listed, Replay, Which, Whole};
use crate::tail::{self, Told};
use crate::tenants::{RootKey, Tenant, Tenants};
use anyhow::{Context, bail};
use edge::Edge;
use events::Class;
use flow::Filter;
use lambda::Lambda;
use recordings::Recordings;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use usage::{Column, Row};

const NAME: &str = "control";
const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// How long the server waits for a line, and a command for its answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Those that are answered at once. Replays take as long as their functions.
const ASKERS_MAX: usize = 16;
/// How long a command waits for a replay: as long as a function may run, and a while to start.
const REPLAY_PATIENCE: Duration = Duration::from_secs(20 * 60);

/// What may be asked. A line is the ARN of a function without a qualifier.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Lines,
    Items {
        line: String,
        count_max: usize,
    },
    Purge {
        line: Option<String>,
        only: Option<Kind>,
    },
    Redrive {
        line: Option<String>,
    },
    /// Days such as `2026-11-23`, both included.
    Usage {
        from: String,
        to: String,
        by: Vec<Column>,
    },
    Accounts,
    /// Its number, or any.
    CreateAccount(Option<String>),
    RemoveAccount(String),
    /// Why somebody may do something, or may not.
    Explain(edge::Question),
    Recordings {
        which: Which,
        count_max: usize,
    },
    /// The same, whole.
    Recorded {
        which: Which,
        count_max: usize,
    },
    PurgeRecordings {
        function: Option<String>,
    },
    Replay(Replay),
    /// What happens from now on. It is answered by lines until one side has had enough.
    Tail(Filter),
}

impl Request {
    const fn patience(&self) -> Duration {
        match self {
            Self::Replay(_) => REPLAY_PATIENCE,
            _ => PATIENCE,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Events,
    Deliveries,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Lines(Vec<Line>),
    Items(Vec<lambda::Waiting>),
    Count(usize),
    Usage(Vec<Row>),
    Explanation(edge::Explanation),
    Recordings(Listed),
    Recorded(Vec<Whole>),
    Replayed(Box<Compared>),
    Accounts(Vec<Tenant>),
    RootKey(RootKey),
    Error(String),
}

/// How it stands with one function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) function: String,
    pub(crate) events: usize,
    pub(crate) running: usize,
    pub(crate) retrying: usize,
    pub(crate) throttled: usize,
    pub(crate) undelivered: usize,
    pub(crate) bytes: u64,
    pub(crate) oldest_age_ms: u64,
}

/// The parts of the server that commands ask.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) lambda: Lambda,
    pub(crate) metering: Arc<Metering>,
    pub(crate) edge: Arc<Edge>,
    pub(crate) recordings: Recordings,
    pub(crate) tenants: Tenants,
}

impl Asked {
    pub(crate) fn new(
        lambda: &Lambda,
        metering: &Arc<Metering>,
        edge: &Arc<Edge>,
        recordings: &Recordings,
        tenants: Tenants,
    ) -> Self {
        Self {
            lambda: lambda.clone(),
            metering: Arc::clone(metering),
            edge: Arc::clone(edge),
            recordings: recordings.clone(),
            tenants,
        }
    }
}

/// A path of the socket that is short enough for one, however long that of the directory is.
fn path(dir: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{NAME}", dir.as_raw_fd()))
}

/// Listens. Whoever asks from now on waits for an answer.
pub(crate) fn listen(data_dir: &Path) -> anyhow::Result<UnixListener> {
    let dir = File::open(data_dir)?;
    let path = path(&dir);
    // Of a server that was killed. This one holds the directory's lock.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    UnixListener::bind(&path).context("cannot listen for commands")
}

/// Answers until it is dropped.
pub(crate) async fn serve(listener: UnixListener, asked: &Asked) -> anyhow::Result<()> {
    let mut askers = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept(), if askers.len() < ASKERS_MAX => accepted?.0,
            Some(_) = askers.join_next() => continue,
        };
        let asked = asked.clone();
        askers.spawn(async move {
            if let Err(error) = answer(stream, &asked).await {
                tracing::warn!(%error, "command not answered");
            }
        });
    }
}

async fn answer(stream: tokio::net::UnixStream, asked: &Asked) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = tokio::io::BufReader::new(read.take(REQUEST_BYTES_MAX));
    tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Tail(filter)) => return tail::serve(read, write, &filter).await,
        Ok(request) => answer_to(request, asked).await,
        Err(error) => Answer::Error(format!("the server does not understand: {error}")),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    tokio::time::timeout(PATIENCE, write.write_all(&text)).await?
}

async fn answer_to(request: Request, asked: &Asked) -> Answer {
    let (lambda, queue) = (&asked.lambda, asked.lambda.queue());
    match request {
        Request::Lines => {
            let lines = queue.lines().into_iter().map(|(function, (line, age))| Line {
                function: function.to_string(),
                events: line.events,
                running: line.running,
                retrying: line.retrying,
                throttled: line.throttled,
                undelivered: line.undelivered,
                bytes: line.bytes,
                oldest_age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
            });
            Answer::Lines(lines.collect())
        }
        Request::Items { line, count_max } => match lambda.waiting(&line, count_max).await {
            Ok(items) => Answer::Items(items),
            Err(error) => Answer::Error(format!("cannot read what waits: {error}")),
        },
        Request::Purge { line, only } => {
            let class = only.map(|kind| match kind {
                Kind::Events => Class::Event,
                Kind::Deliveries => Class::Delivery,
            });
            Answer::Count(queue.purge(line.as_deref(), class).await)
        }
        Request::Redrive { line } => Answer::Count(queue.redrive(line.as_deref())),
        Request::Usage { from, to, by } => match asked.metering.usage(&from, &to, &by).await {
            Ok(rows) => Answer::Usage(rows),
            Err(error) => Answer::Error(format!("cannot sum up: {error}")),
        },
        Request::Accounts => Answer::Accounts(asked.tenants.list()),
        Request::CreateAccount(id) => match asked.tenants.create(id.as_deref()).await {
            Ok(key) => Answer::RootKey(key),
            Err(error) => Answer::Error(format!("{error:#}")),
        },
        Request::RemoveAccount(id) => match asked.tenants.remove(&id).await {
            Ok(()) => Answer::Count(1),
            Err(error) => Answer::Error(format!("{error:#}")),
        },
        Request::Explain(question) => match asked.edge.explain(&question) {
            Ok(explanation) => Answer::Explanation(explanation),
            Err(error) => Answer::Error(error.to_string()),
        },
        Request::Recordings { which, count_max } => {
            let listed = recorded::list(&asked.recordings, which, count_max).await;
            told(listed.map(Answer::Recordings))
        }
        Request::Recorded { which, count_max } => {
            let read = recorded::read(&asked.recordings, which, count_max).await;
            told(read.map(|found| Answer::Recorded(found.into_iter().map(Whole::from).collect())))
        }
        Request::PurgeRecordings { function } => {
            told(recorded::purge(&asked.recordings, function).await.map(Answer::Count))
        }
        Request::Replay(replay) => {
            let played = recorded::replay(&asked.recordings, lambda, replay).await;
            told(played.map(|compared| Answer::Replayed(Box::new(compared))))
        }
        Request::Tail(_) => Answer::Error("it is answered elsewhere".to_owned()),
    }
}

fn told(answer: anyhow::Result<Answer>) -> Answer {
    answer.unwrap_or_else(|error| Answer::Error(format!("{error:#}")))
}

/// Listens to the server of `data_dir` until it stops.
pub(crate) fn follow(
    data_dir: &Path,
    filter: Filter,
    mut show: impl FnMut(Told) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for line in BufReader::new(connect(data_dir, &Request::Tail(filter))?).lines() {
        show(serde_json::from_str(&line?).context("the server said what is not understood")?)?;
    }
    Ok(())
}

/// Sends a request to the server of `data_dir`.
fn connect(data_dir: &Path, request: &Request) -> anyhow::Result<UnixStream> {
    let none = || {
        format!(
            "no server runs on {}\nhint: --data-dir says where the server keeps everything",
            data_dir.display()
        )
    };
    let dir = File::open(data_dir).with_context(none)?;
    let mut stream = UnixStream::connect(path(&dir)).with_context(none)?;
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    Ok(stream)
}

/// Asks the server of `data_dir`.
pub(crate) fn ask(data_dir: &Path, request: &Request) -> anyhow::Result<Answer> {
    let stream = connect(data_dir, request)?;
    stream.set_read_timeout(Some(request.patience()))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match serde_json::from_str(&line).context("the server gave no answer")? {
        Answer::Error(error) => bail!("{error}"),
        answer => Ok(answer),
    }
}
