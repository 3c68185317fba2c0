# SPDX-License-Identifier: Apache-2.0
"""The Runtime API as an attacker sees it: what a function sends there, the server reads. It must neither grow nor stop."""

from pathlib import Path

# Raw connections to the Runtime API, as many as it takes.
RAW = """
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
def connect():
    made = socket.create_connection((host, int(port)), timeout=5)
    made.setblocking(False)
    return made
def push(to, data):
    # Sends as much as is taken within a moment.
    sent, patience = 0, time.monotonic() + 0.5
    while sent < len(data) and time.monotonic() < patience:
        try: sent += to.send(data[sent:sent + 2**16])
        except BlockingIOError: time.sleep(0.005)
        except OSError: break
    return sent
def answer(to, seconds=5):
    to.settimeout(seconds)
    try: return to.recv(65536).split(b"\\r\\n")[0].decode()
    except OSError as error: return type(error).__name__
"""


def resident(platform):
    status = Path(f"/proc/{platform.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def test_bodies_that_never_end_do_not_fill_the_server(new_probe, platform):
    """A hundred connections, each with six megabytes of an answer whose end never comes."""
    probe = new_probe(MemorySize=512, Timeout=60)
    before = resident(platform)

    probe.attempt(
        RAW
        + """
body = bytes(6 * 2**20)
made = []
for _ in range(100):
    try: made.append(connect())
    except OSError: break
head = b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 6291456\\r\\n\\r\\n"
for one in made: push(one, head + body[:-1])
result = len(made)
"""
    )

    assert resident(platform) - before < 60 * 2**20
    assert new_probe().run("result = 'well'") == "well"


def test_heads_that_never_end_do_not_fill_the_server(new_probe, platform):
    probe = new_probe(MemorySize=512, Timeout=60)
    before = resident(platform)

    probe.attempt(
        RAW
        + """
made = []
for _ in range(100):
    try: made.append(connect())
    except OSError: break
for one in made: push(one, b"GET / HTTP/1.1\\r\\n" + b"X-A: " + bytes(b"a" * 2**20))
result = len(made)
"""
    )

    assert resident(platform) - before < 60 * 2**20


def test_what_is_not_a_request_is_refused_and_the_runtime_goes_on(new_probe):
    probe = new_probe()

    result = probe.run(
        RAW
        + """
def says(data):
    one = connect()
    push(one, data)
    return answer(one)
result = [
    says(b"NONSENSE\\r\\n\\r\\n"),
    says(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\\r\\n\\r\\n"),
    says(b"GET /x HTTP/1.1\\r\\n" + b"A: b\\r\\n" * 1000 + b"\\r\\n"),
    says(b"GET /x HTTP/1.1\\r\\nX: " + b"b" * 2_000_000 + b"\\r\\n\\r\\n"),
    says(b"POST /2018-06-01/runtime/init/error HTTP/1.1\\r\\nContent-Length: -1\\r\\n\\r\\n"),
    says(b"POST /2018-06-01/runtime/init/error HTTP/1.1\\r\\nContent-Length: 99999999999999999999\\r\\n\\r\\n"),
    says(b"POST /x HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nffffffffffffffff\\r\\n"),
    says(b"\\x16\\x03\\x01\\x00\\xa5\\x01"),
]
"""
    )

    # Answered with an error, or hung up on. Nothing is served.
    assert not [line for line in result if " 20" in line], result
    assert probe.run("result = 'well'") == "well"


def test_many_slow_connections_are_nobody_elses_trouble(new_probe):
    """As many as the function can open, a byte each: its own runtime goes on, and so do others."""
    slow, neighbour = new_probe(Timeout=30), new_probe()

    made = slow.run(
        RAW
        + """
sys.made = made = []
try:
    while len(made) < 900: made.append(connect())
except OSError: pass
for one in made: push(one, b"G")
result = len(made)
"""
    )

    assert made > 10
    assert neighbour.run("result = 'well'") == "well"
    assert slow.run("result = len(sys.made)") == made


def test_answers_for_others_are_refused(new_probe):
    """No invocation of a neighbour can be answered, whatever its id: the listener is the sandbox's own."""
    probe, neighbour = new_probe(), new_probe()
    theirs = neighbour.run("result = context.aws_request_id")

    result = probe.run(
        RAW
        + """
one = connect()
path = f"/2018-06-01/runtime/invocation/{event['id']}/response"
push(one, f"POST {path} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\n\\r\\n{{}}".encode())
result = answer(one)
""",
        id=theirs,
    )

    assert result == "HTTP/1.1 400 Bad Request"
