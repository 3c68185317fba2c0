// SPDX-License-Identifier: Apache-2.0
//! What is under `/_tinderbox/`: health, and the pages that others register.

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use wire::{BoxFuture, Fault, Request, Response};

pub(crate) const ROOT: &str = "/_tinderbox/";
/// Bytes of a request to a page.
pub(crate) const BODY_MAX: usize = 1 << 20;

/// Answers requests under a path of its own.
pub trait Page: Send + Sync + 'static {
    /// `rest` is what follows the page's prefix in the path, as it was sent.
    fn answer<'a>(
        &'a self,
        rest: &'a str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Fault>>;
}

#[derive(Debug)]
pub enum Answer {
    Response(Response),
    /// The file's bytes, from its start to its present end. The content type is `application/zip` or the like.
    File {
        file: File,
        content_type: &'static str,
    },
}

/// Who may ask for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches the listener.
    Open,
    /// Whoever holds a link that [`Identity::link`](crate::Identity::link) made.
    Link,
}

pub(crate) struct Registered {
    pub(crate) prefix: &'static str,
    pub(crate) access: Access,
    pub(crate) page: Arc<dyn Page>,
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("prefix", &self.prefix)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// The page that `path` belongs to, and what follows its prefix.
pub(crate) fn find<'p, 'r>(
    pages: &'p [Registered],
    path: &'r str,
) -> Option<(&'p Registered, &'r str)> {
    let path = path.strip_prefix(ROOT)?;
    let fits = pages.iter().filter_map(|page| Some((page, path.strip_prefix(page.prefix)?)));
    fits.max_by_key(|(page, _)| page.prefix.len())
}

/// `{"status":"ready","version":"0.1.0"}`
pub(crate) fn health() -> Response {
    let body =
        serde_json::json!({ "status": "ready", "version": env!("CARGO_PKG_VERSION") }).to_string();
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
