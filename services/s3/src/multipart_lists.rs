// SPDX-License-Identifier: Apache-2.0
//! `ListParts` and `ListMultipartUploads`.

use crate::bucket_operations::{canonical_id, owner};
use crate::call::{Call, xml};
use crate::fault;
use crate::list::Spelling;
use crate::multipart::upload_id;
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

pub(crate) async fn uploads(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let record = bucket.record();
    let (spelling, most) = (Spelling::of(call)?, call.number("max-uploads", PAGE_MAX)?);
    let text = |name: &str| call.query(name).filter(|text| !text.is_empty());
    if text("delimiter").is_some() {
        return Err(fault::not_implemented());
    }
    let prefix = text("prefix").unwrap_or_default();
    let (key_marker, id_marker) = (text("key-marker"), text("upload-id-marker"));
    let after = key_marker.map(|key| (key, id_marker));
    let mut found = call.service.uploads.list(&record.id, prefix, after, most + 1).await?;
    let is_truncated = found.len() > most;
    found.truncate(most);
    Ok(xml("ListMultipartUploadsResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("KeyMarker", spelling.write(key_marker.unwrap_or_default()));
        xml.text("UploadIdMarker", id_marker.unwrap_or_default());
        if let Some((key, id, _)) = found.last().filter(|_| is_truncated) {
            xml.text("NextKeyMarker", spelling.write(key));
            xml.text("NextUploadIdMarker", id);
        }
        xml.text("Prefix", spelling.write(prefix));
        xml.text("MaxUploads", most);
        spelling.tell(xml);
        xml.text("IsTruncated", is_truncated);
        for (key, id, upload) in &found {
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
    }))
}
