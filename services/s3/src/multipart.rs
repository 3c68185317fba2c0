// SPDX-License-Identifier: Apache-2.0
//! Uploads in parts: begun, filled, completed to an object, aborted.

use crate::body::{Body, Files, Piece};
use crate::call::{Call, empty, parse, read_any, set, xml};
use crate::checksum::{ALGORITHMS, Algorithm, Checksum, Kind};
use crate::combine::combine;
use crate::conditions::Conditions;
use crate::fault;
use crate::happening::{Deed, Doer};
use crate::holds::Sweep;
use crate::index::Change;
use crate::intake::{Plan, hex, take};
use crate::lifecycle;
use crate::metadata::{Expected, Metadata, check_headers};
use crate::ownership;
use crate::record::{Content, Object};
use crate::service::now_ms;
use crate::tags;
use crate::uploads::{PartRecord, UploadRecord};
use http::StatusCode;
use md5::{Digest as _, Md5};
use std::collections::BTreeMap;
use wire::{Element, Fault, Response, Result, Upload};

const PARTS_MAX: usize = 10_000;
/// Bytes of every part but the last.
const PART_BYTES_MIN: u64 = 5 << 20;

pub(crate) async fn create(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    check_headers(call)?;
    ownership::check(call, &bucket)?;
    let Metadata { headers, metadata } = Metadata::read(call)?;
    let tags = tags::of_header(call)?;
    if !tags.is_empty() {
        call.admit_object("s3:PutObjectTagging", &bucket, key)?;
    }
    let (algorithm, kind) = checksum(call)?;
    let record = UploadRecord {
        initiated_ms: now_ms(),
        headers,
        metadata,
        tags,
        algorithm: algorithm.unwrap_or(Algorithm::Crc64Nvme),
        kind,
        is_default: algorithm.is_none(),
    };
    let id = call.service.uploads.create(&bucket.record().id, key, &record).await?;
    let mut response = xml("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("Key", key);
        xml.text("UploadId", &id);
    });
    if let Some(algorithm) = algorithm {
        set(&mut response, "x-amz-checksum-algorithm", algorithm.name());
        set(&mut response, "x-amz-checksum-type", kind.name());
    }
    lifecycle::tell_abort(call, &bucket, key, record.initiated_ms, &mut response);
    Ok(response)
}

/// The algorithm that is asked for, and what the object's checksum will be of.
fn checksum(call: &Call<'_>) -> Result<(Option<Algorithm>, Kind)> {
    let algorithm = match call.header("x-amz-checksum-algorithm") {
        None => None,
        Some(name) => Some(Algorithm::of_name(name).ok_or_else(|| {
            let text = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5]";
            fault::invalid_request(text)
        })?),
    };
    let natural = match algorithm {
        None | Some(Algorithm::Crc64Nvme) => Kind::Full,
        Some(_) => Kind::Composite,
    };
    let kind = match (call.header("x-amz-checksum-type"), algorithm) {
        (None, _) => natural,
        (Some("COMPOSITE"), None | Some(Algorithm::Crc64Nvme)) => return Err(unfit()),
        (Some("FULL_OBJECT"), Some(algorithm)) if !algorithm.is_cyclic() => {
            return Err(unfit());
        }
        (Some("FULL_OBJECT"), _) => Kind::Full,
        (Some("COMPOSITE"), _) => Kind::Composite,
        (Some(other), _) => {
            let text = "Value for x-amz-checksum-type header is invalid.";
            return Err(fault::invalid_argument(text, "x-amz-checksum-type", other));
        }
    };
    Ok((algorithm, kind))
}

fn unfit() -> Fault {
    fault::invalid_request("The checksum type cannot be used with this checksum algorithm.")
}

pub(crate) fn upload_id<'a>(call: &'a Call<'_>) -> &'a str {
    call.query("uploadId").unwrap_or_default()
}

pub(crate) fn part_number(call: &Call<'_>) -> Result<usize> {
    let text = call.query("partNumber").unwrap_or_default();
    let number = text.parse().ok().filter(|number| (1..=PARTS_MAX).contains(number));
    number.ok_or_else(|| {
        let sentence = "Part number must be an integer between 1 and 10000, inclusive";
        fault::invalid_argument(sentence, "partNumber", text)
    })
}

pub(crate) async fn put_part(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    check_headers(call)?;
    let (id, number, bucket_id) = (upload_id(call), part_number(call)?, bucket.record().id.clone());
    let (uploads, files) = (&call.service.uploads, &call.service.index.files);
    let upload = uploads.get(&bucket_id, key, id).await?;
    let expected = Expected::read(call)?;
    let stated = expected.stated();
    if let Some(stated) = stated
        && stated != upload.algorithm
        && !upload.is_default
    {
        let (wanted, found) = (upload.algorithm.name(), stated.name());
        return Err(fault::invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.to_lowercase(),
            found.to_lowercase()
        )));
    }
    let mut algorithms = vec![upload.algorithm];
    algorithms.extend(stated.filter(|stated| *stated != upload.algorithm));
    let plan = Plan { bytes_max: call.service.options.put_bytes_max, algorithms };
    let draft = take(files, body, &plan).await?;
    let (Some(kept), Some(told)) = (draft.checksums.first(), draft.checksums.last()) else {
        return Err(Fault::internal());
    };
    expected.check(&draft.md5, told, body)?;
    let mut response = empty(StatusCode::OK);
    set(&mut response, "etag", &format!("\"{}\"", draft.etag()));
    set(&mut response, told.algorithm.header(), &told.value);
    let part = PartRecord {
        size: draft.size,
        etag: draft.etag(),
        body: draft.body.clone(),
        checksum: kept.clone(),
        modified_ms: now_ms(),
    };
    uploads.put_part((&bucket_id, key, id), number, draft, &part, files).await?;
    Ok(response)
}

pub(crate) async fn abort(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    let (id, files) = (upload_id(call), &call.service.index.files);
    call.service.uploads.abort(&bucket.record().id, key, id, files).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// What an object becomes of its parts.
struct Whole {
    pieces: Vec<Piece>,
    content: Content,
    unused: Vec<Body>,
}

pub(crate) async fn complete(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    // Checksums in the head are of the object.
    let root = parse(&read_any(body).await?, "CompleteMultipartUpload")?;
    let (id, bucket_id) = (upload_id(call), bucket.record().id.clone());
    let (uploads, index) = (&call.service.uploads, &call.service.index);
    let gate = uploads.gate.write().await;
    let upload = uploads.get(&bucket_id, key, id).await?;
    let parts = uploads.all_parts(id).await?;
    let Whole { pieces, content, unused } = whole(call, &root, upload, &parts)?;
    let layout = serde_json::to_vec(&pieces).map_err(|error| fault::internal(&error))?;
    let Body::Pieces(layout_id) = &content.body else { return Err(Fault::internal()) };
    let conditions = Conditions::of(&call.head.headers);
    let change = Change {
        bucket: &bucket,
        key,
        deed: Deed::CompleteMultipartUpload,
        by: Doer::Caller(call),
        check: &|current| conditions.check_write(current),
        also: &|batch, _| {
            let batch = index.files.add_row(batch, layout_id, &layout);
            let batch = index.files.let_go_all(batch, id, &unused)?;
            Ok(uploads.end(batch, &bucket_id, key, id))
        },
    };
    let object = index
        .put(&change, None, |order, version| Object {
            version,
            order,
            modified_ms: now_ms(),
            content: Some(content.clone()),
        })
        .await?;
    uploads.forget_parts(id, parts.into_keys()).await?;
    drop(gate);
    index.files.sweep_later(Sweep { name: id.to_owned(), bodies: unused });
    let endpoint = &call.cx.endpoint;
    let mut response = xml("CompleteMultipartUploadResult", |xml| {
        xml.text("Location", format!("{endpoint}/{}/{key}", bucket.name));
        xml.text("Bucket", &bucket.name);
        xml.text("Key", key);
        xml.text("ETag", content.quoted_etag());
        if let Some(checksum) = &content.checksum {
            xml.text(checksum.algorithm.element(), &checksum.value);
            xml.text("ChecksumType", checksum.kind.name());
        }
    });
    if let Some(version) = &object.version {
        set(&mut response, "x-amz-version-id", version);
    }
    lifecycle::tell_expiry(call, &bucket, key, &object, &mut response);
    Ok(response)
}

/// Puts the parts together that the caller lists.
fn whole(
    call: &Call<'_>,
    root: &Element,
    upload: UploadRecord,
    parts: &BTreeMap<usize, PartRecord>,
) -> Result<Whole> {
    let mut used: Vec<(usize, &PartRecord)> = Vec::new();
    for listed in root.all("Part") {
        let number = listed.text_of("PartNumber").and_then(|text| text.parse().ok());
        let number: usize = number.ok_or_else(fault::malformed_xml)?;
        if used.last().is_some_and(|(last, _)| *last >= number) {
            let text = "The list of parts was not in ascending order. The parts list must be specified in order by part number.";
            return Err(Fault::new("InvalidPartOrder", 400, text));
        }
        if listed.child("ETag").is_none() {
            return Err(fault::malformed_xml());
        }
        let part = parts.get(&number).filter(|part| fits(part, listed));
        used.push((number, part.ok_or_else(|| invalid_part(number))?));
    }
    let Some((_, before_last)) = used.split_last() else { return Err(fault::malformed_xml()) };
    if let Some((number, small)) = before_last.iter().find(|(_, part)| part.size < PART_BYTES_MIN) {
        let text = "Your proposed upload is smaller than the minimum allowed size";
        return Err(Fault::new("EntityTooSmall", 400, text)
            .with_member("ProposedSize", small.size.to_string())
            .with_member("MinSizeAllowed", PART_BYTES_MIN.to_string())
            .with_member("PartNumber", number.to_string()));
    }
    let size: u64 = used.iter().map(|(_, part)| part.size).sum();
    check_size(call, size)?;
    let sums: Vec<_> = used.iter().map(|(_, part)| (&part.checksum, part.size)).collect();
    let checksum = combine(upload.algorithm, upload.kind, &sums);
    check_whole(call, checksum.as_ref())?;
    let piece = |(number, part): &(usize, &PartRecord)| {
        Piece::of_part(*number, part.body.clone(), part.size, part.checksum.clone())
    };
    let pieces = used.iter().map(piece).collect();
    let is_used = |number: &usize| used.iter().any(|(known, _)| known == number);
    let unused = parts.iter().filter(|(number, _)| !is_used(number));
    let unused = unused.map(|(_, part)| part.body.clone()).collect();
    let content = Content {
        size,
        etag: etag(&used),
        body: Body::Pieces(Files::new_id()),
        headers: upload.headers,
        metadata: upload.metadata,
        checksum,
        tags: upload.tags,
    };
    Ok(Whole { pieces, content, unused })
}

/// Whether a part is the one that the caller means.
fn fits(part: &PartRecord, listed: &Element) -> bool {
    let etag = listed.text_of("ETag").is_some_and(|tag| tag.trim_matches('"') == part.etag);
    let stated = ALGORITHMS.into_iter().find_map(|it| Some((it, listed.text_of(it.element())?)));
    let is_same = |(algorithm, value): (Algorithm, &str)| {
        algorithm != part.checksum.algorithm || value == part.checksum.value
    };
    etag && stated.is_none_or(is_same)
}

fn invalid_part(number: usize) -> Fault {
    let text = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
    Fault::new("InvalidPart", 400, text).with_member("PartNumber", number.to_string())
}

fn check_size(call: &Call<'_>, size: u64) -> Result<()> {
    let most = call.service.options.object_bytes_max;
    if size > most {
        return Err(fault::entity_too_large().with_member("MaxSizeAllowed", most.to_string()));
    }
    match call.header("x-amz-mp-object-size") {
        Some(text) if text.parse() != Ok(size) => {
            let text =
                "The provided 'x-amz-mp-object-size' header does not match what was computed.";
            Err(fault::invalid_request(text))
        }
        _ => Ok(()),
    }
}

/// What the caller says that the checksum of the object is.
fn check_whole(call: &Call<'_>, found: Option<&Checksum>) -> Result<()> {
    for algorithm in ALGORITHMS {
        let Some(stated) = call.header(algorithm.header()) else { continue };
        let is_same =
            found.is_some_and(|found| found.algorithm == algorithm && found.value == stated);
        if !is_same {
            return Err(fault::bad_digest());
        }
    }
    Ok(())
}

/// The hash of the parts' hashes, and how many they are.
fn etag(parts: &[(usize, &PartRecord)]) -> String {
    let mut hash = Md5::new();
    for (_, part) in parts {
        let digits = part.etag.as_bytes().as_chunks::<2>().0;
        let bytes: Vec<u8> = digits
            .iter()
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        hash.update(&bytes);
    }
    format!("{}-{}", hex(&hash.finalize()), parts.len())
}
