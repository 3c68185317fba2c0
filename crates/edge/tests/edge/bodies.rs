// SPDX-License-Identifier: Apache-2.0
//! Bodies that are too long, too slow, or not whole.

use crate::fixture::{CREATE, CREATE_BODY_MAX, INVOKE, INVOKE_BODY_MAX, Sent, Server};
use edge::Options;
use expect_test::expect;

#[tokio::test]
async fn a_body_at_the_limit_is_read() {
    let server = Server::start();
    for (path, bytes) in [(INVOKE, INVOKE_BODY_MAX), (CREATE, CREATE_BODY_MAX)] {
        let response = server.send(&Sent::signed("POST", path, vec![b'x'; bytes])).await;
        assert_eq!((response.status, response.body.len()), (200, bytes));
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_and_its_sender_reads_why() {
    let server = Server::start();
    let invoke = server.send(&Sent::signed("POST", INVOKE, vec![b'x'; INVOKE_BODY_MAX + 1])).await;
    expect![[r#"413 RequestTooLargeException {"Type":"User","message":"Request must be smaller than 1000 bytes for the InvokeFunction operation"}"#]].assert_eq(&invoke.summary());
    let create = server.send(&Sent::signed("POST", CREATE, vec![b'x'; 20 * CREATE_BODY_MAX])).await;
    expect![[r#"413 RequestEntityTooLargeException {"message":"Request must be smaller than 1000000 bytes for the CreateFunction operation"}"#]].assert_eq(&create.summary());
    assert_eq!(server.calls(), [""; 0]);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_refused_while_it_is_read() {
    // Nothing is thrown away after the refusal: it comes although the sender never ends.
    let server =
        Server::start_with(Options { drained_bytes_max: 0, ..Options::default() }, |edge| edge);
    let mut request = Sent::signed("POST", INVOKE, "");
    request.head.headers.remove("content-length");
    request = request.header("transfer-encoding", "chunked");
    let mut client = server.connect().await;
    client.write(&request.head_bytes()).await;
    client.write(b"300\r\n").await;
    client.write(&[b'x'; 0x300]).await;
    client.write(b"\r\n300\r\n").await;
    client.write(&[b'x'; 0x300]).await;
    client.write(b"\r\n").await;

    let response = client.read().await;
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn chunked_bodies_are_whole_bodies() {
    let server = Server::start();
    let mut request = Sent::signed("POST", INVOKE, "hello world");
    request.head.headers.remove("content-length");
    request = request.header("transfer-encoding", "chunked");
    let mut client = server.connect().await;
    client.write(&request.head_bytes()).await;
    client.write(b"6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n").await;
    assert_eq!(client.read().await.body, "hello world");
}

#[tokio::test]
async fn a_sender_that_asks_first_is_told_to_go_on_or_not() {
    let server = Server::start();
    let request = Sent::signed("POST", INVOKE, "{}").header("expect", "100-continue");
    let mut client = server.connect().await;
    client.write(&request.head_bytes()).await;
    let go_on = client.read().await;
    assert_eq!(go_on.head, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write(b"{}").await;
    assert_eq!(client.read().await.body, "{}");

    let mut too_long = Sent::signed("POST", INVOKE, vec![b'x'; INVOKE_BODY_MAX + 1])
        .header("expect", "100-continue");
    let mut client = server.connect().await;
    client.write(&too_long.head_bytes()).await;
    assert_eq!(client.read().await.status, 413);
    assert!(client.is_closed().await);

    too_long.head.headers.remove("authorization");
    let mut client = server.connect().await;
    client.write(&too_long.head_bytes()).await;
    assert_eq!(client.read().await.status, 403);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_body_that_ends_early_does_nothing() {
    let server = Server::start();
    let request = Sent::signed("POST", INVOKE, "hello world");
    let mut client = server.connect().await;
    client.write(&request.head_bytes()).await;
    client.write(b"hello").await;
    client.shut_down_writing().await;
    assert!(client.try_read().await.is_none());
    assert_eq!(server.calls(), [""; 0]);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let options = Options { body_idle_timeout_ms: 50, ..Options::default() };
    let server = Server::start_with(options, |edge| edge);
    let mut client = server.connect().await;
    client.write(&Sent::signed("POST", INVOKE, "hello world").head_bytes()).await;
    client.write(b"hello").await;
    let response = client.read().await;
    assert_eq!((response.status, response.header("connection")), (408, Some("close")));
    assert!(client.is_closed().await);
    assert_eq!(server.calls(), [""; 0]);
}

#[tokio::test]
async fn large_bodies_wait_for_room_and_give_it_back() {
    let options = Options { bodies_bytes_max: CREATE_BODY_MAX, ..Options::default() };
    let server = std::sync::Arc::new(Server::start_with(options, |edge| edge));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let server = std::sync::Arc::clone(&server);
        tasks.spawn(async move {
            let request = Sent::signed("POST", CREATE, vec![b'x'; CREATE_BODY_MAX - 7]);
            server.send(&request).await.status
        });
    }
    assert_eq!(tasks.join_all().await, [200; 8]);
}

#[tokio::test]
async fn a_streamed_answer_leaves_piece_by_piece() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.write(&Sent::signed("POST", "/stream", "").bytes()).await;
    server.seen.began.notified().await;
    let pieces = server.seen.pieces.lock().unwrap().take().unwrap();
    let head = client.read_until("\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("transfer-encoding: chunked"),
        "{head}"
    );
    for piece in ["one", "two"] {
        pieces.send(piece).unwrap();
        assert_eq!(client.read_until(piece).await.lines().last(), Some(piece));
    }
    drop(pieces);
    client.read_until("\r\n0\r\n\r\n").await;
    client.write(&Sent::signed("POST", INVOKE, "{}").bytes()).await;
    assert_eq!(client.read().await.status, 200, "the connection goes on");
}

#[tokio::test]
async fn a_stream_ends_with_its_caller() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.write(&Sent::signed("POST", "/stream", "").bytes()).await;
    server.seen.began.notified().await;
    let pieces = server.seen.pieces.lock().unwrap().take().unwrap();
    client.read_until("\r\n\r\n").await;
    drop(client);
    pieces.closed().await;
}
