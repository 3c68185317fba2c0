// SPDX-License-Identifier: Apache-2.0
//! The `lambda_runtime` crate, unchanged, as a custom runtime.

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

static HERE: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // One event at a time, unless `AWS_LAMBDA_MAX_CONCURRENCY` says otherwise.
    run_concurrent(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload == json!("fail") {
        return Err("too blue".into());
    }
    // As many as this must be here at once before any of them goes on.
    if let Some(together) = event.payload["together"].as_u64() {
        HERE.fetch_add(1, Ordering::SeqCst);
        while HERE.load(Ordering::SeqCst) < together {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(json!({ "got": event.payload, "id": event.context.request_id, "memory": event.context.env_config.memory }))
}
