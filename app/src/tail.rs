// SPDX-License-Identifier: Apache-2.0
//! What flows through the server, told over the control socket to who listens: a line of JSON for each fact.
//!
//! Invariant: a listener that reads slowly makes nobody wait. It is told how much it missed.

use flow::{Fact, Filter, Heard, Tail};
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Semaphore;

/// Listeners at once. Other commands must get through beside them.
pub(crate) const TAILS_MAX: usize = 8;
/// Bytes that are written at once, where so much is there.
const BYTES: usize = 64 << 10;

static PLACES: Semaphore = Semaphore::const_new(TAILS_MAX);

/// A line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told<F = Fact> {
    /// From here on everything is told.
    Listening,
    Fact(F),
    /// So many facts came faster than they were read. Not all of them may have been asked for.
    Missed(u64),
    Error(String),
}

/// Tells until the listener goes away.
pub(crate) async fn serve(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    filter: &Filter,
) -> io::Result<()> {
    let Ok(_place) = PLACES.try_acquire() else {
        let told = Told::Error(format!("{TAILS_MAX} commands listen already"));
        return write.write_all(&line(&told)?).await;
    };
    let mut tail = flow::tail();
    write.write_all(&line(&Told::Listening)?).await?;
    let mut end = [0];
    loop {
        tokio::select! {
            _ = read.read(&mut end) => return Ok(()),
            told = next(&mut tail, filter) => write.write_all(&told?).await?,
        }
    }
}

/// What there is to tell, once there is something.
async fn next(tail: &mut Tail, filter: &Filter) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    let mut heard = tail.next().await;
    loop {
        match heard {
            Heard::Fact(fact) if !filter.wants(&fact) => {}
            Heard::Fact(fact) => lines.extend(line(&Told::Fact(&*fact))?),
            Heard::Missed(count) => lines.extend(line(&Told::Missed(count))?),
        }
        if lines.len() >= BYTES {
            return Ok(lines);
        }
        heard = match tail.try_next() {
            Some(heard) => heard,
            None if lines.is_empty() => tail.next().await,
            None => return Ok(lines),
        };
    }
}

fn line(told: &Told<&Fact>) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(told)?;
    text.push(b'\n');
    Ok(text)
}
