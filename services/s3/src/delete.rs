// SPDX-License-Identifier: Apache-2.0
//! Objects are deleted: one.

use crate::bucket::Bucket;
use crate::call::{Call, empty, set};
use crate::conditions::Conditions;
use crate::happening::{Deed, Doer};
use crate::index::{Change, Deleted};
use crate::service::now_ms;
use http::StatusCode;
use wire::{Response, Result};

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response> {
    let (bucket, key, version) = (call.bucket()?, call.key()?, call.query("versionId"));
    let matches = call.header("if-match");
    let deleted = one(call, &bucket, key, version, matches).await?;
    let mut response = empty(StatusCode::NO_CONTENT);
    if let Some(version) = &deleted.version {
        set(&mut response, "x-amz-version-id", version);
    }
    if deleted.is_marker {
        set(&mut response, "x-amz-delete-marker", "true");
    }
    Ok(response)
}

/// Deletes a key, or one version of it.
pub(crate) async fn one(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
    matches: Option<&str>,
) -> Result<Deleted> {
    let action = match version {
        Some(_) => "s3:DeleteObjectVersion",
        None => "s3:DeleteObject",
    };
    call.admit_object(action, bucket, key)?;
    let conditions = Conditions { matches, ..Conditions::default() };
    let change = Change {
        bucket,
        key,
        deed: Deed::Delete,
        by: Doer::Caller(call),
        // A version stays what it is.
        check: &|current| match version {
            Some(_) => Ok(()),
            None => conditions.check_write(current),
        },
        also: &|batch, _| Ok(batch),
    };
    let index = &call.service.index;
    match version {
        Some(version) => index.delete_version(&change, version).await,
        None => index.delete(&change, now_ms()).await,
    }
}
