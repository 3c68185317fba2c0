// SPDX-License-Identifier: Apache-2.0
//! Notifications of a bucket, put and told: rules are kept once each of their targets is there and lets Amazon S3 send to it.
//! Amazon EventBridge is always there, and is not asked.

use crate::bucket::Bucket;
use crate::call::{Call, NAMESPACE, empty, read_xml, xml};
use crate::fault;
use crate::notification_rules::{Kind, Rule, Rules};
use crate::outbox::{Form, Notice};
use crate::service::now_ms;
use http::StatusCode;
use serde_json::json;
use targets::NotTaken;
use wire::{Fault, Response, Result, Timestamp, Upload, XmlWriter};

/// The word in the query, and among a bucket's documents.
pub(crate) const WORD: &str = "notification";
pub(crate) const ROOT: &str = "NotificationConfiguration";

pub(crate) fn get(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    Ok(xml(ROOT, |xml| {
        if let Some(rules) = bucket.rules() {
            rules.write(xml);
        }
    }))
}

/// All rules are replaced by these. None of them is kept unless all are good.
pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let rules = Rules::read(&read_xml(call, body, ROOT).await?)?;
    for rule in &rules.rules {
        check_place(&bucket, rule)?;
    }
    if call.header("x-amz-skip-destination-validation") != Some("true") {
        for rule in &rules.rules {
            try_target(call, &bucket, rule).await?;
        }
    }
    let change = |record: &mut crate::record::BucketRecord| {
        match rules.is_empty() {
            true => record.documents.remove(WORD),
            false => {
                let text = XmlWriter::document(ROOT, NAMESPACE, |xml| rules.write(xml));
                record.documents.insert(WORD.to_owned(), text)
            }
        };
        Ok(())
    };
    call.service.buckets.change(&bucket, change).await?;
    Ok(empty(StatusCode::OK))
}

fn check_place(bucket: &Bucket, rule: &Rule) -> Result<()> {
    let region = rule.target.split(':').nth(3).unwrap_or_default();
    if region != bucket.record().region.as_str() {
        let text = "The notification destination service region is not valid for the bucket location constraint";
        return Err(fault::invalid_argument(text, "Region", region));
    }
    if rule.kind != Kind::Function && rule.target.ends_with(".fifo") {
        let text = format!("FIFO {}s are not supported", rule.kind.noun());
        return Err(unusable(rule, &text));
    }
    Ok(())
}

/// Looks whether a target takes what it will get: queues and topics are sent a message that says so.
async fn try_target(call: &Call<'_>, bucket: &Bucket, rule: &Rule) -> Result<()> {
    let record = bucket.record();
    let notice = Notice {
        bucket_arn: bucket.arn(),
        owner: record.owner.clone(),
        form: Form::Ruled(rule.kind),
        target: rule.target.clone(),
        trace: call.cx.trace.to_string(),
        message: json!({
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": Timestamp::from_epoch_ms(now_ms()).iso_milli_text(),
            "Bucket": bucket.name,
            "RequestId": call.cx.request_id.to_string(),
            "HostId": call.cx.request_id.to_string(),
        })
        .to_string(),
    };
    let targets = &*call.service.index.outbox.targets;
    let tried = match rule.kind {
        Kind::Function => targets.check(&notice.sender(), &rule.target).await,
        Kind::Queue | Kind::Topic => notice.send(targets).await,
    };
    tried.map_err(|error| match error {
        NotTaken::NotNow { .. } => fault::slow_down(),
        NotTaken::Never { code, .. } if code.contains("NonExistent") || code.contains("NotFound") => {
            unusable(rule, &format!("The destination {} does not exist", rule.kind.noun()))
        }
        NotTaken::Never { .. } => match rule.kind {
            Kind::Function => {
                unusable(rule, &format!("Not authorized to invoke function [{}]", rule.target))
            }
            kind => {
                let noun = kind.noun();
                let text = format!(
                    "Permissions on the destination {noun} do not allow S3 to publish notifications from this bucket"
                );
                unusable(rule, &text)
            }
        },
    })
}

fn unusable(rule: &Rule, why: &str) -> Fault {
    let text = "Unable to validate the following destination configurations";
    Fault::new("InvalidArgument", 400, text)
        .with_member("ArgumentName1", format!("{}, null", rule.target))
        .with_member("ArgumentValue1", why)
}
