// SPDX-License-Identifier: Apache-2.0
//! Connections: malformed, slow, many, cut, and at the end of the server.

use crate::fixture::{Client, INVOKE, Sent, Server};
use edge::Options;

#[tokio::test]
async fn what_is_not_http_gets_a_clean_400() {
    let server = Server::start();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client.write(bytes).await;
        assert_eq!(client.read().await.status, 400, "{}", String::from_utf8_lossy(bytes));
        assert!(client.is_closed().await);
    }
    assert_eq!(server.send(&Sent::signed("POST", INVOKE, "{}")).await.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let options = Options { head_timeout_ms: 50, ..Options::default() };
    let server = Server::start_with(options, |edge| edge);
    let mut client = server.connect().await;
    client.write(b"POST / HTTP/1.1\r\nhost: ").await;
    assert!(client.try_read().await.is_none_or(|response| response.status == 408));
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start();
    let mut client = server.connect().await;
    let request = Sent::signed("POST", INVOKE, "{}").bytes();
    for _ in 0..3 {
        client.write(&request).await;
        assert_eq!(client.read().await.status, 200);
    }
    client.write(&[request.clone(), request].concat()).await;
    assert_eq!((client.read().await.status, client.read().await.status), (200, 200));
}

#[tokio::test]
async fn a_refused_request_does_not_cost_the_connection() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.write(&Sent::unsigned("POST", INVOKE, "{}").bytes()).await;
    assert_eq!(client.read().await.status, 403);
    client.write(&Sent::signed("POST", INVOKE, "{}").bytes()).await;
    assert_eq!(client.read().await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let server =
        Server::start_with(Options { connections_max: 1, ..Options::default() }, |edge| edge);
    let mut first = server.connect().await;
    first.write(&Sent::signed("POST", "/wait", "").bytes()).await;
    server.seen.began.notified().await;

    let mut second = server.connect().await;
    second.write(&Sent::signed("POST", INVOKE, "{}").bytes()).await;
    server.seen.gate.notify_one();
    assert_eq!(first.read().await.status, 200);
    assert_eq!(server.calls().len(), 1, "the second waits for the first connection to end");
    drop(first);
    assert_eq!(second.read().await.status, 200);
}

#[tokio::test]
async fn a_call_runs_to_its_end_without_its_caller() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.write(&Sent::signed("POST", "/wait", "").bytes()).await;
    server.seen.began.notified().await;
    drop(client);
    // The connection is seen to be gone by then, or will be: either way the call ends.
    assert_eq!(server.send(&Sent::signed("POST", INVOKE, "{}")).await.status, 200);
    server.seen.gate.notify_one();
    server.seen.ended.notified().await;
}

#[tokio::test]
async fn a_stop_lets_calls_end_and_takes_no_new_ones() {
    let server = Server::start();
    let address = server.listening.address();
    let mut client = server.connect().await;
    client.write(&Sent::signed("POST", "/wait", "").bytes()).await;
    server.seen.began.notified().await;

    let Server { listening, seen, .. } = server;
    let rest = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        seen.gate.notify_one();
        assert_eq!(client.read().await.status, 200);
        assert!(client.is_closed().await);
    };
    tokio::join!(listening.stop(), rest);
}

#[tokio::test]
async fn a_dropped_listener_cuts_its_connections_and_no_others() {
    let server = Server::start();
    let other = server.edge.listen(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let mut inside = Client::connect(other.address()).await;
    inside.write(&Sent::signed("POST", INVOKE, "{}").bytes()).await;
    assert_eq!(inside.read().await.status, 200);

    drop(other);
    assert!(inside.is_closed().await);
    assert_eq!(server.send(&Sent::signed("POST", INVOKE, "{}")).await.status, 200);
}
