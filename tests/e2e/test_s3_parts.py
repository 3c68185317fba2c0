# SPDX-License-Identifier: Apache-2.0
"""Uploads in parts: listed page by page, read part by part, and read to the end whatever becomes of the object."""

import base64
import hashlib

import pytest
from harness import wait_until
from objects import MIB, body_of, raw, refused

PART = 5 * MIB


def upload(s3, bucket, key, bodies, **arguments):
    """Puts an object together of parts: their numbers and bodies."""
    names = {"Bucket": bucket, "Key": key}
    names["UploadId"] = s3.create_multipart_upload(**names, **arguments)["UploadId"]
    parts = []
    for number, body in bodies.items():
        made = s3.upload_part(**names, **arguments, PartNumber=number, Body=body)
        sums = {name: value for name, value in made.items() if name.startswith("ChecksumSHA")}
        parts.append({"PartNumber": number, "ETag": made["ETag"], **sums})
    return s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})


def test_one_part_of_an_object(s3, bucket):
    bodies = {2: b"a" * PART, 3: b"b" * (PART + 1), 9: b"end"}
    whole = upload(s3, bucket, "k", bodies)
    start, size = 0, sum(map(len, bodies.values()))
    for number, body in bodies.items():
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == body
        head = s3.head_object(Bucket=bucket, Key="k", PartNumber=number)
        for answer in (got, head):
            assert (answer["ContentLength"], answer["PartsCount"]) == (len(body), 3)
            assert answer["ContentRange"] == f"bytes {start}-{start + len(body) - 1}/{size}"
            assert answer["ETag"] == whole["ETag"]
        start += len(body)
    assert refused(s3.get_object, Bucket=bucket, Key="k", PartNumber=1) == ("InvalidPartNumber", 416)
    assert refused(s3.head_object, Bucket=bucket, Key="k", PartNumber=4) == ("416", 416)
    assert refused(s3.get_object, Bucket=bucket, Key="k", PartNumber=10_001) == ("InvalidArgument", 400)
    both = {"PartNumber": 2, "Range": "bytes=0-1"}
    assert refused(s3.get_object, Bucket=bucket, Key="k", **both) == ("InvalidRequest", 400)


def test_an_object_that_was_put_at_once_is_its_first_part(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"whole")
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert (got["Body"].read(), got["ContentRange"]) == (b"whole", "bytes 0-4/5")
    assert "PartsCount" not in got
    assert refused(s3.get_object, Bucket=bucket, Key="k", PartNumber=2) == ("InvalidPartNumber", 416)


def test_attributes(platform, s3, bucket):
    every = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    put = s3.put_object(Bucket=bucket, Key="plain", Body=b"hello", ChecksumAlgorithm="SHA256")
    told = s3.get_object_attributes(Bucket=bucket, Key="plain", ObjectAttributes=every)
    assert (told["ETag"], told["ObjectSize"], told["StorageClass"]) == (put["ETag"].strip('"'), 5, "STANDARD")
    assert told["Checksum"] == {"ChecksumSHA256": put["ChecksumSHA256"], "ChecksumType": "FULL_OBJECT"}
    assert "ObjectParts" not in told and told["LastModified"]

    bodies = {1: b"a" * PART, 2: b"b" * PART, 5: b"c"}
    upload(s3, bucket, "parts", bodies, ChecksumAlgorithm="SHA256")
    told = s3.get_object_attributes(Bucket=bucket, Key="parts", ObjectAttributes=["ObjectParts", "Checksum"])
    assert "ETag" not in told and "ObjectSize" not in told
    assert told["Checksum"]["ChecksumType"] == "COMPOSITE" and told["Checksum"]["ChecksumSHA256"].endswith("-3")
    sums = {number: base64.b64encode(hashlib.sha256(body).digest()).decode() for number, body in bodies.items()}
    parts = [{"PartNumber": n, "Size": len(bodies[n]), "ChecksumSHA256": sums[n]} for n in bodies]
    assert told["ObjectParts"]["Parts"] == parts
    assert (told["ObjectParts"]["TotalPartsCount"], told["ObjectParts"]["IsTruncated"]) == (3, False)
    got = s3.get_object(Bucket=bucket, Key="parts", PartNumber=5, ChecksumMode="ENABLED")
    assert got["ChecksumSHA256"] == sums[5]

    page = s3.get_object_attributes(Bucket=bucket, Key="parts", ObjectAttributes=["ObjectParts"], MaxParts=2)
    assert page["ObjectParts"]["Parts"] == parts[:2] and page["ObjectParts"]["IsTruncated"]
    marker = page["ObjectParts"]["NextPartNumberMarker"]
    rest = s3.get_object_attributes(
        Bucket=bucket, Key="parts", ObjectAttributes=["ObjectParts"], PartNumberMarker=marker
    )
    assert rest["ObjectParts"]["Parts"] == parts[2:]

    path = f"/{bucket}/plain?attributes"
    for headers, code in (({}, b"InvalidRequest"), ({"x-amz-object-attributes": "Color"}, b"InvalidArgument")):
        reply = raw(platform, "GET", path, headers=headers)
        assert reply.status == 400 and b"<Code>" + code in reply.body
    absent = {"Bucket": bucket, "Key": "absent", "ObjectAttributes": every}
    assert refused(s3.get_object_attributes, **absent) == ("NoSuchKey", 404)


def test_lists_of_parts_come_in_pages(s3, bucket):
    names = {"Bucket": bucket, "Key": "k"}
    names["UploadId"] = s3.create_multipart_upload(**names)["UploadId"]
    for number in (1, 2, 30, 400, 10_000):
        s3.upload_part(**names, PartNumber=number, Body=b"%d" % number)
    for size in (1, 2, 5):
        pages = list(s3.get_paginator("list_parts").paginate(**names, PaginationConfig={"PageSize": size}))
        assert [part["PartNumber"] for page in pages for part in page["Parts"]] == [1, 2, 30, 400, 10_000]
        assert [len(page["Parts"]) for page in pages[:-1]] == [size] * (len(pages) - 1)


def test_lists_of_uploads_come_in_pages(s3, bucket):
    keys = ["a", "b/1", "b/1", "b/2", "b/c/3", "d", "\u00e9/\u00e9", "z z"]
    made = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in keys]

    def listed(size, **arguments):
        found, prefixes = [], []
        pages = s3.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=bucket, PaginationConfig={"PageSize": size}, **arguments):
            assert len(page.get("Uploads", [])) + len(page.get("CommonPrefixes", [])) <= size
            found += [(item["Key"], item["UploadId"]) for item in page.get("Uploads", [])]
            prefixes += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        assert [key for key, _ in found] == sorted((key for key, _ in found), key=str.encode)
        return sorted(found), prefixes

    for size in (1, 2, 3, 100):
        assert listed(size) == (sorted(made), [])
        assert listed(size, Prefix="b/") == (sorted(item for item in made if item[0].startswith("b/")), [])
        top = sorted(item for item in made if "/" not in item[0])
        assert listed(size, Delimiter="/") == (top, ["b/", "\u00e9/"])
        inner = sorted(item for item in made if item[0] in ("b/1", "b/2"))
        assert listed(size, Delimiter="/", Prefix="b/") == (inner, ["b/c/"])
    after = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="b/2")["Uploads"]
    assert [item["Key"] for item in after] == ["b/c/3", "d", "z z", "\u00e9/\u00e9"]


@pytest.mark.parametrize("end", ["overwritten", "deleted", "put together anew"])
def test_a_read_goes_on_to_the_end_of_what_it_began(platform, s3, bucket, end):
    bodies = {number: bytes([number]) * PART for number in range(1, 5)}
    upload(s3, bucket, "k", bodies)
    folder = platform.data_dir / "objects"

    def files():
        return {path.name for path in folder.rglob("*") if path.is_file()}

    before = files()
    reading = s3.get_object(Bucket=bucket, Key="k")["Body"]
    assert reading.read(10) == bodies[1][:10]
    if end == "overwritten":
        s3.put_object(Bucket=bucket, Key="k", Body=b"after")
    elif end == "deleted":
        s3.delete_object(Bucket=bucket, Key="k")
    else:
        upload(s3, bucket, "k", {1: b"after"})
    assert reading.read() == b"".join(bodies.values())[10:]
    if end == "deleted":
        assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    else:
        assert body_of(s3, bucket, "k") == b"after"
    reading.close()
    wait_until(lambda: len(before - files()) >= len(bodies), "the parts are gone once nobody reads them", 60)


@pytest.mark.parametrize("algorithm", ["SHA512", "MD5"])
def test_checksums_of_parts_that_make_one_of_their_own(s3, bucket, algorithm):
    member, names = f"Checksum{algorithm}", {"Bucket": bucket, "Key": "k"}
    upload = {"ChecksumAlgorithm": algorithm}
    full = {**upload, "ChecksumType": "FULL_OBJECT"}
    assert refused(s3.create_multipart_upload, **names, **full) == ("InvalidRequest", 400)
    names["UploadId"] = s3.create_multipart_upload(**names, **upload)["UploadId"]
    digest = hashlib.new(algorithm, b"end").digest()
    stated = {member: base64.b64encode(digest).decode()}
    made = s3.upload_part(**names, PartNumber=1, Body=b"end", **stated)
    assert made[member] == stated[member]
    part = {"PartNumber": 1, "ETag": made["ETag"], **stated}
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [part]})
    assert done[member] == base64.b64encode(hashlib.new(algorithm, digest).digest()).decode() + "-1"
    assert done["ChecksumType"] == "COMPOSITE"
