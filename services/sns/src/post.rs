// SPDX-License-Identifier: Apache-2.0
//! Posting to endpoints of HTTP and HTTPS.
//!
//! Invariants:
//! - a connection goes only to an address that the wall lets, whatever a name leads to at that moment;
//! - no redirect is followed, and of an answer no more is read than is thrown away at once;
//! - so many posts at most block a thread, whatever endpoints do.

use crate::endpoint::Endpoint;
use crate::reach::Reach;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use targets::NotTaken;
use tokio::sync::{OnceCell, Semaphore};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// As AWS waits for an endpoint.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Of an answer. What is longer costs its connection.
const ANSWER_BYTES: u64 = 64 << 10;
const AGENT: &str = "Amazon Simple Notification Service Agent";

/// What is posted.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct Poster {
    reach: Reach,
    ca_file: Option<PathBuf>,
    /// Made for the first post.
    agent: OnceCell<Agent>,
    room: Arc<Semaphore>,
}

impl Poster {
    pub(crate) fn new(reach: Reach, ca_file: Option<PathBuf>, posts_max: usize) -> Self {
        let room = Arc::new(Semaphore::new(posts_max.clamp(1, Semaphore::MAX_PERMITS)));
        Self { reach, ca_file, agent: OnceCell::new(), room }
    }

    /// Whether an endpoint may have such an address. A name is looked up when it is posted to.
    pub(crate) fn allows(&self, endpoint: &Endpoint) -> bool {
        endpoint.address.is_none_or(|address| self.reach.allows(address))
    }

    /// Posts, once. As on AWS, 429 and 5xx are worth another try, and so is an endpoint that does not answer.
    pub(crate) async fn post(&self, post: Post) -> Result<(), NotTaken> {
        let agent = self.agent.get_or_try_init(|| self.open()).await?.clone();
        let room = Arc::clone(&self.room).acquire_owned().await;
        let posted = tokio::task::spawn_blocking(move || {
            let _room = room;
            send(&agent, post)
        });
        posted.await.unwrap_or_else(|_| Err(not_now("the server stops".to_owned())))
    }

    async fn open(&self) -> Result<Agent, NotTaken> {
        let (reach, ca_file) = (self.reach.clone(), self.ca_file.clone());
        let open = move || {
            let tls = tls::client(ca_file.as_deref())
                .map_err(|error| not_now(format!("{error}: {}", error.source)))?;
            let config = Agent::config_builder()
                .tls_config(tls)
                .user_agent(AGENT)
                // One from the environment would lead around the wall.
                .proxy(None)
                .timeout_global(Some(TIMEOUT))
                .http_status_as_error(false)
                .max_redirects(0)
                .build();
            let wall = Wall { reach, names: DefaultResolver::default() };
            Ok(Agent::with_parts(config, DefaultConnector::default(), wall))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        opened.unwrap_or_else(|_| Err(not_now("the server stops".to_owned())))
    }
}

/// Blocks.
fn send(agent: &Agent, post: Post) -> Result<(), NotTaken> {
    let Post { endpoint: Endpoint { url, authorization, .. }, headers, body } = post;
    let mut request = agent.post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let mut answer = request.send(body).map_err(|error| unreached(&error))?;
    // Read to its end, the connection serves again.
    drop(answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec());
    let status = answer.status().as_u16();
    let message = format!("the endpoint answered with status {status}");
    match status {
        200..=299 => Ok(()),
        429 | 500..=599 => Err(not_now(message)),
        _ => Err(NotTaken::Never { code: "EndpointRefused".to_owned(), message }),
    }
}

fn not_now(message: String) -> NotTaken {
    NotTaken::NotNow { code: "EndpointUnavailable".to_owned(), message }
}

fn unreached(error: &ureq::Error) -> NotTaken {
    let behind_wall = match error {
        ureq::Error::Io(error) => error.get_ref().and_then(|error| error.downcast_ref::<Walled>()),
        _ => None,
    };
    if let Some(walled) = behind_wall {
        return NotTaken::Never {
            code: "EndpointNotAllowed".to_owned(),
            message: walled.to_string(),
        };
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    not_now(format!("the endpoint was not reached: {text}"))
}

/// Names lead only to addresses that are let.
#[derive(Debug)]
struct Wall {
    reach: Reach,
    names: DefaultResolver,
}

#[derive(Debug)]
struct Walled;

impl fmt::Display for Walled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the endpoint's address is in no network that `sns.endpoint_networks` allows")
    }
}

impl Error for Walled {}

impl Resolver for Wall {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| self.reach.allows(address.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, Walled).into());
        }
        Ok(allowed)
    }
}
