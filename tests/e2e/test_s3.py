# SPDX-License-Identifier: Apache-2.0
"""Amazon S3: buckets and objects, with the official clients and with requests as raw as they get."""

import base64
import hashlib
import hmac
import http.client
import json
import re
import subprocess
import sys
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness import (
    POLL,
    PYTHON,
    REGION,
    ROLE,
    Function,
    allow,
    clean_environment,
    javascript,
    policy,
    unique,
    zip_bytes,
)
from objects import MIB, body_of, raw, refused

# -- buckets ----------------------------------------------------------------------------------------------------


def test_a_bucket_comes_and_goes(s3):
    name = unique("bucket")
    s3.create_bucket(Bucket=name)
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == REGION
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert refused(s3.delete_bucket, Bucket=name) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    assert refused(s3.head_bucket, Bucket=name) == ("404", 404)
    assert refused(s3.list_objects_v2, Bucket=name) == ("NoSuchBucket", 404)


def test_a_bucket_is_where_it_was_asked_for(platform):
    west = platform.client("s3", region="eu-west-1")
    name = unique("bucket")
    assert refused(west.create_bucket, Bucket=name) == ("IllegalLocationConstraintException", 400)
    west.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert west.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert refused(west.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}) == (
        "BucketAlreadyOwnedByYou",
        409,
    )


# -- objects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 5, 64 << 10, (64 << 10) + 1, MIB + 7, 9 * MIB])
def test_an_object_is_what_was_put(s3, bucket, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    put = s3.put_object(Bucket=bucket, Key="a/b c", Body=body, ContentType="text/x", Metadata={"who": "me"})
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ETag"] == etag
    got = s3.get_object(Bucket=bucket, Key="a/b c", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    head = s3.head_object(Bucket=bucket, Key="a/b c")
    for answer in (got, head):
        assert (answer["ETag"], answer["ContentLength"], answer["ContentType"]) == (etag, size, "text/x")
        assert answer["Metadata"] == {"who": "me"}
    assert got["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    if size > 10:
        for text, expected in (("bytes=3-9", body[3:10]), (f"bytes={size - 4}-", body[-4:]), ("bytes=-5", body[-5:])):
            part = s3.get_object(Bucket=bucket, Key="a/b c", Range=text)
            assert part["Body"].read() == expected
            assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
            assert part["ContentRange"].endswith(f"/{size}")
    assert refused(s3.get_object, Bucket=bucket, Key="a/b c", Range=f"bytes={size}-") == ("InvalidRange", 416)


def reflected_crc(data, polynomial, length):
    """Bit by bit, in base64: what a client without AWS's common runtime does not know."""
    ones = (1 << 8 * length) - 1
    crc = ones
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
    return base64.b64encode((crc ^ ones).to_bytes(length, "big")).decode()


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5"])
def test_checksums_are_checked_and_told(s3, bucket, algorithm):
    member = f"Checksum{algorithm}"
    # botocore computes the others itself.
    own = {
        "CRC32C": {member: reflected_crc(b"hello", 0x82F63B78, 4)},
        "CRC64NVME": {member: reflected_crc(b"hello", 0x9A6C9329AC4BC9B5, 8)},
        "SHA512": {member: base64.b64encode(hashlib.sha512(b"hello").digest()).decode()},
        "MD5": {member: base64.b64encode(hashlib.md5(b"hello").digest()).decode()},
    }
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", **own.get(algorithm, {"ChecksumAlgorithm": algorithm}))
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[member] == head[member] and head["ChecksumType"] == "FULL_OBJECT"
    wrong = base64.b64encode(b"\0" * len(base64.b64decode(put[member]))).decode()
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"other", **{member: wrong}) == ("BadDigest", 400)
    assert body_of(s3, bucket, "k") == b"hello"


def test_conditions(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"') == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="new", Body=b"2", IfMatch='"x"') == ("NoSuchKey", 404)
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=put["ETag"])
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfMatch=put["ETag"]) == ("PreconditionFailed", 412)
    assert body_of(s3, bucket, "k", IfMatch=etag) == b"3"


def test_lists(s3, bucket):
    keys = ["a", "b/1", "b/2", "b/c/3", "d", "é", "z z"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket)
    assert [item["Key"] for item in listed["Contents"]] == sorted(keys, key=str.encode)
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [item["Key"] for item in page["Contents"]] == ["a", "d", "z z", "é"]
    assert [item["Prefix"] for item in page["CommonPrefixes"]] == ["b/"]
    inner = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="b/")
    assert [item["Key"] for item in inner["Contents"]] == ["b/1", "b/2"]
    assert [item["Prefix"] for item in inner["CommonPrefixes"]] == ["b/c/"]
    for size in (1, 2, 3):
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}
        )
        found = [[item["Key"] for item in page.get("Contents", [])] for page in pages]
        assert sum(found, []) == ["a", "d", "z z", "é"]
        pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [item["Key"] for page in pages for item in page["Contents"]] == listed_keys(listed)
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="b/2", Delimiter="/")
    assert [item["Prefix"] for item in after["CommonPrefixes"]] == ["b/"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0


def listed_keys(listed):
    return [item["Key"] for item in listed["Contents"]]


def test_keys_are_never_paths(platform, s3, bucket):
    keys = ["../../etc/passwd", "..", ".", "a//b", "/a", "a/../b", "\U0001f600" * 256, "a\tb", "%2e%2e", "a+b &?#"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in keys:
        assert body_of(s3, bucket, key) == key.encode()
    assert sorted(listed_keys(s3.list_objects_v2(Bucket=bucket))) == sorted(keys)
    for key in ("%00", "%00..%00/%00"):
        assert raw(platform, "PUT", f"/{bucket}/{key}", b"nul").status == 200
        assert raw(platform, "GET", f"/{bucket}/{key}").body == b"nul"
    assert raw(platform, "GET", f"/{bucket}/%ff", sign=False).status == 400
    assert refused(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"") == ("KeyTooLongError", 400)
    assert refused(s3.get_object, Bucket=bucket, Key="../objects") == ("NoSuchKey", 404)


def test_many_are_deleted_at_once(s3, bucket):
    keys = [f"k{n}" for n in range(5)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * 40_000)
    objects = [{"Key": key} for key in [*keys[:4], "absent"]]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [item["Key"] for item in answer["Deleted"]] == [item["Key"] for item in objects]
    assert listed_keys(s3.list_objects_v2(Bucket=bucket)) == ["k4"]
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k4"}], "Quiet": True})


def test_versions(s3, bucket):
    def put(body):
        return s3.put_object(Bucket=bucket, Key="k", Body=body).get("VersionId")

    put(b"null")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = put(b"first"), put(b"second" * 10_000)
    assert body_of(s3, bucket, "k", VersionId="null") == b"null"
    assert body_of(s3, bucket, "k", VersionId=first) == b"first"
    assert body_of(s3, bucket, "k") == b"second" * 10_000
    none = {"Bucket": bucket, "Key": "k", "VersionId": "n" * 32}
    assert refused(s3.get_object, **none) == ("NoSuchVersion", 404)
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"]
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == ("MethodNotAllowed", 405)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    for size in (1, 2, 10):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        versions, markers = [], []
        for page in pages:
            versions += [(item["VersionId"], item["IsLatest"]) for item in page.get("Versions", [])]
            markers += [(item["VersionId"], item["IsLatest"]) for item in page.get("DeleteMarkers", [])]
        assert versions == [(second, False), (first, False), ("null", False)]
        assert markers == [(marker["VersionId"], True)]
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert body_of(s3, bucket, "k") == b"second" * 10_000
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert put(b"null again") is None
    assert refused(s3.head_object, **none) == ("404", 404)
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [item["VersionId"] for item in listed] == ["null", second, first]
    assert body_of(s3, bucket, "k", VersionId="null") == b"null again"
    for item in listed:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def test_tags_of_objects(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=two%20words")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": "two words"},
    ]
    assert s3.head_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"] == "2"
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": ""}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    twice = {"TagSet": [{"Key": "c", "Value": ""}, {"Key": "c", "Value": "1"}]}
    assert refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=twice) == ("InvalidTag", 400)


def test_parts_become_an_object(s3, bucket):
    parts = [bytes([n]) * (5 * MIB) for n in range(2)] + [b"end"]
    whole = b"".join(parts)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="text/x", Metadata={"a": "b"})["UploadId"]
    names = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    s3.upload_part(**names, PartNumber=2, Body=b"replaced")
    made = [
        {"PartNumber": number, "ETag": s3.upload_part(**names, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, 1)
    ]
    unused = s3.upload_part(**names, PartNumber=7, Body=b"x" * 50_000)["ETag"]
    assert [part["PartNumber"] for part in s3.list_parts(**names)["Parts"]] == [1, 2, 3, 7]
    assert [item["UploadId"] for item in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)
    for wrong, code in (
        ([made[1], made[0]], "InvalidPartOrder"),
        ([made[0], {"PartNumber": 2, "ETag": unused}], "InvalidPart"),
        ([{**made[2]}, {"PartNumber": 7, "ETag": unused}], "EntityTooSmall"),
    ):
        assert refused(s3.complete_multipart_upload, **names, MultipartUpload={"Parts": wrong}) == (code, 400)
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": made})
    hashes = b"".join(hashlib.md5(part).digest() for part in parts)
    assert done["ETag"] == f'"{hashlib.md5(hashes).hexdigest()}-3"'
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == whole
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("text/x", {"a": "b"}, done["ETag"])
    assert got["ChecksumType"] == "FULL_OBJECT"
    middle = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert middle["Body"].read() == b"\0\0\1\1"
    assert refused(s3.list_parts, **names) == ("NoSuchUpload", 404)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_an_upload_that_is_aborted_leaves_nothing(platform, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    names = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    s3.upload_part(**names, PartNumber=1, Body=b"x" * MIB)
    s3.abort_multipart_upload(**names)
    assert refused(s3.upload_part, **names, PartNumber=2, Body=b"x") == ("NoSuchUpload", 404)
    assert refused(s3.upload_part, **names, PartNumber=10_001, Body=b"x") == ("InvalidArgument", 400)
    s3.delete_bucket(Bucket=bucket)


def test_a_long_file_goes_in_parts_and_comes_back(s3, bucket, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(hashlib.sha256(b"x").digest() * (20 * MIB // 32))
    s3.upload_file(str(source), bucket, "long")
    head = s3.head_object(Bucket=bucket, Key="long", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    s3.download_file(bucket, "long", str(back))
    assert back.read_bytes() == source.read_bytes()


def test_copies(s3, bucket):
    s3.put_object(
        Bucket=bucket, Key="a b", Body=b"x" * 100_000, ContentType="text/x", Metadata={"m": "1"}, Tagging="t=1"
    )
    source = {"Bucket": bucket, "Key": "a b"}
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=source)
    head = s3.head_object(Bucket=bucket, Key="c")
    assert (head["ContentType"], head["Metadata"], head["ETag"]) == (
        "text/x",
        {"m": "1"},
        copied["CopyObjectResult"]["ETag"],
    )
    assert s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.delete_object(Bucket=bucket, Key="a b")
    assert body_of(s3, bucket, "c") == b"x" * 100_000
    itself = {"Bucket": bucket, "Key": "c"}
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=itself) == ("InvalidRequest", 400)
    s3.copy_object(Bucket=bucket, Key="c", CopySource=itself, MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"] == {"n": "2"}
    assert refused(s3.copy_object, Bucket=bucket, Key="d", CopySource=source) == ("NoSuchKey", 404)
    wrong = {"CopySource": itself, "CopySourceIfMatch": '"x"'}
    assert refused(s3.copy_object, Bucket=bucket, Key="d", **wrong) == ("PreconditionFailed", 412)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="p")["UploadId"]
    names = {"Bucket": bucket, "Key": "p", "UploadId": upload}
    part = s3.upload_part_copy(**names, PartNumber=1, CopySource=itself, CopySourceRange="bytes=0-9")
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    assert body_of(s3, bucket, "p") == b"x" * 10


def test_browsers_of_other_origins(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    asked = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "GET"}
    assert raw(platform, "OPTIONS", f"/{bucket}/k", headers=asked, sign=False).status == 403
    rule = {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 60}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    reply = raw(platform, "OPTIONS", f"/{bucket}/k", headers=asked, sign=False)
    assert reply.status == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    assert reply.headers["Access-Control-Max-Age"] == "60"
    other = {**asked, "Origin": "https://example.org"}
    assert raw(platform, "OPTIONS", f"/{bucket}/k", headers=other, sign=False).status == 403
    reply = raw(platform, "GET", f"/{bucket}/k", headers={"Origin": "https://a.example.com"})
    assert (reply.body, reply.headers["Access-Control-Allow-Origin"]) == (b"x", "https://a.example.com")
    s3.delete_bucket_cors(Bucket=bucket)
    assert refused(s3.get_bucket_cors, Bucket=bucket) == ("NoSuchCORSConfiguration", 404)


def test_limits_of_metadata(s3, bucket):
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2048}) == (
        "MetadataTooLarge",
        400,
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2047})


def test_what_is_not_kept_to_is_refused(s3, bucket):
    for arguments in (
        {"ServerSideEncryption": "aws:kms"},
        {"ObjectLockLegalHoldStatus": "ON"},
        {"ChecksumXXHASH64": "AAAAAAAAAAA="},
    ):
        assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", **arguments) == ("NotImplemented", 501)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER") == (
        "InvalidStorageClass",
        400,
    )


# -- bodies in chunks, signatures -------------------------------------------------------------------------------


def test_chunks_without_signatures_with_a_trailer(platform, s3, bucket):
    body, checksum = b"hello world", base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big")).decode()
    headers = {
        "X-Amz-Decoded-Content-Length": str(len(body)),
        "X-Amz-Trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked",
    }
    for sum_, status in ((checksum, 200), ("AAAAAA==", 400)):
        chunked = b"5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:" + sum_.encode() + b"\r\n\r\n"
        reply = raw(platform, "PUT", f"/{bucket}/k", chunked, headers, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        assert reply.status == status, reply.body
    assert b"BadDigest" in reply.body
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == body and got["ChecksumCRC32"] == checksum
    assert "ContentEncoding" not in got
    cut = raw(
        platform, "PUT", f"/{bucket}/cut", b"5\r\nhello\r\n", headers, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    )
    assert cut.status == 400 and b"IncompleteBody" in cut.body
    assert refused(s3.head_object, Bucket=bucket, Key="cut") == ("404", 404)


def signed_chunks(headers, pieces, trailer):
    """Each chunk is signed over the signature before it, and the trailer over that of the last."""
    date, (scope, signature) = (
        headers["X-Amz-Date"],
        re.search(r"Credential=\w+/(.*?),.*Signature=(\w+)", headers["Authorization"]).groups(),
    )
    key = b"AWS4test"
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")

    def sign(kind, *rest):
        lines = [f"AWS4-HMAC-SHA256-{kind}", date, scope, signature, *(hashlib.sha256(it).hexdigest() for it in rest)]
        return hmac.digest(key, "\n".join(lines).encode(), "sha256").hex()

    body = b""
    for piece in [*pieces, b""]:
        signature = sign("PAYLOAD", b"", piece)
        body += f"{len(piece):x};chunk-signature={signature}\r\n".encode() + piece + (b"\r\n" if piece else b"")
    return body + trailer + b"\r\nx-amz-trailer-signature:" + sign("TRAILER", trailer + b"\n").encode() + b"\r\n\r\n"


def test_chunks_with_signatures_with_a_trailer(platform, s3, bucket):
    pieces = [b"a" * 70_000, b"b" * 8_192, b"end"]
    whole = b"".join(pieces)
    checksum = base64.b64encode(zlib.crc32(whole).to_bytes(4, "big"))
    trailer = b"x-amz-checksum-crc32:" + checksum
    headers = {
        "X-Amz-Decoded-Content-Length": str(len(whole)),
        "X-Amz-Trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked,gzip",
    }

    def put(key, change=lambda body: body):
        def body(signed):
            return change(signed_chunks(signed, pieces, trailer))

        return raw(
            platform, "PUT", f"/{bucket}/{key}", body, headers, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        )

    assert put("k").status == 200
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["ChecksumCRC32"], got["ContentEncoding"]) == (whole, checksum.decode(), "gzip")
    # A byte, a signature of a chunk, and that of the trailer.
    for change in (
        lambda body: body.replace(b"\r\naaa", b"\r\naab", 1),
        lambda body: re.sub(rb"(chunk-signature=)\w{4}", rb"\g<1>0000", body, count=1),
        lambda body: re.sub(rb"(x-amz-trailer-signature:)\w{4}", rb"\g<1>0000", body),
        lambda body: body.replace(checksum, b"AAAAAA=="),
    ):
        reply = put("changed", change)
        assert reply.status in (400, 403), reply.body
    assert refused(s3.head_object, Bucket=bucket, Key="changed") == ("404", 404)


def test_a_body_that_is_not_what_was_signed(platform, s3, bucket):
    signed = hashlib.sha256(b"what was signed").hexdigest()
    reply = raw(platform, "PUT", f"/{bucket}/k", b"what was sent", payload=signed)
    assert reply.status == 400 and b"XAmzContentSHA256Mismatch" in reply.body
    reply = raw(platform, "GET", f"/{bucket}/k", secret="wrong")
    assert reply.status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in reply.body
    assert reply.headers["x-amz-request-id"]
    reply = raw(platform, "GET", f"/{bucket}/k", key="nobody")
    assert reply.status == 403 and b"<Code>InvalidAccessKeyId</Code>" in reply.body
    reply = raw(platform, "GET", f"/{bucket}/k", sign=False)
    assert reply.status == 403 and b"<Code>AccessDenied</Code>" in reply.body
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls(platform, s3, bucket, version):
    client = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=platform.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version=version),
    )

    def request(method, url, body=b"", **headers):
        return raw(platform, method, url.split(platform.address, 1)[1], body, headers, sign=False)

    put = client.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a b/é"})
    assert ("AWSAccessKeyId=" in put) == (version == "s3")
    assert request("PUT", put, b"by link").status == 200
    parameters = {"Bucket": bucket, "Key": "a b/é", "ResponseContentType": "text/x"}
    get = client.generate_presigned_url("get_object", parameters, ExpiresIn=60)
    reply = request("GET", get)
    assert (reply.body, reply.headers["Content-Type"]) == (b"by link", "text/x")
    for tampered in (get.replace("text", "test"), get.replace("Expires=", "Expires=9"), get.replace("b/", "c/")):
        assert request("GET", tampered).status in (400, 403)
    assert request("DELETE", get).status == 403
    framed = b"5\r\nin ch\r\n4\r\nunks\r\n0\r\n\r\n"
    assert request("PUT", put, framed, **{"Content-Encoding": "aws-chunked"}).status == 200
    assert body_of(s3, bucket, "a b/é") == b"in chunks"
    assert request("PUT", put, b"by link").status == 200
    assert request("PUT", put, b"more", **{"x-amz-meta-a": "b"}).status == 403
    old = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b/é"}, ExpiresIn=-5000)
    assert request("GET", old).status in (400, 403)
    assert body_of(s3, bucket, "a b/é") == b"by link"


def test_the_bucket_in_the_host(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"found")
    port = platform.address.rsplit(":", 1)[1]
    for host in (f"{bucket}.localhost:{port}", f"{bucket}.s3.localhost:{port}", f"{bucket}.s3.{REGION}.amazonaws.com"):
        assert raw(platform, "GET", "/k", host=host).body == b"found", host
    assert b"<Name>" + bucket.encode() in raw(platform, "GET", "/?list-type=2", host=f"{bucket}.localhost").body


# -- who may ----------------------------------------------------------------------------------------------------


def test_callers_may_what_their_policies_say(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="mine/a", Body=b"a")
    s3.put_object(Bucket=bucket, Key="other/b", Body=b"b")
    iam = platform.client("iam")
    user = unique("user")
    iam.create_user(UserName=user)
    arn = f"arn:aws:s3:::{bucket}"
    document = policy(
        allow(["s3:GetObject", "s3:PutObject"], f"{arn}/mine/*"),
        allow("s3:ListBucket", arn, Condition={"StringLike": {"s3:prefix": "mine/*"}}),
    )
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    client = platform.client("s3", made["AccessKeyId"], made["SecretAccessKey"])
    assert body_of(client, bucket, "mine/a") == b"a"
    client.put_object(Bucket=bucket, Key="mine/c", Body=b"c")
    assert refused(client.get_object, Bucket=bucket, Key="other/b") == ("AccessDenied", 403)
    assert refused(client.delete_object, Bucket=bucket, Key="mine/a") == ("AccessDenied", 403)
    assert listed_keys(client.list_objects_v2(Bucket=bucket, Prefix="mine/")) == ["mine/a", "mine/c"]
    assert refused(client.list_objects_v2, Bucket=bucket) == ("AccessDenied", 403)
    assert refused(client.get_object, Bucket=bucket, Key="mine/absent") == ("AccessDenied", 403)
    assert refused(client.list_buckets) == ("AccessDenied", 403)


def test_a_bucket_is_public_when_its_owner_says_so_twice(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"for all")
    arn = f"arn:aws:s3:::{bucket}"
    everyone = policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/*"})
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=everyone) == ("AccessDenied", 403)
    s3.delete_public_access_block(Bucket=bucket)
    assert refused(s3.get_public_access_block, Bucket=bucket) == ("NoSuchPublicAccessBlockConfiguration", 404)
    s3.put_bucket_policy(Bucket=bucket, Policy=everyone)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(everyone)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert raw(platform, "GET", f"/{bucket}/k", sign=False).body == b"for all"
    assert raw(platform, "GET", f"/{bucket}", sign=False).status == 403
    assert raw(platform, "PUT", f"/{bucket}/k", b"x", sign=False).status == 403
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert raw(platform, "GET", f"/{bucket}/k", sign=False).status == 403
    s3.delete_bucket_policy(Bucket=bucket)
    for document in ("{", policy(), everyone.replace(bucket, "another-bucket")):
        assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=document) == ("MalformedPolicy", 400)


def test_a_policy_denies_its_bucket_s_owner_all_but_the_policy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    arn = f"arn:aws:s3:::{bucket}"
    deny = policy({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]})
    s3.put_bucket_policy(Bucket=bucket, Policy=deny)
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)
    assert refused(s3.list_objects_v2, Bucket=bucket) == ("AccessDenied", 403)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(deny)
    s3.delete_bucket_policy(Bucket=bucket)
    assert body_of(s3, bucket, "k") == b"x"


# -- code of functions ------------------------------------------------------------------------------------------


def test_code_and_layers_lie_in_a_bucket(platform, s3, bucket):
    handler = "import layered\n\ndef handler(event, context):\n    return [VERSION, layered.value]\n"
    client = platform.client("lambda")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="layer.zip", Body=zip_bytes({"python/layered.py": "value = 7\n"}))
    first = s3.put_object(Bucket=bucket, Key="code.zip", Body=zip_bytes({"index.py": "VERSION = 1\n" + handler}))
    s3.put_object(Bucket=bucket, Key="code.zip", Body=zip_bytes({"index.py": "VERSION = 2\n" + handler}))
    layer = client.publish_layer_version(LayerName=unique("layer"), Content={"S3Bucket": bucket, "S3Key": "layer.zip"})[
        "LayerVersionArn"
    ]
    name = unique()
    made = {"FunctionName": name, "Role": ROLE, "Runtime": PYTHON, "Handler": "index.handler", "Layers": [layer]}
    absent = {"S3Bucket": bucket, "S3Key": "absent.zip"}
    with pytest.raises(ClientError, match="S3 Error Code: NoSuchKey"):
        client.create_function(**made, Code=absent)
    client.create_function(
        **made, Code={"S3Bucket": bucket, "S3Key": "code.zip", "S3ObjectVersion": first["VersionId"]}
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=POLL)
    assert Function(platform, name).invoke().value() == [1, 7]
    client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="code.zip")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=POLL)
    assert Function(platform, name).invoke().value() == [2, 7]

    iam, user = platform.client("iam"), unique("user")
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(allow("lambda:*"), allow("iam:PassRole")))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    limited = platform.client("lambda", key["AccessKeyId"], key["SecretAccessKey"])
    arguments = {"FunctionName": name, "S3Bucket": bucket, "S3Key": "code.zip"}
    assert refused(limited.update_function_code, **arguments) == ("AccessDeniedException", 403)


# -- what it takes ----------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_objects(new_platform):
    """However many of them are on their way, and however slowly they are read."""
    platform, callers, size = new_platform().start(), 8, 32 * MIB
    s3 = platform.client("s3")
    s3.create_bucket(Bucket="heavy")
    status = Path(f"/proc/{platform.process.pid}/status")

    def peak():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) << 10

    def all_at_once(work):
        with ThreadPoolExecutor(callers) as pool:
            return list(pool.map(work, range(callers)))

    def put(number, body):
        s3.put_object(Bucket="heavy", Key=f"k{number}", Body=body)

    # Threads, connections and statements are there before it counts.
    all_at_once(lambda number: put(number, b"x" * MIB))
    all_at_once(lambda number: body_of(s3, "heavy", f"k{number}"))
    status.with_name("clear_refs").write_text("5")
    before = peak()
    all_at_once(lambda number: put(number, bytes([number]) * size))
    streams = [s3.get_object(Bucket="heavy", Key=f"k{number}")["Body"] for number in range(callers)]
    # Each was begun, and waits for its reader.
    assert [stream.read(1) for stream in streams] == [bytes([number]) for number in range(callers)]
    assert all_at_once(lambda number: len(streams[number].read())) == [size - 1] * callers
    grown = peak() - before
    assert grown < size, f"{grown >> 20} MiB for {callers} objects of {size >> 20}"


# -- what lasts -------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_there_after_a_kill(new_platform):
    platform = new_platform().start()
    s3 = platform.client("s3")
    s3.create_bucket(Bucket="lasting")
    bodies = {f"k{n}": bytes([n]) * size for n, size in enumerate((0, 10, 100_000, 3 * MIB, 300_000))}
    for key, body in bodies.items():
        s3.put_object(Bucket="lasting", Key=key, Body=b"before")
        s3.put_object(Bucket="lasting", Key=key, Body=body)
    s3.put_object(Bucket="lasting", Key="gone", Body=b"x" * MIB)
    s3.delete_object(Bucket="lasting", Key="gone")
    # One that is in the middle of its body when the server dies.
    connection = http.client.HTTPConnection(platform.address, timeout=60)
    url = s3.generate_presigned_url("put_object", {"Bucket": "lasting", "Key": "half"})
    connection.putrequest("PUT", url.split(platform.address, 1)[1])
    connection.putheader("Content-Length", str(8 * MIB))
    connection.endheaders(b"x" * (2 * MIB))
    platform.restart()
    connection.close()
    s3 = platform.client("s3")
    assert listed_keys(s3.list_objects_v2(Bucket="lasting")) == sorted(bodies)
    for key, body in bodies.items():
        assert body_of(s3, "lasting", key) == body
    files = [path for path in (platform.data_dir / "objects").rglob("*") if path.is_file()]
    assert len(files) == 3, "a file for each long object, and none for what was not acknowledged"


# -- other clients ----------------------------------------------------------------------------------------------


def test_the_sdk_for_javascript(platform):
    javascript("objects.mjs", platform.endpoint, unique("bucket"))


def test_the_command_line(platform, bucket, tmp_path):
    aws = Path(sys.executable).with_name("aws")
    environment = {
        **clean_environment(),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }

    def run(*arguments):
        command = [aws, "s3", *map(str, arguments)]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    source, back = tmp_path / "source", tmp_path / "back"
    (source / "inner").mkdir(parents=True)
    (source / "a.txt").write_text("a")
    (source / "inner/b.txt").write_text("b")
    run("sync", source, f"s3://{bucket}/dir")
    assert run("ls", "--recursive", f"s3://{bucket}").count("\n") == 2
    run("sync", f"s3://{bucket}/dir", back)
    assert (back / "inner/b.txt").read_text() == "b"
    with urllib.request.urlopen(run("presign", f"s3://{bucket}/dir/a.txt").strip()) as response:
        assert response.read() == b"a"
    run("rm", "--recursive", f"s3://{bucket}/dir")
    assert run("ls", f"s3://{bucket}") == ""
