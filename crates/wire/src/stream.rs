// SPDX-License-Identifier: Apache-2.0
//! A service whose bodies are too long to be held: it reads them while they arrive, and answers while it reads.

use crate::{BoxFuture, Context, Response, Result, ServiceSpec};
use bytes::Bytes;
use http::request::Parts;
use std::net::IpAddr;

/// Where a request came from: an extension of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A body that is read while it arrives.
pub trait Upload: Send {
    /// The next bytes of it. `None`: that was all, and it is what its signature says. Until then nothing of it is believed.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>>;

    /// How many bytes there will be, if the head says so.
    fn length(&self) -> Option<u64>;

    /// What followed the body. Names are in lower case.
    fn trailer(&self, name: &str) -> Option<&str>;
}

/// A service that can be called over the wire with bodies of any length.
pub trait StreamEndpoint: Send + Sync + 'static {
    fn spec(&self) -> &'static ServiceSpec;

    /// Whether a request is for this service although no signature says so: by its host, or by what its path begins with.
    fn is_meant(&self, head: &Parts) -> bool;

    /// The operation that a request asks for: an index into `spec().operations`.
    fn find(&self, head: &Parts) -> Option<usize>;

    /// The bucket that the host of a request names: older signatures are of it too.
    fn bucket_in_host(&self, head: &Parts) -> Option<String>;

    /// The answer to a browser that asks what it may ask. Nobody signs that.
    fn preflight<'a>(&'a self, head: &'a Parts) -> BoxFuture<'a, Response>;

    /// Runs an operation. It asks the context's authority itself: what it acts on stands in the body of some.
    fn call<'a>(
        &'a self,
        cx: &'a Context,
        operation: usize,
        head: &'a Parts,
        body: &'a mut dyn Upload,
    ) -> BoxFuture<'a, Response>;
}
