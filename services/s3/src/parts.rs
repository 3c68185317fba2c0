// SPDX-License-Identifier: Apache-2.0
//! Objects by the parts that they were uploaded in: one of them for `GetObject` and `HeadObject`, all for `GetObjectAttributes`.

use crate::body::{Body, Piece};
use crate::bucket::Bucket;
use crate::call::{Call, set, xml};
use crate::checksum::Checksum;
use crate::fault;
use crate::get::{Part, answer_marker, find, gone, http_date, retried};
use crate::multipart::part_number;
use crate::record::{Content, Object};
use wire::{Response, Result, XmlWriter};

const PAGE_MAX: usize = 1_000;
const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// The part that a request asks for.
pub(crate) struct Numbered {
    pub(crate) part: Part,
    /// Of the part. That of an object is of no use to who reads a part.
    pub(crate) checksum: Option<Checksum>,
    /// `None`: the object was put at once.
    pub(crate) count: Option<usize>,
}

/// The part of this number. An object that was put at once is its own first part.
pub(crate) async fn numbered(call: &Call<'_>, content: &Content) -> Result<Numbered> {
    let number = part_number(call)?;
    if call.header("range").is_some() {
        let text = "Cannot specify both Range header and partNumber query parameter";
        return Err(fault::invalid_request(text));
    }
    let absent = |count: usize| {
        fault::invalid_part_number()
            .with_member("PartNumberRequested", number.to_string())
            .with_member("ActualPartCount", count.to_string())
    };
    let Body::Pieces(layout) = &content.body else {
        let part = Part { is_partial: true, ..Part::whole(content) };
        let first = Numbered { part, checksum: content.checksum.clone(), count: None };
        return if number == 1 { Ok(first) } else { Err(absent(1)) };
    };
    let pieces = call.service.index.files.layout(layout).await.map_err(gone)?;
    let count = Some(pieces.len());
    let mut start = 0;
    for (place, piece) in pieces.iter().enumerate() {
        if piece.number_at(place) == number {
            let part = Part { start, length: piece.size, is_partial: true };
            return Ok(Numbered { part, checksum: piece.checksum.clone(), count });
        }
        start += piece.size;
    }
    Err(absent(pieces.len()))
}

pub(crate) async fn attributes(call: &Call<'_>) -> Result<Response> {
    let (bucket, key) = (call.bucket()?, call.key()?);
    let actions = match call.query("versionId") {
        Some(_) => ["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"],
        None => ["s3:GetObject", "s3:GetObjectAttributes"],
    };
    for action in actions {
        call.admit_object(action, &bucket, key)?;
    }
    let asked = asked(call)?;
    retried(|| describe(call, &bucket, key, &asked)).await
}

fn asked(call: &Call<'_>) -> Result<Vec<String>> {
    const HEADER: &str = "x-amz-object-attributes";
    let values = call.head.headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|text| text.split(',')).map(str::trim);
    let names: Vec<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() {
        let text = "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty";
        return Err(fault::invalid_request(text));
    }
    match names.iter().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
        Some(other) => {
            Err(fault::invalid_argument("Invalid attribute name specified.", HEADER, other))
        }
        None => Ok(names),
    }
}

async fn describe(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    asked: &[String],
) -> Result<Response> {
    let object = find(call, bucket, key, call.query("versionId")).await?;
    let Some(content) = &object.content else {
        return Ok(answer_marker(call, bucket, key, &object));
    };
    let is_asked = |name: &str| asked.iter().any(|asked| asked == name);
    let parts = match &content.body {
        Body::Pieces(layout) if is_asked("ObjectParts") => Some(page(call, layout).await?),
        _ => None,
    };
    let mut response = xml("GetObjectAttributesResponse", |xml| {
        xml.optional("ETag", is_asked("ETag").then_some(&content.etag));
        if let Some(checksum) = content.checksum.as_ref().filter(|_| is_asked("Checksum")) {
            xml.element("Checksum", |xml| {
                xml.text(checksum.algorithm.element(), &checksum.value);
                xml.text("ChecksumType", checksum.kind.name());
            });
        }
        if let Some(parts) = &parts {
            xml.element("ObjectParts", |xml| parts.write(xml));
        }
        xml.optional("StorageClass", is_asked("StorageClass").then_some("STANDARD"));
        xml.optional("ObjectSize", is_asked("ObjectSize").then_some(content.size));
    });
    tell(&mut response, &object);
    Ok(response)
}

fn tell(response: &mut Response, object: &Object) {
    set(response, "last-modified", &http_date(object.modified_ms));
    if let Some(version) = &object.version {
        set(response, "x-amz-version-id", version);
    }
}

/// Some of the parts of an object.
struct Page {
    count: usize,
    marker: usize,
    most: usize,
    parts: Vec<(usize, Piece)>,
    is_truncated: bool,
}

async fn page(call: &Call<'_>, layout: &str) -> Result<Page> {
    let pieces = call.service.index.files.layout(layout).await.map_err(gone)?;
    let number = |name: &str| match call.header(name).map(str::parse::<usize>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => {
            let text = format!("Provided {name} not an integer or within integer range");
            Err(fault::invalid_argument(text, name, call.header(name).unwrap_or_default()))
        }
    };
    let marker = number("x-amz-part-number-marker")?.unwrap_or_default();
    let most = number("x-amz-max-parts")?.unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let count = pieces.len();
    let numbered = pieces.into_iter().enumerate();
    let numbered = numbered.map(|(place, piece)| (piece.number_at(place), piece));
    let mut rest = numbered.filter(|(number, _)| *number > marker);
    let parts = rest.by_ref().take(most).collect();
    Ok(Page { count, marker, most, parts, is_truncated: rest.next().is_some() })
}

impl Page {
    fn write(&self, xml: &mut XmlWriter) {
        xml.text("PartsCount", self.count);
        xml.text("PartNumberMarker", self.marker);
        let last = self.parts.last().filter(|_| self.is_truncated);
        xml.optional("NextPartNumberMarker", last.map(|(number, _)| *number));
        xml.text("MaxParts", self.most);
        xml.text("IsTruncated", self.is_truncated);
        for (number, piece) in &self.parts {
            xml.element("Part", |xml| {
                xml.text("PartNumber", number);
                xml.text("Size", piece.size);
                if let Some(checksum) = &piece.checksum {
                    xml.text(checksum.algorithm.element(), &checksum.value);
                }
            });
        }
    }
}
