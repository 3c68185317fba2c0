// SPDX-License-Identifier: Apache-2.0
//! `ListObjects` and `ListObjectsV2`: keys in their order, and what several of them begin with.

use crate::bucket::Bucket;
use crate::bucket_operations::owner;
use crate::call::{Call, xml};
use crate::fault;
use crate::record::Object;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use wire::{Access, Response, Result, Timestamp, XmlWriter};

const PAGE_MAX: usize = 1_000;
/// What keys are made of that stays as it is.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/');

/// What a listing is of.
pub(crate) struct Wanted<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    /// Keys and common prefixes after this one.
    pub(crate) after: Option<String>,
    pub(crate) most: usize,
}

#[derive(Default)]
pub(crate) struct Page {
    objects: Vec<(String, Object)>,
    prefixes: Vec<String>,
    /// The last key or common prefix of the page, if there are more.
    next: Option<String>,
}

/// How a listing writes keys.
#[derive(Clone, Copy)]
pub(crate) struct Spelling {
    is_encoded: bool,
}

impl Spelling {
    pub(crate) fn of(call: &Call<'_>) -> Result<Self> {
        match call.query("encoding-type") {
            None | Some("") => Ok(Self { is_encoded: false }),
            Some("url") => Ok(Self { is_encoded: true }),
            Some(other) => {
                let text = "Invalid Encoding Method specified in Request";
                Err(fault::invalid_argument(text, "encoding-type", other))
            }
        }
    }

    pub(crate) fn write(self, text: &str) -> String {
        match self.is_encoded {
            true => utf8_percent_encode(text, ENCODED).to_string(),
            false => text.to_owned(),
        }
    }

    pub(crate) fn tell(self, xml: &mut XmlWriter) {
        xml.optional("EncodingType", self.is_encoded.then_some("url"));
    }
}

/// The bucket, for a caller that may list this of it.
pub(crate) fn admitted(call: &Call<'_>) -> Result<Arc<Bucket>> {
    let bucket = call.bucket()?;
    let text = |name: &str| call.query(name).map(str::to_owned);
    let access = Access::to(bucket.arn())
        .fact("s3:prefix", Some(text("prefix").unwrap_or_default()))
        .fact("s3:delimiter", text("delimiter"))
        .fact("s3:max-keys", text("max-keys"));
    call.admit_bucket(call.operation.action, &bucket, access)?;
    Ok(bucket)
}

fn delimiter<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    call.query("delimiter").filter(|delimiter| !delimiter.is_empty())
}

pub(crate) async fn first(call: &Call<'_>) -> Result<Response> {
    let bucket = admitted(call)?;
    let (spelling, most) = (Spelling::of(call)?, call.number("max-keys", PAGE_MAX)?);
    let (prefix, delimiter) = (call.query("prefix").unwrap_or_default(), delimiter(call));
    let marker = call.query("marker").unwrap_or_default();
    let after = Some(marker.to_owned()).filter(|marker| !marker.is_empty());
    let page = page(call, &bucket, Wanted { prefix, delimiter, after, most }).await?;
    Ok(xml("ListBucketResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", spelling.write(prefix));
        xml.text("Marker", spelling.write(marker));
        xml.text("MaxKeys", most);
        xml.optional("Delimiter", delimiter.map(|text| spelling.write(text)));
        spelling.tell(xml);
        xml.text("IsTruncated", page.next.is_some());
        let next = page.next.as_ref().filter(|_| delimiter.is_some());
        xml.optional("NextMarker", next.map(|next| spelling.write(next)));
        write_page(xml, &bucket, &page, spelling, true);
    }))
}

pub(crate) async fn second(call: &Call<'_>) -> Result<Response> {
    let bucket = admitted(call)?;
    let (spelling, most) = (Spelling::of(call)?, call.number("max-keys", PAGE_MAX)?);
    let (prefix, delimiter) = (call.query("prefix").unwrap_or_default(), delimiter(call));
    let (token, start) = (call.query("continuation-token"), call.query("start-after"));
    let after = match token {
        Some(token) => Some(read_token(token)?),
        None => start.filter(|start| !start.is_empty()).map(str::to_owned),
    };
    let page = page(call, &bucket, Wanted { prefix, delimiter, after, most }).await?;
    let has_owner = call.query("fetch-owner") == Some("true");
    Ok(xml("ListBucketResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", spelling.write(prefix));
        xml.optional("StartAfter", start.map(|start| spelling.write(start)));
        xml.optional("ContinuationToken", token);
        let next = page.next.as_ref().map(|next| URL_SAFE_NO_PAD.encode(next));
        xml.optional("NextContinuationToken", next);
        xml.text("KeyCount", page.objects.len() + page.prefixes.len());
        xml.text("MaxKeys", most);
        xml.optional("Delimiter", delimiter.map(|text| spelling.write(text)));
        spelling.tell(xml);
        xml.text("IsTruncated", page.next.is_some());
        write_page(xml, &bucket, &page, spelling, has_owner);
    }))
}

fn read_token(token: &str) -> Result<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        let text = "The continuation token provided is incorrect";
        fault::invalid_argument(text, "continuation-token", "")
    })
}

fn write_page(
    xml: &mut XmlWriter,
    bucket: &Bucket,
    page: &Page,
    spelling: Spelling,
    has_owner: bool,
) {
    for (key, object) in &page.objects {
        let Some(content) = &object.content else { continue };
        xml.element("Contents", |xml| {
            xml.text("Key", spelling.write(key));
            let modified = Timestamp::from_epoch_ms(object.modified_ms);
            xml.text("LastModified", modified.iso_milli_text());
            xml.text("ETag", content.quoted_etag());
            if let Some(checksum) = &content.checksum {
                xml.text("ChecksumAlgorithm", checksum.algorithm.name());
                xml.text("ChecksumType", checksum.kind.name());
            }
            xml.text("Size", content.size);
            if has_owner {
                owner(xml, bucket.record().owner.as_str());
            }
            xml.text("StorageClass", "STANDARD");
        });
    }
    for prefix in &page.prefixes {
        xml.element("CommonPrefixes", |xml| xml.text("Prefix", spelling.write(prefix)));
    }
}

async fn page(call: &Call<'_>, bucket: &Bucket, wanted: Wanted<'_>) -> Result<Page> {
    let id = &bucket.record().id;
    let mut page = Page::default();
    if wanted.most == 0 {
        return Ok(page);
    }
    let mut after = wanted.after.as_deref().map(|after| match common(after, &wanted) {
        // A page that ended with a common prefix ended with all that is behind it.
        Some(prefix) if prefix == after => past(&prefix),
        _ => after.to_owned(),
    });
    loop {
        let limit = wanted.most - page.len() + 1;
        let found = call.service.index.scan(id, wanted.prefix, after.as_deref(), limit).await?;
        let is_last = found.len() < limit;
        let mut jump = None;
        for (key, object) in found {
            if object.content.is_none() {
                jump = Some(key);
                continue;
            }
            let prefix = common(&key, &wanted);
            if page.len() == wanted.most {
                page.next = page.last();
                return Ok(page);
            }
            match prefix {
                Some(prefix) => {
                    jump = Some(past(&prefix));
                    page.prefixes.push(prefix);
                    // What else is behind it is not looked at.
                    break;
                }
                None => {
                    jump = Some(key.clone());
                    page.objects.push((key, object));
                }
            }
        }
        let has_jumped = jump.as_deref().is_some_and(|jump| jump.ends_with(char::MAX));
        if is_last && !has_jumped {
            return Ok(page);
        }
        match jump {
            Some(jump) => after = Some(jump),
            None => return Ok(page),
        }
    }
}

impl Page {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }

    /// What it ends with.
    fn last(&self) -> Option<String> {
        let key = self.objects.last().map(|(key, _)| key);
        key.max(self.prefixes.last()).cloned()
    }
}

/// What a key has in common with others: up to the first delimiter after the prefix that is asked for.
pub(crate) fn common(key: &str, wanted: &Wanted<'_>) -> Option<String> {
    let delimiter = wanted.delimiter?;
    let rest = key.strip_prefix(wanted.prefix)?;
    let place = rest.find(delimiter)?;
    key.get(..wanted.prefix.len() + place + delimiter.len()).map(str::to_owned)
}

/// Not before any key that begins so: keys have 1,024 bytes, and there is no greater character.
pub(crate) fn past(prefix: &str) -> String {
    let mut past = prefix.to_owned();
    past.extend(std::iter::repeat_n(char::MAX, 256));
    past
}
