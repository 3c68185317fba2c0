// SPDX-License-Identifier: Apache-2.0
//! Tags of objects, and what tags may be.

use crate::call::{Call, empty, read_xml, set, xml};
use crate::fault;
use crate::get::find;
use crate::happening::{Deed, Doer};
use crate::index::Change;
use crate::record::Object;
use http::StatusCode;
use std::collections::BTreeMap;
use wire::{Element, Fault, Response, Result, Upload};

pub(crate) type Tags = BTreeMap<String, String>;

pub(crate) const OF_OBJECT_MAX: usize = 10;
pub(crate) const OF_BUCKET_MAX: usize = 50;
const KEY_CHARACTERS_MAX: usize = 128;
const VALUE_CHARACTERS_MAX: usize = 256;

/// Reads `<Tagging><TagSet><Tag>`.
pub(crate) fn read(root: &Element, most: usize) -> Result<Tags> {
    let set = root.child("TagSet").ok_or_else(fault::malformed_xml)?;
    let pairs = set.children.iter().map(|tag| {
        let text = |name: &str| tag.child(name).map(|child| child.text.clone());
        match (tag.name.as_str(), text("Key"), text("Value")) {
            ("Tag", Some(key), Some(value)) => Ok((key, value)),
            _ => Err(fault::malformed_xml()),
        }
    });
    check(pairs.collect::<Result<Vec<_>>>()?, most)
}

/// Reads `x-amz-tagging`, a query.
pub(crate) fn of_header(call: &Call<'_>) -> Result<Tags> {
    let Some(text) = call.header("x-amz-tagging") else { return Ok(Tags::new()) };
    check(crate::site::pairs(text), OF_OBJECT_MAX)
}

fn check(pairs: Vec<(String, String)>, most: usize) -> Result<Tags> {
    let invalid = |text: &str| Err(Fault::new("InvalidTag", 400, text));
    let count = pairs.len();
    if count > most {
        let text = match most {
            OF_BUCKET_MAX => format!("Bucket tag count cannot be greater than {most}"),
            most => format!("Object tags cannot be greater than {most}"),
        };
        return Err(Fault::new("BadRequest", 400, text));
    }
    let is_allowed = |text: &str| {
        text.chars().all(|it| it.is_alphanumeric() || it == ' ' || "_.:/=+-@".contains(it))
    };
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > KEY_CHARACTERS_MAX || !is_allowed(&key) {
            return invalid("The TagKey you have provided is invalid");
        }
        if value.chars().count() > VALUE_CHARACTERS_MAX || !is_allowed(&value) {
            return invalid("The TagValue you have provided is invalid");
        }
        if key.starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester");
        }
        tags.insert(key, value);
    }
    if tags.len() < count {
        return invalid("Cannot provide multiple Tags with the same key");
    }
    Ok(tags)
}

pub(crate) async fn get(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    let version = call.query("versionId");
    let action =
        if version.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
    call.admit_object(action, &bucket, key)?;
    let object = find(call, &bucket, key, version).await?;
    let Some(content) = &object.content else { return Err(of_a_marker()) };
    let mut response = xml("Tagging", |xml| {
        xml.element("TagSet", |xml| {
            for (key, value) in &content.tags {
                xml.element("Tag", |xml| {
                    xml.text("Key", key);
                    xml.text("Value", value);
                });
            }
        });
    });
    tell_version(&mut response, &object);
    Ok(response)
}

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let read = read(&read_xml(call, body, "Tagging").await?, OF_OBJECT_MAX)?;
    let (action, of_version) = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging");
    let object = amend(call, Deed::PutTagging, (action, of_version), read).await?;
    Ok(answer(StatusCode::OK, &object))
}

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response> {
    let (action, of_version) = ("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging");
    let object = amend(call, Deed::DeleteTagging, (action, of_version), Tags::new()).await?;
    Ok(answer(StatusCode::NO_CONTENT, &object))
}

async fn amend(
    call: &Call<'_>,
    deed: Deed,
    (action, of_version): (&str, &str),
    tags: Tags,
) -> Result<Object> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    let version = call.query("versionId");
    call.admit_object(if version.is_some() { of_version } else { action }, &bucket, key)?;
    let amend = |object: &mut Object| match &mut object.content {
        Some(content) => {
            content.tags.clone_from(&tags);
            Ok(())
        }
        None => Err(of_a_marker()),
    };
    let by = Doer::Caller(call);
    let (check, also) = (&|_: Option<&Object>| Ok(()), &|batch, _: &Object| Ok(batch));
    let change = Change { bucket: &bucket, key, deed, by, check, also };
    let object = call.service.index.amend(&change, version, &amend).await?;
    object.ok_or_else(|| crate::get::absent(call, &bucket, key, version))
}

fn answer(status: StatusCode, object: &Object) -> Response {
    let mut response = empty(status);
    tell_version(&mut response, object);
    response
}

fn tell_version(response: &mut Response, object: &Object) {
    if let Some(version) = &object.version {
        set(response, "x-amz-version-id", version);
    }
}

fn of_a_marker() -> Fault {
    let text = "The specified method is not allowed against this resource.";
    Fault::new("MethodNotAllowed", 405, text)
}
