// SPDX-License-Identifier: Apache-2.0
//! Policies of buckets. What they mean, `policy` says.

use crate::call::{Call, empty, read, set, xml};
use crate::fault;
use http::StatusCode;
use policy::{Document, Kind};
use serde_json::Value;
use wire::{Fault, Response, Result, Upload};

const BYTES_MAX: usize = 20_480;

pub(crate) fn get(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let text = bucket.record().policy.clone().ok_or_else(|| absent(&bucket.name))?;
    let mut response = Response::new(text.into());
    set(&mut response, "content-type", "application/json");
    Ok(response)
}

fn absent(bucket: &str) -> Fault {
    let text = "The bucket policy does not exist";
    Fault::new("NoSuchBucketPolicy", 404, text).with_member("BucketName", bucket)
}

pub(crate) fn status(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let policy = bucket.policy().ok_or_else(|| absent(&bucket.name))?;
    Ok(xml("PolicyStatus", |xml| xml.text("IsPublic", policy.document.is_public())))
}

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let text = String::from_utf8(read(call, body).await?)
        .map_err(|_| malformed("Policies must be valid JSON"))?;
    if text.len() > BYTES_MAX {
        return Err(malformed("The bucket policy exceeds the allowed maximum document size"));
    }
    let document =
        Document::parse(&text, Kind::Resource).map_err(|error| malformed(&error.to_string()))?;
    check_resources(&text, &bucket.arn())?;
    let blocks = bucket.record().public_access.is_some_and(|access| access.blocks_policy);
    if blocks && document.is_public() {
        let text = format!(
            "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
            call.cx.caller.arn,
            bucket.arn()
        );
        return Err(Fault { message: text, ..fault::access_denied() });
    }
    let change = |record: &mut crate::record::BucketRecord| {
        record.policy = Some(text);
        Ok(())
    };
    call.service.buckets.change(&bucket, change).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let change = |record: &mut crate::record::BucketRecord| {
        record.policy = None;
        Ok(())
    };
    call.service.buckets.change(&bucket, change).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn malformed(text: &str) -> Fault {
    Fault::new("MalformedPolicy", 400, text)
}

/// A policy is for its bucket and what is in it, and for nothing else.
fn check_resources(text: &str, arn: &str) -> Result<()> {
    let document: Value =
        serde_json::from_str(text).map_err(|_| malformed("Policies must be valid JSON"))?;
    let is_inside = |value: &Value| {
        let rest = value.as_str().and_then(|text| text.strip_prefix(arn));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']))
    };
    let statements = document.get("Statement").map(one_or_many).unwrap_or_default();
    for statement in statements {
        let named = ["Resource", "NotResource"].iter().find_map(|name| statement.get(name));
        let named = named.ok_or_else(|| malformed("Missing required field Resource"))?;
        if !one_or_many(named).iter().all(is_inside) {
            return Err(malformed("Policy has invalid resource"));
        }
    }
    Ok(())
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}
