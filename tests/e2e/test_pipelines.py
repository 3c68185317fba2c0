# SPDX-License-Identifier: Apache-2.0
"""The examples that are pipelines: deployed by their own scripts, used as their READMEs say, and broken as users break them."""

import base64
import contextlib
import datetime
import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from harness import REGION, ROOT, Function, Reply, allow, clean_environment, policy, size_of_jpeg, wait_until

LONG = 90


pytestmark = pytest.mark.usefixtures("sdks")


class Example:
    """One folder of `examples`, deployed by the script that its README names."""

    def __init__(self, platform, name, script, tell_timing):
        self.platform, self.name, self.tell_timing = platform, name, tell_timing
        self.began = time.monotonic()
        environment = {
            **clean_environment(),
            "AWS_ENDPOINT_URL": platform.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "HOME": str(platform.home),
            # The interpreter and the AWS CLI of the tests.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            [ROOT / "examples" / name / script], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        self.made = dict(line.split("=", 1) for line in done.stdout.splitlines())
        self.took("deployed")

    def __getitem__(self, name):
        return self.made[name]

    def took(self, what):
        """Notes what is told at the end of a test run."""
        now = time.monotonic()
        self.tell_timing(f"{self.name}: {what} after {now - self.began:.1f} s")
        self.began = now

    def request(self, method, path="/", body=None):
        """A request to its function URL, by the name in it, wherever such names lead."""
        url = urlsplit(self["URL"])
        connection = http.client.HTTPConnection(self.platform.address, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Host": url.netloc, "Content-Type": "application/json"})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())

    def log(self, function):
        return "".join(event["message"] for event in Function(self.platform, function).log_events())

    def objects(self, bucket):
        """What is in a bucket, by key."""
        client = self.platform.client("s3")
        found = client.list_objects_v2(Bucket=self[bucket]).get("Contents", [])
        return {one["Key"]: client.get_object(Bucket=self[bucket], Key=one["Key"])["Body"].read() for one in found}

    def waiting(self, queue):
        """How many messages there are in a queue: visible, in flight and delayed."""
        names = [f"ApproximateNumberOfMessages{name}" for name in ("", "NotVisible", "Delayed")]
        client = self.platform.client("sqs")
        found = client.get_queue_attributes(QueueUrl=self[queue], AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.mark.timeout(400)
def test_order_pipeline(platform, tell_timing):
    example = Example(platform, "order-pipeline", "deploy.py", tell_timing)

    def order(customer, number, **items):
        body = {"id": f"{customer}-{number}", "customer": customer, "items": items}
        return example.request("POST", body=json.dumps(body))

    # What is no order is refused at the door.
    assert example.request("GET").status == 405
    assert example.request("POST", body="no JSON").status == 400
    assert order("ana", "x", candle=0).json() == {"error": "of each article there must be 1 to 1000"}

    # Of three customers, one asks for what nobody sells, and goes on to order.
    for number in range(1, 6):
        for customer in ("ana", "ben", "eve"):
            items = {"dragon": 1} if (customer, number) == ("ben", 2) else {"candle": number}
            answer = order(customer, number, **items)
            assert (answer.status, answer.json()["order"]) == (202, f"{customer}-{number}")
    assert order("eve", 6, **{"gift-card": 1}).status == 202
    # A client that was not sure tries again.
    assert order("eve", 6, **{"gift-card": 1}).status == 202
    example.took("17 orders taken")

    expected = {f"{customer}-{number}" for customer in ("ana", "ben", "eve") for number in range(1, 6)}
    expected = expected - {"ben-2"} | {"eve-6"}
    invoiced = lambda: {json.loads(invoice)["id"] for invoice in example.objects("BUCKET").values()}  # noqa: E731
    wait_until(lambda: invoiced() == expected, "every order that can be priced has its invoice", LONG)
    wait_until(lambda: example.waiting("ORDERS") == 0, "no order waits", LONG)
    example.took("16 invoices written")
    assert json.loads(example.objects("BUCKET")["ana/ana-3.json"])["total"] == "10.50 EUR"

    # What has no price is among the dead letters, alone, and was tried as often as the queue says.
    assert example.waiting("DEAD") == 1
    dead = platform.client("sqs").receive_message(QueueUrl=example["DEAD"], WaitTimeSeconds=10)["Messages"]
    assert [json.loads(message["Body"])["id"] for message in dead] == ["ben-2"]
    pricing = example.log("order-pricing")
    tries = re.findall(r"failed ben ben-2 on try (\d) of 3: no such article: dragon", pricing)
    assert tries == ["1", "2", "3"]

    # Each customer's orders were priced in their order, each once; what was behind the failed one came after it.
    told = re.findall(r"(?:priced|failed) (\w+) (\S+)", pricing)
    for customer in ("ana", "ben", "eve"):
        once = dict.fromkeys(order for who, order in told if who == customer)
        assert list(once) == [f"{customer}-{number}" for number in range(1, 7 if customer == "eve" else 6)]
    assert len(told) == len(expected) + len(tries)

    # The gift card goes by mail: whoever ships parcels was not told of it.
    shipped = lambda: set(re.findall(r"parcel for \w+, order (\S+):", example.log("order-shipping")))  # noqa: E731
    wait_until(lambda: shipped() == expected - {"eve-6"}, "every parcel has its label", LONG)
    example.took("15 parcels labelled")


@pytest.mark.timeout(400)
def test_log_alert(platform, tell_timing):
    example = Example(platform, "log-alert", "deploy.sh", tell_timing)
    client, sqs = platform.client(), platform.client("sqs")

    def sell(**sale):
        answer = client.invoke(FunctionName="checkout", Payload=json.dumps(sale))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    # The README's four sales: one that goes well, and one for each way to fail.
    assert sell(article="candle", count=1) == (None, {"sold": 1})
    assert sell(article="dragon", count=1) == (None, {"sold": 0})
    assert sell(article="lamp", count=7)[1]["errorMessage"] == "only 2 of lamp are left"
    assert "Task timed out" in sell(article="lamp", count=1, pay_by="cheque")[1]["errorMessage"]
    example.took("4 checkouts, a timeout of 3 s among them,")

    expected = ["no such article: dragon", "RuntimeError: only 2 of lamp are left", "Task timed out after 3.00 seconds"]
    alerts = {}

    def all_are_told():
        for message in sqs.receive_message(QueueUrl=example["INBOX"], WaitTimeSeconds=1).get("Messages", []):
            alert = json.loads(message["Body"])
            alerts[alert["MessageId"]] = alert
        texts = "\n".join(alert["Message"] for alert in alerts.values())
        return all(text in texts for text in expected)

    wait_until(all_are_told, "an alert for each trouble is in the queue", LONG)
    example.took("3 troubles told")
    streams = {event["logStreamName"] for event in Function(platform, "checkout").log_events()}
    for alert in alerts.values():
        assert re.fullmatch(r"\d+ x trouble in /aws/lambda/checkout", alert["Subject"])
        lines, place = alert["Message"].split("\n\n")
        assert all(re.fullmatch(r"\d\d:\d\d:\d\d  .+", line) for line in lines.splitlines())
        assert place.splitlines()[0] == "log group:  /aws/lambda/checkout"
        assert place.splitlines()[1].removeprefix("log stream: ") in streams
        # What goes well is told to nobody.
        assert "sold" not in alert["Message"]

    # No group may call a function whose policy does not let it.
    client.remove_permission(FunctionName="alert", StatementId="logs")
    with pytest.raises(ClientError) as refused:
        platform.client("logs").put_subscription_filter(
            logGroupName="/aws/lambda/checkout",
            filterName="trouble",
            filterPattern="",
            destinationArn=Function(platform, "alert").arn,
        )
    assert "Could not execute the lambda function" in str(refused.value)


@pytest.mark.timeout(400)
def test_image_resize(platform, tell_timing):
    example = Example(platform, "image-resize", "deploy.py", tell_timing)
    s3, sqs = platform.client("s3"), platform.client("sqs")
    photo = base64.b64decode(json.loads((ROOT / "examples/thumbnail/event.json").read_text())["image"])

    s3.put_object(Bucket=example["PHOTOS"], Key="my cats/cat 1+2.jpg", Body=photo)
    thumbnail = "128x128/my cats/cat 1+2.jpg"
    wait_until(lambda: thumbnail in example.objects("THUMBNAILS"), "the photo has its thumbnail", LONG)
    example.took("a thumbnail made")
    assert size_of_jpeg(example.objects("THUMBNAILS")[thumbnail]) == (128, 128)

    # Made when it is asked for first, kept from then on, and the same.
    path = "/320x200/my%20cats/cat%201%2B2.jpg"
    made, kept = example.request("GET", path), example.request("GET", path)
    assert (made.status, made.headers["content-type"], made.headers["x-cache"]) == (200, "image/jpeg", "miss")
    assert (kept.status, kept.headers["content-type"], kept.headers["x-cache"]) == (200, "image/jpeg", "hit")
    assert size_of_jpeg(made.body) == (320, 200) and kept.body == made.body
    assert set(example.objects("THUMBNAILS")) == {thumbnail, "320x200/my cats/cat 1+2.jpg"}
    example.took("two requests answered")

    # What is no photo ends where the function's failures go, and is refused where it is asked for.
    s3.put_object(Bucket=example["PHOTOS"], Key="fake.jpg", Body=b"not a photo")
    messages = wait_until(
        lambda: sqs.receive_message(QueueUrl=example["FAILED"], WaitTimeSeconds=1).get("Messages"),
        "the failure is told",
        LONG,
    )
    record = json.loads(messages[0]["Body"])
    assert record["responsePayload"]["errorType"] == "NoPicture"
    assert record["requestPayload"]["Records"][0]["s3"]["object"]["key"] == "fake.jpg"
    assert (record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"]) == (
        "RetriesExhausted",
        1,
    )
    example.took("a failure told")
    for path, status in (("/320x200/fake.jpg", 415), ("/320x200/dog.jpg", 404), ("/7x7/a.jpg", 403), ("/a.jpg", 404)):
        assert example.request("GET", path).status == status, path
    assert len(example.objects("THUMBNAILS")) == 2
    assert example.waiting("FAILED") == 1, "nothing that was made came back as an upload"


@pytest.mark.timeout(400)
def test_nightly_report(platform, tell_timing):
    example = Example(platform, "nightly-report", "deploy.py", tell_timing)
    scheduler, sqs, iam = (platform.client(name) for name in ("scheduler", "sqs", "iam"))
    nightly = scheduler.get_schedule(Name="nightly-report")
    assert (nightly["ScheduleExpression"], nightly["ScheduleExpressionTimezone"]) == (
        "cron(0 2 * * ? *)",
        "Europe/Berlin",
    )

    def soon(name):
        """Has the same target called once, in a moment. Returns when that was due."""
        while True:
            due = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=3)
            scheduler.create_schedule(
                Name=name,
                ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target=nightly["Target"],
            )
            if datetime.datetime.now(datetime.timezone.utc) < due:
                return due
            # It may have been made after it was due: then it never is.
            with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
                scheduler.delete_schedule(Name=name)

    # Something to report: three invocations, one of which fails, once CloudWatch knows of them.
    worker = platform.python("def handler(event, context): return 1 / event")
    for event in (1, 2, 0):
        worker.invoke(event)
    wait_until(lambda: invocations(worker) == 3, "CloudWatch has counted the invocations", LONG)

    due = soon("soon")
    key = f"{due:%Y/%m/%Y-%m-%d}.csv"
    reports = wait_until(lambda: example.objects("BUCKET"), "there is a report", LONG)
    example.took("a report written, 3 s of it waiting,")
    rows = [line.split(",") for line in reports[key].decode().splitlines()]
    assert rows[0] == ["function", "Invocations", "Errors", "Throttles", "Duration"]
    assert [row[:4] for row in rows if row[0] == worker.name] == [[worker.name, "3", "1", "0"]]
    wait_until(lambda: "soon" not in schedules(scheduler), "the second schedule has deleted itself", LONG)

    # The role that the scheduler calls the function as may not any more.
    role = "nightly-report-schedule"
    iam.delete_role_policy(RoleName=role, PolicyName="least-privilege")
    iam.put_role_policy(RoleName=role, PolicyName="dead", PolicyDocument=policy(allow("sqs:SendMessage")))
    due = soon("too-late")
    messages = wait_until(
        lambda: sqs.receive_message(QueueUrl=example["MISSED"], WaitTimeSeconds=1, MessageAttributeNames=["All"]).get(
            "Messages"
        ),
        "what could not be asked for is told",
        LONG,
    )
    assert json.loads(messages[0]["Body"]) == {"until": f"{due:%Y-%m-%dT%H:%M:%S}Z"}
    assert messages[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDeniedException"
    example.took("a failure told, 3 s of it waiting,")


def invocations(function):
    """How many CloudWatch knows of."""
    now = datetime.datetime.now(datetime.timezone.utc)
    points = function.platform.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[{"Name": "FunctionName", "Value": function.name}],
        Period=3600,
        Statistics=["Sum"],
        StartTime=now - datetime.timedelta(hours=1),
        EndTime=now + datetime.timedelta(hours=1),
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def schedules(scheduler):
    return [schedule["Name"] for schedule in scheduler.list_schedules()["Schedules"]]
