// SPDX-License-Identifier: Apache-2.0
//! What waits in the queue, for whoever looks: without payloads.

use crate::asynchronous::EventHead;
use crate::destinations::DeliveryHead;
use events::Class;
use serde::{Deserialize, Serialize};

/// An event, or a record that its destination does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub request_id: Option<String>,
    /// What the event was sent to, if that was not the function itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<String>,
    /// Where the record of an event that has ended is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    pub attempts: u32,
    pub is_running: bool,
    pub age_ms: u64,
    /// 0 if it is ready.
    pub due_in_ms: u64,
}

impl Waiting {
    pub(crate) fn of(item: &events::Waiting) -> Self {
        let ms =
            |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (request_id, qualifier, destination) = match item.class {
            Class::Event => {
                let head: Option<EventHead> = serde_json::from_slice(&item.head).ok();
                head.map_or((None, None, None), |head| {
                    (Some(head.request_id), head.qualifier, None)
                })
            }
            Class::Delivery => {
                let head: Option<DeliveryHead> = serde_json::from_slice(&item.head).ok();
                head.map_or((None, None, None), |head| {
                    (Some(head.request_id), None, Some(head.destination))
                })
            }
        };
        Self {
            request_id,
            qualifier,
            destination,
            attempts: item.attempts,
            is_running: item.is_running,
            age_ms: ms(item.age),
            due_in_ms: ms(item.due_in),
        }
    }
}
