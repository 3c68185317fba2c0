// SPDX-License-Identifier: Apache-2.0
//! A small client of the Runtime API: one connection, one write per message.
//!
//! A response and the request for the next event leave in the same write.

use std::env;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

/// What went wrong with one event, as the caller will see it.
pub struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    pub fn new(kind: &'static str, message: impl Display) -> Self {
        Self { kind, message: message.to_string() }
    }

    fn document(&self) -> Vec<u8> {
        serde_json::json!({"errorType": self.kind, "errorMessage": self.message})
            .to_string()
            .into_bytes()
    }
}

struct Answer {
    status: u16,
    request_id: String,
    body: Vec<u8>,
}

/// Answers events for as long as the process lives.
pub fn serve(handle: impl Fn(&[u8]) -> Result<Vec<u8>, Failure>) -> io::Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    // Behind the address there may be a path, as the bench's bare server has it.
    let (host, prefix) = api.split_at(api.find('/').unwrap_or(api.len()));
    let connection = TcpStream::connect(host)?;
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, connection.try_clone()?);
    let mut writer = connection;

    let path = format!("{prefix}/2018-06-01/runtime/invocation");
    let next = format!("GET {path}/next HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut message = next.clone().into_bytes();
    let mut is_response_due = false;
    loop {
        writer.write_all(&message)?;
        if is_response_due {
            let taken = read(&mut reader)?;
            if taken.status != 202 {
                eprintln!("the response was refused with status {}", taken.status);
            }
        }
        let event = read(&mut reader)?;
        if event.status != 200 {
            return Err(io::Error::other(format!("no event but status {}", event.status)));
        }
        let (place, header, body) = match handle(&event.body) {
            Ok(body) => ("response", String::new(), body),
            Err(failure) => {
                eprintln!("{}: {}", failure.kind, failure.message);
                let header =
                    format!("Lambda-Runtime-Function-Error-Type: Function.{}\r\n", failure.kind);
                ("error", header, failure.document())
            }
        };
        let head = format!(
            "POST {path}/{}/{place} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{header}Content-Length: {}\r\n\r\n",
            event.request_id,
            body.len()
        );
        message = [head.as_bytes(), &body, next.as_bytes()].concat();
        is_response_due = true;
    }
}

fn read(reader: &mut impl BufRead) -> io::Result<Answer> {
    let mut line = String::new();
    read_line(reader, &mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("this is not HTTP: {line}")))?;
    let (mut request_id, mut length) = (String::new(), 0);
    loop {
        read_line(reader, &mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
            request_id = value.trim().to_owned();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Answer { status, request_id, body })
}

fn read_line(reader: &mut impl BufRead, line: &mut String) -> io::Result<()> {
    line.clear();
    if reader.read_line(line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(())
}
