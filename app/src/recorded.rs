// SPDX-License-Identifier: Apache-2.0
//! What commands may ask of recordings, and what the server does for them. Whoever may ask is root (`control.rs`).

use anyhow::{Context as _, bail};
use lambda::{Lambda, ReplayHow, ReplayRun, Replayed};
use names::{FunctionArn, Partition};
use recordings::{FunctionKey, Outcome, Recorded, Recording, Recordings, Wanted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which recordings. A function is named by its ARN, times are milliseconds since 1970.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Which {
    pub(crate) function: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) until_ms: Option<i64>,
}

/// What `replay` is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Replay {
    pub(crate) request_id: String,
    pub(crate) qualifier: Option<String>,
    pub(crate) is_queued: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) recordings: Vec<One>,
    /// By the function's name: invocations that were not recorded since the server started.
    pub(crate) dropped: BTreeMap<String, u64>,
}

/// An invocation, without its payload and its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct One {
    /// Its ARN.
    pub(crate) function: String,
    #[serde(flatten)]
    pub(crate) recording: Recording,
}

/// An invocation, whole.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) one: One,
    pub(crate) payload: String,
    pub(crate) answer: Option<String>,
}

/// How a recorded invocation and its replay ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) recorded: Side,
    pub(crate) replay: Side,
}

/// One of the two. What is not known is not there: of a replay that was queued, everything but its request id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) request_id: String,
    pub(crate) executed_version: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) error_type: Option<String>,
    pub(crate) duration_us: Option<u64>,
    pub(crate) answer: Option<String>,
}

impl From<Recorded> for Whole {
    fn from(recorded: Recorded) -> Self {
        let Recorded { function, recording, payload, answer } = recorded;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            one: One { function: arn(&function), recording },
            payload: text(&payload),
            answer: answer.as_deref().map(text),
        }
    }
}

impl Side {
    fn of_recorded(recorded: &Recorded) -> Self {
        let Recorded { recording, answer, .. } = recorded;
        Self {
            request_id: recording.request_id.clone(),
            executed_version: Some(recording.executed_version.clone()),
            outcome: Some(recording.outcome),
            error_type: recording.error_type.clone(),
            duration_us: Some(recording.duration_us),
            answer: answer.as_deref().map(|answer| String::from_utf8_lossy(answer).into_owned()),
        }
    }

    fn of_replay(replayed: Replayed) -> Self {
        let Replayed { request_id, run } = replayed;
        let Some(run) = run else { return Self { request_id, ..Self::default() } };
        let ReplayRun { executed_version, outcome, error_type, duration, answer } = run;
        Self {
            request_id,
            executed_version: Some(executed_version),
            outcome: Some(outcome),
            error_type,
            duration_us: Some(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)),
            answer: answer.map(|answer| String::from_utf8_lossy(&answer).into_owned()),
        }
    }
}

pub(crate) async fn list(
    recordings: &Recordings,
    which: Which,
    count_max: usize,
) -> anyhow::Result<Listed> {
    let (recordings, wanted) = (recordings.clone(), wanted(which)?);
    tokio::task::spawn_blocking(move || {
        let found = recordings.list(&wanted, count_max).context("cannot read the recordings")?;
        let one = |(function, recording)| One { function: arn(&function), recording };
        let dropped = recordings.dropped();
        Ok(Listed { recordings: found.into_iter().map(one).collect(), dropped })
    })
    .await?
}

pub(crate) async fn read(
    recordings: &Recordings,
    which: Which,
    count_max: usize,
) -> anyhow::Result<Vec<Recorded>> {
    let (recordings, wanted) = (recordings.clone(), wanted(which)?);
    let read = move || recordings.read(&wanted, count_max);
    tokio::task::spawn_blocking(read).await?.context("cannot read the recordings")
}

pub(crate) async fn purge(
    recordings: &Recordings,
    function: Option<String>,
) -> anyhow::Result<usize> {
    let function = function.as_deref().map(key).transpose()?;
    let recordings = recordings.clone();
    let purge = move || recordings.purge(function.as_ref());
    tokio::task::spawn_blocking(purge).await?.context("cannot remove the recordings")
}

pub(crate) async fn replay(
    recordings: &Recordings,
    lambda: &Lambda,
    replay: Replay,
) -> anyhow::Result<Compared> {
    let Replay { request_id, qualifier, is_queued } = replay;
    let qualifier = qualifier.map(|text| text.parse()).transpose()?;
    let which = Which { request_id: Some(request_id.clone()), ..Which::default() };
    let Some(found) = read(recordings, which, 1).await?.pop() else {
        bail!("no invocation with the request id {request_id} is recorded");
    };
    let recorded = Side::of_recorded(&found);
    let how = if is_queued { ReplayHow::Event } else { ReplayHow::RequestResponse };
    let replayed = lambda.replay(found, qualifier, how).await;
    let replayed = replayed
        .map_err(|fault| anyhow::anyhow!("{}: {}", fault.code, fault.message))
        .context("the replay was refused")?;
    Ok(Compared { recorded, replay: Side::of_replay(replayed) })
}

fn wanted(which: Which) -> anyhow::Result<Wanted> {
    let Which { function, request_id, outcome, from_ms, until_ms } = which;
    let function = function.as_deref().map(key).transpose()?;
    Ok(Wanted { function, request_id, outcome, from_ms, until_ms })
}

fn key(arn: &str) -> anyhow::Result<FunctionKey> {
    let FunctionArn { account, region, name, .. } = arn.parse()?;
    Ok(FunctionKey { account, region, name: name.to_string() })
}

fn arn(function: &FunctionKey) -> String {
    let FunctionKey { account, region, name } = function;
    let partition = Partition::default();
    format!("arn:{partition}:lambda:{region}:{account}:function:{name}")
}
