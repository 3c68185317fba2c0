// SPDX-License-Identifier: Apache-2.0
//! A service that is still being opened: its calls wait for it, so that the server can listen before everything is read.

use std::sync::Arc;
use tokio::sync::SetOnce;
use wire::{BoxFuture, Context, Endpoint, Request, Response, Route, ServiceSpec};

/// A place for what comes later. Clones share it.
#[derive(Debug)]
pub(crate) struct Later<T>(Arc<SetOnce<T>>);

impl<T> Clone for Later<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Later<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(SetOnce::new()))
    }

    /// Lets those who wait go on. It happens once.
    pub(crate) fn set(&self, value: T) {
        let is_new = self.0.set(value).is_ok();
        debug_assert!(is_new, "opened twice");
    }

    /// What came, if it did.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.get()
    }

    pub(crate) async fn wait(&self) -> &T {
        self.0.wait().await
    }
}

/// The endpoint of such a service.
pub(crate) struct LaterEndpoint<E> {
    pub(crate) spec: &'static ServiceSpec,
    pub(crate) endpoint: Later<E>,
}

impl<E: Endpoint> Endpoint for LaterEndpoint<E> {
    fn spec(&self) -> &'static ServiceSpec {
        self.spec
    }

    fn call<'a>(
        &'a self,
        cx: &'a Context,
        route: Route<'a>,
        request: Request,
    ) -> BoxFuture<'a, Response> {
        match self.endpoint.get() {
            Some(endpoint) => endpoint.call(cx, route, request),
            None => {
                Box::pin(async move { self.endpoint.wait().await.call(cx, route, request).await })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    struct Teapot;

    impl Endpoint for Teapot {
        fn spec(&self) -> &'static ServiceSpec {
            &ServiceSpec::EMPTY
        }

        fn call<'a>(&'a self, _: &'a Context, _: Route<'a>, _: Request) -> BoxFuture<'a, Response> {
            Box::pin(std::future::ready(Response::new("tea".to_owned().into())))
        }
    }

    #[tokio::test]
    async fn a_call_waits_until_its_service_is_there() {
        let later = Later::new();
        let endpoint = LaterEndpoint { spec: &ServiceSpec::EMPTY, endpoint: later.clone() };
        let cx = context();
        let mut early = endpoint.call(&cx, route(), Request::default());
        let poll = std::future::poll_fn(|task| Poll::Ready(early.as_mut().poll(task)));
        assert!(poll.await.is_pending());
        later.set(Teapot);
        assert_eq!(text(&early.await), b"tea");
        assert_eq!(text(&endpoint.call(&cx, route(), Request::default()).await), b"tea");
    }

    fn text(response: &Response) -> &[u8] {
        response.body().whole().unwrap()
    }

    fn route() -> Route<'static> {
        Route { protocol: wire::Protocol::RestJson, operation: Some(0), labels: Vec::new() }
    }

    fn context() -> Context {
        let account: names::AccountId = "000000000000".parse().unwrap();
        let caller = wire::Caller {
            arn: "arn:aws:iam::000000000000:root".to_owned(),
            user_id: account.to_string(),
            access_key_id: "test".to_owned(),
        };
        Context {
            account,
            region: "us-east-1".parse().unwrap(),
            request_id: names::RequestId::random(),
            trace: names::TraceHeader::start(0),
            caller,
            authority: wire::Authority::Full,
            endpoint: String::new(),
        }
    }
}
