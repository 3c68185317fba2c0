// SPDX-License-Identifier: Apache-2.0
//! The `lambda_runtime` crate, unchanged, as a custom runtime.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload == json!("fail") {
        return Err("too blue".into());
    }
    Ok(json!({ "got": event.payload, "id": event.context.request_id, "memory": event.context.env_config.memory }))
}
