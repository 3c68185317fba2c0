# SPDX-License-Identifier: Apache-2.0
"""Segments as they come to a collector of OpenTelemetry, which reads them with OpenTelemetry's own definitions."""

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf import json_format
from harness import allow, unique, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tracing import HEADER, SEND, invoke, root

DROPPED = 'tinderbox_trace_segments_dropped_total{where="export"}'
EXPORTED = "tinderbox_trace_segments_exported_total"
IDS = re.compile(r'("(?:traceId|spanId|parentSpanId)": ?)"([0-9a-f]*)"')


class Collector:
    """Takes requests of OTLP on a port of loopback, once it is open. `statuses` are its next answers; then it takes all."""

    def __init__(self):
        self.requests, self.statuses, self.is_open = [], [], False
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.statuses.pop(0) if collector.statuses else 200
                collector.requests.append((status, self.path, self.headers["Content-Type"], body))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server.daemon_threads = True
        # Whoever calls before it is open is refused, and nobody else gets the port.
        self.server.server_bind()
        self.port = self.server.server_port

    def open(self):
        self.server.server_activate()
        self.is_open = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def close(self):
        if self.is_open:
            self.server.shutdown()
        self.server.server_close()

    def spans(self, trace=None):
        """Resource attributes and span of all that was taken."""
        found = []
        for status, path, kind, body in list(self.requests):
            assert (path, kind) == ("/v1/traces", "application/json")
            if status != 200:
                continue
            for resource in decode(body).resource_spans:
                found += [(plain(resource.resource.attributes), span) for span in resource.scope_spans[0].spans]
        return [(about, span) for about, span in found if trace in (None, xray_id(span))]

    def wait_for(self, trace, *names):
        """The spans of a trace, once there are some of these names."""

        def found():
            spans = self.spans(trace)
            return spans if {*names} <= {span.name for _, span in spans} else None

        return wait_until(found, f"spans of {names} in {trace}")


def decode(body):
    """Strictly: a member that OTLP does not know is an error. Ids are hexadecimal in OTLP's JSON, and Base64 in protobuf's."""
    coded = IDS.sub(lambda id: f'{id[1]}"{base64.b64encode(bytes.fromhex(id[2])).decode()}"', body.decode())
    return json_format.Parse(coded, ExportTraceServiceRequest())


def xray_id(span):
    return f"1-{span.trace_id.hex()[:8]}-{span.trace_id.hex()[8:]}"


def counted(platform, metric):
    token = (platform.data_dir / "metrics.token").read_text()
    headers = {"Authorization": f"Bearer {token}"}
    page = platform.call("GET", "/_tinderbox/metrics", headers=headers, sign=False).body.decode()
    return float(re.search(f"^{re.escape(metric)} (.+)$", page, re.MULTILINE)[1])


def plain(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector():
    collector = Collector().open()
    yield collector
    collector.close()


@pytest.fixture
def closed():
    """A collector that is not there yet."""
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def make(new_platform):
    """A server that exports to a port, and a function on it that is traced."""

    def made(port, *options):
        platform = new_platform("--set", f"traces.otlp_endpoint=http://127.0.0.1:{port}", *options).start()
        role = platform.role(allow("logs:*"), allow(list(SEND)))
        return platform, platform.python(HEADER, role=role, TracingConfig={"Mode": "Active"})

    return made


def test_segments_come_to_the_collector_as_spans(collector, make):
    platform, function = make(collector.port)
    trace = root()
    answer, _ = invoke(platform, function, f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1", {"fail": True})
    wait_until(lambda: len(collector.spans(trace)) >= 5, "all spans of the invocation")
    spans = collector.spans(trace)
    named = {(span.name, span.kind): span for _, span in spans}
    assert {name for name, _ in named} == {function.name, "Initialization", "Invocation", "Overhead"}
    whose = {plain(span.attributes).get("aws.xray.origin"): span for _, span in spans}
    service, handler = whose["AWS::Lambda"], whose["AWS::Lambda::Function"]
    assert service.parent_span_id.hex() == "53995c3f42cd8ad8"
    assert handler.parent_span_id == service.span_id
    assert {service.kind, handler.kind} == {Span.SPAN_KIND_SERVER}
    invocation = named["Invocation", Span.SPAN_KIND_INTERNAL]
    assert invocation.parent_span_id == handler.span_id
    assert invocation.status.code == Status.STATUS_CODE_ERROR
    (event,) = invocation.events
    assert plain(event.attributes) == {"exception.type": "KeyError", "exception.message": "'broken'"}
    assert plain(handler.attributes)["faas.invocation_id"] == answer["ResponseMetadata"]["RequestId"]
    assert plain(service.attributes)["http.response.status_code"] == 200
    assert all(abs(span.start_time_unix_nano / 1e9 - time.time()) < 600 for _, span in spans)
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for _, span in spans)
    about = {"service.name": function.name, "cloud.account.id": "000000000000", "cloud.region": "us-east-1"}
    assert all(about.items() <= resource.items() for resource, _ in spans)

    # Of an asynchronous invocation attempts are told apart from their segment: they are the function's even so.
    trace = root()
    invoke(platform, function, f"Root={trace};Sampled=1", InvocationType="Event")
    spans = collector.wait_for(trace, function.name, "Dwell Time", "Attempt #1")
    assert {resource["service.name"] for resource, _ in spans} == {function.name}

    # What others put is exported, too, whatever is in it.
    put = {"id": "00000000000000a1", "trace_id": (trace := root()), "name": unique("sh\u00f6p"), "start_time": 1.5,
           "end_time": 1e300, "annotations": {"size": 3, "list": [1, None]}, "subsegments": [{"id": "x"}, 3]}  # fmt: skip
    platform.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(put)])
    ((resource, span),) = collector.wait_for(trace, put["name"])
    assert (resource["service.name"], plain(span.attributes)["size"]) == (put["name"], 3)


def test_a_collector_that_is_away_is_tried_again(closed, make):
    platform, function = make(closed.port)
    traces = [root() for _ in range(3)]
    for trace in traces:
        invoke(platform, function, f"Root={trace};Sampled=1")
    wait_until(lambda: "segments not exported; they wait in memory" in platform.log_path.read_text(), "it was tried")
    collector = closed.open()
    # Not now, and yes: what it was asked for comes again.
    collector.statuses = [503, 429]
    wait_until(lambda: all(collector.spans(trace) for trace in traces), "what waited was sent")
    assert [status for status, *_ in collector.requests[:3]] == [503, 429, 200]
    assert collector.requests[0][3] == collector.requests[1][3] == collector.requests[2][3]
    assert counted(platform, DROPPED) == 0
    wait_until(
        lambda: counted(platform, EXPORTED) >= 6,
        "two segments of each invocation are counted",
    )
    # A request that is refused is not sent again.
    collector.statuses = [400]
    invoke(platform, function, f"Root={root()};Sampled=1")
    wait_until(
        lambda: counted(platform, DROPPED) > 0,
        "what was refused is counted",
    )
    # Whoever stops sends what waits.
    last = root()
    invoke(platform, function, f"Root={last};Sampled=1")
    assert platform.stop() == 0
    assert collector.spans(last)


def test_what_there_is_no_room_for_is_dropped_and_slows_nobody(closed, make):
    platform, function = make(closed.port, "--set", "traces.otlp_queue_bytes_max=1000")
    trace = root()
    for _ in range(10):
        assert "Sampled=1" in invoke(platform, function, f"Root={trace};Sampled=1")[1]
    wait_until(
        lambda: counted(platform, DROPPED) > 0,
        "segments are dropped",
    )
    found = platform.client("xray").batch_get_traces(TraceIds=[trace])["Traces"]
    assert len(found[0]["Segments"]) == 20, "on the disk they all are"
    assert platform.stop() == 0


def test_an_address_that_is_none_is_told_at_start(new_platform):
    platform = new_platform()
    server = platform.spawn("--set", "traces.otlp_endpoint=127.0.0.1:4318")
    assert server.wait(30) != 0
    assert "traces.otlp_endpoint: `127.0.0.1:4318` is not http://HOST:PORT" in platform.log_path.read_text()
