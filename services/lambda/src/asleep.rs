// SPDX-License-Identifier: Apache-2.0
//! Functions that nobody has wanted since the server started: their records as the store has them.
//!
//! A server may have very many functions, of which few are ever used. Each record is read and checked at start, and what has to
//! be known before anybody asks is noted; all that a function is in memory is made when somebody does.
//!
//! Invariants:
//! - what sleeps can be woken: its records were decoded once;
//! - what sleeps keeps its packages.

use crate::alias::Alias;
use crate::code::{Code, CodeStore};
use crate::concurrency::Accounts;
use crate::content::Content;
use crate::function::{Function, Key};
use crate::function_urls::FunctionUrl;
use crate::image;
use crate::recording::Wish;
use crate::records::{FunctionRecord, Part};
use crate::service::Deployments;
use crate::stack::{self, Stack};
use crate::version::{Number, Version, VersionRecord};
use api::lambda::FunctionEventInvokeConfig;
use images::Images;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::BlobId;

/// A function as it lies in the store.
#[derive(Debug)]
pub(crate) struct Asleep {
    record: Box<[u8]>,
    parts: Vec<(Part, Box<[u8]>)>,
    /// Of the zips of all its versions.
    pub(crate) code_bytes: u64,
    /// Packages that it uses.
    held: Vec<Code>,
}

/// What has to be known of a function at start.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Of all versions, layers included.
    pub(crate) packages: Vec<BlobId>,
    /// Directories that are made of several layers.
    pub(crate) merged: Vec<BlobId>,
    /// Something is to be done for it before anybody asks for it, or it is asked for by something else than its name.
    is_wanted: bool,
}

impl Known {
    fn note(&mut self, record: &VersionRecord) {
        self.packages.extend(record.packages());
        self.merged.extend(stack::merged_id(&record.settings.layer_packages()));
        self.is_wanted |= record.is_settling()
            || record.is_image()
            || record.settings.capacity.is_some()
            || record.snapshot.is_some();
    }
}

impl Asleep {
    /// From the function's own record, and what it says.
    pub(crate) fn new(value: Vec<u8>, record: &FunctionRecord) -> (Self, Known) {
        let mut known = Known {
            is_wanted: record.reserved_concurrency.is_some()
                || !record.provisioned.is_empty()
                || !record.scaling.is_empty(),
            ..Known::default()
        };
        known.note(&record.latest);
        let asleep = Self {
            record: value.into_boxed_slice(),
            parts: Vec::new(),
            code_bytes: record.latest.code_bytes,
            held: Vec::new(),
        };
        (asleep, known)
    }

    pub(crate) fn add(&mut self, part: Part, value: Vec<u8>) {
        self.parts.push((part, value.into_boxed_slice()));
    }

    pub(crate) fn add_version(
        &mut self,
        known: &mut Known,
        number: Number,
        value: Vec<u8>,
        record: &VersionRecord,
    ) {
        known.note(record);
        self.code_bytes = self.code_bytes.saturating_add(record.code_bytes);
        self.add(Part::Version(number), value);
    }

    pub(crate) fn add_url(&mut self, known: &mut Known, qualifier: &str, value: Vec<u8>) {
        known.is_wanted = true;
        self.add(Part::Url(qualifier.to_owned()), value);
    }
}

/// What functions are made with.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub(crate) codes: CodeStore,
    pub(crate) images: Images,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) deployments: Arc<Deployments>,
}

impl Alarm {
    /// Has a function keep its packages while it sleeps. Whether it may: nothing is to be done for it, and nothing of it was lost.
    pub(crate) fn lets_sleep(&self, asleep: &mut Asleep, known: &Known) -> bool {
        asleep.held = known.packages.iter().map(|id| self.codes.hold(*id)).collect();
        asleep.held.extend(known.merged.iter().map(|id| self.codes.hold_merged(*id)));
        !known.is_wanted && asleep.held.iter().all(Code::is_unpacked)
    }

    /// The function `key`, which nothing has run yet.
    pub(crate) fn wake(&self, key: Key, asleep: &Asleep) -> Function {
        let record: FunctionRecord = decode(&asleep.record);
        let mut published = BTreeMap::new();
        let mut latest_published = None;
        let mut aliases = BTreeMap::new();
        let mut event_invoke = BTreeMap::new();
        let mut urls = BTreeMap::new();
        for (part, value) in &asleep.parts {
            match part {
                Part::Version(number @ Number::Published(n)) => {
                    published.insert(*n, self.version(&key, *number, decode(value)));
                }
                Part::Version(number @ Number::LatestPublished) => {
                    latest_published = Some(self.version(&key, *number, decode(value)));
                }
                // In the function's own record.
                Part::Version(Number::Latest) => {}
                Part::Alias(name) => drop(aliases.insert(name.clone(), shared::<Alias>(value))),
                Part::EventInvoke(qualifier) => {
                    let config = shared::<FunctionEventInvokeConfig>(value);
                    event_invoke.insert(qualifier.clone(), config);
                }
                Part::Url(qualifier) => {
                    urls.insert(qualifier.clone(), shared::<FunctionUrl>(value));
                }
            }
        }
        Function {
            gate: self.accounts.gate(&key.account, &key.region),
            tags: record.tags,
            last_number: record.last_number,
            latest: self.version(&key, Number::Latest, record.latest),
            published,
            latest_published,
            aliases,
            reserved_concurrency: record.reserved_concurrency,
            event_invoke,
            urls,
            provisioned: record.provisioned,
            scaling: record.scaling,
            lineage: key.lineage(),
            recorded: Wish::default(),
            recursive_loop: record.recursive_loop,
            code_signing: record.code_signing,
            key,
        }
    }

    fn version(&self, key: &Key, number: Number, record: VersionRecord) -> Arc<Version> {
        let digest = record.is_image().then(|| image::digest(record.code)).flatten();
        let content = match digest {
            Some(digest) => Content::Image(self.images.hold(digest)),
            None => Content::Package(self.codes.hold(record.code)),
        };
        let layers = Stack::hold(&self.codes, &record.settings.layer_packages());
        Version::new(key, number, record, content, layers, self.deployments.next())
    }
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> T {
    serde_json::from_slice(value).expect("it was decoded when it was loaded")
}

fn shared<T: DeserializeOwned>(value: &[u8]) -> Arc<T> {
    Arc::new(decode(value))
}
