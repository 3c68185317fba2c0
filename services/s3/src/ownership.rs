// SPDX-License-Identifier: Apache-2.0
//! Whose the objects of a bucket are, and lists of who may do what with them (ACLs).
//!
//! Invariant: every object is its bucket's owner's, and no list lets anybody else in. What would change that is refused.

use crate::bucket::Bucket;
use crate::bucket_operations::{canonical_id, owner};
use crate::call::{Call, empty, parse, read, read_xml, xml};
use crate::fault;
use crate::get::{answer_marker, find};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use wire::{Element, Fault, Response, Result, Upload};

const ROOT: &str = "OwnershipControls";
const PRIVATE: &str = "private";
const OWNERS: &str = "bucket-owner-full-control";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ownership {
    /// There are no lists.
    #[default]
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
    /// The rule was deleted: as if it said `ObjectWriter`.
    Unset,
}

impl Ownership {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let known = [Self::BucketOwnerEnforced, Self::BucketOwnerPreferred, Self::ObjectWriter];
        known.into_iter().find(|it| it.name() == Some(name))
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
            Self::Unset => return None,
        })
    }

    /// The error for a list that lets in others.
    fn refusal(self) -> Fault {
        match self {
            Self::BucketOwnerEnforced => fault::no_acls(),
            _ => fault::not_implemented(),
        }
    }

    /// Whether a canned list says what is so anyway.
    fn takes(self, canned: &str) -> bool {
        canned == OWNERS || (canned == PRIVATE && self != Self::BucketOwnerEnforced)
    }
}

fn has_grants(call: &Call<'_>) -> bool {
    call.head.headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-"))
}

/// What a new bucket is to be.
pub(crate) fn of_new_bucket(call: &Call<'_>) -> Result<Ownership> {
    const HEADER: &str = "x-amz-object-ownership";
    let ownership = match call.header(HEADER) {
        None => Ownership::default(),
        Some(name) => Ownership::of_name(name).ok_or_else(|| {
            fault::invalid_argument(format!("Invalid {HEADER} header: {name}"), HEADER, name)
        })?,
    };
    let acl = call.header("x-amz-acl");
    if !has_grants(call) && acl.is_none_or(|acl| acl == PRIVATE || ownership.takes(acl)) {
        return Ok(ownership);
    }
    if ownership != Ownership::BucketOwnerEnforced {
        return Err(fault::not_implemented());
    }
    let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
    Err(Fault::new("InvalidBucketAclWithObjectOwnership", 400, text))
}

/// Refuses an object that would not be the bucket's owner's alone.
pub(crate) fn check(call: &Call<'_>, bucket: &Bucket) -> Result<()> {
    let (record, acl) = (bucket.record(), call.header("x-amz-acl"));
    let ownership = record.ownership;
    if has_grants(call) || acl.is_some_and(|acl| !ownership.takes(acl)) {
        return Err(ownership.refusal());
    }
    let is_owners = record.owner == call.cx.account && !call.is_anonymous();
    let becomes_owners = match ownership {
        Ownership::BucketOwnerEnforced => true,
        Ownership::BucketOwnerPreferred => acl == Some(OWNERS),
        Ownership::ObjectWriter | Ownership::Unset => false,
    };
    if is_owners || becomes_owners { Ok(()) } else { Err(fault::not_implemented()) }
}

pub(crate) fn get(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let name = bucket.record().ownership.name().ok_or_else(|| {
        let text = "The bucket ownership controls were not found";
        Fault::new("OwnershipControlsNotFoundError", 404, text)
            .with_member("BucketName", bucket.name.as_str())
    })?;
    Ok(xml(ROOT, |xml| xml.element("Rule", |xml| xml.text("ObjectOwnership", name))))
}

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let root = read_xml(call, body, ROOT).await?;
    let name = root.child("Rule").and_then(|rule| rule.text_of("ObjectOwnership"));
    let ownership = name.and_then(Ownership::of_name).ok_or_else(fault::malformed_xml)?;
    set(call, &bucket, ownership).await?;
    Ok(empty(StatusCode::OK))
}

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    set(call, &bucket, Ownership::Unset).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn set(call: &Call<'_>, bucket: &Bucket, ownership: Ownership) -> Result<()> {
    let change = |record: &mut crate::record::BucketRecord| {
        record.ownership = ownership;
        Ok(())
    };
    call.service.buckets.change(bucket, change).await
}

pub(crate) fn get_bucket_acl(call: &Call<'_>) -> Result<Response> {
    Ok(acl(call.admitted_bucket()?.record().owner.as_str()))
}

pub(crate) async fn get_object_acl(call: &Call<'_>) -> Result<Response> {
    let version = call.query("versionId");
    let (bucket, key) = (call.bucket()?, call.key()?);
    let action = if version.is_some() { "s3:GetObjectVersionAcl" } else { "s3:GetObjectAcl" };
    call.admit_object(action, &bucket, key)?;
    let object = find(call, &bucket, key, version).await?;
    if object.content.is_none() {
        return Ok(answer_marker(call, &bucket, key, &object));
    }
    Ok(acl(bucket.record().owner.as_str()))
}

/// The owner has it all, and nobody else has anything.
fn acl(account: &str) -> Response {
    let text =
        |name: &str, text: String| Element { name: name.to_owned(), text, ..Element::default() };
    xml("AccessControlPolicy", |xml| {
        owner(xml, account);
        xml.element("AccessControlList", |xml| {
            let (name, kind) = ("Grantee".to_owned(), Some("CanonicalUser".to_owned()));
            let children = vec![text("ID", canonical_id(account))];
            let grantee = Element { name, kind, children, ..Element::default() };
            xml.element("Grant", |xml| {
                xml.tree(&grantee);
                xml.text("Permission", "FULL_CONTROL");
            });
        });
    })
}

pub(crate) async fn put_bucket_acl(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    check_list(call, &bucket, &read(call, body).await?)?;
    Ok(empty(StatusCode::OK))
}

pub(crate) async fn put_object_acl(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let version = call.query("versionId");
    let (bucket, key) = (call.bucket()?, call.key()?);
    let action = if version.is_some() { "s3:PutObjectVersionAcl" } else { "s3:PutObjectAcl" };
    call.admit_object(action, &bucket, key)?;
    let document = read(call, body).await?;
    let object = find(call, &bucket, key, version).await?;
    if object.content.is_none() {
        return Ok(answer_marker(call, &bucket, key, &object));
    }
    check_list(call, &bucket, &document)?;
    Ok(empty(StatusCode::OK))
}

/// Takes a list that says what is so anyway.
fn check_list(call: &Call<'_>, bucket: &Bucket, document: &[u8]) -> Result<()> {
    let record = bucket.record();
    let is_taken = match call.header("x-amz-acl") {
        _ if has_grants(call) => false,
        Some(acl) => {
            if !document.is_empty() {
                let text = "This request does not support content";
                return Err(Fault::new("UnexpectedContent", 400, text));
            }
            record.ownership.takes(acl)
        }
        None if document.is_empty() => {
            let text = "Your request was missing a required header";
            return Err(Fault::new("MissingSecurityHeader", 400, text)
                .with_member("MissingHeaderName", "x-amz-acl"));
        }
        None => {
            let root = parse(document, "AccessControlPolicy")?;
            let list = root.child("AccessControlList").ok_or_else(fault::malformed_xml)?;
            let owner = canonical_id(record.owner.as_str());
            !list.children.is_empty() && list.children.iter().all(|grant| is_all(grant, &owner))
        }
    };
    if is_taken { Ok(()) } else { Err(record.ownership.refusal()) }
}

fn is_all(grant: &Element, owner: &str) -> bool {
    let grantee = grant.child("Grantee").and_then(|grantee| grantee.text_of("ID"));
    grant.text_of("Permission") == Some("FULL_CONTROL") && grantee == Some(owner)
}
