// SPDX-License-Identifier: Apache-2.0
//! The way of a batch to its subscriber: over a socket in the sandbox's own network, which leads nowhere else.
//!
//! A batch is tried until it arrives. Nothing here has a time limit: an extension that is frozen answers when it runs again, one that
//! never answers has its buffer run full. What ends a delivery is the end of its environment.

use super::subscriber::Subscriber;
use super::subscription::Destination;
use crate::life::{Life, Living};
use bytes::Bytes;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Between two tries: at first, and at last.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Nobody answers with a longer head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Delivers to `subscriber` until the environment ends.
pub(crate) fn start<E: Living>(environment: &Arc<E>, subscriber: Arc<Subscriber>) {
    let from = Arc::clone(environment);
    environment.life().spawn(async move {
        let mut open = None;
        loop {
            let batch = subscriber.next_batch().await;
            let mut pause = PAUSE_MIN;
            while let Err(error) =
                send(from.life(), &subscriber.destination, &batch, &mut open).await
            {
                tracing::debug!(%error, "telemetry was not delivered");
                open = None;
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(PAUSE_MAX);
            }
            subscriber.sent();
        }
    });
}

async fn send(
    life: &Life,
    destination: &Destination,
    batch: &[Bytes],
    open: &mut Option<TcpStream>,
) -> io::Result<()> {
    let (Destination::Http { port, .. } | Destination::Tcp { port }) = destination;
    let stream = match open {
        Some(stream) => stream,
        None => open.insert(connect(life, *port).await?),
    };
    match destination {
        Destination::Http { port, path } => {
            if !post(stream, *port, path, batch).await? {
                *open = None;
            }
            Ok(())
        }
        Destination::Tcp { .. } => {
            let mut lines = Vec::new();
            for record in batch {
                lines.extend_from_slice(record);
                lines.push(b'\n');
            }
            stream.write_all(&lines).await
        }
    }
}

async fn connect(life: &Life, port: u16) -> io::Result<TcpStream> {
    let outlet = life.ground.process.outlet().await?;
    let inside = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpSocket::from_std_stream(outlet.into()).connect(inside).await
}

/// `true` when the connection can be used again.
async fn post(stream: &mut TcpStream, port: u16, path: &str, batch: &[Bytes]) -> io::Result<bool> {
    let commas = batch.len().saturating_sub(1);
    let length = batch.iter().map(Bytes::len).sum::<usize>() + commas + 2;
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n["
    )
    .into_bytes();
    request.reserve(length);
    for (index, record) in batch.iter().enumerate() {
        if index > 0 {
            request.push(b',');
        }
        request.extend_from_slice(record);
    }
    request.push(b']');
    stream.write_all(&request).await?;
    let Answer { status, is_whole } = read_answer(stream).await?;
    if (200..300).contains(&status) {
        Ok(is_whole)
    } else {
        Err(io::Error::other(format!("the subscriber answered {status}")))
    }
}

struct Answer {
    status: u16,
    /// All of it was read, and another may follow.
    is_whole: bool,
}

/// Reads the head of an answer. Of its body it wants nothing: an answer that has one not yet here ends the connection.
async fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut head = Vec::new();
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&head) {
            Ok(httparse::Status::Complete(length)) if response.code == Some(100) => {
                head.drain(..length);
            }
            Ok(httparse::Status::Complete(length)) => {
                let status = response.code.unwrap_or_default();
                let is_whole = body_length(&response) == Some(head.len() - length);
                return Ok(Answer { status, is_whole });
            }
            Ok(httparse::Status::Partial) if head.len() <= HEAD_BYTES_MAX => {}
            Ok(httparse::Status::Partial) | Err(_) => {
                return Err(io::Error::other("the subscriber does not speak HTTP"));
            }
        }
    }
}

/// Of an answer that says it, and after which the connection stays.
fn body_length(response: &httparse::Response<'_, '_>) -> Option<usize> {
    let mut length = None;
    for header in response.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default().trim();
        if header.name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok();
        } else if header.name.eq_ignore_ascii_case("connection")
            && !value.eq_ignore_ascii_case("keep-alive")
        {
            return None;
        }
    }
    if response.code == Some(204) { Some(0) } else { length }
}
