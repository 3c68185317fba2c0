// SPDX-License-Identifier: Apache-2.0
//! Lifecycle rules of a bucket, put and told, and what goes by them: buckets that have any are looked through from time to time.
//!
//! Invariant: what goes was due as it stood when it went, which the change itself checks.

use crate::bucket::Bucket;
use crate::call::{Call, NAMESPACE, empty, read_xml, set};
use crate::happening::{Deed, Doer};
use crate::index::Change;
use crate::lifecycle_rules::Lifecycle;
use crate::record::{Object, Versioning};
use crate::service::{S3, Service, now_ms};
use crate::{documents, fault};
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use wire::{Fault, Response, Result, Upload, XmlWriter};

/// The word in the query, and among a bucket's documents.
pub(crate) const WORD: &str = "lifecycle";
const ROOT: &str = "LifecycleConfiguration";
/// Objects, versions or uploads that are looked at, at once.
const PAGE: usize = 500;
/// Which objects transitions would be for: there are none.
const MINIMUM: &str = "x-amz-transition-default-minimum-object-size";
const ALL: &str = "all_storage_classes_128K";
/// What a change is refused with that is decided too late.
const CHANGED: &str = "Changed";

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    if call.header(MINIMUM).is_some_and(|size| size != ALL) {
        return Err(fault::not_implemented().with_member("Header", MINIMUM));
    }
    let mut root = read_xml(call, body, ROOT).await?;
    Lifecycle::check(&mut root)?;
    let text = XmlWriter::document(ROOT, NAMESPACE, |xml| {
        root.children.iter().for_each(|child| xml.tree(child));
    });
    let keep = |record: &mut crate::record::BucketRecord| {
        record.documents.insert(WORD.to_owned(), text);
        Ok(())
    };
    call.service.buckets.change(&bucket, keep).await?;
    let mut response = empty(StatusCode::OK);
    set(&mut response, MINIMUM, ALL);
    Ok(response)
}

pub(crate) fn get(call: &Call<'_>) -> Result<Response> {
    let mut response = documents::get(call)?;
    set(&mut response, MINIMUM, ALL);
    Ok(response)
}

/// Says when a current version goes by itself.
pub(crate) fn tell_expiry(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    object: &Object,
    response: &mut Response,
) {
    let Some(lifecycle) = bucket.lifecycle() else { return };
    if let Some(due) = lifecycle.expiry(key, object, call.service.options.lifecycle_day()) {
        let date = crate::get::http_date(due.at_ms);
        let text = format!("expiry-date=\"{date}\", rule-id=\"{}\"", due.rule);
        set(response, "x-amz-expiration", &text);
    }
}

/// Says when an upload goes by itself.
pub(crate) fn tell_abort(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    initiated_ms: i64,
    response: &mut Response,
) {
    let Some(lifecycle) = bucket.lifecycle() else { return };
    if let Some(due) = lifecycle.abort(key, initiated_ms, call.service.options.lifecycle_day()) {
        set(response, "x-amz-abort-date", &crate::get::http_date(due.at_ms));
        set(response, "x-amz-abort-rule-id", due.rule);
    }
}

impl S3 {
    /// Removes what lifecycle rules say, from time to time. Does not end.
    pub async fn tend(&self) {
        let pause = Duration::from_secs(self.service.options.lifecycle_interval_seconds.max(1));
        loop {
            tokio::time::sleep(pause).await;
            for bucket in self.service.buckets.all() {
                let Some(lifecycle) = bucket.lifecycle() else { continue };
                let pass = Pass {
                    service: &self.service,
                    bucket: &bucket,
                    lifecycle: &lifecycle,
                    day: self.service.options.lifecycle_day(),
                };
                if let Err(error) = pass.run().await {
                    tracing::warn!(bucket = bucket.name, %error, "lifecycle rules not carried out");
                }
            }
        }
    }
}

/// One look through a bucket.
struct Pass<'a> {
    service: &'a Arc<Service>,
    bucket: &'a Bucket,
    lifecycle: &'a Lifecycle,
    day: Duration,
}

impl Pass<'_> {
    async fn run(&self) -> Result<()> {
        let id = self.bucket.record().id.clone();
        let mut after = None;
        loop {
            let page = self.service.index.scan(&id, "", after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, current) in page {
                self.look_at(&id, &key, current).await?;
            }
        }
        if self.lifecycle.looks_at_uploads() { self.abort_uploads(&id).await } else { Ok(()) }
    }

    async fn look_at(&self, id: &str, key: &str, current: Object) -> Result<()> {
        let is_marker = current.content.is_none();
        let check = |found: Option<&Object>| match found == Some(&current) {
            true => Ok(()),
            false => Err(Fault::new(CHANGED, 409, "It is another by now.")),
        };
        let change = self.change(key, &check);
        let has_versions = self.bucket.record().versioning != Versioning::Off;
        if has_versions && self.lifecycle.looks_at_versions() {
            unless_changed(self.remove_older(id, &change, &current).await)?;
        }
        let is_alone = is_marker && self.service.index.older(id, key, None, 1).await?.is_empty();
        let due = match is_marker {
            true if is_alone => self.lifecycle.marker_expiry(key, &current, self.day),
            true => None,
            false => self.lifecycle.expiry(key, &current, self.day),
        };
        if due.is_none_or(|due| due.at_ms > now_ms()) {
            return Ok(());
        }
        let gone = match is_marker {
            true => self.service.index.delete_version(&change, current.version_text()).await,
            false => self.service.index.delete(&change, now_ms()).await,
        };
        unless_changed(gone.map(drop))
    }

    /// Removes versions that are not current any more.
    async fn remove_older(&self, id: &str, change: &Change<'_>, current: &Object) -> Result<()> {
        let key = change.key;
        let (mut since_ms, mut newer, mut before) = (current.modified_ms, 0, None);
        loop {
            let page = self.service.index.older(id, key, before, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            before = Some(last.order);
            for object in page {
                let place = (since_ms, newer);
                let due = self.lifecycle.noncurrent_expiry(key, &object, place, self.day);
                if due.is_some_and(|due| due.at_ms <= now_ms()) {
                    self.service.index.delete_version(change, object.version_text()).await?;
                } else {
                    newer += 1;
                }
                since_ms = object.modified_ms;
            }
        }
    }

    fn change<'a>(
        &'a self,
        key: &'a str,
        check: &'a (dyn Fn(Option<&Object>) -> Result<()> + Sync),
    ) -> Change<'a> {
        let (bucket, deed, by) = (self.bucket, Deed::Delete, Doer::Lifecycle);
        Change { bucket, key, deed, by, check, also: &|batch, _| Ok(batch) }
    }

    async fn abort_uploads(&self, id: &str) -> Result<()> {
        let (uploads, files) = (&self.service.uploads, &self.service.index.files);
        let mut after: Option<(String, String)> = None;
        loop {
            let start = after.as_ref().map(|(key, id)| (key.as_str(), Some(id.as_str())));
            let page = uploads.list(id, "", start, PAGE).await?;
            let Some((key, upload, _)) = page.last() else { return Ok(()) };
            after = Some((key.clone(), upload.clone()));
            for (key, upload, record) in &page {
                let due = self.lifecycle.abort(key, record.initiated_ms, self.day);
                if due.is_none_or(|due| due.at_ms > now_ms()) {
                    continue;
                }
                match uploads.abort(id, key, upload, files).await {
                    // Somebody completed it just now.
                    Err(fault) if fault.code == "NoSuchUpload" => {}
                    aborted => aborted?,
                }
            }
        }
    }
}

/// What became another meanwhile is looked at the next time.
fn unless_changed(result: Result<()>) -> Result<()> {
    match result {
        Err(fault) if fault.code == CHANGED => Ok(()),
        result => result,
    }
}
