// SPDX-License-Identifier: Apache-2.0
//! The native function: answers its event, after a while if it says so. One connection, one write per message.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

fn main() -> io::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let (host, prefix) = api.split_at(api.find('/').unwrap_or(api.len()));
    let mut writer = TcpStream::connect(host)?;
    writer.set_nodelay(true)?;
    let mut reader = BufReader::new(writer.try_clone()?);
    let path = format!("{prefix}/2018-06-01/runtime/invocation");
    let next = format!("GET {path}/next HTTP/1.1\r\nHost: {host}\r\n\r\n");
    writer.write_all(next.as_bytes())?;
    loop {
        let (id, event) = read(&mut reader)?;
        let event = String::from_utf8(event).map_err(io::Error::other)?;
        std::thread::sleep(sleep_of(&event));
        let body = format!("{{\"ok\": true, \"echo\": {event}}}");
        let message = format!(
            "POST {path}/{id}/response HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}{next}",
            body.len()
        );
        writer.write_all(message.as_bytes())?;
        read(&mut reader)?;
    }
}

fn sleep_of(event: &str) -> Duration {
    let after = event.split_once("\"sleep_ms\":").map_or("", |(_, after)| after.trim_start());
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Duration::from_millis(digits.parse().unwrap_or(0))
}

/// The request id, if there is one, and the body.
fn read(reader: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let (mut id, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
            id = value.trim().to_owned();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((id, body))
}
