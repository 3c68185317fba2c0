# SPDX-License-Identifier: Apache-2.0
"""What survives a loss of power: all that was acknowledged, of every service that keeps something.

The server works on a disk that forgets what nobody flushed (tests/plug.py). While clients of all services go on, the
plug is pulled again and again: each time the disk is copied as it would be left, and another server starts on the copy.
"""

import json
import os
import threading
import time

import plug
import pytest
from harness import ACCOUNT, POLL, PYTHON, REGION, ROLE, TRUST, Function, missing, policy, wait_until, zip_bytes
from topics import Queue, Topic

CUTS = int(os.environ.get("TINDERBOX_POWER_CUTS", "4"))
RAN = 'def handler(event, context):\n    print("ran", event["number"], flush=True)'
SMALL = ("--set", "s3.free_bytes_min=1048576")
AT = "arn:aws:{}:" + f"{REGION}:{ACCOUNT}:" + "{}"


@pytest.fixture
def disk(tmp_path):
    if reason := plug.why_not():
        missing(reason)
    disk = plug.Plugged(tmp_path, 192 << 20)
    yield disk
    disk.discard()


def test_the_plug_takes_what_was_not_flushed(disk, tmp_path):
    """A test of the disk: a program that does not flush does lose something."""
    flushed, written = disk.mount / "flushed", disk.mount / "written"
    with flushed.open("wb") as file:
        file.write(b"x" * 5000)
        os.fsync(file.fileno())
    written.write_bytes(b"y" * 5000)

    disk.cut(tmp_path / "image", seed=0)

    with plug.plugged_again(tmp_path / "image", tmp_path / "again") as again:
        assert (again / "flushed").read_bytes() == b"x" * 5000
        assert not (again / "written").exists()
    assert written.read_bytes() == b"y" * 5000


# -- what clients do: each call has a number, and is acknowledged when it returns ----------------------------------------


def create_function(platform, number):
    platform.client().create_function(
        FunctionName=f"function-{number}",
        Runtime=PYTHON,
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": zip_bytes({"index.py": RAN + f"\n# {number}"})},
    )


def invoke(platform, number):
    payload = json.dumps({"number": number}).encode()
    platform.client().invoke(FunctionName="asked", InvocationType="Event", Payload=payload)


def send(platform, number, queue="sent"):
    platform.client("sqs").send_message(QueueUrl=url(platform, queue), MessageBody=str(number))


def delete(platform, number):
    send(platform, number, "deleted")
    for message in receive(platform, "deleted"):
        platform.client("sqs").delete_message(QueueUrl=url(platform, "deleted"), ReceiptHandle=message["ReceiptHandle"])


def publish(platform, number):
    platform.client("sns").publish(TopicArn=AT.format("sns", "topic"), Message=str(number))


def put_event(platform, number):
    entry = {"Source": "told", "DetailType": "t", "Detail": json.dumps({"number": str(number)})}
    assert platform.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def put_object(platform, number):
    platform.client("s3").put_object(Bucket="bucket", Key=str(number), Body=content(number))


def overwrite_object(platform, number):
    platform.client("s3").put_object(Bucket="bucket", Key="same", Body=content(number))


def create_user(platform, number):
    platform.client("iam").create_user(UserName=f"user-{number}")


def create_schedule(platform, number):
    target = {"Arn": AT.format("sqs", "sent"), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/schedules"}
    platform.client("scheduler").create_schedule(
        Name=f"schedule-{number}",
        ScheduleExpression="at(2099-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )


def put_line(platform, number):
    line = {"timestamp": int(time.time() * 1000), "message": str(number)}
    platform.client("logs").put_log_events(logGroupName="group", logStreamName="stream", logEvents=[line])


# -- what is there afterwards: the numbers that each of them left ----------------------------------------------------------


def functions(platform, told):
    active = platform.client().get_waiter("function_active_v2")
    for last in told[-2:]:
        active.wait(FunctionName=f"function-{last}", WaiterConfig=POLL)
        Function(platform, f"function-{last}").invoke({"number": last}).value()
    pages = platform.client().get_paginator("list_functions").paginate()
    return numbers("function-", [function["FunctionName"] for page in pages for function in page["Functions"]])


def messages(queue):
    def found(platform, told):
        bodies = set()

        def all_there():
            bodies.update(number(message["Body"]) for message in receive(platform, queue))
            return bodies.issuperset(told)

        wait_until(all_there, f"all messages of {queue} came", 60)
        return bodies

    return found


def number(body):
    """Of a message, or of the record of an invocation that ended."""
    said = json.loads(body)
    return said["requestPayload"]["number"] if isinstance(said, dict) else int(said)


def not_deleted(platform, told):
    back = {int(message["Body"]) for message in receive(platform, "deleted")}
    return set(told) - back


def objects(platform, told):
    s3 = platform.client("s3")
    for key in told:
        assert s3.get_object(Bucket="bucket", Key=str(key))["Body"].read() == content(key)
    return told


def same_object(platform, told):
    """The last that was told, or a later one whose answer was on its way: whole in any case."""
    if not told:
        return told
    body = platform.client("s3").get_object(Bucket="bucket", Key="same")["Body"].read()
    found = int(body.split()[0])
    assert body == content(found) and found >= told[-1]
    return told


def users(platform, told):
    pages = platform.client("iam").get_paginator("list_users").paginate()
    return numbers("user-", [user["UserName"] for page in pages for user in page["Users"]])


def schedules(platform, told):
    pages = platform.client("scheduler").get_paginator("list_schedules").paginate()
    return numbers("schedule-", [schedule["Name"] for page in pages for schedule in page["Schedules"]])


def lines(platform, told):
    pages = platform.client("logs").get_paginator("filter_log_events").paginate(logGroupName="group")
    return {int(event["message"]) for page in pages for event in page["events"]}


def url(platform, queue):
    return f"{platform.endpoint}/{ACCOUNT}/{queue}"


def receive(platform, queue):
    asked = {"QueueUrl": url(platform, queue), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
    return platform.client("sqs").receive_message(**asked).get("Messages", [])


def content(number):
    """Of a size that is kept in the store, or in a file."""
    return f"{number} ".encode() * (20, 5_000, 20_000)[number % 3]


def numbers(stem, names):
    return {int(name.removeprefix(stem)) for name in names if name.startswith(stem)}


CLIENTS = {
    create_function: functions,
    invoke: messages("from-function"),
    send: messages("sent"),
    delete: not_deleted,
    publish: messages("from-topic"),
    put_event: messages("from-bus"),
    put_object: objects,
    overwrite_object: same_object,
    create_user: users,
    create_schedule: schedules,
    put_line: lines,
}


def prepare(platform):
    platform.client("s3").create_bucket(Bucket="bucket")
    platform.client("logs").create_log_group(logGroupName="group")
    platform.client("logs").create_log_stream(logGroupName="group", logStreamName="stream")
    Queue(platform, "sent")
    Queue(platform, "deleted", VisibilityTimeout="0")
    from_function, from_topic, from_bus = (Queue(platform, f"from-{sender}") for sender in ("function", "topic", "bus"))
    platform.python(RAN, name="asked", role=platform.sending_role())
    ends_at = {"OnSuccess": {"Destination": from_function.arn}}
    platform.client().put_function_event_invoke_config(FunctionName="asked", DestinationConfig=ends_at)
    Topic(platform, "topic").subscribe("sqs", from_topic.arn, RawMessageDelivery="true")
    send_from_bus(platform, from_bus)
    trust = policy({**TRUST, "Principal": {"Service": "scheduler.amazonaws.com"}})
    platform.client("iam").create_role(RoleName="schedules", AssumeRolePolicyDocument=trust)


def send_from_bus(platform, queue):
    events = platform.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["told"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "queue", "Arn": queue.arn, "InputPath": "$.detail.number"}])
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
    }
    platform.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy(statement)})


class Clients:
    """One of each kind, who make some calls at each cut. What was told to them is the number of those that returned."""

    def __init__(self, platform):
        self.platform = platform
        self.told = dict.fromkeys(CLIENTS, 0)
        self.failed = []
        self.is_ending = False
        self.calls_left = {call: threading.Semaphore(0) for call in CLIENTS}
        self.threads = [threading.Thread(target=self._go_on, args=(call,)) for call in CLIENTS]
        for thread in self.threads:
            thread.start()

    def _go_on(self, call):
        try:
            while self.calls_left[call].acquire() and not self.is_ending:
                call(self.platform, self.told[call])
                self.told[call] += 1
        except Exception as error:
            self.failed.append((call.__name__, error))
            raise

    def wait_for_more(self):
        before = dict(self.told)
        self._let_call(20)
        all_went_on = lambda: self.failed or all(self.told[call] > before[call] for call in CLIENTS)  # noqa: E731
        wait_until(all_went_on, "every client was told something", 60)
        assert not self.failed

    def _let_call(self, count):
        for left in self.calls_left.values():
            left.release(count)

    def end(self):
        self.is_ending = True
        self._let_call(1)
        for thread in self.threads:
            thread.join()


@pytest.mark.timeout(600)
def test_what_was_acknowledged_survives_a_loss_of_power(new_platform, disk, tmp_path):
    platform = new_platform(*SMALL, data_dir=disk.mount / "data").start()
    prepare(platform)
    clients = Clients(platform)
    try:
        for seed in range(CUTS):
            clients.wait_for_more()
            told = {call: list(range(count)) for call, count in clients.told.items()}
            # A file of its own for each: a sandbox that began meanwhile may hold on to the mount of the last one.
            image = tmp_path / f"image-{seed}"
            disk.cut(image, seed)
            with plug.plugged_again(image, tmp_path / "again") as again:
                check(new_platform(*SMALL, data_dir=again / "data"), told, seed)
            image.unlink()
    finally:
        clients.end()
        platform.stop()


def check(platform, told, seed):
    platform.start()
    try:
        for call, found in CLIENTS.items():
            lost = set(told[call]) - set(found(platform, told[call]))
            assert not lost, f"cut {seed}: {call.__name__}: lost {sorted(lost)} of {len(told[call])}"
    finally:
        platform.kill()
