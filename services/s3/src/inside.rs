// SPDX-License-Identifier: Apache-2.0
//! Objects that other services of this server read and write, for a caller of theirs.

use crate::bucket::Bucket;
use crate::call::Call;
use crate::fault;
use crate::get::Part;
use crate::outlet::Cursor;
use crate::put;
use crate::service::S3;
use api::s3::SPEC;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request as HttpRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wire::{Access, BoxFuture, Context, Fault, Result, Upload};

/// An operation that a service of this server asks for.
struct Inside {
    operation: &'static wire::OperationSpec,
    head: Parts,
}

impl Inside {
    fn put(bucket: &str, key: &str) -> Option<Self> {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let uri = format!("/{}/{}", encoded(bucket), encoded(key));
        let request = HttpRequest::builder().method(Method::PUT).uri(uri).body(()).ok()?;
        let operation = SPEC.operations.iter().find(|operation| operation.name == "PutObject")?;
        Some(Self { operation, head: request.into_parts().0 })
    }

    fn call<'a>(&'a self, s3: &'a S3, cx: &'a Context) -> Call<'a> {
        Call::new(&s3.service, cx, &self.head, self.operation)
    }
}

/// A body that is there at once.
struct Whole(Option<Bytes>);

impl Upload for Whole {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(std::future::ready(Ok(self.0.take())))
    }

    fn length(&self) -> Option<u64> {
        self.0.as_ref().and_then(|bytes| u64::try_from(bytes.len()).ok())
    }

    fn trailer(&self, _name: &str) -> Option<&str> {
        None
    }
}

impl S3 {
    /// The whole object, if the caller may read it, and unless it is longer than `bytes_max`.
    ///
    /// # Errors
    ///
    /// Amazon S3's.
    pub async fn read(
        &self,
        cx: &Context,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        bytes_max: u64,
    ) -> Result<Bytes> {
        let index = &self.service.index;
        let bucket = self.service.buckets.get(bucket).ok_or_else(fault::no_such_bucket)?;
        let record = bucket.record();
        admit(cx, &bucket, key, version)?;
        if record.region != cx.region {
            let text = format!(
                "The bucket is in this region: {}. Please use this region to retry the request",
                record.region
            );
            return Err(Fault::new("PermanentRedirect", 301, text));
        }
        let found = match version {
            None => index.current(&record.id, key).await?,
            Some(version) => index.version(&record.id, key, version).await?,
        };
        let content = found.and_then(|object| object.content).ok_or_else(fault::no_such_key)?;
        if content.size > bytes_max {
            return Err(fault::entity_too_large());
        }
        let mut cursor = Cursor::open(&index.files, &content, Part::whole(&content)).await?;
        let mut read = Vec::new();
        loop {
            let (bytes, next) = cursor.next().await.map_err(|error| fault::internal(&error))?;
            if bytes.is_empty() {
                return Ok(read.into());
            }
            read.extend_from_slice(&bytes);
            cursor = next;
        }
    }

    /// Puts an object, if the caller may.
    ///
    /// # Errors
    ///
    /// Amazon S3's.
    pub async fn write(&self, cx: &Context, bucket: &str, key: &str, body: Bytes) -> Result<()> {
        let inside = Inside::put(bucket, key).ok_or_else(fault::no_such_key)?;
        put::put(&inside.call(self, cx), &mut Whole(Some(body))).await.map(drop)
    }

    /// Whether there is a bucket that the caller may list, and put this object into.
    ///
    /// # Errors
    ///
    /// Amazon S3's.
    pub fn check_write(&self, cx: &Context, bucket: &str, key: &str) -> Result<()> {
        let inside = Inside::put(bucket, key).ok_or_else(fault::no_such_key)?;
        let call = inside.call(self, cx);
        let bucket = call.bucket()?;
        call.admit_object("s3:PutObject", &bucket, key)?;
        call.admit_bucket("s3:ListBucket", &bucket, Access::to(bucket.arn()))
    }
}

fn admit(cx: &Context, bucket: &Bucket, key: &str, version: Option<&str>) -> Result<()> {
    let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    let resource = format!("{}/{key}", bucket.arn());
    if bucket.record().owner != cx.account && bucket.is_restricted() {
        return Err(fault::access_denied());
    }
    let access = Access::to(resource).fact("s3:VersionId", version.map(str::to_owned));
    let checked = cx.authority.check(cx, action, || access);
    checked.map_err(|sentence| Fault { message: sentence, ..fault::access_denied() })
}
