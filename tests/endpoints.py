# SPDX-License-Identifier: Apache-2.0
"""Endpoints of HTTP and HTTPS, as tests speak of them: servers on loopback that keep what they are sent."""

import json
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import wait_until


@dataclass
class Post:
    path: str
    headers: dict
    body: str

    @property
    def kind(self):
        return self.headers.get("x-amz-sns-message-type")

    def json(self):
        return json.loads(self.body)


class Endpoint:
    """Answers each post to it with the next of `answers`: a status, or a status and a `Location`. Then with 200."""

    def __init__(self, certificate=None, key=None):
        self.posts, self.answers, lock = [], [], threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                with lock:
                    endpoint.posts.append(Post(self.path, headers, body))
                    answer = endpoint.answers.pop(0) if endpoint.answers else 200
                status, location = answer if isinstance(answer, tuple) else (answer, None)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if location:
                    self.send_header("Location", location)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme, self.port = "https" if certificate else "http", self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path="/", known=""):
        return f"{self.scheme}://{known}127.0.0.1:{self.port}{path}"

    def wait_for(self, kind, path="/", count=1):
        """The first posts of a kind to a path, as soon as there are so many."""

        def found():
            posts = [post for post in list(self.posts) if (post.kind, post.path) == (kind, path)]
            return posts if len(posts) >= count else None

        return wait_until(found, f"{count} {kind} came to {path}", 60)

    def subscribe(self, topic, path="/", known="", **attributes):
        """The ARN of a subscription that the endpoint confirmed."""
        arn = topic.subscribe(self.scheme, self.url(path, known), **attributes)
        (question,) = self.wait_for("SubscriptionConfirmation", path)
        topic.client.confirm_subscription(TopicArn=topic.arn, Token=question.json()["Token"])
        return arn
