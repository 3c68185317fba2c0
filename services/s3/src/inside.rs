// SPDX-License-Identifier: Apache-2.0
//! Objects that other services of this server read, for a caller of theirs.

use crate::bucket::Bucket;
use crate::fault;
use crate::outlet::Cursor;
use crate::service::S3;
use bytes::Bytes;
use policy::{FactList, Principal, Request, Sources};
use wire::{Access, Authority, Context, Fault, Result};

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
        let pieces = index.files.pieces(&content.body, content.size).await?;
        let mut cursor = Cursor::open(&index.files, pieces, 0, content.size).await?;
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
}

fn admit(cx: &Context, bucket: &Bucket, key: &str, version: Option<&str>) -> Result<()> {
    let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    let resource = format!("{}/{key}", bucket.arn());
    let (account, record) = (cx.account.as_str(), bucket.record());
    if record.owner != cx.account && bucket.is_restricted() {
        return Err(fault::access_denied());
    }
    if let Authority::Limited(_) = &cx.authority {
        let access = Access::to(resource).fact("s3:VersionId", version.map(str::to_owned));
        let checked = cx.authority.check(cx, action, || access);
        return checked.map_err(|sentence| Fault { message: sentence, ..fault::access_denied() });
    }
    // An account's root may do everything there, and elsewhere what a policy says.
    let attached: Vec<_> = bucket.policy().into_iter().collect();
    let request = Request {
        principal: Principal::Root { account },
        action,
        resource: &resource,
        resource_account: record.owner.as_str(),
        facts: &FactList::default(),
    };
    let sources = Sources { resource: &attached, ..Sources::default() };
    match policy::evaluate(&request, &sources).is_allowed() {
        true => Ok(()),
        false => Err(fault::access_denied()),
    }
}
