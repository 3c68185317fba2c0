// SPDX-License-Identifier: Apache-2.0
//! What happened to an object, and who did it, as notifications tell it.

use crate::bucket::Bucket;
use crate::call::Call;
use crate::notification_rules::Rule;
use crate::record::Object;
use names::{RequestId, TraceHeader};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use wire::Timestamp;

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Put,
    Copy,
    CompleteMultipartUpload,
    /// It, or a version of it, is gone for good.
    Delete,
    /// A marker says that it is gone.
    Mark,
    PutTagging,
    DeleteTagging,
}

/// Who does it.
#[derive(Clone, Copy)]
pub(crate) enum Doer<'a> {
    Caller(&'a Call<'a>),
    /// A rule of the bucket.
    Lifecycle,
}

impl Doer<'_> {
    fn principal(self) -> String {
        match self {
            Self::Caller(call) => call.principal(),
            Self::Lifecycle => SERVICE.to_owned(),
        }
    }

    /// The account.
    fn requester(self) -> String {
        match self {
            Self::Caller(call) => call.requester(),
            Self::Lifecycle => SERVICE.to_owned(),
        }
    }

    /// `None`: no call does it.
    fn address(self) -> Option<String> {
        match self {
            Self::Caller(call) => Some(call.address()),
            Self::Lifecycle => None,
        }
    }

    fn request_id(self) -> RequestId {
        match self {
            Self::Caller(call) => call.cx.request_id,
            Self::Lifecycle => RequestId::random(),
        }
    }

    /// The trace that goes on with what follows.
    pub(crate) fn trace(self) -> String {
        match self {
            Self::Caller(call) => call.cx.trace.to_string(),
            Self::Lifecycle => {
                let seconds = u64::try_from(crate::service::now_ms() / 1_000).unwrap_or_default();
                TraceHeader::start(seconds).to_string()
            }
        }
    }
}

impl Deed {
    /// As AWS names it, without `s3:`.
    const fn name(self, by: Doer<'_>) -> &'static str {
        match self {
            Self::Delete if matches!(by, Doer::Lifecycle) => "LifecycleExpiration:Delete",
            Self::Mark if matches!(by, Doer::Lifecycle) => {
                "LifecycleExpiration:DeleteMarkerCreated"
            }
            Self::Put => "ObjectCreated:Put",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "ObjectRemoved:Delete",
            Self::Mark => "ObjectRemoved:DeleteMarkerCreated",
            Self::PutTagging => "ObjectTagging:Put",
            Self::DeleteTagging => "ObjectTagging:Delete",
        }
    }

    /// What events on buses are called.
    pub(crate) const fn detail_type(self) -> &'static str {
        match self {
            Self::Put | Self::Copy | Self::CompleteMultipartUpload => "Object Created",
            Self::Delete | Self::Mark => "Object Deleted",
            Self::PutTagging => "Object Tags Added",
            Self::DeleteTagging => "Object Tags Deleted",
        }
    }

    /// Which operation creates or deletes it, as events on buses tell it.
    const fn reason(self, by: Doer<'_>) -> Option<&'static str> {
        Some(match self {
            Self::Put => "PutObject",
            Self::Copy => "CopyObject",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::Delete | Self::Mark => match by {
                Doer::Caller(_) => "DeleteObject",
                Doer::Lifecycle => "Lifecycle Expiration",
            },
            Self::PutTagging | Self::DeleteTagging => return None,
        })
    }

    const fn deletion_type(self) -> Option<&'static str> {
        match self {
            Self::Delete => Some("Permanently Deleted"),
            Self::Mark => Some("Delete Marker Created"),
            _ => None,
        }
    }

    /// Of the message's structure, as AWS has it for each event.
    const fn version(self, by: Doer<'_>) -> &'static str {
        match self {
            _ if matches!(by, Doer::Lifecycle) => "2.3",
            Self::PutTagging | Self::DeleteTagging => "2.3",
            Self::Put | Self::Copy | Self::CompleteMultipartUpload | Self::Delete | Self::Mark => {
                "2.1"
            }
        }
    }
}

/// One event.
pub(crate) struct Happening<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    pub(crate) deed: Deed,
    pub(crate) by: Doer<'a>,
    /// The version that it happened to: as it is now, or as it was.
    pub(crate) object: &'a Object,
    pub(crate) time_ms: i64,
    /// Greater for what happened later to the same key.
    pub(crate) sequence: u64,
}

impl Happening<'_> {
    pub(crate) const fn name(&self) -> &'static str {
        self.deed.name(self.by)
    }

    /// What a function, a queue or a topic gets.
    pub(crate) fn message(&self, rule: &Rule) -> String {
        let request_id = self.by.request_id().to_string();
        let address = self.by.address().unwrap_or_else(|| SERVICE.to_owned());
        let record = self.bucket.record();
        let told = json!({
            "eventVersion": self.deed.version(self.by),
            "eventSource": "aws:s3",
            "awsRegion": record.region.as_str(),
            "eventTime": Timestamp::from_epoch_ms(self.time_ms).iso_milli_text(),
            "eventName": self.name(),
            "userIdentity": { "principalId": self.by.principal() },
            "requestParameters": { "sourceIPAddress": address },
            "responseElements": { "x-amz-request-id": request_id, "x-amz-id-2": request_id },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": rule.id,
                "bucket": {
                    "name": self.bucket.name,
                    "ownerIdentity": { "principalId": record.owner.as_str() },
                    "arn": self.bucket.arn(),
                },
                "object": self.object(encoded(self.key), &MESSAGE),
            },
        });
        json!({ "Records": [told] }).to_string()
    }

    /// What an event on a bus says of it.
    pub(crate) fn detail(&self) -> String {
        let mut told = json!({
            "version": "0",
            "event-version": "1.0",
            "bucket": { "name": self.bucket.name },
            "object": self.object(self.key.to_owned(), &DETAIL),
            "request-id": self.by.request_id().to_string(),
            "requester": self.by.requester(),
        });
        for (name, value) in [
            ("source-ip-address", self.by.address()),
            ("reason", self.deed.reason(self.by).map(str::to_owned)),
            ("deletion-type", self.deed.deletion_type().map(str::to_owned)),
        ] {
            if let (Some(told), Some(value)) = (told.as_object_mut(), value) {
                told.insert(name.to_owned(), value.into());
            }
        }
        told.to_string()
    }

    fn object(&self, key: String, names: &Names) -> Value {
        let mut told = Map::new();
        let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
        tell("key", key.into());
        match (self.deed, &self.object.content) {
            (Deed::Delete, _) => {}
            (Deed::Mark, _) | (_, None) => drop(tell(names.etag, ETAG_OF_NOTHING.into())),
            (deed, Some(content)) => {
                if !matches!(deed, Deed::PutTagging | Deed::DeleteTagging) {
                    tell("size", content.size.into());
                }
                tell(names.etag, content.etag.as_str().into());
            }
        }
        if let Some(version) = &self.object.version {
            tell(names.version, version.as_str().into());
        }
        if !matches!(self.deed, Deed::PutTagging | Deed::DeleteTagging) {
            tell("sequencer", format!("{:018X}", self.sequence).into());
        }
        told.into()
    }
}

/// What members of an object are called.
struct Names {
    etag: &'static str,
    version: &'static str,
}

/// In messages, and in details of events on buses.
const MESSAGE: Names = Names { etag: "eTag", version: "versionId" };
const DETAIL: Names = Names { etag: "etag", version: "version-id" };

const SERVICE: &str = crate::outbox::SENDER;
const ETAG_OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// As in a form, but for slashes.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_').remove(b'/').remove(b' ');

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, ENCODED).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_in_forms() {
        for (key, expected) in [
            ("red flower.jpg", "red+flower.jpg"),
            ("a/b-c_d*e", "a/b-c_d*e"),
            ("é+%&=", "%C3%A9%2B%25%26%3D"),
        ] {
            assert_eq!(encoded(key), expected);
        }
    }
}
