# SPDX-License-Identifier: Apache-2.0
"""Notifications of buckets: what happens to objects reaches functions, queues, topics and buses, and once at least."""

import json
import re
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness import ACCOUNT, REGION, Platform, allow, policy, unique, wait_until

SAY = "import json\ndef handler(event, context):\n    print('got', json.dumps(event['Records'][0]), flush=True)"
# Puts what it is told of once more, into the same bucket.
ECHO = """
import os, boto3
def handler(event, context):
    print("round", os.environ["_X_AMZN_TRACE_ID"], flush=True)
    bucket = event["Records"][0]["s3"]["bucket"]["name"]
    boto3.client("s3").put_object(Bucket=bucket, Key="loop/again", Body=b"again")
"""


def bucket_arn(bucket):
    return f"arn:aws:s3:::{bucket}"


class Queue:
    """A queue that lets a bucket send to it."""

    def __init__(self, platform, bucket=None, rule=None):
        self.name, self.sqs = unique("queue"), platform.client("sqs")
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        if bucket is not None:
            statement = allow("sqs:SendMessage", self.arn, Principal={"Service": "s3.amazonaws.com"})
            statement["Condition"] = {"ArnLike": {"aws:SourceArn": bucket_arn(bucket)}}
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy(statement)})
        if rule is not None:
            statement = allow("sqs:SendMessage", self.arn, Principal={"Service": "events.amazonaws.com"})
            statement["Condition"] = {"ArnLike": {"aws:SourceArn": rule}}
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy(statement)})

    def receive(self, count=1):
        """So many bodies, in no order. They are gone then."""
        found = []

        def is_there():
            answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return len(found) >= count

        wait_until(is_there, f"{count} message(s) arrived", 60)
        return found

    def records(self, count=1):
        """So many events, in the order in which they happened to their keys."""
        found = [record for body in self.receive(count) for record in body["Records"]]
        return sorted(found, key=lambda record: (record["eventTime"], record["s3"]["object"].get("sequencer", "")))


def to_queue(queue, *events, id=None, **filters):
    return with_filters({"QueueArn": queue.arn}, events, id, filters)


def to_function(function, *events, id=None, **filters):
    return with_filters({"LambdaFunctionArn": function.arn}, events, id, filters)


def with_filters(made, events, id, filters):
    rules = [{"Name": name, "Value": value} for name, value in filters.items()]
    made |= {"Events": list(events)} | ({"Id": id} if id else {})
    return made | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})


def configure(s3, bucket, *, queues=(), functions=(), **arguments):
    configuration = {"QueueConfigurations": list(queues), "LambdaFunctionConfigurations": list(functions)}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration, **arguments)


def refused(call, *arguments, **settings):
    with pytest.raises(ClientError) as raised:
        call(*arguments, **settings)
    return raised.value.response["Error"]


def permit(function, bucket):
    function.platform.client().add_permission(
        FunctionName=function.name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=bucket_arn(bucket),
        SourceAccount=ACCOUNT,
    )


def test_a_function_is_told_of_what_it_asked_for(platform, s3, bucket):
    function = platform.python(SAY)
    error = refused(configure, s3, bucket, functions=[to_function(function, "s3:ObjectCreated:*")])
    assert (error["Code"], error["Message"]) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )
    assert error["ArgumentValue1"] == f"Not authorized to invoke function [{function.arn}]"
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    permit(function, bucket)
    rule = to_function(function, "s3:ObjectCreated:*", id="pictures", prefix="in/", suffix=".jpg")
    configure(s3, bucket, functions=[rule])
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    rule["Filter"]["Key"]["FilterRules"] = [
        {"Name": each["Name"].capitalize(), "Value": each["Value"]} for each in rule["Filter"]["Key"]["FilterRules"]
    ]
    assert found == [rule]
    s3.put_object(Bucket=bucket, Key="in/other.png", Body=b"x")
    s3.put_object(Bucket=bucket, Key="out.jpg", Body=b"x")
    put = s3.put_object(Bucket=bucket, Key="in/red flower+é.jpg", Body=b"hello")
    line = next(line for line in function.log_with("red+flower").splitlines() if "red+flower" in line)
    record = json.loads(line.split("got ", 1)[1])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("eventTime"))
    assert re.fullmatch(r"[0-9A-F]{18}", record["s3"]["object"].pop("sequencer"))
    headers = put["ResponseMetadata"]["HTTPHeaders"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{ACCOUNT}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {name: headers[name] for name in ("x-amz-request-id", "x-amz-id-2")},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "pictures",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": ACCOUNT}, "arn": bucket_arn(bucket)},
            "object": {"key": "in/red+flower%2B%C3%A9.jpg", "size": 5, "eTag": put["ETag"].strip('"')},
        },
    }
    text = "".join(event["message"] for event in function.log_events())
    assert "other.png" not in text and "out.jpg" not in text


def test_a_queue_is_told_of_all_that_happens(platform, s3, bucket):
    queue = Queue(platform, bucket)
    kinds = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*")
    configure(s3, bucket, queues=[to_queue(queue, *kinds)])
    (test,) = queue.receive()
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.copy_object(Bucket=bucket, Key="k2", CopySource=f"{bucket}/k")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k3")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k3", UploadId=upload, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k3", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "k2"}, {"Key": "absent"}]})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="v", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="v")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="v", VersionId=marker)
    records = queue.records(10)
    told = {(record["eventName"], record["s3"]["object"]["key"]) for record in records}
    assert told == {
        ("ObjectCreated:Put", "k"),
        ("ObjectCreated:Copy", "k2"),
        ("ObjectCreated:CompleteMultipartUpload", "k3"),
        ("ObjectTagging:Put", "k"),
        ("ObjectTagging:Delete", "k"),
        ("ObjectRemoved:Delete", "k"),
        ("ObjectRemoved:Delete", "k2"),
        ("ObjectCreated:Put", "v"),
        ("ObjectRemoved:DeleteMarkerCreated", "v"),
        ("ObjectRemoved:Delete", "v"),
    }
    of_versions = [record["s3"]["object"] for record in records if record["s3"]["object"]["key"] == "v"]
    assert [each["versionId"] for each in of_versions] == [version, marker, marker]
    assert [each["sequencer"] for each in of_versions] == sorted(each["sequencer"] for each in of_versions)
    tagged = [record for record in records if record["eventName"].startswith("ObjectTagging")]
    assert {record["eventVersion"] for record in tagged} == {"2.3"}


def test_a_topic_is_told_if_its_policy_lets_the_bucket(platform, s3, bucket):
    sns, queue, name = platform.client("sns"), Queue(platform), unique("topic")
    topic = sns.create_topic(Name=name)["TopicArn"]
    rules = [{"Id": "all", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]
    configuration = {"TopicConfigurations": rules}
    error = refused(s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=configuration)
    assert error["Message"] == "Unable to validate the following destination configurations"
    statement = allow("sns:Publish", topic, Principal={"Service": "s3.amazonaws.com"})
    statement["Condition"] = {"ArnLike": {"aws:SourceArn": bucket_arn(bucket)}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))
    statement = allow("sqs:SendMessage", queue.arn, Principal={"Service": "sns.amazonaws.com"})
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy(statement)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    (test,) = queue.receive()
    assert json.loads(test["Message"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    (told,) = queue.receive()
    assert told["Subject"] == "Amazon S3 Notification"
    (record,) = json.loads(told["Message"])["Records"]
    assert (record["eventName"], record["s3"]["configurationId"]) == ("ObjectCreated:Put", "all")


def queue_of_rule(platform, bucket):
    """What a rule for a bucket's events sends to."""
    events, name = platform.client("events"), unique("rule")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    queue = Queue(platform, rule=rule)
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue.arn}])
    return queue


BRIDGE = {"EventBridgeConfiguration": {}}


def test_a_bus_is_told_of_everything(platform, s3, bucket):
    queue = queue_of_rule(platform, bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=BRIDGE)
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    put = s3.put_object(Bucket=bucket, Key="in/red flower+é.jpg", Body=b"hello")
    (event,) = queue.receive()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event.pop("id") and re.fullmatch(r"[0-9A-F]{18}", event["detail"]["object"].pop("sequencer"))
    etag = put["ETag"].strip('"')
    assert event == {
        "version": "0",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [bucket_arn(bucket)],
        "detail": {
            "version": "0",
            "event-version": "1.0",
            "bucket": {"name": bucket},
            "object": {"key": "in/red flower+é.jpg", "size": 5, "etag": etag},
            "request-id": put["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"],
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            "reason": "PutObject",
        },
    }
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "in/red flower+é.jpg"})
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    marker = s3.delete_object(Bucket=bucket, Key="in/red flower+é.jpg")["VersionId"]
    events = queue.receive(5)

    def said(event):
        detail = event["detail"]
        members = sorted(detail["object"].keys() - {"key"})
        return event["detail-type"], detail.get("reason"), detail.get("deletion-type"), *members

    tagged = (None, None, "etag")
    assert sorted(map(said, events), key=str) == [
        ("Object Created", "CopyObject", None, "etag", "sequencer", "size"),
        ("Object Deleted", "DeleteObject", "Delete Marker Created", "etag", "sequencer", "version-id"),
        ("Object Deleted", "DeleteObject", "Permanently Deleted", "sequencer"),
        ("Object Tags Added", *tagged),
        ("Object Tags Deleted", *tagged),
    ]
    assert {event["detail"]["object"].get("version-id") for event in events} == {None, marker}


def test_a_bus_is_told_until_it_is_turned_off(platform, s3, bucket):
    """Rules of the bucket are kept to beside it."""
    told, queue = queue_of_rule(platform, bucket), Queue(platform, bucket)
    configuration = BRIDGE | {"QueueConfigurations": [to_queue(queue, "s3:ObjectCreated:*", prefix="in/")]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    queue.receive()
    s3.put_object(Bucket=bucket, Key="out/1", Body=b"x")
    s3.put_object(Bucket=bucket, Key="in/1", Body=b"x")
    assert {event["detail"]["object"]["key"] for event in told.receive(2)} == {"out/1", "in/1"}
    assert [record["s3"]["object"]["key"] for record in queue.records()] == ["in/1"]
    configure(s3, bucket)
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="quiet", Body=b"x")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=BRIDGE)
    s3.put_object(Bucket=bucket, Key="loud", Body=b"x")
    assert [event["detail"]["object"]["key"] for event in told.receive()] == ["loud"]


def test_who_did_it_is_told(platform, s3, bucket):
    queue, iam, user = Queue(platform, bucket), platform.client("iam"), unique("user")
    configure(s3, bucket, queues=[to_queue(queue, "s3:ObjectCreated:Put")], SkipDestinationValidation=True)
    made = iam.create_user(UserName=user)["User"]
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    platform.client("s3", key["AccessKeyId"], key["SecretAccessKey"]).put_object(Bucket=bucket, Key="k", Body=b"x")
    (record,) = queue.records()
    assert record["userIdentity"]["principalId"] == f"AWS:{made['UserId']}"


def test_configurations_that_aws_refuses(platform, s3, bucket):
    queue, closed = Queue(platform, bucket), Queue(platform)
    put, created = "s3:ObjectCreated:Put", "s3:ObjectCreated:*"
    for rules, code, message in [
        ([to_queue(queue, put), to_queue(queue, created)], "InvalidArgument", "Configurations overlap"),
        ([to_queue(queue, put, prefix="a"), to_queue(queue, created)], "InvalidArgument", "ambiguously defined"),
        ([to_queue(queue, put, id="a"), to_queue(queue, "s3:ObjectRemoved:*", id="a")], "InvalidArgument", "Same ID"),
        ([to_queue(queue, put, infix="a")], "InvalidArgument", "filter rule name"),
        ([to_queue(queue, "s3:ObjectMoved:*")], "InvalidArgument", "not supported for notifications"),
        ([{"QueueArn": "nothing", "Events": [put]}], "InvalidArgument", "could not be parsed"),
        ([{"QueueArn": queue.arn.replace(REGION, "eu-west-1"), "Events": [put]}], "InvalidArgument", "region"),
        ([to_queue(closed, put)], "InvalidArgument", "Unable to validate"),
    ]:
        error = refused(configure, s3, bucket, queues=rules)
        assert error["Code"] == code and message in error["Message"], error
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_no_more_is_told_when_nobody_wants_it(platform, s3, bucket):
    queue = Queue(platform, bucket)
    configure(s3, bucket, queues=[to_queue(queue, "s3:ObjectCreated:*")], SkipDestinationValidation=True)
    configure(s3, bucket)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="quiet", Body=b"x")
    configure(s3, bucket, queues=[to_queue(queue, "s3:ObjectCreated:*")], SkipDestinationValidation=True)
    s3.put_object(Bucket=bucket, Key="loud", Body=b"x")
    assert [record["s3"]["object"]["key"] for record in queue.records()] == ["loud"]


def test_a_target_that_lets_the_bucket_no_more_gets_nothing(platform, s3, bucket):
    """Whether a bucket may send is asked each time, not only when it is configured."""
    queue, other = Queue(platform, bucket), Queue(platform, bucket)
    rules = [to_queue(queue, "s3:ObjectCreated:*"), to_queue(other, "s3:ObjectRemoved:*")]
    configure(s3, bucket, queues=rules)
    queue.receive()
    other.receive()
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": ""})
    s3.put_object(Bucket=bucket, Key="secret", Body=b"x")
    wait_until(lambda: queue.arn in platform.log_tail(100_000), "the log says that it was not delivered")
    s3.delete_object(Bucket=bucket, Key="secret")
    other.records()
    counts = queue.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"])
    assert counts["Attributes"]["ApproximateNumberOfMessages"] == "0"


def test_a_loop_through_a_bucket_is_ended(platform, s3, bucket):
    function = platform.python(ECHO, role=platform.role(allow("s3:*"), allow("logs:*")), Timeout=30)
    permit(function, bucket)
    configure(s3, bucket, functions=[to_function(function, "s3:ObjectCreated:*", prefix="loop/")])
    s3.put_object(Bucket=bucket, Key="loop/first", Body=b"again")

    def hops():
        text = "".join(event["message"] for event in function.log_events())
        return sorted({int(hop) for hop in re.findall(r"round .*Lineage=1:\w+:(\d+)", text)})

    wait_until(lambda: hops() == list(range(16)), "the function was called sixteen times", 120)
    # Each call puts; what the last one put is told to nobody that would call it again.
    dropped = platform.client("cloudwatch")
    dimensions = [{"Name": "FunctionName", "Value": function.name}]

    def is_dropped():
        found = dropped.list_metrics(MetricName="RecursiveInvocationsDropped", Dimensions=dimensions)
        return found["Metrics"]

    wait_until(is_dropped, "the seventeenth was dropped", 60)
    assert hops() == list(range(16))


def put_all(s3, bucket, keys, acknowledged):
    """Puts until all are put or the server is gone."""
    for key in keys:
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        except (BotoCoreError, ClientError):
            return
        acknowledged.add(key)


def test_no_acknowledged_event_is_lost_when_the_server_is_killed(binary):
    platform = Platform().start()
    try:
        s3, bucket, acknowledged = platform.client("s3"), unique("bucket"), set()
        s3.create_bucket(Bucket=bucket)
        queue = Queue(platform, bucket)
        configure(s3, bucket, queues=[to_queue(queue, "s3:ObjectCreated:*")], SkipDestinationValidation=True)
        for number in range(3):
            before = len(acknowledged)
            names = [[f"{number}-{worker}-{n}" for n in range(100)] for worker in range(3)]
            workers = [
                threading.Thread(target=put_all, args=(platform.client("s3"), bucket, some, acknowledged))
                for some in names
            ]
            for worker in workers:
                worker.start()
            wait_until(lambda least=before + 60: len(acknowledged) >= least, "objects were put", 120)
            platform.kill()
            for worker in workers:
                worker.join(120)
            platform.start()
        queue.sqs, found = platform.client("sqs"), set()
        queue.url = queue.sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]

        def are_told():
            found.update(record["s3"]["object"]["key"] for record in queue.records())
            return acknowledged <= found

        wait_until(are_told, "all that was put was told", 180)
        there = {item["Key"] for page in pages(platform, bucket) for item in page["Contents"]}
        assert found <= there, "nothing is told that did not happen"
    finally:
        platform.stop()
        platform.discard()


def pages(platform, bucket):
    return platform.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
