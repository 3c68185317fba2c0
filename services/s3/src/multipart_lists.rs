// SPDX-License-Identifier: Apache-2.0
//! `ListParts` and `ListMultipartUploads`.

use crate::bucket_operations::{canonical_id, owner};
use crate::call::{Call, xml};
use crate::list::{Spelling, Wanted, common, past};
use crate::multipart::upload_id;
use crate::uploads::UploadRecord;
use wire::{Response, Result, Timestamp, XmlWriter};

const PAGE_MAX: usize = 1_000;

pub(crate) async fn parts(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    call.admit_object(call.operation.action, &bucket, key)?;
    let (id, record) = (upload_id(call), bucket.record());
    let upload = call.service.uploads.get(&record.id, key, id).await?;
    let most = call.number("max-parts", PAGE_MAX)?;
    let after = call.number("part-number-marker", usize::MAX)?;
    let after = if after == usize::MAX { 0 } else { after };
    let mut found = call.service.uploads.parts(id, after, most + 1).await?;
    let is_truncated = found.len() > most;
    found.truncate(most);
    Ok(xml("ListPartsResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("Key", key);
        xml.text("UploadId", id);
        xml.text("PartNumberMarker", after);
        if is_truncated {
            xml.optional("NextPartNumberMarker", found.last().map(|(number, _)| *number));
        }
        xml.text("MaxParts", most);
        xml.text("IsTruncated", is_truncated);
        for (number, part) in &found {
            xml.element("Part", |xml| {
                xml.text("PartNumber", number);
                let modified = Timestamp::from_epoch_ms(part.modified_ms);
                xml.text("LastModified", modified.iso_milli_text());
                xml.text("ETag", format!("\"{}\"", part.etag));
                xml.text("Size", part.size);
                xml.text(part.checksum.algorithm.element(), &part.checksum.value);
            });
        }
        people(xml, record.owner.as_str());
        xml.text("ChecksumAlgorithm", upload.algorithm.name());
        xml.text("ChecksumType", upload.kind.name());
    }))
}

fn people(xml: &mut XmlWriter, account: &str) {
    xml.element("Initiator", |xml| xml.text("ID", canonical_id(account)));
    owner(xml, account);
    xml.text("StorageClass", "STANDARD");
}

/// Uploads of a bucket, and what the keys of several of them begin with.
#[derive(Default)]
struct Page {
    uploads: Vec<(String, String, UploadRecord)>,
    prefixes: Vec<String>,
    /// What it ends with: a key and its upload, or a common prefix.
    last: (String, String),
    is_truncated: bool,
}

async fn page(
    call: &Call<'_>,
    bucket_id: &str,
    wanted: &Wanted<'_>,
    id_marker: Option<&str>,
) -> Result<Page> {
    let mut page = Page::default();
    let mut after = wanted.after.as_ref().map(|key| match common(key, wanted) {
        // A page that ended with a common prefix ended with all that is behind it.
        Some(prefix) if prefix == *key => (past(key), None),
        _ => (key.clone(), id_marker.map(str::to_owned)),
    });
    loop {
        let limit = wanted.most - page.uploads.len() - page.prefixes.len() + 1;
        let place = after.as_ref().map(|(key, id)| (key.as_str(), id.as_deref()));
        let found = call.service.uploads.list(bucket_id, wanted.prefix, place, limit).await?;
        let mut is_last = found.len() < limit;
        for (key, id, upload) in found {
            if page.uploads.len() + page.prefixes.len() == wanted.most {
                page.is_truncated = true;
                return Ok(page);
            }
            if let Some(prefix) = common(&key, wanted) {
                // What else is behind it is not looked at.
                after = Some((past(&prefix), None));
                page.last = (prefix.clone(), String::new());
                page.prefixes.push(prefix);
                is_last = false;
                break;
            }
            after = Some((key.clone(), Some(id.clone())));
            page.last = (key.clone(), id.clone());
            page.uploads.push((key, id, upload));
        }
        if is_last {
            return Ok(page);
        }
    }
}

pub(crate) async fn uploads(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let record = bucket.record();
    let (spelling, most) = (Spelling::of(call)?, call.number("max-uploads", PAGE_MAX)?);
    let text = |name: &str| call.query(name).filter(|text| !text.is_empty());
    let (prefix, delimiter) = (text("prefix").unwrap_or_default(), text("delimiter"));
    let (key_marker, id_marker) = (text("key-marker"), text("upload-id-marker"));
    let wanted = Wanted { prefix, delimiter, after: key_marker.map(str::to_owned), most };
    let page = page(call, &record.id, &wanted, id_marker).await?;
    Ok(xml("ListMultipartUploadsResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("KeyMarker", spelling.write(key_marker.unwrap_or_default()));
        xml.text("UploadIdMarker", id_marker.unwrap_or_default());
        if page.is_truncated {
            let (key, id) = &page.last;
            xml.text("NextKeyMarker", spelling.write(key));
            xml.text("NextUploadIdMarker", id);
        }
        xml.text("Prefix", spelling.write(prefix));
        xml.optional("Delimiter", delimiter.map(|text| spelling.write(text)));
        xml.text("MaxUploads", most);
        spelling.tell(xml);
        xml.text("IsTruncated", page.is_truncated);
        for (key, id, upload) in &page.uploads {
            xml.element("Upload", |xml| {
                xml.text("UploadId", id);
                xml.text("Key", spelling.write(key));
                let initiated = Timestamp::from_epoch_ms(upload.initiated_ms);
                xml.text("Initiated", initiated.iso_milli_text());
                people(xml, record.owner.as_str());
                xml.text("ChecksumAlgorithm", upload.algorithm.name());
                xml.text("ChecksumType", upload.kind.name());
            });
        }
        for prefix in &page.prefixes {
            xml.element("CommonPrefixes", |xml| xml.text("Prefix", spelling.write(prefix)));
        }
    }))
}
