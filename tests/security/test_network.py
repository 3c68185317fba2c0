# SPDX-License-Identifier: Apache-2.0
"""The wall around the network: the Runtime API, the edge, and never the host or a neighbour.

Every connection attempted here goes to an address of this machine.
"""

import contextlib
import socket
import subprocess
import threading

import pytest

CONNECT = """
def reach(host, port):
    with socket.socket() as s:
        s.settimeout(2)
        return outcome(s.connect, (host, port)) if host else "?"
def tried(host, port):
    try:
        return reach(host, port)
    except TimeoutError:
        return "ETIMEDOUT"
"""


@contextlib.contextmanager
def listener(address):
    """A server of the host, which a function must not reach."""
    with socket.socket() as server:
        server.bind((address, 0))
        server.listen()
        server.settimeout(0.2)
        accepted, stop = [], threading.Event()

        def accept():
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    accepted.append(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], accepted
        finally:
            stop.set()
            thread.join()
            for connection in accepted:
                connection.close()


def host_addresses():
    """Addresses of this machine that are not loopback."""
    listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    # Links of sandboxes are among them. One of each kind is enough.
    return [address for address in listed if "." in address][:3]


def test_the_hosts_loopback_is_another(probe):
    with listener("127.0.0.1") as (port, accepted):
        result = probe.run(CONNECT + "result = tried('127.0.0.1', event['port'])", port=port)

    assert result == "ECONNREFUSED"
    assert accepted == []


def test_the_hosts_own_addresses_are_out_of_reach(probe):
    addresses = host_addresses()
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    with listener("0.0.0.0") as (port, accepted):
        results = {
            a: probe.run(CONNECT + "result = tried(event['a'], event['port'])", a=a, port=port) for a in addresses
        }

    assert accepted == [], results
    assert "ok" not in results.values()


def test_the_gateway_is_out_of_reach(probe, platform):
    """The host's end of the sandbox's own link."""
    route = probe.run("result = text('/proc/net/route')")
    gateways = [line.split()[2] for line in route.splitlines()[1:] if line.split()[1] == "00000000"]
    if not gateways:
        return  # No route out: nothing to reach.
    gateway = socket.inet_ntoa(bytes.fromhex(gateways[0])[::-1])
    with listener("0.0.0.0") as (port, accepted):
        result = probe.run(CONNECT + "result = tried(event['a'], event['port'])", a=gateway, port=port)
    server = probe.run(
        CONNECT + "result = tried(event['a'], event['port'])", a=gateway, port=int(platform.address.rsplit(":", 1)[1])
    )

    assert result != "ok"
    assert server != "ok"
    assert accepted == []


def test_a_neighbour_is_out_of_reach(new_probe):
    one, other = new_probe(), new_probe()
    own = (
        CONNECT
        + """
import fcntl
addresses = []
for _, name in socket.if_nameindex():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            found = fcntl.ioctl(s.fileno(), 0x8915, struct.pack("256s", name.encode()))
            addresses.append(socket.inet_ntoa(found[20:24]))
        except OSError:
            pass
"""
    )
    serve = (
        own
        + """
global kept
kept = socket.socket()
kept.bind(("0.0.0.0", 9999)); kept.listen()
result = [a for a in addresses if not a.startswith("127.")]
"""
    )
    addresses = one.run(serve)

    results = [other.run(CONNECT + "result = tried(event['a'], 9999)", a=address) for address in addresses]

    assert "ok" not in results


def test_the_metadata_address_is_out_of_reach(probe):
    """169.254.0.0/16 is where clouds keep credentials."""
    for address in ("169.254.169.254", "169.254.170.2"):
        result = probe.run(CONNECT + "result = tried(event['a'], 80)", a=address)

        assert result != "ok"


def test_the_edge_is_reached_at_its_endpoint(probe):
    result = probe.run(
        CONNECT
        + """
url = os.environ["AWS_ENDPOINT_URL"].split("//")[1]
result = tried(url.split(":")[0], int(url.split(":")[1].rstrip("/")))
"""
    )

    assert result == "ok"


def test_the_edge_is_not_held_up_by_who_is_slow(new_probe, platform):
    """As many connections as a function may open, each with a request that never ends."""
    slow = new_probe(Timeout=30)
    made = slow.run(
        """
        host, port = os.environ["AWS_ENDPOINT_URL"].split("//")[1].split(":")
        sys.made = made = []
        try:
            while len(made) < 900:
                made.append(socket.create_connection((host, int(port)), timeout=2))
                made[-1].send(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 1000\\r\\n\\r\\nx")
        except OSError: pass
        result = len(made)
        """
    )

    assert made > 10
    assert new_probe().run("result = 'well'") == "well"
    assert platform.client().list_functions()["Functions"]
    assert slow.run("result = len(sys.made)") == made


def test_the_runtime_api_is_ones_own(new_probe):
    """Two sandboxes use one address and meet different listeners: events never cross."""
    code = """
    import http.client
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"], timeout=5)
    connection.request("POST", "/2018-06-01/runtime/invocation/00000000-0000-0000-0000-000000000000/response", b"1")
    result = [connection.getresponse().status, context.function_name]
    """
    one, other = new_probe(), new_probe()

    assert one.run(code) == [400, one.function.name]
    assert other.run(code) == [400, other.function.name]


@pytest.mark.parametrize("family", ["AF_PACKET", "AF_VSOCK", "AF_ALG", "AF_BLUETOOTH", "AF_KEY"])
def test_other_kinds_of_sockets_are_refused(probe, family):
    result = probe.run(
        """
        numbers = {"AF_PACKET": 17, "AF_VSOCK": 40, "AF_ALG": 38, "AF_BLUETOOTH": 31, "AF_KEY": 15}
        result = outcome(lambda: socket.socket(numbers[event["family"]], socket.SOCK_RAW).close())
        """,
        family=family,
    )

    assert result in ("EPERM", "EAFNOSUPPORT", "EACCES", "ESOCKTNOSUPPORT")


def test_raw_sockets_are_refused(probe):
    result = probe.run("result = outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close())")

    assert result in ("EPERM", "EACCES")


def test_abstract_sockets_of_the_host_are_not_there(probe):
    name = "\0tinderbox-test-abstract"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()

        result = probe.run(
            """
            with socket.socket(socket.AF_UNIX) as s:
                result = outcome(s.connect, "\\0tinderbox-test-abstract")
            """
        )

    assert result == "ECONNREFUSED"


def test_the_link_can_not_be_reconfigured(probe):
    result = probe.run(
        """
        import fcntl
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            result = outcome(fcntl.ioctl, s.fileno(), 0x8914, struct.pack("16sh14x", b"lo", 0))
        """
    )

    assert result in ("EPERM", "EACCES")


def test_without_a_network_the_edge_is_still_there(new_platform, isolated):
    platform = new_platform("--network", "none").start()
    function = platform.python(
        """
import os, socket
def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"].split("//")[1]
    with socket.create_connection((url.split(":")[0], int(url.split(":")[1].rstrip("/"))), 2):
        pass
    return [name for _, name in socket.if_nameindex()]
"""
    )

    assert function.invoke().value() == ["lo"]
