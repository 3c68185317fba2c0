// SPDX-License-Identifier: Apache-2.0
//! Listeners and their connections.

use crate::Edge;
use crate::steady::Steady;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// After an error that is not of one connection: out of descriptors, or of memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener that is served. Dropping it closes the listener and cuts its connections.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listening {
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, lets calls that run end within `Options::stop_timeout_ms`, and closes.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(error = %error, "listener failed");
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Edge {
    /// Serves `listener` until `shutdown`.
    pub async fn serve(
        self: &Arc<Self>,
        listener: std::net::TcpListener,
        shutdown: impl Future,
    ) -> io::Result<()> {
        let listening = self.listen(listener)?;
        shutdown.await;
        listening.stop().await;
        Ok(())
    }

    /// Serves `listener` in the background. It may be of another network namespace.
    pub fn listen(self: &Arc<Self>, listener: std::net::TcpListener) -> io::Result<Listening> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        #[expect(clippy::disallowed_methods, reason = "owned by `Listening`, which stops it")]
        let task = tokio::spawn(accept_until_stopped(Arc::clone(self), listener, stopped));
        Ok(Listening { address, stop, task })
    }
}

async fn accept_until_stopped(
    edge: Arc<Edge>,
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
) {
    // Owned by this task: when it is aborted, so are they.
    let mut connections = JoinSet::new();
    loop {
        let is_full = connections.len() >= edge.options.connections_max;
        tokio::select! {
            _ = stopped.changed() => break,
            Some(ended) = connections.join_next() => report(ended),
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, peer)) => {
                    let edge = Arc::clone(&edge);
                    let connection = serve_connection(edge, stream, peer.ip(), stopped.clone());
                    connections.spawn(Steady::new(connection));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }

    drop(listener);
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(Duration::from_millis(edge.options.stop_timeout_ms), drained)
        .await
        .is_err()
    {
        tracing::warn!("connections cut at stop");
    }
}

async fn serve_connection(
    edge: Arc<Edge>,
    stream: TcpStream,
    peer: IpAddr,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "connection ended");
        return;
    }
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(edge.options.head_timeout_ms));
    let service = service_fn(move |request| Arc::clone(&edge).answer(request, peer));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);

    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client that goes away, is too slow, or does not speak HTTP: its fault, and no news.
    if let Err(error) = ended {
        tracing::debug!(error = %error, "connection ended");
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %error, "connection failed");
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
