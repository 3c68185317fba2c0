// SPDX-License-Identifier: Apache-2.0
//! Copies: of an object, and of a range of one as a part of an upload.

use crate::bucket::Bucket;
use crate::call::{Call, set, xml};
use crate::checksum::{Algorithm, Checksum};
use crate::conditions::{Conditions, Verdict, failed};
use crate::fault;
use crate::get::{Asked, Part, find, range};
use crate::happening::{Deed, Doer};
use crate::index::Change;
use crate::intake::{Draft, Intake, Plan};
use crate::lifecycle;
use crate::metadata::{Metadata, check_headers};
use crate::multipart::{part_number, upload_id};
use crate::outlet::Cursor;
use crate::ownership;
use crate::record::{Content, Object};
use crate::service::now_ms;
use crate::tags;
use crate::uploads::PartRecord;
use percent_encoding::percent_decode_str;
use std::sync::Arc;
use wire::{Access, Fault, Response, Result, Timestamp};

/// What is copied.
struct Source {
    bucket: Arc<Bucket>,
    key: String,
    object: Object,
    content: Content,
}

/// `bucket/key?versionId=...`, percent-encoded.
async fn source(call: &Call<'_>) -> Result<Source> {
    let text = call.header("x-amz-copy-source").unwrap_or_default();
    let invalid = |sentence: &str| fault::invalid_argument(sentence, "x-amz-copy-source", text);
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    };
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| {
        invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    })?;
    let path = decoded.strip_prefix('/').unwrap_or(&decoded);
    let (bucket, key) =
        path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(|| {
            invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
        })?;
    let bucket = call.find_bucket(bucket)?;
    version.map_or(Ok(()), crate::name::check_version)?;
    let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    let access = Access::to(format!("{}/{key}", bucket.arn()));
    let access = access.fact("s3:VersionId", version.map(str::to_owned));
    call.admit_bucket(action, &bucket, access)?;
    let object = find(call, &bucket, key, version).await?;
    let Some(content) = object.content.clone() else {
        return Err(match version {
            Some(_) => fault::invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ),
            None => call.absent(&bucket, fault::no_such_key().with_member("Key", key)),
        });
    };
    let conditions = Conditions {
        matches: call.header("x-amz-copy-source-if-match"),
        none_matches: call.header("x-amz-copy-source-if-none-match"),
        modified_since: call.header("x-amz-copy-source-if-modified-since"),
        unmodified_since: call.header("x-amz-copy-source-if-unmodified-since"),
    };
    match conditions.judge(&content.etag, object.modified_ms) {
        Verdict::Go => Ok(Source { bucket, key: key.to_owned(), object, content }),
        Verdict::NotModified => Err(failed("x-amz-copy-source-If-None-Match")),
        Verdict::Failed(_) => Err(failed("x-amz-copy-source-If-Match")),
    }
}

/// Reads the bytes and writes them once more.
async fn copy(
    call: &Call<'_>,
    source: &Source,
    part: Part,
    algorithms: Vec<Algorithm>,
) -> Result<Draft> {
    let bytes_max = call.service.options.put_bytes_max;
    let files = &call.service.index.files;
    let plan = Plan { bytes_max, algorithms };
    let mut intake = Intake::new(files, &plan);
    let mut cursor = Cursor::open(files, &source.content, part).await?;
    loop {
        let (bytes, next) = cursor.next().await.map_err(|error| fault::internal(&error))?;
        if bytes.is_empty() {
            return intake.finish().await;
        }
        intake.push(bytes).await?;
        cursor = next;
    }
}

fn directive(call: &Call<'_>, name: &str) -> Result<bool> {
    match call.header(name) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => {
            let text = format!("Unknown {name}.");
            Err(fault::invalid_argument(text, name, other))
        }
    }
}

pub(crate) async fn object(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    check_headers(call)?;
    ownership::check(call, &bucket)?;
    let source = source(call).await?;
    let replaces = directive(call, "x-amz-metadata-directive")?;
    let replaces_tags = directive(call, "x-amz-tagging-directive")?;
    let is_itself = source.bucket.name == bucket.name && source.key == key;
    let is_current =
        call.header("x-amz-copy-source").is_some_and(|text| !text.contains("?versionId="));
    if is_itself && is_current && !replaces && !replaces_tags {
        let text = "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";
        return Err(fault::invalid_request(text));
    }
    let tags = match replaces_tags {
        true => tags::of_header(call)?,
        false => source.content.tags.clone(),
    };
    if !tags.is_empty() {
        call.admit_object("s3:PutObjectTagging", &bucket, key)?;
    }
    let (headers, metadata) = match replaces {
        true => {
            let Metadata { headers, metadata } = Metadata::read(call)?;
            (headers, metadata)
        }
        false => (source.content.headers.clone(), source.content.metadata.clone()),
    };
    let algorithm = algorithm(call, &source)?;
    let all = Part::whole(&source.content);
    let draft = copy(call, &source, all, vec![algorithm]).await?;
    let content = Content {
        size: draft.size,
        etag: draft.etag(),
        body: draft.body.clone(),
        headers,
        metadata,
        checksum: draft.checksums.first().cloned(),
        tags,
    };
    let conditions = Conditions::of(&call.head.headers);
    let change = Change {
        bucket: &bucket,
        key,
        deed: Deed::Copy,
        by: Doer::Caller(call),
        check: &|current| conditions.check_write(current),
        also: &|batch, _| Ok(batch),
    };
    let made = call.service.index.put(&change, Some(draft), |order, version| Object {
        version,
        order,
        modified_ms: now_ms(),
        content: Some(content.clone()),
    });
    let object = made.await?;
    let (etag, checksum) = (content.quoted_etag(), content.checksum.as_ref());
    let mut response = answer("CopyObjectResult", &etag, object.modified_ms, checksum);
    if let Some(version) = &object.version {
        set(&mut response, "x-amz-version-id", version);
    }
    tell_source(&mut response, &source);
    lifecycle::tell_expiry(call, &bucket, key, &object, &mut response);
    Ok(response)
}

/// The one that is asked for, or that of the source.
fn algorithm(call: &Call<'_>, source: &Source) -> Result<Algorithm> {
    match call.header("x-amz-checksum-algorithm") {
        Some(name) => Algorithm::of_name(name)
            .ok_or_else(|| fault::invalid_request("Checksum algorithm provided is unsupported.")),
        None => {
            let kept = source.content.checksum.as_ref();
            Ok(kept.map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm))
        }
    }
}

fn tell_source(response: &mut Response, source: &Source) {
    if let Some(version) = &source.object.version {
        set(response, "x-amz-copy-source-version-id", version);
    }
}

fn answer(name: &str, etag: &str, modified_ms: i64, checksum: Option<&Checksum>) -> Response {
    xml(name, |xml| {
        xml.text("LastModified", Timestamp::from_epoch_ms(modified_ms).iso_milli_text());
        xml.text("ETag", etag);
        if let Some(checksum) = checksum {
            xml.text("ChecksumType", checksum.kind.name());
            xml.text(checksum.algorithm.element(), &checksum.value);
        }
    })
}

pub(crate) async fn part(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    let (id, number, bucket_id) = (upload_id(call), part_number(call)?, bucket.record().id.clone());
    let (uploads, files) = (&call.service.uploads, &call.service.index.files);
    let upload = uploads.get(&bucket_id, key, id).await?;
    let source = source(call).await?;
    let size = source.content.size;
    let part = match call.header("x-amz-copy-source-range") {
        None => Part::whole(&source.content),
        Some(text) => match range(text, size) {
            Asked::Part(part) if fits(text, size) => part,
            _ => return Err(out_of_range(text, size)),
        },
    };
    let draft = copy(call, &source, part, vec![upload.algorithm]).await?;
    let checksum = draft.checksums.first().cloned().ok_or_else(Fault::internal)?;
    let record = PartRecord {
        size: draft.size,
        etag: draft.etag(),
        body: draft.body.clone(),
        checksum,
        modified_ms: now_ms(),
    };
    uploads.put_part((&bucket_id, key, id), number, draft, &record, files).await?;
    let etag = format!("\"{}\"", record.etag);
    let mut response = answer("CopyPartResult", &etag, record.modified_ms, Some(&record.checksum));
    tell_source(&mut response, &source);
    Ok(response)
}

/// Of a part's range both ends are told, and exist.
fn fits(text: &str, size: u64) -> bool {
    let last = text.rsplit('-').next().and_then(|last| last.parse::<u64>().ok());
    !text.contains("=-") && last.is_some_and(|last| last < size)
}

fn out_of_range(text: &str, size: u64) -> Fault {
    let sentence = format!("Range specified is not valid for source object of size: {size}");
    fault::invalid_argument(sentence, "x-amz-copy-source-range", text)
}
