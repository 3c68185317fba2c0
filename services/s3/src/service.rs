// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and which function answers which operation.

use crate::body::Files;
use crate::bucket::Buckets;
use crate::call::Call;
use crate::index::Index;
use crate::outbox::Outbox;
use crate::site::{Site, bucket_in_host, names_service};
use crate::uploads::Uploads;
use crate::{
    OpenError, Options, bucket_operations, bucket_policy, copy, cors, delete, delete_many,
    documents, fault, get, lifecycle, list, multipart, multipart_lists, name, notifications,
    ownership, parts, put, route, tags, versions,
};
use api::s3::SPEC;
use edge::Resources;
use http::request::Parts;
use http::{Method, StatusCode};
use names::AccountId;
use policy::Named;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use targets::Deliver;
use wire::{
    BoxFuture, Context, Fault, Protocol, Response, Result, ServiceSpec, StreamEndpoint, Upload,
};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) options: Options,
    pub(crate) buckets: Buckets,
    pub(crate) index: Index,
    pub(crate) uploads: Uploads,
}

/// Where the service keeps what is not in the store.
#[derive(Debug, Clone)]
pub struct Dirs {
    pub objects: PathBuf,
    /// Those that wait to be delivered. It is made with the first.
    pub notifications: PathBuf,
}

/// Amazon S3. Clones share it.
#[derive(Debug, Clone)]
pub struct S3 {
    pub(crate) service: Arc<Service>,
}

impl S3 {
    /// Opens the buckets of a store, and what of them is in `dirs`, which belong to this service alone.
    ///
    /// # Errors
    ///
    /// When either can not be read.
    pub async fn open(
        store: Store,
        dirs: Dirs,
        targets: Arc<dyn Deliver>,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        let buckets = Buckets::load(&store, options.buckets_max).await?;
        let Dirs { objects, notifications } = dirs;
        let files = Files::open(&store, objects, options.free_bytes_min).await;
        let files = files.map_err(|error| OpenError::Files(Box::new(error)))?;
        let outbox = Outbox::open(&store, notifications, targets, &options).await?;
        let (index, uploads) = (Index::new(&store, files, outbox), Uploads::new(&store));
        Ok(Self { service: Arc::new(Service { options, buckets, index, uploads }) })
    }

    /// Starts no more notifications.
    pub fn stop(&self) {
        self.service.index.outbox.stop();
    }

    /// Waits for the notifications that are being delivered, so long. The others go on with the next server.
    pub async fn drain(&self, patience: Duration) {
        self.service.index.outbox.drain(patience).await;
    }

    /// Whether there is a bucket of the account.
    pub fn holds(&self, account: &AccountId) -> bool {
        !self.service.buckets.of(account).is_empty()
    }
}

impl StreamEndpoint for S3 {
    fn spec(&self) -> &'static ServiceSpec {
        &SPEC
    }

    fn is_meant(&self, head: &Parts) -> bool {
        names_service(head) || self.service.buckets.get(&Site::of(head).bucket).is_some()
    }

    fn find(&self, head: &Parts) -> Option<usize> {
        route::find(head)
    }

    fn bucket_in_host(&self, head: &Parts) -> Option<String> {
        bucket_in_host(head)
    }

    fn preflight<'a>(&'a self, head: &'a Parts) -> BoxFuture<'a, Response> {
        let bucket = self.service.buckets.get(&Site::of(head).bucket);
        let answered = cors::preflight(bucket.as_deref(), head).unwrap_or_else(|fault| {
            Protocol::RestXml.write_fault(&fault, &names::RequestId::random())
        });
        Box::pin(std::future::ready(answered))
    }

    fn call<'a>(
        &'a self,
        cx: &'a Context,
        operation: usize,
        head: &'a Parts,
        body: &'a mut dyn Upload,
    ) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let answered = match SPEC.operations.get(operation) {
                Some(operation) => run(&Call::new(&self.service, cx, head, operation), body).await,
                None => Err(Fault::internal()),
            };
            let mut response = answered
                .unwrap_or_else(|fault| Protocol::RestXml.write_fault(&fault, &cx.request_id));
            let bucket = self.service.buckets.get(&Site::of(head).bucket);
            cors::tell(bucket.as_deref(), head, &mut response);
            Protocol::RestXml.set_request_id(response.headers_mut(), &cx.request_id);
            let has_no_body = response.status() == StatusCode::NOT_MODIFIED;
            if has_no_body || (head.method == Method::HEAD && !response.status().is_success()) {
                *response.body_mut() = wire::Body::default();
            }
            response
        })
    }
}

async fn run(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    call.query("versionId").map_or(Ok(()), name::check_version)?;
    match call.operation.name {
        "ListBuckets" => bucket_operations::list(call),
        "CreateBucket" => bucket_operations::create(call, body).await,
        "HeadBucket" => bucket_operations::head(call),
        "DeleteBucket" => bucket_operations::delete(call).await,
        "GetBucketLocation" => bucket_operations::location(call),
        "PutObject" => put::put(call, body).await,
        "GetObject" | "HeadObject" => get::get(call).await,
        "GetObjectAttributes" => parts::attributes(call).await,
        "DeleteObject" => delete::delete(call).await,
        "DeleteObjects" => delete_many::delete(call, body).await,
        "CopyObject" => copy::object(call).await,
        "CreateMultipartUpload" => multipart::create(call).await,
        "UploadPart" => multipart::put_part(call, body).await,
        "UploadPartCopy" => copy::part(call).await,
        "CompleteMultipartUpload" => multipart::complete(call, body).await,
        "AbortMultipartUpload" => multipart::abort(call).await,
        "ListParts" => multipart_lists::parts(call).await,
        "ListMultipartUploads" => multipart_lists::uploads(call).await,
        "GetObjectTagging" => tags::get(call).await,
        "PutObjectTagging" => tags::put(call, body).await,
        "DeleteObjectTagging" => tags::delete(call).await,
        "ListObjects" => list::first(call).await,
        "ListObjectsV2" => list::second(call).await,
        "ListObjectVersions" => versions::list(call).await,
        _ => run_on_settings(call, body).await,
    }
}

/// What buckets have beside objects.
async fn run_on_settings(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    match call.operation.name {
        "GetBucketVersioning" => versions::get(call),
        "PutBucketVersioning" => versions::put(call, body).await,
        "GetBucketNotificationConfiguration" => notifications::get(call),
        "PutBucketNotificationConfiguration" => notifications::put(call, body).await,
        "GetBucketPolicy" => bucket_policy::get(call),
        "GetBucketPolicyStatus" => bucket_policy::status(call),
        "PutBucketPolicy" => bucket_policy::put(call, body).await,
        "DeleteBucketPolicy" => bucket_policy::delete(call).await,
        "GetPublicAccessBlock" => documents::get_public_access(call),
        "PutPublicAccessBlock" => documents::put_public_access(call, body).await,
        "DeletePublicAccessBlock" => documents::delete_public_access(call).await,
        "GetBucketOwnershipControls" => ownership::get(call),
        "PutBucketOwnershipControls" => ownership::put(call, body).await,
        "DeleteBucketOwnershipControls" => ownership::delete(call).await,
        "GetBucketAcl" => ownership::get_bucket_acl(call),
        "PutBucketAcl" => ownership::put_bucket_acl(call, body).await,
        "GetObjectAcl" => ownership::get_object_acl(call).await,
        "PutObjectAcl" => ownership::put_object_acl(call, body).await,
        "PutBucketLifecycleConfiguration" => lifecycle::put(call, body).await,
        "GetBucketLifecycleConfiguration" => lifecycle::get(call),
        "PutBucketCors" => cors::put(call, body).await,
        "PutBucketTagging" => documents::put_tagging(call, body).await,
        "DeleteBucketTagging"
        | "DeleteBucketCors"
        | "DeleteBucketLifecycle"
        | "DeleteBucketEncryption"
        | "DeleteBucketWebsite"
        | "DeleteBucketReplication" => documents::delete(call).await,
        "GetBucketTagging"
        | "GetBucketCors"
        | "GetBucketEncryption"
        | "GetBucketWebsite"
        | "GetBucketReplication"
        | "GetObjectLockConfiguration" => documents::get(call),
        "GetBucketAccelerateConfiguration" | "GetBucketLogging" | "GetBucketRequestPayment" => {
            documents::get_fixed(call)
        }
        "PutBucketRequestPayment" | "PutBucketLogging" => documents::put_fixed(call, body).await,
        "ListBucketAnalyticsConfigurations"
        | "ListBucketIntelligentTieringConfigurations"
        | "ListBucketInventoryConfigurations"
        | "ListBucketMetricsConfigurations" => documents::list_none(call),
        "GetBucketAnalyticsConfiguration"
        | "GetBucketIntelligentTieringConfiguration"
        | "GetBucketInventoryConfiguration"
        | "GetBucketMetricsConfiguration"
        | "DeleteBucketAnalyticsConfiguration"
        | "DeleteBucketIntelligentTieringConfiguration"
        | "DeleteBucketInventoryConfiguration"
        | "DeleteBucketMetricsConfiguration" => documents::find_none(call),
        name => {
            let text = format!("{name} is not available in this build of Tinderbox");
            Err(Fault { message: text, ..fault::not_implemented() })
        }
    }
}

/// The bucket in `arn:aws:s3:::bucket/key`.
fn bucket_of(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:aws:s3:::")?;
    Some(rest.split_once('/').map_or(rest, |(bucket, _)| bucket))
}

impl Resources for S3 {
    fn policies(&self, arn: &str) -> Vec<Named> {
        let bucket = bucket_of(arn).and_then(|name| self.service.buckets.get(name));
        bucket.and_then(|bucket| bucket.policy()).into_iter().collect()
    }

    fn tag(&self, _arn: &str, _key: &str) -> Option<String> {
        None
    }

    fn fact(&self, _arn: &str, _key: &str) -> Option<String> {
        None
    }

    fn may_deny(&self) -> bool {
        self.service.buckets.may_deny()
    }

    fn owner(&self, arn: &str) -> Option<String> {
        let bucket = self.service.buckets.get(bucket_of(arn)?)?;
        Some(bucket.record().owner.to_string())
    }
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the one clock of this service")]
pub(crate) fn now_ms() -> i64 {
    let elapsed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
