// SPDX-License-Identifier: Apache-2.0
//! One call: what its head says, whether its caller may, and answers.

use crate::bucket::Bucket;
use crate::fault;
use crate::metadata::Expected;
use crate::service::Service;
use crate::site::{Key, Site, query};
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use std::sync::Arc;
use wire::{
    Access, Context, Element, Fault, OperationSpec, Peer, Response, Result, Upload, XmlWriter,
};

pub(crate) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// Bytes of a document.
const DOCUMENT_BYTES_MAX: usize = 2 << 20;

pub(crate) struct Call<'a> {
    pub(crate) service: &'a Arc<Service>,
    pub(crate) cx: &'a Context,
    pub(crate) head: &'a Parts,
    pub(crate) operation: &'static OperationSpec,
    pub(crate) site: Site,
    query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        service: &'a Arc<Service>,
        cx: &'a Context,
        head: &'a Parts,
        operation: &'static OperationSpec,
    ) -> Self {
        Self { service, cx, head, operation, site: Site::of(head), query: query(head) }
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn key(&self) -> Result<&str> {
        match &self.site.key {
            Key::Text(key) => crate::name::check_key(key).map(|()| key.as_str()),
            Key::None => Err(fault::no_such_key()),
            Key::Unreadable => {
                let text = "Couldn't parse the specified URI.";
                Err(Fault::new("InvalidURI", 400, text))
            }
        }
    }

    pub(crate) fn bucket(&self) -> Result<Arc<Bucket>> {
        self.find_bucket(&self.site.bucket)
    }

    pub(crate) fn find_bucket(&self, name: &str) -> Result<Arc<Bucket>> {
        let bucket = self
            .service
            .buckets
            .get(name)
            .ok_or_else(|| fault::no_such_bucket().with_member("BucketName", name))?;
        if name == self.site.bucket
            && let Some(expected) = self.header("x-amz-expected-bucket-owner")
            && expected != bucket.record().owner.as_str()
        {
            return Err(fault::access_denied());
        }
        Ok(bucket)
    }

    /// The bucket, for a caller that may do this with it.
    pub(crate) fn admitted_bucket(&self) -> Result<Arc<Bucket>> {
        let bucket = self.bucket()?;
        self.admit_bucket(self.operation.action, &bucket, Access::to(bucket.arn()))?;
        Ok(bucket)
    }

    /// Refuses a caller that may not do this.
    pub(crate) fn admit(&self, action: &str, access: Access) -> Result<()> {
        self.cx.authority.check(self.cx, action, || access).map_err(|sentence| {
            match self.is_anonymous() {
                true => fault::access_denied(),
                false => Fault::new("AccessDenied", 403, sentence),
            }
        })
    }

    /// The same for what is in a bucket, or the bucket itself.
    pub(crate) fn admit_bucket(&self, action: &str, bucket: &Bucket, access: Access) -> Result<()> {
        let is_owners = bucket.record().owner == self.cx.account && !self.is_anonymous();
        if !is_owners && bucket.is_restricted() {
            return Err(fault::access_denied());
        }
        self.admit(action, access)
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.cx.caller.arn.is_empty()
    }

    /// Who calls, as notifications have it.
    pub(crate) fn principal(&self) -> String {
        match self.is_anonymous() {
            true => "Anonymous".to_owned(),
            false => format!("AWS:{}", self.cx.caller.user_id),
        }
    }

    /// The account that calls, as events on buses have it.
    pub(crate) fn requester(&self) -> String {
        match self.is_anonymous() {
            true => "Anonymous".to_owned(),
            false => self.cx.account.to_string(),
        }
    }

    /// Where the call comes from.
    pub(crate) fn address(&self) -> String {
        let peer = self.head.extensions.get::<Peer>();
        // What AWS calls its own services.
        peer.map_or_else(|| "AWS Internal".to_owned(), |Peer(address)| address.to_string())
    }

    pub(crate) fn admit_object(&self, action: &str, bucket: &Bucket, key: &str) -> Result<()> {
        let version = self.query("versionId").map(str::to_owned);
        let access = Access::to(format!("{}/{key}", bucket.arn()));
        let acl = self.header("x-amz-acl");
        self.admit_bucket(
            action,
            bucket,
            access.fact("s3:VersionId", version).fact("s3:x-amz-acl", acl),
        )
    }

    /// Only those that may list a bucket are told what is not in it.
    pub(crate) fn absent(&self, bucket: &Bucket, fault: Fault) -> Fault {
        match self.admit_bucket("s3:ListBucket", bucket, Access::to(bucket.arn())) {
            Ok(()) => fault,
            Err(denied) => denied,
        }
    }

    pub(crate) fn number(&self, name: &str, most: usize) -> Result<usize> {
        let Some(text) = self.query(name).filter(|text| !text.is_empty()) else { return Ok(most) };
        match text.parse::<i64>() {
            Ok(number) if number >= 0 => Ok(usize::try_from(number).unwrap_or(most).min(most)),
            Ok(_) => {
                let text = format!("Argument {name} must be an integer between 0 and 2147483647");
                Err(fault::invalid_argument(text, name, &text_of(self.query(name))))
            }
            Err(_) => {
                let text = format!("Provided {name} not an integer or within integer range");
                Err(fault::invalid_argument(text, name, &text_of(self.query(name))))
            }
        }
    }
}

fn text_of(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().take(64).collect()
}

/// Reads a whole document, which is what its sender says that it is.
pub(crate) async fn read(call: &Call<'_>, body: &mut dyn Upload) -> Result<Vec<u8>> {
    let expected = Expected::read(call)?;
    let read = read_any(body).await?;
    expected.check_all(&read, body)?;
    Ok(read)
}

/// Reads a whole document, whatever the head says: its checksums may be of something else.
pub(crate) async fn read_any(body: &mut dyn Upload) -> Result<Vec<u8>> {
    let mut read = Vec::new();
    while let Some(bytes) = body.next().await? {
        if read.len() + bytes.len() > DOCUMENT_BYTES_MAX {
            let text = "Your request was too big.";
            return Err(Fault::new("MaxMessageLengthExceeded", 400, text));
        }
        read.extend_from_slice(&bytes);
    }
    Ok(read)
}

/// Reads a document whose root has this name.
pub(crate) async fn read_xml(
    call: &Call<'_>,
    body: &mut dyn Upload,
    name: &str,
) -> Result<Element> {
    parse(&read(call, body).await?, name)
}

pub(crate) fn parse(document: &[u8], name: &str) -> Result<Element> {
    let text = std::str::from_utf8(document).map_err(|_| fault::malformed_xml())?;
    let root = Element::parse(text).map_err(|_| fault::malformed_xml())?;
    if root.name == name { Ok(root) } else { Err(fault::malformed_xml()) }
}

pub(crate) fn xml(name: &str, content: impl FnOnce(&mut XmlWriter)) -> Response {
    let mut response = Response::new(XmlWriter::document(name, NAMESPACE, content).into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Sets a header, unless the value can not stand in one.
pub(crate) fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
