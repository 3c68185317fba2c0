// SPDX-License-Identifier: Apache-2.0
//! Which operation a request asks for: its method, whether it names a bucket or an object, and what its query says.

use crate::site::{Key, Site, query};
use api::s3::SPEC;
use http::Method;
use http::request::Parts;
use wire::OperationSpec;

/// Of what these words ask for a bucket may have several.
const NAMED: [&str; 4] = ["analytics", "intelligent-tiering", "inventory", "metrics"];

pub(crate) fn find(head: &Parts) -> Option<usize> {
    let query = query(head);
    let has = |name: &str| query.iter().any(|(known, _)| known == name);
    let is_copy = head.headers.contains_key("x-amz-copy-source");
    let site = Site::of(head);
    let level = match (site.bucket.as_str(), &site.key) {
        ("", _) => "/",
        (_, Key::None) => "/{Bucket}",
        _ => "/{Bucket}/{Key+}",
    };
    let method = &head.method;
    let name = match (method, level) {
        (&Method::GET, "/") => "ListBuckets",
        (&Method::PUT, "/{Bucket}/{Key+}") if has("uploadId") && is_copy => "UploadPartCopy",
        (&Method::PUT, "/{Bucket}/{Key+}") if has("uploadId") => "UploadPart",
        (&Method::POST, "/{Bucket}/{Key+}") if has("uploadId") => "CompleteMultipartUpload",
        (&Method::DELETE, "/{Bucket}/{Key+}") if has("uploadId") => "AbortMultipartUpload",
        (&Method::GET, "/{Bucket}/{Key+}") if has("uploadId") => "ListParts",
        (&Method::GET, "/{Bucket}") if has("list-type") => "ListObjectsV2",
        _ => match by_marker(method, level, has) {
            Some(found) => return Some(found),
            None => plain(method, level, is_copy)?,
        },
    };
    SPEC.operations.iter().position(|operation| operation.name == name)
}

/// The operation that a word in the query asks for: `?policy`. Of two that have the same one that is built goes first.
fn by_marker(method: &Method, level: &str, has: impl Fn(&str) -> bool) -> Option<usize> {
    let is_asked_for = |operation: &OperationSpec| {
        let (asked, template) = operation.http.unwrap_or_default().split_once(' ')?;
        let (path, marker) = template.split_once('?')?;
        let marker = marker.split(['&', '=']).next()?;
        // One of several is asked for by its id, all of them without.
        let is_one = !operation.name.starts_with("List");
        let fits = !NAMED.contains(&marker) || asked != "GET" || has("id") == is_one;
        (asked == method.as_str() && path == level && has(marker) && fits).then_some(())
    };
    let found = || {
        let operations = SPEC.operations.iter().enumerate();
        operations.filter(|(_, operation)| is_asked_for(operation).is_some())
    };
    let (index, _) =
        found().find(|(_, operation)| operation.is_built).or_else(|| found().next())?;
    Some(index)
}

fn plain(method: &Method, level: &str, is_copy: bool) -> Option<&'static str> {
    Some(match (method, level) {
        (&Method::GET, "/{Bucket}") => "ListObjects",
        (&Method::PUT, "/{Bucket}") => "CreateBucket",
        (&Method::HEAD, "/{Bucket}") => "HeadBucket",
        (&Method::DELETE, "/{Bucket}") => "DeleteBucket",
        (&Method::GET, "/{Bucket}/{Key+}") => "GetObject",
        (&Method::HEAD, "/{Bucket}/{Key+}") => "HeadObject",
        (&Method::PUT, "/{Bucket}/{Key+}") if is_copy => "CopyObject",
        (&Method::PUT, "/{Bucket}/{Key+}") => "PutObject",
        (&Method::DELETE, "/{Bucket}/{Key+}") => "DeleteObject",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_apart() {
        for (method, path, expected) in [
            ("GET", "/", Some("ListBuckets")),
            ("PUT", "/b", Some("CreateBucket")),
            ("GET", "/b?list-type=2&prefix=a", Some("ListObjectsV2")),
            ("GET", "/b?location", Some("GetBucketLocation")),
            ("GET", "/b/k?x-id=GetObject&versionId=v", Some("GetObject")),
            ("PUT", "/b/k?partNumber=1&uploadId=u", Some("UploadPart")),
            ("POST", "/b/k?uploads", Some("CreateMultipartUpload")),
            ("POST", "/b?delete", Some("DeleteObjects")),
            ("GET", "/b?metrics", Some("ListBucketMetricsConfigurations")),
            ("GET", "/b?metrics&id=i", Some("GetBucketMetricsConfiguration")),
            ("DELETE", "/b?metrics&id=i", Some("DeleteBucketMetricsConfiguration")),
            ("GET", "/b/k?acl", Some("GetObjectAcl")),
            ("POST", "/b", None),
            ("PATCH", "/b/k", None),
        ] {
            let request = http::Request::builder().method(method).uri(path).body(()).unwrap();
            let found = find(&request.into_parts().0).map(|index| SPEC.operations[index].name);
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
