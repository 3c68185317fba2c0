// SPDX-License-Identifier: Apache-2.0
//! `DeleteObjects`: up to a thousand at once, each with an end of its own.

use crate::call::{Call, read_xml, xml};
use crate::delete::one;
use crate::fault;
use crate::index::Deleted;
use crate::metadata::Expected;
use crate::name::{check_key, check_version};
use wire::{Element, Fault, Response, Result, Upload};

const KEYS_MAX: usize = 1_000;

pub(crate) async fn delete(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.bucket()?;
    if !Expected::read(call)?.is_stated() {
        let text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(fault::invalid_request(text));
    }
    let root = read_xml(call, body, "Delete").await?;
    let is_quiet = root.text_of("Quiet") == Some("true");
    let objects: Vec<&Element> = root.all("Object").collect();
    if objects.is_empty() || objects.len() > KEYS_MAX {
        return Err(fault::malformed_xml());
    }
    let mut ends = Vec::with_capacity(objects.len());
    for object in objects {
        let key = object.child("Key").ok_or_else(fault::malformed_xml)?.text.as_str();
        let version = object.text_of("VersionId");
        let version_is_good = version.map_or(Ok(()), check_version);
        let deleted = match check_key(key).and(version_is_good) {
            Ok(()) => one(call, &bucket, key, version, object.text_of("ETag")).await,
            Err(fault) => Err(fault),
        };
        ends.push((key, version, deleted));
    }
    Ok(xml("DeleteResult", |xml| {
        for (key, version, end) in &ends {
            match end {
                Ok(_) if is_quiet => {}
                Ok(Deleted { version: made, is_marker }) => xml.element("Deleted", |xml| {
                    xml.text("Key", key);
                    xml.optional("VersionId", *version);
                    if *is_marker {
                        xml.text("DeleteMarker", true);
                        xml.optional("DeleteMarkerVersionId", made.as_deref());
                    }
                }),
                Err(Fault { code, message, .. }) => xml.element("Error", |xml| {
                    xml.text("Key", key);
                    xml.optional("VersionId", *version);
                    xml.text("Code", code);
                    xml.text("Message", message);
                }),
            }
        }
    }))
}
