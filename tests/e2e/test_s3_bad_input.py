# SPDX-License-Identifier: Apache-2.0
"""Bad input for Amazon S3: each kind gets AWS's code and status, nothing is changed by it, and the server stays up."""

import base64
import hashlib
import re

import pytest
from harness import http_get, unique
from objects import MIB, body_of, raw, refused

MD5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
ZEROS = base64.b64encode(b"\0" * 4).decode()
UNKNOWN = "u" * 64
DELETE = "<Delete><Object><Key>k</Key></Object></Delete>"
PART = "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>"
COMPLETE = "<CompleteMultipartUpload>{}</CompleteMultipartUpload>"


@pytest.fixture(autouse=True)
def still_up(platform):
    """Whatever a test sends, the same process goes on serving."""
    process = platform.process
    yield
    assert process.poll() is None, platform.log_tail()
    assert http_get(platform.address, "/_tinderbox/health").status == 200
    assert "panicked at" not in platform.log_path.read_text(errors="replace")


@pytest.fixture(scope="module")
def used(platform):
    """A bucket with one object, `k`, that keeps versions."""
    s3, name = platform.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="k", Body=b"0123456789")
    return name


def code_of(reply):
    found = re.search(rb"<Error>.*<Code>(\w+)</Code>", reply.body)
    return (found[1].decode() if found else "", reply.status)


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-a-b",
        "a-b-",
        "a..b",
        "192.168.0.1",
        "xn--a",
        "a-s3alias",
        "a%20b",
    ],
)
def test_names_that_no_bucket_has(platform, name):
    assert code_of(raw(platform, "PUT", f"/{name}")) == ("InvalidBucketName", 400)


# What is asked for of the object `k`, and of the bucket that it is in: method, what follows the bucket, headers, body, and the end.
REQUESTS = {
    "a key too long": ("PUT", "/" + "k" * 1025, {}, b"x", ("KeyTooLongError", 400)),
    "a method there is none of": ("PATCH", "/k", {}, b"", ("MethodNotAllowed", 405)),
    "a class of storage": ("PUT", "/n", {"x-amz-storage-class": "CELLAR"}, b"x", ("InvalidStorageClass", 400)),
    # Ranges
    "a range behind the end": ("GET", "/k", {"Range": "bytes=10-"}, b"", ("InvalidRange", 416)),
    "a range of nothing": ("GET", "/k", {"Range": "bytes=-0"}, b"", ("InvalidRange", 416)),
    "a range that is none": ("GET", "/k", {"Range": "bytes=a-b"}, b"", ("", 200)),
    "a range the wrong way around": ("GET", "/k", {"Range": "bytes=5-4"}, b"", ("", 200)),
    # Digests
    "an MD5 that is none": ("PUT", "/n", {"Content-MD5": "x"}, b"x", ("InvalidDigest", 400)),
    "an MD5 of something else": ("PUT", "/n", {"Content-MD5": MD5}, b"y", ("BadDigest", 400)),
    "a checksum that is none": ("PUT", "/n", {"x-amz-checksum-crc32": "x"}, b"x", ("InvalidRequest", 400)),
    "a checksum too long": ("PUT", "/n", {"x-amz-checksum-crc32": MD5}, b"x", ("InvalidRequest", 400)),
    "a checksum of something else": ("PUT", "/n", {"x-amz-checksum-crc32": ZEROS}, b"x", ("BadDigest", 400)),
    "two checksums": (
        "PUT",
        "/n",
        {"x-amz-checksum-crc32": ZEROS, "x-amz-checksum-crc32c": ZEROS},
        b"x",
        ("InvalidRequest", 400),
    ),
    "a checksum only announced": (
        "PUT",
        "/n",
        {"x-amz-sdk-checksum-algorithm": "CRC32"},
        b"x",
        ("InvalidRequest", 400),
    ),
    "a trailer of something else": ("PUT", "/n", {"x-amz-trailer": "x-amz-meta-a"}, b"x", ("InvalidRequest", 400)),
    "a document with an MD5 of something else": (
        "PUT",
        "?tagging",
        {"Content-MD5": MD5},
        b"<Tagging/>",
        ("BadDigest", 400),
    ),
    # Conditions
    "a condition that does not hold": ("PUT", "/k", {"If-None-Match": "*"}, b"x", ("PreconditionFailed", 412)),
    "a condition on nothing": ("PUT", "/n", {"If-Match": '"x"'}, b"x", ("NoSuchKey", 404)),
    # Parts
    "a part 0": ("PUT", f"/k?partNumber=0&uploadId={UNKNOWN}", {}, b"x", ("InvalidArgument", 400)),
    "a part 10,001": ("PUT", f"/k?partNumber=10001&uploadId={UNKNOWN}", {}, b"x", ("InvalidArgument", 400)),
    "a part that is no number": ("PUT", f"/k?partNumber=one&uploadId={UNKNOWN}", {}, b"x", ("InvalidArgument", 400)),
    "a part of no upload": ("PUT", f"/k?partNumber=1&uploadId={UNKNOWN}", {}, b"x", ("NoSuchUpload", 404)),
    "parts of no upload": ("GET", f"/k?uploadId={UNKNOWN}", {}, b"", ("NoSuchUpload", 404)),
    "an end of no upload": ("DELETE", f"/k?uploadId={UNKNOWN}", {}, b"", ("NoSuchUpload", 404)),
    "no upload is completed": (
        "POST",
        f"/k?uploadId={UNKNOWN}",
        {},
        COMPLETE.format(PART.format(1, "e")).encode(),
        ("NoSuchUpload", 404),
    ),
    "an algorithm of checksums": (
        "POST",
        "/n?uploads",
        {"x-amz-checksum-algorithm": "ADLER"},
        b"",
        ("InvalidRequest", 400),
    ),
    "a type of checksums": ("POST", "/n?uploads", {"x-amz-checksum-type": "HALF"}, b"", ("InvalidArgument", 400)),
    # Lists
    "a continuation that is none": ("GET", "?list-type=2&continuation-token=%21", {}, b"", ("InvalidArgument", 400)),
    "a page of less than nothing": ("GET", "?list-type=2&max-keys=-1", {}, b"", ("InvalidArgument", 400)),
    "a page of many words": ("GET", "?max-keys=many", {}, b"", ("InvalidArgument", 400)),
    "an encoding": ("GET", "?encoding-type=html", {}, b"", ("InvalidArgument", 400)),
    "a marker of versions alone": ("GET", "?versions&version-id-marker=null", {}, b"", ("InvalidArgument", 400)),
    "a marker that is no version": (
        "GET",
        "?versions&key-marker=k&version-id-marker=v",
        {},
        b"",
        ("InvalidArgument", 400),
    ),
    # Versions
    "a version that is none": ("GET", "/k?versionId=none", {}, b"", ("InvalidArgument", 400)),
    "a version without letters": ("GET", "/k?versionId=", {}, b"", ("InvalidArgument", 400)),
    "a version that is not there": ("GET", f"/k?versionId={'v' * 32}", {}, b"", ("NoSuchVersion", 404)),
    "a version that is not there goes": ("DELETE", f"/k?versionId={'v' * 32}", {}, b"", ("", 204)),
    # Copies
    "a copy of what is no name": ("PUT", "/n", {"x-amz-copy-source": "nothing"}, b"", ("InvalidArgument", 400)),
    "a copy of a key that is not there": (
        "PUT",
        "/n",
        {"x-amz-copy-source": "{bucket}/absent"},
        b"",
        ("NoSuchKey", 404),
    ),
    "a copy from a bucket that is not there": (
        "PUT",
        "/n",
        {"x-amz-copy-source": "absent-bucket/k"},
        b"",
        ("NoSuchBucket", 404),
    ),
    "a copy of a version that is none": (
        "PUT",
        "/n",
        {"x-amz-copy-source": "{bucket}/k?versionId=none"},
        b"",
        ("InvalidArgument", 400),
    ),
    "a copy of itself": ("PUT", "/k", {"x-amz-copy-source": "{bucket}/k"}, b"", ("InvalidRequest", 400)),
    # Documents
    "a delete without a digest": ("POST", "?delete", {}, DELETE.encode(), ("InvalidRequest", 400)),
    "tags of an object": (
        "PUT",
        "/n",
        {"x-amz-tagging": "&".join(f"k{n}=v" for n in range(11))},
        b"x",
        ("BadRequest", 400),
    ),
    "a tag of AWS's": ("PUT", "/n", {"x-amz-tagging": "aws:a=b"}, b"x", ("InvalidTag", 400)),
    "somebody else's bucket is expected": (
        "GET",
        "/k",
        {"x-amz-expected-bucket-owner": "1" * 12},
        b"",
        ("AccessDenied", 403),
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request(platform, used, case):
    method, path, headers, body, expected = REQUESTS[case]
    headers = {name: value.replace("{bucket}", used) for name, value in headers.items()}
    assert code_of(raw(platform, method, f"/{used}{path}", body, headers)) == expected
    s3 = platform.client("s3")
    assert body_of(s3, used, "k") == b"0123456789"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=used)["Contents"]] == ["k"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=used)


@pytest.mark.parametrize("document", [b"", b"<", b"<a>", b"<Other/>", b"\xff", b"text", b"<a>" * 500], ids=repr)
@pytest.mark.parametrize(
    "path",
    [
        "?versioning", "?tagging", "?cors", "?lifecycle", "?publicAccessBlock", "?ownershipControls", "?notification", "/k?tagging",
    ],
)  # fmt: skip
def test_documents_that_are_none(platform, used, path, document):
    assert code_of(raw(platform, "PUT", f"/{used}{path}", document)) == ("MalformedXML", 400)


def test_a_document_that_does_not_end(platform, used):
    whole = b"<Tagging>" + b" " * (3 * MIB) + b"</Tagging>"
    assert code_of(raw(platform, "PUT", f"/{used}?tagging", whole)) == ("MaxMessageLengthExceeded", 400)


def test_deletes_of_too_many_and_of_none(platform, s3, used):
    objects = [{"Key": f"n{n}"} for n in range(1001)]
    assert refused(s3.delete_objects, Bucket=used, Delete={"Objects": objects}) == ("MalformedXML", 400)
    assert refused(s3.delete_objects, Bucket=used, Delete={"Objects": []}) == ("MalformedXML", 400)
    bad = [{"Key": "k", "VersionId": "none"}, {"Key": "k" * 1025}, {"Key": "k", "ETag": '"x"'}]
    answer = s3.delete_objects(Bucket=used, Delete={"Objects": bad})
    codes = [error["Code"] for error in answer["Errors"]]
    assert codes == ["InvalidArgument", "KeyTooLongError", "PreconditionFailed"]
    assert "Deleted" not in answer and body_of(s3, used, "k") == b"0123456789"


def test_uploads_that_can_not_be_completed(platform, s3, bucket):
    names = {"Bucket": bucket, "Key": "k"}
    names["UploadId"] = s3.create_multipart_upload(**names)["UploadId"]
    tags = {number: s3.upload_part(**names, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)}
    path = f"/{bucket}/k?uploadId={names['UploadId']}"

    def complete(*parts, headers=None):
        body = COMPLETE.format("".join(PART.format(*part) for part in parts)).encode()
        return code_of(raw(platform, "POST", path, body, headers))

    for parts, code in (
        ([], "MalformedXML"),
        ([("one", tags[1])], "MalformedXML"),
        ([(1, "another")], "InvalidPart"),
        ([(3, tags[1])], "InvalidPart"),
        ([(2, tags[2]), (1, tags[1])], "InvalidPartOrder"),
        ([(1, tags[1]), (1, tags[1])], "InvalidPartOrder"),
        ([(1, tags[1]), (2, tags[2])], "EntityTooSmall"),
    ):
        assert complete(*parts) == (code, 400), parts
    for document in (b"<Part/>", b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part>", b""):
        assert code_of(raw(platform, "POST", path, document)) == ("MalformedXML", 400)
    without = COMPLETE.format("<Part><PartNumber>1</PartNumber></Part>").encode()
    assert code_of(raw(platform, "POST", path, without)) == ("MalformedXML", 400)
    assert complete((1, tags[1]), headers={"x-amz-mp-object-size": "6"}) == ("InvalidRequest", 400)
    assert complete((1, tags[1]), headers={"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}) == ("BadDigest", 400)
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)
    # What is said of the object is no checksum of the request.
    checksum = raw(platform, "PUT", f"/{bucket}/same", b"small").headers["x-amz-checksum-crc64nvme"]
    assert complete((1, tags[1]), headers={"x-amz-checksum-crc64nvme": checksum}) == ("", 200)
    assert body_of(s3, bucket, "k") == b"small"
