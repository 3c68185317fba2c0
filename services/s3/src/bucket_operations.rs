// SPDX-License-Identifier: Apache-2.0
//! Buckets: made, listed, told about and deleted.

use crate::body::Files;
use crate::bucket::Gate;
use crate::call::{Call, empty, parse, read, set, xml};
use crate::fault;
use crate::ownership;
use crate::record::{BucketRecord, PublicAccess, Versioning};
use crate::service::now_ms;
use http::StatusCode;
use names::Region;
use std::collections::BTreeMap;
use wire::{Access, Response, Result, Timestamp, Upload, XmlWriter};

const FIRST_REGION: &str = "us-east-1";
const PAGE_MAX: usize = 10_000;

pub(crate) async fn create(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let name = call.site.bucket.as_str();
    crate::name::check_bucket(name)?;
    if let Some(found) = call.service.buckets.get(name)
        && found.record().owner != call.cx.account
        && !call.is_anonymous()
    {
        // No policy of its own lets a caller have a name that is another account's.
        return Err(fault::bucket_exists().with_member("BucketName", name));
    }
    call.admit(call.operation.action, Access::to(format!("arn:aws:s3:::{name}")))?;
    let ownership = ownership::of_new_bucket(call)?;
    if call.header("x-amz-bucket-object-lock-enabled").is_some_and(|text| text == "true") {
        return Err(fault::not_implemented());
    }
    let document = read(call, body).await?;
    let asked = match document.as_slice() {
        [] => None,
        document => {
            let root = parse(document, "CreateBucketConfiguration")?;
            let unknown = |child: &wire::Element| child.name != "LocationConstraint";
            if root.children.iter().any(unknown) {
                return Err(fault::not_implemented());
            }
            root.text_of("LocationConstraint").filter(|text| !text.is_empty()).map(str::to_owned)
        }
    };
    let region = region(call, asked.as_deref())?;
    let (id, owner) = (Files::new_id(), call.cx.account.clone());
    let record = BucketRecord {
        id,
        owner,
        region,
        created_ms: now_ms(),
        versioning: Versioning::Off,
        policy: None,
        public_access: Some(PublicAccess::NONE),
        ownership,
        documents: BTreeMap::new(),
    };
    let created = call.service.buckets.create(name, record).await;
    match created {
        // In the first region it is no error to ask again.
        Err(fault) if fault.code == "BucketAlreadyOwnedByYou" && is_first(call) => {}
        created => created?,
    }
    let mut response = empty(StatusCode::OK);
    set(&mut response, "location", &format!("/{name}"));
    set(&mut response, "x-amz-bucket-arn", &format!("arn:aws:s3:::{name}"));
    Ok(response)
}

fn is_first(call: &Call<'_>) -> bool {
    call.cx.region.as_str() == FIRST_REGION
}

/// Where the bucket will be: where the request went, and what it asks for must be the same.
fn region(call: &Call<'_>, asked: Option<&str>) -> Result<Region> {
    let here = &call.cx.region;
    let asked = match asked {
        Some("EU") => Some("eu-west-1"),
        asked => asked,
    };
    match asked {
        None if is_first(call) => Ok(here.clone()),
        Some(asked) if is_first(call) && asked != FIRST_REGION => {
            asked.parse().map_err(|_| fault::invalid_location())
        }
        Some(asked) if asked == here.as_str() && !is_first(call) => Ok(here.clone()),
        Some(_) if is_first(call) => Err(fault::invalid_location()),
        asked => {
            let text = format!(
                "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
                asked.unwrap_or("unspecified")
            );
            Err(wire::Fault::new("IllegalLocationConstraintException", 400, text))
        }
    }
}

pub(crate) fn list(call: &Call<'_>) -> Result<Response> {
    if call.is_anonymous() {
        return Err(fault::access_denied());
    }
    call.admit(call.operation.action, Access::anything())?;
    let most = call.number("max-buckets", PAGE_MAX)?.max(1);
    let (prefix, after) =
        (call.query("prefix").unwrap_or_default(), call.query("continuation-token"));
    let region = call.query("bucket-region");
    let mut found = call.service.buckets.of(&call.cx.account);
    found.retain(|bucket| {
        bucket.name.starts_with(prefix)
            && after.is_none_or(|after| bucket.name.as_str() > after)
            && region.is_none_or(|region| bucket.record().region.as_str() == region)
    });
    let next = found.get(most).and_then(|_| found.get(most - 1)).map(|last| last.name.clone());
    found.truncate(most);
    Ok(xml("ListAllMyBucketsResult", |xml| {
        owner(xml, call.cx.account.as_str());
        xml.element("Buckets", |xml| {
            for bucket in &found {
                let record = bucket.record();
                xml.element("Bucket", |xml| {
                    xml.text("Name", &bucket.name);
                    let created = Timestamp::from_epoch_ms(record.created_ms);
                    xml.text("CreationDate", created.iso_milli_text());
                    xml.text("BucketRegion", &record.region);
                    xml.text("BucketArn", bucket.arn());
                });
            }
        });
        xml.optional("ContinuationToken", next);
        xml.optional("Prefix", call.query("prefix"));
    }))
}

/// Accounts have a canonical id of 64 digits: theirs is the account, with zeros before it.
pub(crate) fn canonical_id(account: &str) -> String {
    format!("{account:0>64}")
}

pub(crate) fn owner(xml: &mut XmlWriter, account: &str) {
    xml.element("Owner", |xml| {
        xml.text("ID", canonical_id(account));
    });
}

pub(crate) fn head(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let mut response = empty(StatusCode::OK);
    set(&mut response, "x-amz-bucket-region", bucket.record().region.as_str());
    set(&mut response, "x-amz-bucket-arn", &bucket.arn());
    set(&mut response, "x-amz-access-point-alias", "false");
    Ok(response)
}

pub(crate) fn location(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let record = bucket.record();
    // The first region is older than the word.
    let region = Some(record.region.as_str()).filter(|region| *region != FIRST_REGION);
    let text =
        XmlWriter::leaf("LocationConstraint", crate::call::NAMESPACE, region.unwrap_or_default());
    let mut response = Response::new(text.into());
    set(&mut response, "content-type", "application/xml");
    Ok(response)
}

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    // Whoever is about to put something has to wait, and finds that the bucket is gone.
    let mut gate = bucket.gate.write().await;
    if *gate == Gate::Deleted {
        return Err(fault::no_such_bucket().with_member("BucketName", bucket.name.as_str()));
    }
    if !call.service.index.is_empty(&bucket.record().id).await? {
        return Err(fault::bucket_not_empty().with_member("BucketName", bucket.name.as_str()));
    }
    call.service.buckets.delete(&bucket).await?;
    *gate = Gate::Deleted;
    call.service.uploads.abort_all(&bucket, &call.service.index.files).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
