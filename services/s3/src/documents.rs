// SPDX-License-Identifier: Apache-2.0
//! What a bucket has beside objects: some of it can be changed, of the rest it is told that there is none.

use crate::call::{Call, NAMESPACE, empty, parse, read, read_xml, set, xml};
use crate::fault;
use crate::record::PublicAccess;
use crate::tags;
use http::StatusCode;
use wire::{Element, Fault, Response, Result, Upload, XmlWriter};

/// The word in the query, and the error when there is none.
struct Kept {
    word: &'static str,
    absent: (&'static str, &'static str),
}

fn kept(operation: &str) -> Option<Kept> {
    let (word, absent) = match operation {
        "GetBucketCors" | "DeleteBucketCors" => {
            ("cors", ("NoSuchCORSConfiguration", "The CORS configuration does not exist"))
        }
        "GetBucketTagging" | "DeleteBucketTagging" => {
            ("tagging", ("NoSuchTagSet", "The TagSet does not exist"))
        }
        "GetBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => (
            "lifecycle",
            ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        ),
        "GetBucketEncryption" | "DeleteBucketEncryption" => (
            "encryption",
            (
                "ServerSideEncryptionConfigurationNotFoundError",
                "The server side encryption configuration was not found",
            ),
        ),
        "GetBucketWebsite" | "DeleteBucketWebsite" => (
            "website",
            (
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
            ),
        ),
        "GetBucketReplication" | "DeleteBucketReplication" => (
            "replication",
            (
                "ReplicationConfigurationNotFoundError",
                "The replication configuration was not found",
            ),
        ),
        "GetObjectLockConfiguration" => (
            "object-lock",
            (
                "ObjectLockConfigurationNotFoundError",
                "Object Lock configuration does not exist for this bucket",
            ),
        ),
        _ => return None,
    };
    Some(Kept { word, absent })
}

pub(crate) fn get(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let Kept { word, absent: (code, text) } =
        kept(call.operation.name).ok_or_else(Fault::internal)?;
    let record = bucket.record();
    let document = record.documents.get(word).ok_or_else(|| {
        Fault::new(code, 404, text).with_member("BucketName", bucket.name.as_str())
    })?;
    let mut response = Response::new(document.clone().into());
    set(&mut response, "content-type", "application/xml");
    Ok(response)
}

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let Kept { word, .. } = kept(call.operation.name).ok_or_else(Fault::internal)?;
    let forget = |record: &mut crate::record::BucketRecord| {
        record.documents.remove(word);
        Ok(())
    };
    call.service.buckets.change(&bucket, forget).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Keeps a document that `check` has nothing against, as it came.
pub(crate) async fn put(
    call: &Call<'_>,
    body: &mut dyn Upload,
    word: &'static str,
    root: &str,
    check: impl Fn(&Element) -> Result<()>,
) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let read = read_xml(call, body, root).await?;
    check(&read)?;
    let text = XmlWriter::document(root, NAMESPACE, |xml| {
        read.children.iter().for_each(|child| xml.tree(child));
    });
    let keep = |record: &mut crate::record::BucketRecord| {
        record.documents.insert(word.to_owned(), text);
        Ok(())
    };
    call.service.buckets.change(&bucket, keep).await?;
    Ok(empty(StatusCode::OK))
}

pub(crate) async fn put_tagging(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let check = |root: &Element| tags::read(root, tags::OF_BUCKET_MAX).map(drop);
    let mut response = put(call, body, "tagging", "Tagging", check).await?;
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// What every bucket is, as long as nothing else can be.
pub(crate) fn get_fixed(call: &Call<'_>) -> Result<Response> {
    call.admitted_bucket()?;
    Ok(match call.operation.name {
        "GetBucketAccelerateConfiguration" => xml("AccelerateConfiguration", |_| {}),
        "GetBucketLogging" => xml("BucketLoggingStatus", |_| {}),
        _ => xml("RequestPaymentConfiguration", |xml| xml.text("Payer", "BucketOwner")),
    })
}

/// Of what has names of its own no bucket has any: none can be put.
pub(crate) fn list_none(call: &Call<'_>) -> Result<Response> {
    call.admitted_bucket()?;
    let root = match call.operation.name {
        "ListBucketAnalyticsConfigurations" => "ListBucketAnalyticsConfigurationResult",
        "ListBucketInventoryConfigurations" => "ListInventoryConfigurationsResult",
        "ListBucketMetricsConfigurations" => "ListMetricsConfigurationsResult",
        _ => "ListBucketIntelligentTieringConfigurationsOutput",
    };
    Ok(xml(root, |xml| xml.text("IsTruncated", false)))
}

pub(crate) fn find_none(call: &Call<'_>) -> Result<Response> {
    call.admitted_bucket()?;
    let text = "The specified configuration does not exist.";
    Err(Fault::new("NoSuchConfiguration", 404, text))
}

/// Takes what changes nothing, and refuses the rest.
pub(crate) async fn put_fixed(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    call.admitted_bucket()?;
    let document = read(call, body).await?;
    match call.operation.name {
        "PutBucketRequestPayment" => {
            let root = parse(&document, "RequestPaymentConfiguration")?;
            if root.text_of("Payer") != Some("BucketOwner") {
                return Err(fault::not_implemented());
            }
        }
        _ => {
            let root = parse(&document, "BucketLoggingStatus")?;
            if !root.children.is_empty() {
                return Err(fault::not_implemented());
            }
        }
    }
    Ok(empty(StatusCode::OK))
}

pub(crate) fn get_public_access(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let access = bucket.record().public_access.ok_or_else(|| {
        let text = "The public access block configuration was not found";
        Fault::new("NoSuchPublicAccessBlockConfiguration", 404, text)
            .with_member("BucketName", bucket.name.as_str())
    })?;
    Ok(xml("PublicAccessBlockConfiguration", |xml| {
        xml.text("BlockPublicAcls", access.blocks_acls);
        xml.text("IgnorePublicAcls", access.ignores_acls);
        xml.text("BlockPublicPolicy", access.blocks_policy);
        xml.text("RestrictPublicBuckets", access.restricts_buckets);
    }))
}

pub(crate) async fn put_public_access(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let root = read_xml(call, body, "PublicAccessBlockConfiguration").await?;
    let is = |name: &str| match root.text_of(name) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(fault::malformed_xml()),
    };
    let access = PublicAccess {
        blocks_acls: is("BlockPublicAcls")?,
        ignores_acls: is("IgnorePublicAcls")?,
        blocks_policy: is("BlockPublicPolicy")?,
        restricts_buckets: is("RestrictPublicBuckets")?,
    };
    set_public_access(call, &bucket, Some(access)).await?;
    Ok(empty(StatusCode::OK))
}

pub(crate) async fn delete_public_access(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    set_public_access(call, &bucket, None).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn set_public_access(
    call: &Call<'_>,
    bucket: &crate::bucket::Bucket,
    access: Option<PublicAccess>,
) -> Result<()> {
    let change = |record: &mut crate::record::BucketRecord| {
        record.public_access = access;
        Ok(())
    };
    call.service.buckets.change(bucket, change).await
}
