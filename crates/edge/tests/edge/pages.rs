// SPDX-License-Identifier: Apache-2.0
//! What is under `/_tinderbox/`.

use crate::fixture::{Received, Sent, Server};
use edge::{Access, Answer, Options, Page};
use expect_test::expect;
use std::io::Write;
use std::sync::Arc;
use wire::{BoxFuture, Fault, Request, Response};

struct Code {
    dir: tempfile::TempDir,
}

impl Page for Code {
    fn answer<'a>(&'a self, rest: &'a str, _: Request) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let file = std::fs::File::open(self.dir.path().join(rest));
            let file = file
                .map_err(|_| Fault::new("NoSuchKey", 404, "The specified key does not exist."))?;
            Ok(Answer::File { file, content_type: "application/zip" })
        })
    }
}

struct Hello;

impl Page for Hello {
    fn answer<'a>(
        &'a self,
        rest: &'a str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        let text = format!("hello {rest} {}", request.body().len());
        Box::pin(async move { Ok(Answer::Response(Response::new(text.into()))) })
    }
}

fn start(bytes: usize) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let code: String =
        (0..bytes).map(|number| char::from(b'a' + u8::try_from(number % 26).unwrap())).collect();
    std::fs::File::create(dir.path().join("f")).unwrap().write_all(code.as_bytes()).unwrap();
    Server::start_with(Options::default(), |edge| {
        edge.with_page("code/", Access::Link, Arc::new(Code { dir })).with_page(
            "hello",
            Access::Open,
            Arc::new(Hello),
        )
    })
}

async fn follow(server: &Server, path: &str, edit: impl FnOnce(String) -> String) -> Received {
    let region = "us-east-1".parse().unwrap();
    let link = server.identity.link("http://127.0.0.1:4566", path, &region, 600).unwrap();
    let path = edit(link.strip_prefix("http://127.0.0.1:4566").unwrap().to_owned());
    server.send(&Sent::unsigned("GET", &path, "")).await
}

#[tokio::test]
async fn health_needs_no_signature() {
    let server = start(0);
    let response = server.send(&Sent::unsigned("GET", "/_tinderbox/health", "")).await;
    let expected =
        format!("200 - {{\"status\":\"ready\",\"version\":\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(response.summary(), expected);
    assert_eq!(server.send(&Sent::unsigned("POST", "/_tinderbox/health", "")).await.status, 405);
}

#[tokio::test]
async fn pages_get_what_follows_their_prefix() {
    let server = start(0);
    let response = server.send(&Sent::unsigned("POST", "/_tinderbox/hello/you?x=1", "abc")).await;
    expect!["200 - hello /you 3"].assert_eq(&response.summary());
    let absent = server.send(&Sent::unsigned("GET", "/_tinderbox/other", "")).await;
    expect![[r#"404 UnknownOperationException {"message":""}"#]].assert_eq(&absent.summary());
}

#[tokio::test]
async fn a_link_opens_its_file_whole() {
    for bytes in [0, 1, 700_001] {
        let server = start(bytes);
        let response = follow(&server, "/_tinderbox/code/f", |path| path).await;
        assert_eq!((response.status, response.body.len()), (200, bytes));
        assert!(
            response.body.bytes().enumerate().all(|(at, byte)| usize::from(byte - b'a') == at % 26)
        );
        assert_eq!(response.header("content-type"), Some("application/zip"));
    }
}

#[tokio::test]
async fn a_link_opens_nothing_else() {
    let server = start(1);
    assert_eq!(
        follow(&server, "/_tinderbox/code/f", |path| path.replace("/f?", "/g?")).await.status,
        403
    );
    assert_eq!(
        follow(&server, "/_tinderbox/code/f", |path| path.replace("=600&", "=601&")).await.status,
        403
    );
    assert_eq!(follow(&server, "/_tinderbox/code/g", |path| path).await.status, 404);

    let unsigned = server.send(&Sent::unsigned("GET", "/_tinderbox/code/f", "")).await;
    expect![[
        r#"403 MissingAuthenticationTokenException {"message":"Missing Authentication Token"}"#
    ]]
    .assert_eq(&unsigned.summary());
    // Root may call operations; links are made for it by them.
    assert_eq!(server.send(&Sent::signed("GET", "/_tinderbox/code/f", "")).await.status, 403);
}
