// SPDX-License-Identifier: Apache-2.0
//! Work that its caller may stop waiting for, and that goes on all the same.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs in the caller's task while the caller waits, so that the usual case costs no task switch, and in a task of its
/// own from the moment the caller goes away.
pub(crate) struct Detached<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Detached<T> {
    pub(crate) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: Send + 'static> fmt::Debug for Detached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Detached").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let result = std::task::ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            drop(runtime.spawn(work));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_goes_on_without_its_caller() {
        let (begin, begun) = oneshot::channel();
        let (done, finished) = oneshot::channel();
        let mut work = Detached::new(async move {
            begun.await.unwrap();
            done.send(7).unwrap();
        });
        assert!(
            std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut work).poll(cx))).await.is_pending()
        );
        drop(work);
        begin.send(()).unwrap();
        assert_eq!(finished.await.unwrap(), 7);
    }
}
