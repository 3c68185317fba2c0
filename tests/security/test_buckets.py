# SPDX-License-Identifier: Apache-2.0
"""The wall around buckets: accounts, links that somebody changed, keys that look like paths, and who is told of what is in them."""

import json

import boto3
import pytest
from accounts import OTHER, ROOT_OF_OTHER
from botocore.config import Config
from harness import ACCOUNT, REGION, allow, policy, unique, wait_until
from objects import body_of, raw, refused

DENIED = ("AccessDenied", 403)
WEEK_S = 7 * 24 * 3600


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3):
    """Ours, with one object."""
    name = unique("bucket")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"ours")
    return name


def lets(bucket, principal, *actions, **more):
    arn = f"arn:aws:s3:::{bucket}"
    return policy({**allow(list(actions), [arn, f"{arn}/*"]), "Principal": principal, **more})


# -- accounts -----------------------------------------------------------------------------------------------------


def test_nothing_of_a_bucket_is_another_accounts(s3, bucket, other):
    there, own = other.client("s3"), unique("bucket")
    there.create_bucket(Bucket=own)
    there.put_object(Bucket=own, Key="k", Body=b"theirs")
    one, source = {"Bucket": bucket, "Key": "k"}, {"Bucket": own, "Key": "k"}
    for call, arguments in (
        (there.get_object, one),
        (there.put_object, {**one, "Body": b"x"}),
        (there.delete_object, one),
        (there.get_object_acl, one),
        (there.get_object_tagging, one),
        (there.create_multipart_upload, one),
        (there.delete_objects, {"Bucket": bucket, "Delete": {"Objects": [{"Key": "k"}]}}),
        (there.copy_object, {"Bucket": own, "Key": "copy", "CopySource": one}),
        (there.copy_object, {**one, "CopySource": source}),
        (there.list_objects_v2, {"Bucket": bucket}),
        (there.get_bucket_policy, {"Bucket": bucket}),
        (there.put_bucket_policy, {"Bucket": bucket, "Policy": lets(bucket, ROOT_OF_OTHER, "s3:*")}),
        (there.delete_bucket, {"Bucket": bucket}),
        # Whether a key is there is not told either.
        (there.get_object, {"Bucket": bucket, "Key": "absent"}),
    ):
        if call == there.delete_objects:
            assert [error["Code"] for error in call(**arguments)["Errors"]] == ["AccessDenied"]
        else:
            assert refused(call, **arguments) == DENIED, (call.__name__, arguments)
    assert refused(there.head_bucket, Bucket=bucket) == ("403", 403)
    assert refused(there.create_bucket, Bucket=bucket) == ("BucketAlreadyExists", 409)
    assert bucket not in [item["Name"] for item in there.list_buckets()["Buckets"]]
    assert refused(there.get_object, **source, ExpectedBucketOwner=ACCOUNT) == DENIED
    assert body_of(s3, bucket, "k") == b"ours" and body_of(there, own, "k") == b"theirs"


def test_a_buckets_policy_lets_another_account_in(s3, bucket, other, server):
    there = other.client("s3")
    s3.put_bucket_policy(Bucket=bucket, Policy=lets(bucket, ROOT_OF_OTHER, "s3:GetObject", "s3:PutObject"))
    assert body_of(there, bucket, "k") == b"ours"
    there.put_object(Bucket=bucket, Key="from afar", Body=b"x")
    # What it puts is the owner of the bucket's, who may do with it what he likes.
    acl = s3.get_object_acl(Bucket=bucket, Key="from afar")
    assert acl["Owner"]["ID"].endswith(ACCOUNT) and body_of(s3, bucket, "from afar") == b"x"
    s3.delete_object(Bucket=bucket, Key="from afar")
    # It lets it do this, and no more; and within it, whom its own policies let as well.
    assert refused(there.delete_object, Bucket=bucket, Key="k") == DENIED
    assert refused(there.list_objects_v2, Bucket=bucket) == DENIED
    nobody = server.client("s3", *other.user())
    assert refused(nobody.get_object, Bucket=bucket, Key="k") == DENIED
    reader = server.client("s3", *other.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")))
    assert body_of(reader, bucket, "k") == b"ours"
    assert refused(reader.put_object, Bucket=bucket, Key="k", Body=b"x") == DENIED
    s3.delete_bucket_policy(Bucket=bucket)
    assert refused(there.get_object, Bucket=bucket, Key="k") == DENIED
    assert refused(reader.get_object, Bucket=bucket, Key="k") == DENIED


def test_a_policy_asks_for_the_list_that_comes_with_an_object(s3, bucket, other):
    there, owners = other.client("s3"), "bucket-owner-full-control"
    full = {"Condition": {"StringEquals": {"s3:x-amz-acl": owners}}}
    s3.put_bucket_policy(Bucket=bucket, Policy=lets(bucket, ROOT_OF_OTHER, "s3:PutObject", **full))
    assert refused(there.put_object, Bucket=bucket, Key="n", Body=b"x") == DENIED
    there.put_object(Bucket=bucket, Key="n", Body=b"x", ACL=owners)
    assert body_of(s3, bucket, "n") == b"x"


@pytest.mark.parametrize("ownership", ["BucketOwnerPreferred", "ObjectWriter", None])
def test_no_object_is_another_accounts_than_its_buckets(s3, bucket, other, ownership):
    """Where AWS would give it to who puts it, it is refused: nothing here is kept for an owner of its own."""
    there, put = other.client("s3"), {"Bucket": bucket, "Key": "n", "Body": b"x"}
    s3.put_bucket_policy(Bucket=bucket, Policy=lets(bucket, ROOT_OF_OTHER, "s3:PutObject"))
    if ownership is None:
        s3.delete_bucket_ownership_controls(Bucket=bucket)
    else:
        rules = {"Rules": [{"ObjectOwnership": ownership}]}
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    assert refused(there.put_object, **put) == ("NotImplemented", 501)
    if ownership == "BucketOwnerPreferred":
        there.put_object(**put, ACL="bucket-owner-full-control")
        assert body_of(s3, bucket, "n") == b"x"
    else:
        assert refused(there.put_object, **put, ACL="bucket-owner-full-control") == ("NotImplemented", 501)


# -- links --------------------------------------------------------------------------------------------------------


def link(server, parameters, *keys, seconds=300):
    """A GET, signed the new way: boto3 still signs links the old way where it does not know better."""
    signing = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=server.endpoint,
        aws_access_key_id=(keys or ("test", "test"))[0],
        aws_secret_access_key=(keys or ("test", "test"))[1],
        config=Config(signature_version="s3v4"),
    )
    return signing.generate_presigned_url("get_object", parameters, ExpiresIn=seconds)


def follow(server, url, method="GET", body=b"", **headers):
    return raw(server, method, url.split(server.address, 1)[1], body, headers, sign=False)


def test_a_link_is_good_for_what_was_signed_and_nothing_else(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="other", Body=b"other")
    again = unique("bucket")
    s3.create_bucket(Bucket=again)
    s3.put_object(Bucket=again, Key="k", Body=b"again")
    url = link(server, {"Bucket": bucket, "Key": "k"})
    assert follow(server, url).body == b"ours"
    for changed in (
        url.replace("/k?", "/other?"),
        url.replace(bucket, again),
        url.replace("Expires=300", "Expires=3000"),
        url.replace("/k?", "/k?versionId=null&"),
        url.replace("/k?", "/k?acl&"),
        url.replace(REGION, "eu-west-1"),
        url + "&response-content-type=text/html",
        url[:-4] + ("0000" if url[-4:] != "0000" else "1111"),
        url.split("&X-Amz-Signature")[0],
    ):
        assert changed != url
        reply = follow(server, changed)
        assert reply.status in (400, 403), changed
        assert b"ours" not in reply.body and b"other" not in reply.body and b"again" not in reply.body
    for method in ("PUT", "DELETE", "POST"):
        assert follow(server, url, method).status == 403
    assert body_of(s3, bucket, "k") == b"ours"


def test_a_link_ends(server, s3, bucket):
    for seconds in (WEEK_S + 1, -1):
        url = link(server, {"Bucket": bucket, "Key": "k"}, seconds=seconds)
        reply = follow(server, url)
        assert reply.status == 400 and b"<Code>AuthorizationQueryParametersError</Code>" in reply.body
    url = link(server, {"Bucket": bucket, "Key": "k"}, seconds=1)
    reply = wait_until(lambda: (found := follow(server, url)).status == 403 and found, "the link ends")
    assert b"<Code>AccessDenied</Code>" in reply.body and b"<Message>Request has expired</Message>" in reply.body


def test_a_link_lets_do_what_its_maker_may(server, s3, bucket, other):
    """At the time of the request: a link of who may no more is worth nothing."""
    iam, name = server.client("iam"), unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    url = link(server, {"Bucket": bucket, "Key": "k"}, key["AccessKeyId"], key["SecretAccessKey"])
    assert follow(server, url).status == 403
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("s3:GetObject")))
    assert follow(server, url).body == b"ours"
    iam.delete_user_policy(UserName=name, PolicyName="p")
    assert b"<Code>AccessDenied</Code>" in follow(server, url).body
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    assert b"<Code>InvalidAccessKeyId</Code>" in follow(server, url).body
    afar = link(server, {"Bucket": bucket, "Key": "k"}, *other.key)
    assert b"<Code>AccessDenied</Code>" in follow(server, afar).body


# -- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_never_a_path(server, s3, bucket):
    """However long the object, and whichever way it comes."""
    mark, long = unique("escape"), b"x" * 100_000
    keys = [f"../../../{mark}", f"/{mark}/../{mark}", f"..\\{mark}", f"{mark}\t", f"./{mark}", f"%2e%2e/{mark}"]
    s3.put_object(Bucket=bucket, Key="long", Body=long)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=long)
        s3.copy_object(Bucket=bucket, Key=f"{key}/copy", CopySource=f"{bucket}/long")
        parts = {"Bucket": bucket, "Key": f"{key}/parts"}
        parts["UploadId"] = s3.create_multipart_upload(**parts)["UploadId"]
        part = {"PartNumber": 1, "ETag": s3.upload_part(**parts, PartNumber=1, Body=long)["ETag"]}
        s3.complete_multipart_upload(**parts, MultipartUpload={"Parts": [part]})
        for put in (key, f"{key}/copy", f"{key}/parts"):
            assert body_of(s3, bucket, put) == long
    names = [path.name for path in server.data_dir.parent.rglob("*")]
    assert not [name for name in names if mark in name or bucket in name]
    files = [path for path in (server.data_dir / "objects").rglob("*") if path.is_file()]
    assert len(files) >= 3 * len(keys) and not [path for path in files if path.stat().st_mode & 0o077]
    for name in ("..", ".", "%2e%2e", "..%2fobjects"):
        assert raw(server, "GET", f"/{name}/objects", sign=False).status in (400, 403, 404)


# -- who is told --------------------------------------------------------------------------------------------------


def sends(queue, **condition):
    principal = {"Principal": {"Service": "s3.amazonaws.com"}}
    return policy({**allow("sqs:SendMessage", queue), **principal, "Condition": condition})


def test_a_bucket_tells_nobody_in_another_account_that_does_not_let_it(server, s3, bucket, other):
    """A queue that lets buckets of its own account says so with a condition: a bucket of ours is none of them."""
    there, name = other.client("sqs"), unique("queue")
    url, arn = there.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:{REGION}:{OTHER}:{name}"
    function = unique("fn")
    other.function(function, other.role()["Arn"])
    called = f"arn:aws:lambda:{REGION}:{OTHER}:function:{function}"
    events = {"Events": ["s3:ObjectCreated:*"]}
    to_queue = {"QueueConfigurations": [{"QueueArn": arn, **events}]}
    to_function = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": called, **events}]}
    put, code = s3.put_bucket_notification_configuration, ("InvalidArgument", 400)
    for configuration in (to_queue, to_function):
        assert refused(put, Bucket=bucket, NotificationConfiguration=configuration) == code
    mine, its_own = {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}, {"aws:SourceAccount": OTHER}
    there.set_queue_attributes(QueueUrl=url, Attributes={"Policy": sends(arn, StringEquals=its_own)})
    assert refused(put, Bucket=bucket, NotificationConfiguration=to_queue) == code
    # Who does without the check gains nothing.
    put(Bucket=bucket, NotificationConfiguration=to_queue, SkipDestinationValidation=True)
    s3.put_object(Bucket=bucket, Key="secret", Body=b"x")

    def is_dropped():
        lines = server.log_path.read_text().splitlines()
        return any("notification not delivered" in line and arn in line and "is_over=true" in line for line in lines)

    wait_until(is_dropped, "the log says that it was not delivered", 60)
    there.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": sends(arn, ArnEquals=mine, StringEquals={"aws:SourceAccount": ACCOUNT})}
    )
    put(Bucket=bucket, NotificationConfiguration=to_queue)
    s3.put_object(Bucket=bucket, Key="told", Body=b"x")
    bodies = []

    def is_told():
        for message in there.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            bodies.append(message["Body"])
            there.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return any('"told"' in body for body in bodies)

    wait_until(is_told, "the queue is told", 60)
    assert not [body for body in bodies if "secret" in body]
    assert any(json.loads(body).get("Event") == "s3:TestEvent" for body in bodies)


def test_the_bus_that_is_told_is_the_owner_of_the_buckets(server, s3, bucket, other):
    there, name = other.client("events"), unique("queue")
    pattern = json.dumps({"source": ["aws.s3"]})
    queues = {}
    for account, events, sqs in (
        (ACCOUNT, server.client("events"), server.client("sqs")),
        (OTHER, there, other.client("sqs")),
    ):
        rule = events.put_rule(Name=name, EventPattern=pattern)["RuleArn"]
        arn = f"arn:aws:sqs:{REGION}:{account}:{name}"
        statement = {**allow("sqs:SendMessage", arn), "Principal": {"Service": "events.amazonaws.com"}}
        statement["Condition"] = {"ArnEquals": {"aws:SourceArn": rule}}
        made = sqs.create_queue(QueueName=name, Attributes={"Policy": policy(statement)})
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
        queues[account] = (sqs, made["QueueUrl"])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_bucket_policy(Bucket=bucket, Policy=lets(bucket, ROOT_OF_OTHER, "s3:PutObject"))
    other.client("s3").put_object(Bucket=bucket, Key="from afar", Body=b"x")
    sqs, url = queues[ACCOUNT]
    (message,) = wait_until(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), "its owner's bus is told", 60
    )
    event = json.loads(message["Body"])
    assert (event["account"], event["detail"]["requester"]) == (ACCOUNT, OTHER)
    sqs, url = queues[OTHER]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
