// SPDX-License-Identifier: Apache-2.0
//! What answers plain HTTP on a host of its own, beside the services.

use crate::fixture::{CREATE, Sent, Server};
use edge::{Front, Guest, Options, Reception, Site};
use http::request::Parts;
use std::sync::Arc;
use wire::{BoxFuture, Response};

const BODY_MAX: usize = 100;

/// Answers on `NAME.front.localhost`. The name says what is asked of whoever comes.
struct Hosts;

impl Front for Hosts {
    fn name(&self) -> &'static str {
        "front"
    }

    fn find(&self, host: &str, _path: &str) -> Option<Site> {
        let id = host.strip_suffix(".front.localhost:4566")?.to_owned();
        Some(Site { id, region: None, path_start: 0 })
    }

    fn receive<'a>(&'a self, site: &'a Site, _head: &'a Parts) -> BoxFuture<'a, Reception> {
        Box::pin(std::future::ready(match site.id.as_str() {
            "closed" => {
                let mut response = Response::new("closed".to_owned().into());
                *response.status_mut() = http::StatusCode::FORBIDDEN;
                Reception::Answered(response)
            }
            "signed" => Reception::Signed { service: "lambda", body_max: BODY_MAX },
            _ => Reception::Open { body_max: BODY_MAX },
        }))
    }

    fn answer<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            assert_ne!(guest.site.id, "panics", "asked to");
            let signer = guest.signer.as_ref().map(|signer| signer.key.caller().arn.as_str());
            let text = format!(
                "{} {} {:?} {} {} {} bytes by {}",
                guest.host(),
                guest.path(),
                guest.port(),
                guest.site.id,
                guest.source,
                guest.body.len(),
                signer.unwrap_or("nobody")
            );
            Response::new(text.into())
        })
    }
}

fn server() -> Server {
    Server::start_with(Options::default(), |edge| edge.with_front(Arc::new(Hosts)))
}

fn request(name: &str, body: &'static str) -> Sent {
    Sent::unsigned("POST", "/a?b", body).header("host", &format!("{name}.front.localhost:4566"))
}

#[tokio::test]
async fn the_host_alone_decides() {
    let server = server();
    let answer = server.send(&request("open", "hi")).await;
    assert_eq!(
        answer.summary(),
        "200 - open.front.localhost /a Some(4566) open 127.0.0.1 2 bytes by nobody"
    );
    assert!(answer.header("x-amzn-trace-id").unwrap().starts_with("Root=1-"));
    // Also where the path is an operation's, and whatever is signed.
    let create = Sent::signed("POST", CREATE, "{}").header("host", "open.front.localhost:4566");
    assert_eq!(server.send(&create).await.status, 200);
    assert_eq!(server.calls(), Vec::<String>::new());
    assert_eq!(server.send(&Sent::signed("POST", CREATE, "{}")).await.status, 200);
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn some_places_ask_for_a_signature() {
    let server = server();
    let signed = server.send(&request("signed", "hi").sign("lambda")).await;
    assert!(signed.body.ends_with("2 bytes by arn:aws:iam::000000000000:root"), "{signed:?}");
    // Who did not sign is the front's to refuse.
    assert!(server.send(&request("signed", "hi")).await.body.ends_with("by nobody"));
    let mut changed = request("signed", "hi").sign("lambda");
    changed.body = "ho".into();
    let other_service = request("signed", "hi").sign("sts");
    for wrong in [changed, other_service] {
        let answer = server.send(&wrong).await;
        assert!(answer.summary().starts_with("403 InvalidSignatureException"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_refused_leaves_the_connection_as_it_was() {
    let server = server();
    let mut client = server.connect().await;
    client.write(&request("closed", "a body that nobody reads").bytes()).await;
    assert_eq!(client.read().await.summary(), "403 - closed");
    client.write(&request("open", "hi").bytes()).await;
    assert_eq!(client.read().await.status, 200);
    let long = Sent::unsigned("POST", "/", "x".repeat(BODY_MAX + 1))
        .header("host", "open.front.localhost:4566");
    client.write(&long.bytes()).await;
    let answer = client.read().await;
    assert!(answer.summary().starts_with("413 RequestEntityTooLargeException"), "{answer:?}");
    client.write(&request("panics", "hi").bytes()).await;
    assert_eq!(client.read().await.status, 500);
    assert_eq!(server.send(&request("open", "hi")).await.status, 200);
}
