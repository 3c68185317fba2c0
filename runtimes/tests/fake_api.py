# SPDX-License-Identifier: Apache-2.0
"""A small Runtime API for tests, and for trying a runtime by hand.

    python3 fake_api.py 9001 '{"a": 1}' '{"a": 2}'      serves these events and prints what the runtime answers

It reads sockets itself, so that a test can see how many writes a message took.
"""

import collections
import json
import queue
import socket
import sys
import threading
import uuid

Message = collections.namedtuple("Message", "method path headers body writes trailers")
ARN = "arn:aws:lambda:us-east-1:000000000000:function:under-test"


class FakeApi:
    """Hands out events and collects answers. `answers` gets each POST as a Message."""

    def __init__(self, port=0):
        self.events, self.answers, self.pieces = queue.Queue(), queue.Queue(), queue.Queue()
        self.asked = threading.Event()
        self.answer_status = 202
        self.is_chunked = False
        self.closes_each = False
        self.connection_count = 0
        self.readers, self.changed = 0, threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.events.put(None)
        self.listener.close()

    def put(self, event, **headers):
        """Adds an event: JSON text, or bytes as they are. Answers its request id."""
        request_id = headers.pop("request_id", str(uuid.uuid4()))
        all_headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
            "Content-Type": "application/json",
        }
        all_headers.update({key.replace("_", "-"): value for key, value in headers.items()})
        body = event if isinstance(event, bytes) else event.encode()
        self.events.put(({key: value for key, value in all_headers.items() if value is not None}, body))
        return request_id

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connection_count += 1
            self.count_readers(1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def count_readers(self, change):
        with self.changed:
            self.readers += change
            self.changed.notify_all()

    def wait_until_all_is_read(self, timeout_s):
        """After the runtime is gone: until everything that it had sent is in `answers`."""
        with self.changed:
            return self.changed.wait_for(lambda: self.readers == 0, timeout_s)

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data, writes = b"", 0
        try:
            while True:
                while b"\r\n\r\n" not in data:
                    more = connection.recv(1 << 20)
                    if not more:
                        return
                    data, writes = data + more, writes + 1
                head, _, data = data.partition(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
                if "transfer-encoding" in headers:
                    body, trailers, data = self.read_chunks(connection, data)
                else:
                    trailers, size = {}, int(headers.get("content-length", 0))
                    while len(data) < size:
                        data, writes = data + connection.recv(1 << 20), writes + 1
                    body, data = data[:size], data[size:]
                message = Message(method, path, headers, body, writes, trailers)
                writes = 0
                if not self.answer(connection, message):
                    return
        except OSError:
            pass
        finally:
            connection.close()
            self.count_readers(-1)

    def read_chunks(self, connection, data):
        """A chunked body, its trailers, and what came behind them. Each chunk goes to `pieces` as it comes."""
        body, trailers = b"", {}

        def until(end):
            nonlocal data
            while end not in data:
                more = connection.recv(1 << 20)
                if not more:
                    raise ConnectionError("it broke off")
                data += more
            part, _, data = data.partition(end)
            return part

        while size := int(until(b"\r\n"), 16):
            while len(data) < size + 2:
                data += connection.recv(1 << 20)
            self.pieces.put(data[:size])
            body, data = body + data[:size], data[size + 2 :]
        while line := until(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            trailers[name.lower()] = value.strip()
        return body, trailers, data

    def answer(self, connection, message):
        if message.method == "GET":
            self.asked.set()
            self.count_readers(-1)
            event = self.events.get()
            self.count_readers(1)
            if event is None:
                return False
            self.send(connection, 200, *event)
        else:
            self.answers.put(message)
            self.send(connection, self.answer_status, {"Content-Type": "application/json"}, b'{"status":"OK"}')
        return not self.closes_each

    def send(self, connection, status, headers, body):
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if self.closes_each:
            head += "Connection: close\r\n"
        if self.is_chunked:
            middle = len(body) // 2
            parts = [part for part in (body[:middle], body[middle:]) if part]
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
            connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunks + b"0\r\n\r\n")
        else:
            connection.sendall((head + f"Content-Length: {len(body)}\r\n\r\n").encode("latin-1") + body)


if __name__ == "__main__":
    api = FakeApi(int(sys.argv[1]))
    for text in sys.argv[2:]:
        json.loads(text)
        api.put(text)
    print("AWS_LAMBDA_RUNTIME_API=" + api.address, flush=True)
    while True:
        answer = api.answers.get()
        kind = answer.headers.get("lambda-runtime-function-error-type", "")
        print(answer.path, kind, answer.body.decode(), flush=True)
