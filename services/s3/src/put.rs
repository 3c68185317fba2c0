// SPDX-License-Identifier: Apache-2.0
//! `PutObject`.

use crate::call::{Call, empty, set};
use crate::checksum::Checksum;
use crate::conditions::Conditions;
use crate::happening::{Deed, Doer};
use crate::index::Change;
use crate::intake::{Plan, take};
use crate::lifecycle;
use crate::metadata::{Expected, Metadata, check_headers};
use crate::ownership;
use crate::record::{Content, Object};
use crate::service::now_ms;
use crate::tags;
use http::StatusCode;
use wire::{Response, Result, Upload};

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    check_headers(call)?;
    ownership::check(call, &bucket)?;
    let Metadata { headers, metadata } = Metadata::read(call)?;
    let tags = tags::of_header(call)?;
    if !tags.is_empty() {
        call.admit_object("s3:PutObjectTagging", &bucket, key)?;
    }
    let expected = Expected::read(call)?;
    let conditions = Conditions::of(&call.head.headers);
    let index = &call.service.index;
    // A caller whose condition does not hold needs not send the body.
    conditions.check_write(index.current(&bucket.record().id, key).await?.as_ref())?;
    let bytes_max = call.service.options.put_bytes_max;
    let plan = Plan { bytes_max, algorithms: vec![expected.algorithm()] };
    let draft = take(&index.files, body, &plan).await?;
    let checksum = draft.checksums.first().cloned();
    if let Some(checksum) = &checksum {
        expected.check(&draft.md5, checksum, body)?;
    }
    let content = Content {
        size: draft.size,
        etag: draft.etag(),
        body: draft.body.clone(),
        headers,
        metadata,
        checksum,
        tags,
    };
    let change = Change {
        bucket: &bucket,
        key,
        deed: Deed::Put,
        by: Doer::Caller(call),
        check: &|current| conditions.check_write(current),
        also: &|batch, _| Ok(batch),
    };
    let object = index
        .put(&change, Some(draft), |order, version| Object {
            version,
            order,
            modified_ms: now_ms(),
            content: Some(content.clone()),
        })
        .await?;
    let mut response = empty(StatusCode::OK);
    describe(&mut response, &object);
    lifecycle::tell_expiry(call, &bucket, key, &object, &mut response);
    Ok(response)
}

/// The headers with which a write is acknowledged.
pub(crate) fn describe(response: &mut Response, object: &Object) {
    if let Some(content) = &object.content {
        set(response, "etag", &content.quoted_etag());
        if let Some(checksum) = &content.checksum {
            set_checksum(response, checksum);
        }
    }
    if let Some(version) = &object.version {
        set(response, "x-amz-version-id", version);
    }
}

pub(crate) fn set_checksum(response: &mut Response, checksum: &Checksum) {
    set(response, checksum.algorithm.header(), &checksum.value);
    set(response, "x-amz-checksum-type", checksum.kind.name());
}
