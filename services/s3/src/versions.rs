// SPDX-License-Identifier: Apache-2.0
//! Versioning of buckets, and lists of versions.

use crate::bucket_operations::owner;
use crate::call::{Call, empty, read_xml, xml};
use crate::fault;
use crate::list::{Spelling, Wanted, admitted, common, past};
use crate::record::{Object, Versioning};
use http::StatusCode;
use wire::{Response, Result, Timestamp, Upload, XmlWriter};

const PAGE_MAX: usize = 1_000;

pub(crate) fn get(call: &Call<'_>) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let status = match bucket.record().versioning {
        Versioning::Off => None,
        Versioning::Enabled => Some("Enabled"),
        Versioning::Suspended => Some("Suspended"),
    };
    Ok(xml("VersioningConfiguration", |xml| xml.optional("Status", status)))
}

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    let bucket = call.admitted_bucket()?;
    let root = read_xml(call, body, "VersioningConfiguration").await?;
    if root.text_of("MfaDelete").is_some_and(|text| text == "Enabled") {
        return Err(fault::not_implemented());
    }
    let versioning = match root.text_of("Status") {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => {
            let text = "The Versioning element must be specified";
            return Err(wire::Fault::new("IllegalVersioningConfigurationException", 400, text));
        }
    };
    // Whoever is in the middle of a change sees either, and never a mixture.
    let _gate = bucket.gate.write().await;
    let change = |record: &mut crate::record::BucketRecord| {
        record.versioning = versioning;
        Ok(())
    };
    call.service.buckets.change(&bucket, change).await?;
    Ok(empty(StatusCode::OK))
}

#[derive(Default)]
struct Page {
    versions: Vec<(String, Object, IsLatest)>,
    prefixes: Vec<String>,
    /// The last version of the page, or its last common prefix, if there are more.
    next: Option<(String, Option<String>)>,
}

type IsLatest = bool;

pub(crate) async fn list(call: &Call<'_>) -> Result<Response> {
    let bucket = admitted(call)?;
    let (spelling, most) = (Spelling::of(call)?, call.number("max-keys", PAGE_MAX)?);
    let text = |name: &str| call.query(name).filter(|text| !text.is_empty());
    let (prefix, delimiter) = (call.query("prefix").unwrap_or_default(), text("delimiter"));
    let (marker, version) = (text("key-marker"), text("version-id-marker"));
    if marker.is_none() && version.is_some() {
        let text = "A version-id marker cannot be specified without a key marker.";
        return Err(fault::invalid_argument(text, "version-id-marker", ""));
    }
    version.map_or(Ok(()), crate::name::check_version)?;
    let wanted = Wanted { prefix, delimiter, after: marker.map(str::to_owned), most };
    let page = page(call, &bucket.record().id, &wanted, version).await?;
    let account = bucket.record().owner.clone();
    Ok(xml("ListVersionsResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", spelling.write(prefix));
        xml.text("KeyMarker", spelling.write(marker.unwrap_or_default()));
        xml.text("VersionIdMarker", version.unwrap_or_default());
        if let Some((key, version)) = &page.next {
            xml.text("NextKeyMarker", spelling.write(key));
            xml.optional("NextVersionIdMarker", version.as_deref());
        }
        xml.text("MaxKeys", most);
        xml.optional("Delimiter", delimiter.map(|text| spelling.write(text)));
        spelling.tell(xml);
        xml.text("IsTruncated", page.next.is_some());
        for (key, object, is_latest) in &page.versions {
            write(xml, &spelling.write(key), object, *is_latest, account.as_str());
        }
        for prefix in &page.prefixes {
            xml.element("CommonPrefixes", |xml| xml.text("Prefix", spelling.write(prefix)));
        }
    }))
}

fn write(xml: &mut XmlWriter, key: &str, object: &Object, is_latest: bool, account: &str) {
    let name = if object.content.is_some() { "Version" } else { "DeleteMarker" };
    xml.element(name, |xml| {
        if let Some(content) = &object.content {
            xml.text("ETag", content.quoted_etag());
            xml.text("Size", content.size);
            xml.text("StorageClass", "STANDARD");
        }
        xml.text("Key", key);
        xml.text("VersionId", object.version_text());
        xml.text("IsLatest", is_latest);
        let modified = Timestamp::from_epoch_ms(object.modified_ms);
        xml.text("LastModified", modified.iso_milli_text());
        owner(xml, account);
    });
}

async fn page(
    call: &Call<'_>,
    bucket_id: &str,
    wanted: &Wanted<'_>,
    version: Option<&str>,
) -> Result<Page> {
    let index = &call.service.index;
    let mut page = Page::default();
    if wanted.most == 0 {
        return Ok(page);
    }
    // The rest of the key in whose middle the page before ended.
    if let (Some(key), Some(version)) = (&wanted.after, version)
        && let Some(current) = index.current(bucket_id, key).await?
    {
        let of_key = versions_of(call, bucket_id, key, current).await?;
        let place = of_key.iter().position(|object| object.version_text() == version);
        let rest = of_key.into_iter().skip(place.map_or(0, |place| place + 1));
        if page.push_all(key, rest, false, wanted.most) {
            return Ok(page);
        }
    }
    let mut after = wanted.after.clone().map(|after| match common(&after, wanted) {
        Some(prefix) if prefix == after => past(&prefix),
        _ => after,
    });
    loop {
        let found = index.scan(bucket_id, wanted.prefix, after.as_deref(), PAGE_MAX).await?;
        let is_last = found.len() < PAGE_MAX;
        let mut jumped = false;
        for (key, current) in found {
            if page.is_full(wanted.most) {
                page.end();
                return Ok(page);
            }
            if let Some(prefix) = common(&key, wanted) {
                after = Some(past(&prefix));
                page.prefixes.push(prefix);
                jumped = true;
                break;
            }
            let of_key = versions_of(call, bucket_id, &key, current).await?;
            if page.push_all(&key, of_key.into_iter(), true, wanted.most) {
                return Ok(page);
            }
            after = Some(key);
        }
        if is_last && !jumped {
            return Ok(page);
        }
    }
}

async fn versions_of(
    call: &Call<'_>,
    bucket_id: &str,
    key: &str,
    current: Object,
) -> Result<Vec<Object>> {
    let mut found = vec![current];
    let mut before = None;
    loop {
        let older = call.service.index.older(bucket_id, key, before, PAGE_MAX).await?;
        let is_last = older.len() < PAGE_MAX;
        before = older.last().map(|object| object.order);
        found.extend(older);
        if is_last {
            return Ok(found);
        }
    }
}

impl Page {
    fn is_full(&self, most: usize) -> bool {
        self.versions.len() + self.prefixes.len() >= most
    }

    /// `true`: the page is full, and there are more.
    fn push_all(
        &mut self,
        key: &str,
        objects: impl Iterator<Item = Object>,
        has_latest: bool,
        most: usize,
    ) -> bool {
        let mut is_latest = has_latest;
        for object in objects {
            if self.is_full(most) {
                self.end();
                return true;
            }
            self.versions.push((key.to_owned(), object, is_latest));
            is_latest = false;
        }
        false
    }

    fn end(&mut self) {
        let last = self.versions.last();
        let version =
            last.map(|(key, object, _)| (key.clone(), Some(object.version_text().to_owned())));
        let prefix = self.prefixes.last().map(|prefix| (prefix.clone(), None));
        self.next = version.max(prefix);
    }
}
