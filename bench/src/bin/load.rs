// SPDX-License-Identifier: Apache-2.0
//! Sends requests again and again over kept-alive connections, and prints what came of it as JSON.
//!
//!     load ADDRESS REQUEST-FILE CONNECTIONS TOTAL SECONDS EXPECTED-TEXT
//!
//! The file has whole requests, signed, with a zero byte between two. It ends at TOTAL answers or after SECONDS, whatever
//! is first; 0 is no limit. With a TOTAL several requests are sent in turn; without one, each is drawn by Zipf's law: the
//! second half as often as the first, the third a third as often.
//! An answer is an error if its status is not 2xx, if it has X-Amz-Function-Error, or if its body lacks EXPECTED-TEXT.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Plan {
    address: String,
    requests: Vec<Vec<u8>>,
    /// Of the requests up to each; nothing when they are sent in turn.
    weights: Vec<f64>,
    expected: Vec<u8>,
    total: u64,
    end: Instant,
    sent: AtomicU64,
}

#[derive(Default)]
struct Results {
    micros: Vec<f64>,
    errors: u64,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file, connections, total, seconds, expected] = arguments.as_slice() else {
        return Err(io::Error::other(
            "usage: load ADDRESS REQUEST-FILE CONNECTIONS TOTAL SECONDS EXPECTED-TEXT",
        ));
    };
    let number = |text: &str| text.parse::<u64>().map_err(io::Error::other);
    let (total, seconds) = (number(total)?, number(seconds)?);
    let text = std::fs::read(file)?;
    let requests: Vec<_> = text.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let begin = Instant::now();
    let plan = Arc::new(Plan {
        address: address.clone(),
        weights: if total == 0 { zipf(requests.len()) } else { Vec::new() },
        requests,
        expected: expected.clone().into_bytes(),
        total: if total == 0 { u64::MAX } else { total },
        end: begin + Duration::from_secs(if seconds == 0 { 3_600 } else { seconds }),
        sent: AtomicU64::new(0),
    });
    let threads: Vec<_> = (0..number(connections)?)
        .map(|seed| {
            let plan = Arc::clone(&plan);
            std::thread::spawn(move || work(&plan, seed))
        })
        .collect();
    let mut all = Results::default();
    for thread in threads {
        match thread.join() {
            Ok(results) => {
                all.micros.extend(results.micros);
                all.errors += results.errors;
            }
            Err(_) => all.errors += 1,
        }
    }
    print(all, begin.elapsed());
    Ok(())
}

fn zipf(count: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let next = |rank: usize| {
        sum += 1.0 / rank as f64;
        sum
    };
    (1..=count).map(next).collect()
}

impl Plan {
    /// The request to send as number `sent`.
    fn request(&self, sent: u64, random: &mut u64) -> &[u8] {
        // Marsaglia's xorshift: even enough to draw by.
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        let index = match self.weights.last() {
            Some(sum) => {
                let drawn = (*random >> 11) as f64 / (1_u64 << 53) as f64 * sum;
                self.weights.partition_point(|weight| *weight <= drawn)
            }
            None => sent as usize % self.requests.len(),
        };
        &self.requests[index.min(self.requests.len() - 1)]
    }
}

fn work(plan: &Plan, seed: u64) -> Results {
    let mut random = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut results = Results::default();
    let mut connection: Option<TcpStream> = None;
    let mut buffer = Vec::with_capacity(1 << 16);
    loop {
        let sent = plan.sent.fetch_add(1, Ordering::Relaxed);
        if sent >= plan.total || Instant::now() >= plan.end {
            return results;
        }
        let request = plan.request(sent, &mut random);
        let begin = Instant::now();
        match exchange(plan, request, &mut connection, &mut buffer) {
            Ok(true) => results.micros.push(begin.elapsed().as_secs_f64() * 1e6),
            Ok(false) => results.errors += 1,
            Err(_) => {
                results.errors += 1;
                connection = None;
                // A server that is gone is not asked a million times a second.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Whether the answer is a good one.
fn exchange(
    plan: &Plan,
    request: &[u8],
    connection: &mut Option<TcpStream>,
    buffer: &mut Vec<u8>,
) -> io::Result<bool> {
    let stream = match connection {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(&plan.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            connection.insert(stream)
        }
    };
    stream.write_all(request)?;
    buffer.clear();
    let mut chunk = [0; 1 << 16];
    let (head, length) = loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&chunk[..count]);
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..at]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let length: usize = match length {
                Some(length) => length,
                None if head.starts_with("http/1.1 204") => 0,
                None => return Err(io::Error::other("an answer without a length")),
            };
            break (head, at + 4 + length);
        }
    };
    let mut received = buffer.len();
    while received < length {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received += count;
        // What is not looked at is not kept: it may be long.
        if !plan.expected.is_empty() {
            buffer.extend_from_slice(&chunk[..count]);
        }
    }
    let is_good = head.starts_with("http/1.1 2")
        && !head.contains("\r\nx-amz-function-error:")
        && (plan.expected.is_empty() || find(buffer, &plan.expected).is_some());
    if head.contains("\r\nconnection: close") {
        *connection = None;
    }
    Ok(is_good)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn print(mut results: Results, elapsed: Duration) {
    results.micros.sort_by(f64::total_cmp);
    let count = results.micros.len();
    let at = |share: f64| {
        results.micros.get(((count as f64 * share) as usize).min(count.saturating_sub(1)))
    };
    let quantile =
        |share: f64| at(share).map_or("null".to_owned(), |micros| format!("{micros:.1}"));
    let seconds = elapsed.as_secs_f64();
    println!(
        "{{\"count\": {count}, \"errors\": {}, \"seconds\": {seconds:.4}, \"per_second\": {:.1}, \"min_us\": {}, \"p50_us\": {}, \"p99_us\": {}, \"max_us\": {}}}",
        results.errors,
        count as f64 / seconds,
        quantile(0.0),
        quantile(0.5),
        quantile(0.99),
        quantile(1.0),
    );
}
