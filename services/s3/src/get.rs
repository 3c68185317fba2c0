// SPDX-License-Identifier: Apache-2.0
//! `GetObject` and `HeadObject`: whole, or a range.

use crate::body::Body;
use crate::bucket::Bucket;
use crate::call::{Call, empty, set};
use crate::conditions::{Conditions, Verdict, failed};
use crate::fault;
use crate::lifecycle;
use crate::outlet::{Cursor, Outlet};
use crate::parts::{Numbered, numbered};
use crate::put::set_checksum;
use crate::record::{Content, Object};
use http::header::HeaderName;
use http::{HeaderValue, Method, StatusCode};
use std::time::{Duration, UNIX_EPOCH};
use wire::{Fault, Response, Result};

/// Headers that the query of a signed request may replace.
const REPLACED: [(&str, &str); 6] = [
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
    ("response-content-language", "content-language"),
    ("response-content-type", "content-type"),
    ("response-expires", "expires"),
];
/// How often an object may be overwritten between its record and its file.
const TRIES: usize = 5;

/// What of an object is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) is_partial: bool,
}

impl Part {
    pub(crate) const fn whole(content: &Content) -> Self {
        Self { start: 0, length: content.size, is_partial: false }
    }
}

pub(crate) async fn get(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    let action = match call.query("versionId") {
        Some(_) => "s3:GetObjectVersion",
        None => call.operation.action,
    };
    call.admit_object(action, &bucket, key)?;
    retried(|| answer(call, &bucket, key)).await
}

/// Once more, where an object was replaced just now: what replaced it is the answer.
pub(crate) async fn retried<F>(answer: impl Fn() -> F) -> Result<Response>
where
    F: Future<Output = Result<Response>>,
{
    for _ in 1..TRIES {
        match answer().await {
            Err(fault) if fault.code == GONE => {}
            answered => return answered,
        }
    }
    answer().await
}

const GONE: &str = "Gone";

/// Bytes that are not where their record says: it is another by now.
pub(crate) fn gone(fault: Fault) -> Fault {
    match fault.code.as_ref() {
        "NoSuchKey" => Fault::new(GONE, 500, ""),
        _ => fault,
    }
}

/// The version that a request asks for, with its bytes.
pub(crate) async fn find(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
) -> Result<Object> {
    let (index, id) = (&call.service.index, &bucket.record().id);
    let found = match version {
        None => index.current(id, key).await?,
        Some(version) => index.version(id, key, version).await?,
    };
    found.ok_or_else(|| absent(call, bucket, key, version))
}

/// The error for what is not there.
pub(crate) fn absent(call: &Call<'_>, bucket: &Bucket, key: &str, version: Option<&str>) -> Fault {
    match version {
        None => call.absent(bucket, fault::no_such_key().with_member("Key", key)),
        Some(version) => {
            let text = "The specified version does not exist.";
            let fault = Fault::new("NoSuchVersion", 404, text);
            fault.with_member("Key", key).with_member("VersionId", version)
        }
    }
}

async fn answer(call: &Call<'_>, bucket: &Bucket, key: &str) -> Result<Response> {
    let asked_version = call.query("versionId");
    let object = find(call, bucket, key, asked_version).await?;
    let Some(content) = &object.content else {
        return Ok(answer_marker(call, bucket, key, &object));
    };
    let modified = http_date(object.modified_ms);
    let conditions = Conditions::of(&call.head.headers);
    let verdict = conditions.judge(&content.etag, object.modified_ms);
    if let Verdict::Failed(condition) = verdict {
        return Err(failed(condition));
    }
    let Numbered { part, checksum, count } = match call.query("partNumber") {
        Some(_) => numbered(call, content).await?,
        None => part(call, content)?,
    };
    let mut response = empty(StatusCode::OK);
    describe(&mut response, call, content)?;
    set(&mut response, "last-modified", &modified);
    if let Some(version) = &object.version {
        set(&mut response, "x-amz-version-id", version);
    } else if asked_version.is_some() {
        set(&mut response, "x-amz-version-id", "null");
    }
    if asked_version.is_none() {
        lifecycle::tell_expiry(call, bucket, key, &object, &mut response);
    }
    if verdict == Verdict::NotModified {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    if part.is_partial {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let (first, last) = (part.start, (part.start + part.length).saturating_sub(1));
        set(&mut response, "content-range", &format!("bytes {first}-{last}/{}", content.size));
    }
    if let (Some(checksum), Some("ENABLED")) = (&checksum, call.header("x-amz-checksum-mode")) {
        set_checksum(&mut response, checksum);
    }
    if let Some(count) = count {
        set(&mut response, "x-amz-mp-parts-count", &count.to_string());
    }
    set(&mut response, "content-length", &part.length.to_string());
    if call.head.method != Method::HEAD {
        *response.body_mut() = body(call, content, part).await?;
    }
    Ok(response)
}

async fn body(call: &Call<'_>, content: &Content, part: Part) -> Result<wire::Body> {
    let files = &call.service.index.files;
    if let Body::Row(id) = &content.body {
        let row = files.row(id).await?.ok_or_else(|| gone(fault::no_such_key()))?;
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(row.len());
        return Ok(row.slice(place(part.start)..place(part.start + part.length)).into());
    }
    let cursor = Cursor::open(files, content, part).await.map_err(gone)?;
    if part.length == 0 {
        return Ok(wire::Body::default());
    }
    Ok(wire::Body::Stream(Box::pin(Outlet::new(cursor, part.length))))
}

/// A marker is no object; and who asks for it itself may only delete it.
pub(crate) fn answer_marker(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    marker: &Object,
) -> Response {
    let fault = match call.query("versionId") {
        Some(_) => {
            let text = "The specified method is not allowed against this resource.";
            Fault::new("MethodNotAllowed", 405, text)
        }
        None => call.absent(bucket, fault::no_such_key().with_member("Key", key)),
    };
    let mut response = wire::Protocol::RestXml.write_fault(&fault, &call.cx.request_id);
    if fault.code != "AccessDenied" {
        set(&mut response, "x-amz-delete-marker", "true");
        set(&mut response, "x-amz-version-id", marker.version_text());
    }
    response
}

/// All that is known of an object, in the head of an answer.
fn describe(response: &mut Response, call: &Call<'_>, content: &Content) -> Result<()> {
    set(response, "accept-ranges", "bytes");
    set(response, "content-type", "binary/octet-stream");
    set(response, "etag", &content.quoted_etag());
    let headers = response.headers_mut();
    let mut insert = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.insert(name, value);
        }
    };
    for (name, value) in &content.headers {
        insert(name, value);
    }
    for (name, value) in &content.metadata {
        insert(&format!("x-amz-meta-{name}"), value);
    }
    if !content.tags.is_empty() {
        insert("x-amz-tagging-count", &content.tags.len().to_string());
    }
    for (parameter, name) in REPLACED {
        if let Some(value) = call.query(parameter) {
            if call.is_anonymous() {
                let text =
                    "Request specific response headers cannot be used for anonymous GET requests.";
                return Err(fault::invalid_request(text));
            }
            insert(name, value);
        }
    }
    Ok(())
}

/// The range that a request asks for. It has no checksum.
fn part(call: &Call<'_>, content: &Content) -> Result<Numbered> {
    let checksum = content.checksum.clone();
    let whole = Numbered { part: Part::whole(content), checksum, count: None };
    match call.header("range") {
        None => Ok(whole),
        Some(text) => match range(text, content.size) {
            Asked::Part(part) => Ok(Numbered { part, checksum: None, count: None }),
            Asked::Whole => Ok(whole),
            Asked::Nothing => Err(fault::invalid_range()
                .with_member("RangeRequested", text)
                .with_member("ActualObjectSize", content.size.to_string())),
        },
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Part(Part),
    /// What is no range, or more than one, is as if it were not there.
    Whole,
    /// Nothing of it exists.
    Nothing,
}

/// `bytes=0-9`, `bytes=10-` or `bytes=-10`
pub(crate) fn range(text: &str, size: u64) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|it| it.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.is_empty() => (first, size),
        (Err(_), Ok(0)) if first.is_empty() => return Asked::Nothing,
        (Err(_), Ok(count)) if first.is_empty() => (size.saturating_sub(count), size),
        _ => return Asked::Whole,
    };
    if start >= size {
        return Asked::Nothing;
    }
    Asked::Part(Part { start, length: end - start, is_partial: true })
}

pub(crate) fn http_date(ms: i64) -> String {
    let elapsed = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    httpdate::fmt_http_date(UNIX_EPOCH + elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |start, length| Asked::Part(Part { start, length, is_partial: true });
        for (text, size, expected) in [
            ("bytes=0-9", 100, part(0, 10)),
            ("bytes=90-", 100, part(90, 10)),
            ("bytes=-10", 100, part(90, 10)),
            ("bytes=-200", 100, part(0, 100)),
            ("bytes=99-200", 100, part(99, 1)),
            ("bytes=100-", 100, Asked::Nothing),
            ("bytes=-0", 100, Asked::Nothing),
            ("bytes=0-", 0, Asked::Nothing),
            ("bytes=0-1,3-4", 100, Asked::Whole),
            ("bytes=5-4", 100, Asked::Whole),
            ("bytes=a-b", 100, Asked::Whole),
            ("items=0-1", 100, Asked::Whole),
            ("bytes=0-18446744073709551615", 100, part(0, 100)),
        ] {
            assert_eq!(range(text, size), expected, "{text}");
        }
    }
}
