// SPDX-License-Identifier: Apache-2.0
//! The `lambda-extension` crate, unchanged: it prints what it is told through the API that `SUBSCRIBE` names.

use lambda_extension::{
    Error, Extension, LambdaEvent, LambdaLog, LambdaTelemetry, LogBuffering, NextEvent,
    SharedService, service_fn,
};

/// The least that AWS allows.
const BUFFERING: LogBuffering =
    LogBuffering { timeout_ms: 25, max_bytes: 262_144, max_items: 1_000 };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let extension = Extension::new().with_events_processor(service_fn(event));
    if std::env::var("SUBSCRIBE").as_deref() == Ok("logs") {
        let extension = extension.with_log_types(&["platform", "function"]);
        let extension = extension.with_log_buffering(BUFFERING);
        extension.with_logs_processor(SharedService::new(service_fn(logs))).run().await
    } else {
        let extension = extension.with_telemetry_types(&["platform", "function"]);
        let extension = extension.with_telemetry_buffering(BUFFERING);
        extension.with_telemetry_processor(SharedService::new(service_fn(telemetry))).run().await
    }
}

async fn event(event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Invoke(invoke) => println!("crate got INVOKE {}", invoke.request_id),
        NextEvent::Shutdown(shutdown) => {
            println!("crate got SHUTDOWN {}", shutdown.shutdown_reason)
        }
    }
    Ok(())
}

async fn telemetry(batch: Vec<LambdaTelemetry>) -> Result<(), Error> {
    for told in batch {
        println!("crate told {}", serde_json::to_string(&told)?);
    }
    Ok(())
}

async fn logs(batch: Vec<LambdaLog>) -> Result<(), Error> {
    for told in batch {
        println!("crate told {:?}", told.record);
    }
    Ok(())
}
