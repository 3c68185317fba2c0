# SPDX-License-Identifier: Apache-2.0
"""Queues and their mappings to functions: how soon, how many, and what is left after crashes."""

import concurrent.futures
import contextlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import tempfile
import time
import urllib.parse
import zipfile
from pathlib import Path

import targets

BATCH = 10
SENDERS = 8
KILLS = 5
# When it was sent stands in the message, or is the name of the object.
TELL = """
import time
def handler(event, context):
    now = time.time_ns()
    for record in event["Records"]:
        sent = record["s3"]["object"]["key"] if "s3" in record else record["body"]
        print("started after", now - int(sent), "ns", flush=True)
"""
NOTHING = "def handler(event, context): return None"
FORWARD = (targets.HERE / "functions/forward/index.py").read_text()
# One batch of a hundred.
FAIL = """
import random
forward = handler
def handler(event, context):
    if random.random() < 0.01:
        raise RuntimeError("at random")
    forward(event, context)
"""
# How long messages are hidden whose function or server died, and how long a function may take.
CRASHED_SECONDS = 10
POLICY = {"Statement": [{"Effect": "Allow", "Action": ["sqs:*", "logs:*"], "Resource": "*"}]}


class Client:
    """One connection to a server."""

    def __init__(self, target):
        self.target = target
        self.socket = socket.create_connection(("127.0.0.1", target.port), targets.READY_TIMEOUT_S)

    def send(self, request):
        self.socket.sendall(request)
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        answer = response.read()
        if response.status // 100 != 2:
            raise RuntimeError(f"{response.status}: {answer[:300]}")
        return answer

    def sqs(self, operation, **document):
        body = json.dumps(document).encode()
        return json.loads(self.send(sqs_request(self.target, operation, body)) or b"{}")

    def sns(self, operation, answers=None, **members):
        """The text of one element of the answer."""
        answer = self.send(sns_request(self.target, operation, **members)).decode()
        return re.search(f"<{answers}>(.*?)</{answers}>", answer)[1] if answers else None

    def lambda_(self, method, path, **document):
        body = json.dumps(document).encode() if document else b""
        return json.loads(self.send(self.target.signed(method, path, body)) or b"{}")

    def allow(self):
        """Lets functions of the role that all have use queues."""
        document = json.dumps({"Version": "2012-10-17", **POLICY})
        self.target.call_iam("PutRolePolicy", RoleName="lambda-role", PolicyName="bench", PolicyDocument=document)

    def queue(self, name, visibility_seconds=60):
        self.sqs("CreateQueue", QueueName=name, Attributes={"VisibilityTimeout": str(visibility_seconds)})
        return f"/000000000000/{name}"

    def counts(self, url):
        found = self.sqs("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return [int(found["ApproximateNumberOfMessages" + name]) for name in ("", "NotVisible")]

    def function(self, source, timeout=30, **variables):
        """A Python function, once it is active."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo("handler.py")
            info.external_attr = 0o644 << 16  # whoever runs it is another user
            archive.writestr(info, source)
        self.target.serial += 1
        name = f"mapped-{self.target.serial}"
        document = json.loads(self.target.document("python", name, packed.getvalue()))
        document["Timeout"] = timeout
        if variables:
            document["Environment"] = {"Variables": variables}
        self.lambda_("POST", targets.FUNCTIONS, **document)
        self.target.wait_until_active(name)
        return name

    def map(self, url, function, **settings):
        name = url.rsplit("/", 1)[1]
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        self.lambda_("POST", "/2015-03-31/event-source-mappings", FunctionName=function, EventSourceArn=arn, **settings)


def sns_request(target, operation, **members):
    body = urllib.parse.urlencode({"Action": operation, "Version": "2010-03-31", **members}).encode()
    more = {"content-type": "application/x-www-form-urlencoded"}
    return targets.signed("POST", "/", body, target.address, service="sns", more=more)


def sqs_request(target, operation, body):
    more = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{operation}"}
    return targets.signed("POST", "/", body, target.address, service="sqs", more=more)


def entries(bodies):
    return [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]


def fill(target, url, bodies, load_request):
    """Sends all of them to an empty queue, in batches, by some senders at once."""
    batches = [bodies[start : start + BATCH] for start in range(0, len(bodies), BATCH)]
    documents = [json.dumps({"QueueUrl": url, "Entries": entries(batch)}).encode() for batch in batches]
    requests = b"\0".join(sqs_request(target, "SendMessageBatch", document) for document in documents)
    load_request(target, requests, '"Successful":[{', connections=SENDERS, total=len(batches))
    if (sent := Client(target).counts(url)[0]) != len(bodies):
        raise RuntimeError(f"{sent} of {len(bodies)} messages were sent")


def until(condition, timeout_s=600):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it took too long")
        time.sleep(0.02)


def mapping(target, kind, is_quick, load_request):
    """From sending a message to the start of its function, on an idle machine; how many messages a second a mapping brings to a
    function that does nothing; and what came of as many while the server was killed again and again and one batch of a hundred
    failed."""
    del kind
    if "python" not in target.kinds:
        return {}
    count = 1_000 if is_quick else 100_000
    result = {"count": count, **started(target, 20 if is_quick else 300), **brought(target, count, load_request)}
    return result | crashed(target, count, load_request)


def started(target, count):
    client = Client(target)
    client.allow()
    url, function = client.queue("started"), client.function(TELL)
    client.map(url, function)
    for _ in range(count):
        client.sqs("SendMessage", QueueUrl=url, MessageBody=str(time.time_ns()))
        time.sleep(0.02)
    until(lambda: client.counts(url) == [0, 0])
    return {f"started_after_send_{name}": value for name, value in soon(client, function, count).items()}


def soon(client, function, count):
    """How soon a function that tells it was started by each of so many."""
    until(lambda: len(logged(client, function)) >= count, 60)
    # The first ones found no environment.
    times = sorted(int(line.split()[2]) / 1e6 for line in logged(client, function)[5:])
    return {"p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99)]}


def logged(client, function):
    """What a function printed of its starts, in their order."""
    found, token = [], None
    while True:
        document = {"logGroupName": f"/aws/lambda/{function}", "filterPattern": '"started after"'}
        if token:
            document["nextToken"] = token
        more = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.FilterLogEvents"}
        body = json.dumps(document).encode()
        request = targets.signed("POST", "/", body, client.target.address, service="logs", more=more)
        answer = json.loads(client.send(request))
        found += [event["message"] for event in answer["events"]]
        token = answer.get("nextToken")
        if not token:
            return found


def brought(target, count, load_request):
    client = Client(target)
    url, function = client.queue("brought"), client.function(NOTHING)
    fill(target, url, [f"message {number}" for number in range(count)], load_request)
    begin = time.perf_counter()
    client.map(url, function)
    until(lambda: client.counts(url) == [0, 0])
    return {"per_second": count / (time.perf_counter() - begin)}


def crashed(target, count, load_request):
    """Its own server: the function sends what it got to another queue, where it is counted."""
    folder = Path(tempfile.mkdtemp(prefix="bench-mapping-"))
    try:
        with targets.start(target.name, target.machine, folder) as server:
            client = Client(server)
            client.allow()
            source, sink = client.queue("source", CRASHED_SECONDS), client.queue("sink", 600)
            target_url = f"http://localhost{sink}"
            function = client.function(FORWARD + FAIL, timeout=CRASHED_SECONDS, TARGET=target_url)
            fill(server, source, [str(number) for number in range(count)], load_request)
            begin = time.perf_counter()
            client.map(source, function, ScalingConfig={"MaximumConcurrency": 16})
            until_there(client, sink, count // (KILLS + 1))
            os.kill(server.pid, signal.SIGKILL)
        for share in range(2, KILLS + 1):
            with targets.start(target.name, target.machine, folder) as server:
                until_there(Client(server), sink, count * share // (KILLS + 1))
                os.kill(server.pid, signal.SIGKILL)
        with targets.start(target.name, target.machine, folder) as server:
            client = Client(server)
            until(lambda: client.counts(source) == [0, 0])
            seconds = time.perf_counter() - begin
            # They stay in the queue, hidden: to delete them takes as long as to receive them.
            found = drained(server, sink, deletes=False)
        return {
            "crashes": KILLS,
            "crashed_per_second": count / seconds,
            "lost": count - len(set(found)),
            "duplicates": len(found) - len(set(found)),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def until_there(client, url, count):
    until(lambda: sum(client.counts(url)) >= count)


def drained(target, url, deletes=True):
    """The bodies of all messages."""

    def drain(_):
        client, found = Client(target), []
        while messages := client.sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=BATCH).get("Messages"):
            if deletes:
                handles = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
                client.sqs("DeleteMessageBatch", QueueUrl=url, Entries=handles)
            found += [each["Body"] for each in messages]
        return found

    with concurrent.futures.ThreadPoolExecutor(SENDERS) as drainers:
        return [body for found in drainers.map(drain, range(SENDERS)) for body in found]


def topic(target, kind, is_quick, load_request):
    """Messages through a topic to a queue: one caller's latency, how many sixteen callers get published, and how many of those
    the queue has in a second. Beside it what the same callers get sent to a queue themselves."""
    del kind
    count = 1_000 if is_quick else 20_000
    client = Client(target)
    serial = time.time_ns()
    direct, told = client.queue(f"direct-{serial}"), client.queue(f"told-{serial}")
    arn = client.sns("CreateTopic", Name=f"topic-{serial}", answers="TopicArn")
    queue_arn = f"arn:aws:sqs:us-east-1:000000000000:told-{serial}"
    lets = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [lets]})
    client.sqs("SetQueueAttributes", QueueUrl=told, Attributes={"Policy": document})
    raw = {"Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true"}
    client.sns("Subscribe", TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, **raw)
    body = json.dumps({"QueueUrl": direct, "MessageBody": "x" * 100}).encode()
    request = sqs_request(target, "SendMessage", body)
    sent = load_request(target, request, "MessageId", connections=16, total=count)
    request = sns_request(target, "Publish", TopicArn=arn, Message="x" * 100)
    one = load_request(target, request, "MessageId", total=count // 10)
    until(lambda: client.counts(told)[0] == count // 10)
    begin = time.perf_counter()
    many = load_request(target, request, "MessageId", connections=16, total=count)
    until(lambda: client.counts(told)[0] == count // 10 + count)
    delivered = count / (time.perf_counter() - begin)
    return {
        "publish_p50_us": one["p50_us"],
        "publish_per_second": many["per_second"],
        "delivered_per_second": delivered,
        "send_per_second": sent["per_second"],
        "delivered_to_send": delivered / sent["per_second"],
    }


def queue(target, kind, is_quick, load_request):
    """Messages through a queue: how many sixteen callers get sent, one by one; and how many are sent, received and deleted in
    batches of ten. Beside it a bare queue: a table of SQLite (WAL, synchronous=FULL) on the same disk, in the measuring process
    itself, by one thread, without HTTP, signatures or policies."""
    del kind
    count = 1_000 if is_quick else 20_000
    client = Client(target)
    url = client.queue("measured")
    body = json.dumps({"QueueUrl": url, "MessageBody": "x" * 100}).encode()
    request = sqs_request(target, "SendMessage", body)
    one = load_request(target, request, "MessageId", total=count // 10)
    many = load_request(target, request, "MessageId", connections=16, total=count)
    client.sqs("PurgeQueue", QueueUrl=url)
    begin = time.perf_counter()
    fill(target, url, ["x" * 100] * count, load_request)
    drained(target, url)
    seconds = time.perf_counter() - begin
    result = {"send_p50_us": one["p50_us"], "send_per_second": many["per_second"], "cycle_per_second": count / seconds}
    return result | bare_queue(target.folder, count)


def bare_queue(folder, count):
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        database = sqlite3.connect(place / "queue.db", isolation_level=None)
        stack.callback(database.close)
        return through_sqlite(database, count)


def through_sqlite(database, count):
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT, hidden_until REAL DEFAULT 0)")
    database.execute("CREATE INDEX visible ON messages (hidden_until, id)")
    insert = "INSERT INTO messages (body) VALUES (?)"
    times, text = [], "x" * 100
    for _ in range(count // 10):
        begin = time.perf_counter()
        database.execute(insert, (text,))
        times.append(time.perf_counter() - begin)
    database.execute("DELETE FROM messages")
    begin = time.perf_counter()
    for _ in range(0, count, BATCH):
        with transaction(database):
            database.executemany(insert, [(text,)] * BATCH)
    while ids := receive(database):
        with transaction(database):
            database.executemany("DELETE FROM messages WHERE id = ?", ids)
    seconds = time.perf_counter() - begin
    return {
        "sqlite_send_p50_us": statistics.median(times) * 1e6,
        "sqlite_send_per_second": len(times) / sum(times),
        "sqlite_cycle_per_second": count / seconds,
    }


@contextlib.contextmanager
def transaction(database):
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")


def receive(database):
    """The ids of some messages, which are hidden from here on."""
    now = time.time()
    with transaction(database):
        found = database.execute("SELECT id FROM messages WHERE hidden_until <= ? ORDER BY id LIMIT ?", (now, BATCH))
        ids = found.fetchall()
        database.executemany("UPDATE messages SET hidden_until = ? WHERE id = ?", [(now + 60, each) for (each,) in ids])
    return ids
