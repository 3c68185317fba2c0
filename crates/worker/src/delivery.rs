// SPDX-License-Identifier: Apache-2.0
//! An event as a runtime receives it: the answer to `next`.

use crate::event::Event;
use crate::runtime_api::Connection;
use bytes::{Bytes, BytesMut};
use std::fmt::Write as _;

#[derive(Debug)]
pub(crate) struct Delivery {
    head: BytesMut,
    payload: Bytes,
}

impl Delivery {
    /// `deadline_ms` is Unix time in milliseconds.
    pub(crate) fn new(event: &Event, deadline_ms: u64) -> Self {
        let mut head = BytesMut::with_capacity(512);
        let optional = [
            ("Lambda-Runtime-Client-Context", event.client_context.as_deref()),
            ("Lambda-Runtime-Cognito-Identity", event.cognito_identity.as_deref()),
            ("Lambda-Runtime-Trace-Id", Some(event.trace_id.as_str())),
            ("Lambda-Runtime-Aws-Tenant-Id", event.tenant_id.as_deref()),
        ];
        let length = event.payload.len();
        write!(
            head,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {}\r\nLambda-Runtime-Deadline-Ms: {deadline_ms}\r\nLambda-Runtime-Invoked-Function-Arn: {}\r\n",
            event.request_id, event.invoked_arn,
        )
        .expect("a BytesMut grows");
        for (name, value) in optional {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                write!(head, "{name}: {}\r\n", OneLine(value)).expect("a BytesMut grows");
            }
        }
        write!(head, "Content-Length: {length}\r\n\r\n").expect("a BytesMut grows");
        Self { head, payload: event.payload.clone() }
    }

    pub(crate) fn queue_on(self, connection: &mut Connection) {
        connection.queue(&self.head, self.payload);
    }
}

/// A header value that cannot end its line: client context is a customer's text.
struct OneLine<'a>(&'a str);

impl std::fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .chars()
            .filter(|c| !matches!(c, '\r' | '\n' | '\0'))
            .try_for_each(|c| f.write_char(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use names::RequestId;

    #[test]
    fn all_headers_are_there_and_none_is_split() {
        let event = Event {
            request_id: RequestId::parse("6f2c0000-0000-4000-8000-000000000000").unwrap(),
            payload: Bytes::from_static(b"{}"),
            invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f:7".into(),
            client_context: Some("{\"a\":\r\n1}".into()),
            cognito_identity: None,
            tenant_id: Some("blue".into()),
            trace_id: "Root=1-a;Parent=b;Sampled=0".into(),
            sampled: None,
            response: None,
            wants_log_tail: false,
        };
        let delivery = Delivery::new(&event, 1_700_000_000_000);
        expect![[r#"
            HTTP/1.1 200 OK
            Content-Type: application/json
            Lambda-Runtime-Aws-Request-Id: 6f2c0000-0000-4000-8000-000000000000
            Lambda-Runtime-Deadline-Ms: 1700000000000
            Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f:7
            Lambda-Runtime-Client-Context: {"a":1}
            Lambda-Runtime-Trace-Id: Root=1-a;Parent=b;Sampled=0
            Lambda-Runtime-Aws-Tenant-Id: blue
            Content-Length: 2

        "#]]
        .assert_eq(&String::from_utf8(delivery.head.to_vec()).unwrap().replace("\r\n", "\n"));
    }
}
