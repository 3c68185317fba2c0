# SPDX-License-Identifier: Apache-2.0
"""Queues and their mappings to functions: how soon, how many, and what is left after crashes."""

import concurrent.futures
import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import tempfile
import time
import zipfile
from pathlib import Path

import targets

BATCH = 10
SENDERS = 8
# When it was sent stands in the message.
TELL = """
import time
def handler(event, context):
    now = time.time_ns()
    for record in event["Records"]:
        print("started after", now - int(record["body"]), "ns", flush=True)
"""
NOTHING = "def handler(event, context): return None"
FORWARD = (targets.HERE / "functions/forward/index.py").read_text()
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

    def lambda_(self, method, path, **document):
        body = json.dumps(document).encode() if document else b""
        return json.loads(self.send(self.target.signed(method, path, body)) or b"{}")

    def allow(self):
        """Lets functions of the role that all have use queues."""
        document = json.dumps({"Version": "2012-10-17", **POLICY})
        self.target.call_iam("PutRolePolicy", RoleName="lambda-role", PolicyName="bench", PolicyDocument=document)

    def queue(self, name):
        self.sqs("CreateQueue", QueueName=name, Attributes={"VisibilityTimeout": "60"})
        return f"/000000000000/{name}"

    def counts(self, url):
        found = self.sqs("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return [int(found["ApproximateNumberOfMessages" + name]) for name in ("", "NotVisible")]

    def function(self, source, **variables):
        """A Python function, once it is active."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo("handler.py")
            info.external_attr = 0o644 << 16  # whoever runs it is another user
            archive.writestr(info, source)
        self.target.serial += 1
        name = f"mapped-{self.target.serial}"
        document = json.loads(self.target.document("python", name, packed.getvalue()))
        if variables:
            document["Environment"] = {"Variables": variables}
        self.lambda_("POST", targets.FUNCTIONS, **document)
        self.target.wait_until_active(name)
        return name

    def map(self, url, function):
        name = url.rsplit("/", 1)[1]
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        self.lambda_("POST", "/2015-03-31/event-source-mappings", FunctionName=function, EventSourceArn=arn)


def sqs_request(target, operation, body):
    more = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{operation}"}
    return targets.signed("POST", "/", body, target.address, service="sqs", more=more)


def entries(bodies):
    return [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]


def fill(target, url, bodies):
    """Sends all of them, in batches, by some senders at once."""

    def send(share):
        client = Client(target)
        for start in range(0, len(share), BATCH):
            sent = client.sqs("SendMessageBatch", QueueUrl=url, Entries=entries(share[start : start + BATCH]))
            if sent.get("Failed"):
                raise RuntimeError(f"not sent: {sent['Failed'][:1]}")

    with concurrent.futures.ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(send, (bodies[sender::SENDERS] for sender in range(SENDERS))))


def until(condition, timeout_s=600):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it took too long")
        time.sleep(0.02)


def mapping(target, kind, is_quick):
    """From sending a message to the start of its function, on an idle machine; how many messages a second a mapping brings to a
    function that does nothing; and what came of as many while the server was killed three times."""
    del kind
    if "python" not in target.kinds:
        return {}
    count = 1_000 if is_quick else 100_000
    result = {"count": count, **started(target, 20 if is_quick else 300), **brought(target, count)}
    return result | crashed(target, count)


def started(target, count):
    client = Client(target)
    client.allow()
    url, function = client.queue("started"), client.function(TELL)
    client.map(url, function)
    for _ in range(count):
        client.sqs("SendMessage", QueueUrl=url, MessageBody=str(time.time_ns()))
        time.sleep(0.02)
    until(lambda: client.counts(url) == [0, 0])
    text = logged(client, function)
    # The first ones found no environment.
    times = sorted(int(line.split()[2]) / 1e6 for line in text[5:])
    if len(times) < count - 5:
        raise RuntimeError(f"{len(times)} of {count} messages started their function")
    return {"started_p50_ms": statistics.median(times), "started_p99_ms": times[int(len(times) * 0.99)]}


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


def brought(target, count):
    client = Client(target)
    url, function = client.queue("brought"), client.function(NOTHING)
    fill(target, url, [f"message {number}" for number in range(count)])
    begin = time.perf_counter()
    client.map(url, function)
    until(lambda: client.counts(url) == [0, 0])
    return {"per_second": count / (time.perf_counter() - begin)}


def crashed(target, count):
    """Its own server: the function sends what it got to another queue, where it is counted."""
    folder = Path(tempfile.mkdtemp(prefix="bench-mapping-"))
    try:
        with targets.start(target.name, target.machine, folder) as server:
            client = Client(server)
            client.allow()
            source, sink = client.queue("source"), client.queue("sink")
            function = client.function(FORWARD, TARGET=f"http://localhost{sink}")
            fill(server, source, [str(number) for number in range(count)])
            client.map(source, function)
            begin = time.perf_counter()
            until_there(client, sink, count // 4)
            os.kill(server.pid, signal.SIGKILL)
        for quarter in (2, 3):
            with targets.start(target.name, target.machine, folder) as server:
                until_there(Client(server), sink, count * quarter // 4)
                os.kill(server.pid, signal.SIGKILL)
        with targets.start(target.name, target.machine, folder) as server:
            client = Client(server)
            until(lambda: client.counts(source) == [0, 0])
            seconds = time.perf_counter() - begin
            found = drained(server, sink)
        return {
            "crashes": 3,
            "crashed_per_second": count / seconds,
            "lost": count - len(set(found)),
            "duplicates": len(found) - len(set(found)),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def until_there(client, url, count):
    until(lambda: sum(client.counts(url)) >= count)


def drained(target, url):
    """The bodies of all messages."""

    def drain(_):
        client, found = Client(target), []
        while messages := client.sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=BATCH).get("Messages"):
            handles = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            client.sqs("DeleteMessageBatch", QueueUrl=url, Entries=handles)
            found += [each["Body"] for each in messages]
        return found

    with concurrent.futures.ThreadPoolExecutor(SENDERS) as drainers:
        return [body for found in drainers.map(drain, range(SENDERS)) for body in found]


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
    fill(target, url, ["x" * 100] * count)
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
