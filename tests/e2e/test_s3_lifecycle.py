# SPDX-License-Identifier: Apache-2.0
"""Lifecycle rules of buckets: checked as AWS checks them, and carried out. A day of this server has one second."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, Platform, allow, policy, unique, wait_until

SETTINGS = """
[s3]
lifecycle_interval_seconds = 1
lifecycle_day_seconds = {day}
"""


@pytest.fixture(scope="module")
def platform(binary, tmp_path_factory):
    """A day is over in a second."""
    config = tmp_path_factory.mktemp("lifecycle") / "config.toml"
    config.write_text(SETTINGS.format(day=1))
    platform = Platform("--config", config).start()
    yield platform
    platform.stop()
    platform.discard()


def configure(s3, bucket, *rules):
    whole = [{"ID": f"rule-{n}", "Status": "Enabled", "Filter": {}, **rule} for n, rule in enumerate(rules)]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": whole})
    return whole


def refused(call, *arguments, **settings):
    with pytest.raises(ClientError) as raised:
        call(*arguments, **settings)
    return raised.value.response["Error"]["Code"]


def keys(s3, bucket):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def versions(s3, bucket):
    """Ids of versions and of markers, the newest first."""
    listed = s3.list_object_versions(Bucket=bucket)
    return [[item["VersionId"] for item in listed.get(kind, [])] for kind in ("Versions", "DeleteMarkers")]


def test_rules_are_kept_and_told(platform, s3, bucket):
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    put = configure(
        s3,
        bucket,
        {"Expiration": {"Days": 30}, "Filter": {"Prefix": "logs/"}},
        {
            "Status": "Disabled",
            "Expiration": {"Date": datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)},
            "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}},
        },
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}},
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Prefix": ""}},
    )
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == put
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    for rule, code in (
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "NotImplemented"),
        ({}, "InvalidRequest"),
    ):
        assert refused(configure, s3, bucket, rule) == code, rule


def test_objects_go_that_a_rule_is_for(platform, s3, bucket):
    kept = {"Body": b"x" * 10, "Tagging": "stage=kept"}
    s3.put_object(Bucket=bucket, Key="logs/old", Body=b"x" * 10, Tagging="stage=gone")
    s3.put_object(Bucket=bucket, Key="logs/tag", **kept)
    s3.put_object(Bucket=bucket, Key="logs/small", Body=b"", Tagging="stage=gone")
    s3.put_object(Bucket=bucket, Key="other/old", Body=b"x" * 10, Tagging="stage=gone")
    tag = {"Key": "stage", "Value": "gone"}
    only = {"And": {"Prefix": "logs/", "Tags": [tag], "ObjectSizeGreaterThan": 5}}
    configure(s3, bucket, {"Filter": only, "Expiration": {"Days": 1}})
    wait_until(lambda: "logs/old" not in keys(s3, bucket), "the object is gone", 60)
    assert keys(s3, bucket) == ["logs/small", "logs/tag", "other/old"]


def test_when_an_object_goes_is_told(platform, s3, bucket):
    configure(s3, bucket, {"Filter": {"Prefix": "in/"}, "Expiration": {"Days": 1_000_000}})
    told = s3.put_object(Bucket=bucket, Key="in/k", Body=b"x")["Expiration"]
    assert told.endswith('GMT", rule-id="rule-0"') and told.startswith('expiry-date="')
    assert s3.head_object(Bucket=bucket, Key="in/k")["Expiration"] == told
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="out/k", Body=b"x")


def test_versions_go_and_then_their_marker(platform, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2", b"3", b"4"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
    newest, second = versions(s3, bucket)[0][:2]
    expiry = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}}
    configure(s3, bucket, expiry)
    wait_until(lambda: len(versions(s3, bucket)[0]) <= 2, "older versions are gone", 60)
    assert versions(s3, bucket) == [[newest, second], []]
    # The current version gets a marker, and both go when nothing is before it any more.
    configure(s3, bucket, {"Expiration": {"Days": 1}})
    wait_until(lambda: keys(s3, bucket) == [], "the current version is gone", 60)
    assert versions(s3, bucket)[0] == [newest, second]
    assert len(versions(s3, bucket)[1]) == 1
    configure(
        s3,
        bucket,
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    wait_until(lambda: versions(s3, bucket) == [[], []], "all versions and the marker are gone", 60)


def test_uploads_that_nobody_completes_go(platform, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="in/k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="in/k", UploadId=upload, PartNumber=1, Body=b"x" * 100_000)
    s3.create_multipart_upload(Bucket=bucket, Key="out/k")
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Filter": {"Prefix": "in/"}}
    configure(s3, bucket, abort)

    def left():
        return [each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    wait_until(lambda: left() == ["out/k"], "the upload is aborted", 60)
    assert "AbortDate" in s3.create_multipart_upload(Bucket=bucket, Key="in/next")


def test_what_went_by_a_rule_is_told(platform, s3, bucket):
    sqs, name = platform.client("sqs"), unique("queue")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    statement = allow("sqs:SendMessage", arn, Principal={"Service": "s3.amazonaws.com"})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy(statement)})["QueueUrl"]
    rules = [{"QueueArn": arn, "Events": ["s3:LifecycleExpiration:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": rules}, SkipDestinationValidation=True
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    configure(s3, bucket, {"Expiration": {"Days": 1}})
    found = []

    def is_told():
        found.extend(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []))
        return found

    wait_until(is_told, "the queue was told", 60)
    (record,) = json.loads(found[0]["Body"])["Records"]
    assert (record["eventName"], record["eventVersion"]) == ("LifecycleExpiration:Delete", "2.3")
    assert record["userIdentity"]["principalId"] == "s3.amazonaws.com"
    assert record["s3"]["object"]["key"] == "k"
