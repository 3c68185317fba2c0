# SPDX-License-Identifier: Apache-2.0
"""Amazon SQS, by AWS's own client: queues, messages, order, dead letters, and what a killed server still has."""

import hashlib
import json
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness import ACCOUNT, REGION, Platform, unique, wait_until

FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


@pytest.fixture(scope="module")
def sqs(platform):
    return platform.client("sqs")


def make(sqs, attributes=None, suffix="", **arguments):
    return sqs.create_queue(QueueName=unique("q") + suffix, Attributes=attributes or {}, **arguments)["QueueUrl"]


def arn(url):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rsplit('/', 1)[1]}"


def receive(sqs, url, count=1, wait=20, **arguments):
    """So many messages, as soon as they are there."""
    found = []
    while len(found) < count:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=min(10, count - len(found)), WaitTimeSeconds=wait, **arguments
        )
        if not answer.get("Messages"):
            break
        found.extend(answer["Messages"])
    return found


def bodies(messages):
    return [message["Body"] for message in messages]


def counts(sqs, url):
    names = ["", "NotVisible", "Delayed"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return [int(told["ApproximateNumberOfMessages" + name]) for name in names]


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    assert raised.value.response["Error"]["Code"] == code, raised.value
    return raised.value.response["Error"]["Message"]


def test_a_queue_and_its_attributes(sqs, platform):
    url = make(sqs, {"VisibilityTimeout": "5"}, tags={"team": "a"})
    name = url.rsplit("/", 1)[1]
    assert url == f"{platform.endpoint}/{ACCOUNT}/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (told["VisibilityTimeout"], told["QueueArn"], told["MaximumMessageSize"]) == ("5", arn(url), "1048576")
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"] == url
    message = refused("QueueAlreadyExists", sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "6"})
    assert "different value for attribute VisibilityTimeout" in message
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"] == "1"
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a"}
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    sqs.delete_queue(QueueUrl=url)
    refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName=name)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url, MessageBody="x")


def test_the_query_protocol_of_older_clients(platform):
    form = {"content-type": "application/x-www-form-urlencoded"}
    name = unique("q")

    def ask(text):
        return platform.call("POST", "/", f"Version=2012-11-05&{text}", form, service="sqs")

    made = ask(f"Action=CreateQueue&QueueName={name}&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=7")
    assert made.status == 200 and f"/{ACCOUNT}/{name}</QueueUrl>".encode() in made.body
    url = f"{platform.endpoint}/{ACCOUNT}/{name}"
    sent = ask(
        f"Action=SendMessage&QueueUrl={url}&MessageBody=a%26b&MessageAttribute.1.Name=k"
        "&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v"
    )
    assert hashlib.md5(b"a&b").hexdigest().encode() in sent.body
    got = ask(f"Action=ReceiveMessage&QueueUrl={url}&AttributeName.1=All&MessageAttributeName.1=All")
    assert b"<Message><MessageId>" in got.body and b"<Body>a&amp;b</Body>" in got.body
    assert b"<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>" in got.body
    assert b"<MessageAttribute><Name>k</Name><Value><StringValue>v</StringValue>" in got.body
    told = ask(f"Action=GetQueueAttributes&QueueUrl={url}&AttributeName.1=VisibilityTimeout")
    assert b"<Attribute><Name>VisibilityTimeout</Name><Value>7</Value></Attribute>" in told.body
    absent = ask("Action=GetQueueUrl&QueueName=absent")
    assert (absent.status, b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in absent.body) == (400, True)


def test_a_message_and_what_is_told_of_it(sqs):
    url = make(sqs)
    attributes = {
        "text": {"DataType": "String", "StringValue": "ü"},
        "bytes": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"},
        "number": {"DataType": "Number", "StringValue": "1.5"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    # The client compares the sums of what it sent, and fails if they differ.
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="héllo", MessageAttributes=attributes, MessageSystemAttributes=trace
    )
    (got,) = receive(sqs, url, MessageAttributeNames=["All"], AttributeNames=["All"])
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "héllo")
    assert {
        name: value.get("StringValue", value.get("BinaryValue")) for name, value in got["MessageAttributes"].items()
    } == {
        "text": "ü",
        "bytes": b"\x00\xff",
        "number": "1.5",
    }
    system = got["Attributes"]
    assert (system["ApproximateReceiveCount"], system["AWSTraceHeader"][:5]) == ("1", "Root=")
    assert int(system["SentTimestamp"]) <= int(system["ApproximateFirstReceiveTimestamp"])
    assert counts(sqs, url) == [0, 1, 0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert counts(sqs, url) == [0, 0, 0]


def test_who_waits_is_woken(sqs, platform):
    url = make(sqs)
    found = []
    waits = [threading.Thread(target=lambda: found.extend(receive(platform.client("sqs"), url))) for _ in range(3)]
    for wait in waits:
        wait.start()
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    for wait in waits:
        wait.join(60)
    assert sorted(bodies(found)) == ["0", "1", "2"]


def test_what_was_received_is_hidden_and_comes_back(sqs):
    url = make(sqs, {"VisibilityTimeout": "1"})
    sqs.send_message(QueueUrl=url, MessageBody="again")
    (first,) = receive(sqs, url)
    (second,) = receive(sqs, url, VisibilityTimeout=600)
    assert second["MessageId"] == first["MessageId"] and second["ReceiptHandle"] != first["ReceiptHandle"]
    # A handle of an earlier receipt does nothing.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    refused(
        "AWS.SimpleQueueService.MessageNotInflight",
        sqs.change_message_visibility,
        QueueUrl=url,
        ReceiptHandle=first["ReceiptHandle"],
        VisibilityTimeout=5,
    )
    assert counts(sqs, url) == [0, 1, 0]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    (third,) = receive(sqs, url, VisibilityTimeout=600, AttributeNames=["ApproximateReceiveCount"])
    assert third["Attributes"] == {"ApproximateReceiveCount": "3"}


def test_what_is_delayed_comes_later(sqs):
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=600)
    assert counts(sqs, url) == [0, 0, 1]
    sqs.send_message(QueueUrl=url, MessageBody="soon", DelaySeconds=1)
    assert bodies(receive(sqs, url)) == ["soon"]


def test_ten_at_once(sqs):
    url = make(sqs)
    entries = [{"Id": str(number), "MessageBody": f"m{number}"} for number in range(9)]
    entries.append({"Id": "bad", "MessageBody": "\x0c"})
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == [str(number) for number in range(9)]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in sent["Failed"]] == [
        ("bad", "InvalidMessageContents", True)
    ]
    found = receive(sqs, url, 9, VisibilityTimeout=600)
    assert sorted(bodies(found)) == [f"m{number}" for number in range(9)]
    handles = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(found)]
    sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{**handle, "VisibilityTimeout": 700} for handle in handles]
    )
    gone = sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "x", "ReceiptHandle": "nonsense"}])
    assert (len(gone["Successful"]), [entry["Code"] for entry in gone["Failed"]]) == (9, ["ReceiptHandleIsInvalid"])
    assert counts(sqs, url) == [0, 0, 0]
    for code, entries in [
        ("AWS.SimpleQueueService.EmptyBatchRequest", []),
        ("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", handles[:1] * 11),
        ("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", handles[:1] * 2),
    ]:
        refused(code, sqs.delete_message_batch, QueueUrl=url, Entries=entries)


def test_a_group_is_in_order_and_one_batch_of_it_is_out(sqs):
    url = make(sqs, FIFO | {"VisibilityTimeout": "600"}, ".fifo")
    sent = [
        sqs.send_message(QueueUrl=url, MessageBody=f"{group}{number}", MessageGroupId=group)
        for number in range(3)
        for group in "ab"
    ]
    sequence = [int(message["SequenceNumber"]) for message in sent]
    assert sequence == sorted(set(sequence))
    first = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]
    assert bodies(first) == ["a0", "a1"]
    second = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert bodies(second) == ["b0", "b1", "b2"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first[1]["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(sqs, url, 2)) == ["a1", "a2"]


def test_the_same_message_twice_is_one(sqs):
    url = make(sqs, FIFO, ".fifo")
    send = {"QueueUrl": url, "MessageGroupId": "g"}
    first = sqs.send_message(**send, MessageBody="x")
    again = sqs.send_message(**send, MessageBody="x")
    assert (first["MessageId"], first["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    sqs.send_message(**send, MessageBody="x", MessageDeduplicationId="other")
    assert counts(sqs, url)[0] == 2
    plain = make(sqs, {"FifoQueue": "true"}, ".fifo")
    refused("InvalidParameterValue", sqs.send_message, QueueUrl=plain, MessageBody="x", MessageGroupId="g")
    refused("MissingParameter", sqs.send_message, QueueUrl=plain, MessageBody="x", MessageDeduplicationId="d")


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_what_fails_too_often_goes_to_the_dead_letters_and_back(sqs, suffix):
    kind = FIFO if suffix else {}
    group = {"MessageGroupId": "g"} if suffix else {}
    dead = make(sqs, kind, suffix)
    policy = {"deadLetterTargetArn": arn(dead), "maxReceiveCount": 2}
    url = make(sqs, kind | {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"}, suffix)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison", **group)
    assert [bodies(receive(sqs, url)) for _ in range(2)] == [["poison"]] * 2
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert (counts(sqs, url), counts(sqs, dead)) == ([0, 0, 0], [1, 0, 0])
    (letter,) = receive(sqs, dead, AttributeNames=["All"], VisibilityTimeout=0)
    assert letter["MessageId"] == sent["MessageId"]
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn(url)
    task = sqs.start_message_move_task(SourceArn=arn(dead))["TaskHandle"]
    wait_until(lambda: counts(sqs, url)[0] == 1, "the letter is back")

    def ended():
        (told,) = sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"]
        return told if told["Status"] != "RUNNING" else None

    told = wait_until(ended, "the task has ended")
    assert (told["Status"], told["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    refused("AWS.SimpleQueueService.UnsupportedOperation", sqs.cancel_message_move_task, TaskHandle=task)


def test_policies_and_permissions(sqs):
    url = make(sqs)
    sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert policy["Statement"][0]["Action"] == "SQS:SendMessage"
    sqs.remove_permission(QueueUrl=url, Label="one")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    refused("InvalidParameterValue", sqs.remove_permission, QueueUrl=url, Label="one")


def test_a_purged_queue_is_empty(sqs):
    url = make(sqs)
    for number in range(5):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == [0, 0, 0]
    refused("AWS.SimpleQueueService.PurgeQueueInProgress", sqs.purge_queue, QueueUrl=url)


def test_what_is_wrong_is_said_in_aws_words(sqs):
    url = make(sqs)
    large = "x" * 1_048_577
    for code, call, arguments in [
        ("InvalidParameterValue", sqs.create_queue, {"QueueName": "a b"}),
        ("InvalidParameterValue", sqs.create_queue, {"QueueName": "a.fifo"}),
        ("InvalidAttributeName", sqs.create_queue, {"QueueName": "a", "Attributes": {"Colour": "red"}}),
        ("InvalidAttributeValue", sqs.create_queue, {"QueueName": "a", "Attributes": {"DelaySeconds": "901"}}),
        ("InvalidParameterValue", sqs.send_message, {"QueueUrl": url, "MessageBody": large}),
        ("MissingParameter", sqs.send_message, {"QueueUrl": url, "MessageBody": ""}),
        ("InvalidParameterValue", sqs.receive_message, {"QueueUrl": url, "MaxNumberOfMessages": 11}),
        ("ReceiptHandleIsInvalid", sqs.delete_message, {"QueueUrl": url, "ReceiptHandle": "x"}),
        ("InvalidAddress", sqs.receive_message, {"QueueUrl": "nowhere"}),
    ]:
        refused(code, call, **arguments)
    sqs.send_message(QueueUrl=url, MessageBody=large[1:])
    assert len(receive(sqs, url)[0]["Body"]) == 1_048_576


def test_queues_take_dead_letters_and_records_of_functions(sqs, platform):
    letters, records = make(sqs), make(sqs)
    source = "def handler(event, context):\n    if event['fail']: raise RuntimeError('told to')\n    return 'ok'"
    role = platform.sending_role()
    function = platform.python(source, role=role, DeadLetterConfig={"TargetArn": arn(letters)})
    platform.client().put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": arn(records)}, "OnFailure": {"Destination": arn(records)}},
    )
    for fail in [False, True]:
        payload = json.dumps({"fail": fail}).encode()
        answer = platform.client().invoke(FunctionName=function.name, InvocationType="Event", Payload=payload)
        (record,) = receive(sqs, records, VisibilityTimeout=600)
        told = json.loads(record["Body"])
        assert told["requestPayload"] == {"fail": fail}
        assert told["requestContext"]["condition"] == ("RetriesExhausted" if fail else "Success")
    (letter,) = receive(sqs, letters, MessageAttributeNames=["All"])
    assert json.loads(letter["Body"]) == {"fail": True}
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "told to"}


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(binary):
    """Senders and deleters go on while the server is killed: what was sent is there, what was deleted is not."""
    platform = Platform().start()
    try:
        url = make(platform.client("sqs"))
        name = url.rsplit("/", 1)[1]
        acknowledged, deleted, begun = set(), set(), set()
        for round_number in range(3):
            sqs = platform.client("sqs")
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            before = len(acknowledged)

            def send(sqs, url, worker, round_number=round_number):
                number = 0
                try:
                    while True:
                        body = f"{round_number}-{worker}-{number}"
                        sqs.send_message(QueueUrl=url, MessageBody=body)
                        acknowledged.add(body)
                        number += 1
                except (BotoCoreError, ClientError):
                    return

            def delete(sqs, url):
                try:
                    while True:
                        for message in receive(sqs, url, wait=1):
                            begun.add(message["Body"])
                            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                            deleted.add(message["Body"])
                except (BotoCoreError, ClientError):
                    return

            workers = [threading.Thread(target=send, args=(sqs, url, worker)) for worker in range(4)]
            workers.append(threading.Thread(target=delete, args=(sqs, url)))
            for worker in workers:
                worker.start()
            wait_until(lambda before=before: len(acknowledged) > before + 20, "some were sent")
            platform.kill()
            for worker in workers:
                worker.join(120)
            platform.start()
        sqs = platform.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        left = set(bodies(receive(sqs, url, 100_000, wait=1, VisibilityTimeout=600)))
        assert acknowledged - left - begun == set()
        assert left & deleted == set()
        assert len(acknowledged) > 60
    finally:
        platform.stop()
        platform.discard()
