# SPDX-License-Identifier: Apache-2.0
"""What buckets have beside objects: what infrastructure tools read of each, whose objects are, and lists of who may (ACLs)."""

import pytest
from harness import unique
from objects import body_of, raw, refused

OWNERS = "bucket-owner-full-control"
NOT_TAKEN = ("AccessControlListNotSupported", 400)
NOT_BUILT = ("NotImplemented", 501)


def test_what_terraform_reads_of_a_new_bucket(s3, bucket):
    """Each answer is a value of AWS's, or the error that AWS has for just this: Terraform takes no other for an absence."""
    one = {"Id": "one"}
    for call, code, more in (
        (s3.get_bucket_policy, "NoSuchBucketPolicy", {}),
        (s3.get_bucket_policy_status, "NoSuchBucketPolicy", {}),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration", {}),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration", {}),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", {}),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError", {}),
        (s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError", {}),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError", {}),
        (s3.get_bucket_tagging, "NoSuchTagSet", {}),
        (s3.get_bucket_analytics_configuration, "NoSuchConfiguration", one),
        (s3.get_bucket_intelligent_tiering_configuration, "NoSuchConfiguration", one),
        (s3.get_bucket_inventory_configuration, "NoSuchConfiguration", one),
        (s3.get_bucket_metrics_configuration, "NoSuchConfiguration", one),
        (s3.delete_bucket_analytics_configuration, "NoSuchConfiguration", one),
        (s3.delete_bucket_intelligent_tiering_configuration, "NoSuchConfiguration", one),
        (s3.delete_bucket_inventory_configuration, "NoSuchConfiguration", one),
        (s3.delete_bucket_metrics_configuration, "NoSuchConfiguration", one),
    ):
        assert refused(call, Bucket=bucket, **more) == (code, 404), call.__name__
        assert refused(call, Bucket=unique("absent"), **more) == ("NoSuchBucket", 404), call.__name__
    every = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    full = {"Permission": "FULL_CONTROL"}
    for call, expected in (
        (s3.get_bucket_location, {"LocationConstraint": None}),
        (s3.get_bucket_versioning, {}),
        (s3.get_bucket_accelerate_configuration, {}),
        (s3.get_bucket_logging, {}),
        (s3.get_bucket_notification_configuration, {}),
        (s3.get_bucket_request_payment, {"Payer": "BucketOwner"}),
        (s3.get_public_access_block, {"PublicAccessBlockConfiguration": every}),
        (
            s3.get_bucket_ownership_controls,
            {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        ),
        (s3.list_bucket_analytics_configurations, {"IsTruncated": False}),
        (s3.list_bucket_intelligent_tiering_configurations, {"IsTruncated": False}),
        (s3.list_bucket_inventory_configurations, {"IsTruncated": False}),
        (s3.list_bucket_metrics_configurations, {"IsTruncated": False}),
    ):
        answer = call(Bucket=bucket)
        del answer["ResponseMetadata"]
        assert answer == expected, call.__name__
    acl = s3.get_bucket_acl(Bucket=bucket)
    grantee = {"Type": "CanonicalUser", "ID": acl["Owner"]["ID"]}
    assert acl["Grants"] == [{"Grantee": grantee, **full}]


def test_what_terraform_deletes_of_a_bucket_need_not_be_there(s3, bucket):
    for call in (
        s3.delete_bucket_cors,
        s3.delete_bucket_encryption,
        s3.delete_bucket_lifecycle,
        s3.delete_bucket_ownership_controls,
        s3.delete_bucket_policy,
        s3.delete_bucket_replication,
        s3.delete_bucket_tagging,
        s3.delete_bucket_website,
        s3.delete_public_access_block,
    ):
        for _ in range(2):
            assert call(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204, call.__name__


def test_what_a_bucket_can_not_be_is_refused(s3, bucket):
    metrics = {"Id": "one", "MetricsConfiguration": {"Id": "one"}}
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    for call, arguments in (
        (s3.put_bucket_metrics_configuration, metrics),
        (s3.put_bucket_encryption, {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}),
        (s3.put_bucket_website, {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}}),
        (s3.put_bucket_accelerate_configuration, {"AccelerateConfiguration": {"Status": "Enabled"}}),
        (s3.put_bucket_request_payment, {"RequestPaymentConfiguration": {"Payer": "Requester"}}),
    ):
        assert refused(call, Bucket=bucket, **arguments) == NOT_BUILT, call.__name__
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


def test_tags_of_buckets(s3, bucket):
    tags = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags[:50]})
    assert len(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]) == 50
    assert refused(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": tags}) == ("BadRequest", 400)
    s3.delete_bucket_tagging(Bucket=bucket)
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)


# -- lists of who may -------------------------------------------------------------------------------------------


def test_without_lists_only_the_owners_full_control_is_taken(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL=OWNERS)
    names = {"Bucket": bucket, "Key": "k"}
    acl = s3.get_object_acl(**names)
    for canned in ("private", "public-read", "authenticated-read", "bucket-owner-read"):
        assert refused(s3.put_object, **names, Body=b"y", ACL=canned) == NOT_TAKEN
        assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=names, ACL=canned) == NOT_TAKEN
        assert refused(s3.create_multipart_upload, **names, ACL=canned) == NOT_TAKEN
        assert refused(s3.put_object_acl, **names, ACL=canned) == NOT_TAKEN
    for canned in ("private", "public-read"):
        assert refused(s3.put_bucket_acl, Bucket=bucket, ACL=canned) == NOT_TAKEN
    assert refused(s3.put_object, **names, Body=b"y", GrantRead="id=1") == NOT_TAKEN
    assert body_of(s3, bucket, "k") == b"x"
    assert acl["Grants"] == s3.get_bucket_acl(Bucket=bucket)["Grants"]
    policy = {"Owner": acl["Owner"], "Grants": acl["Grants"]}
    s3.put_object_acl(**names, AccessControlPolicy=policy)
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=policy)
    policy["Grants"] = [{**policy["Grants"][0], "Permission": "READ"}]
    assert refused(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=policy) == NOT_TAKEN
    assert refused(s3.get_object_acl, Bucket=bucket, Key="absent") == ("NoSuchKey", 404)
    assert refused(s3.put_object_acl, Bucket=bucket, Key="absent", ACL=OWNERS) == ("NoSuchKey", 404)
    reply = raw(platform, "PUT", f"/{bucket}?acl")
    assert reply.status == 400 and b"<Code>MissingSecurityHeader</Code>" in reply.body
    reply = raw(platform, "PUT", f"/{bucket}?acl", b"<x/>", {"x-amz-acl": OWNERS})
    assert reply.status == 400 and b"<Code>UnexpectedContent</Code>" in reply.body


@pytest.mark.parametrize("ownership", ["BucketOwnerPreferred", "ObjectWriter"])
def test_with_lists_a_private_one_is_taken_and_no_other(s3, ownership):
    bucket = unique("bucket")
    s3.create_bucket(Bucket=bucket, ObjectOwnership=ownership, ACL="private")
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": ownership}]
    for canned in ("private", OWNERS):
        s3.put_bucket_acl(Bucket=bucket, ACL=canned)
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL=canned)
        s3.put_object_acl(Bucket=bucket, Key="k", ACL=canned)
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == NOT_BUILT
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="public-read") == NOT_BUILT
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)


def test_controls_of_ownership_come_and_go(s3, bucket):
    put = s3.put_bucket_ownership_controls
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refused(s3.get_bucket_ownership_controls, Bucket=bucket) == ("OwnershipControlsNotFoundError", 404)
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    put(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="private") == NOT_TAKEN
    wrong = {"Rules": [{"ObjectOwnership": "Nobody"}]}
    assert refused(put, Bucket=bucket, OwnershipControls=wrong) == ("MalformedXML", 400)
    create = {"Bucket": unique("bucket")}
    assert refused(s3.create_bucket, **create, ObjectOwnership="Nobody") == ("InvalidArgument", 400)
    code = ("InvalidBucketAclWithObjectOwnership", 400)
    assert refused(s3.create_bucket, **create, ACL="public-read") == code
