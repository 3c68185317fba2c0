# SPDX-License-Identifier: Apache-2.0
"""Nobody who may subscribe makes the server post to where it must not: its own services, or where clouds keep credentials."""

from endpoints import Endpoint
from harness import wait_until
from topics import Topic, refused


def test_an_endpoint_is_in_a_network_that_the_operator_allows_however_it_is_written(new_platform):
    platform = new_platform("--set", 'sns.endpoint_networks=["192.0.2.0/24"]').start()
    topic = Topic(platform)
    with Endpoint() as inside:
        subscribe = {"TopicArn": topic.arn, "Protocol": "http"}
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "me:x@127.0.0.1", "169.254.169.254"):
            url = f"http://{host}:{inside.port}/"
            code, message = refused(topic.client.subscribe, Endpoint=url, **subscribe)
            assert code == "InvalidParameter" and "in no network" in message, url
        # Names, and what only looks up as an address, are seen when they are looked up: each time.
        hosts = ("localhost", "2130706433", "0x7f000001", "127.1", "0")
        for host in hosts:
            topic.client.subscribe(Endpoint=f"http://{host}:{inside.port}/", **subscribe)
        walled = "in no network that `sns.endpoint_networks` allows"
        log = platform.log_path
        wait_until(lambda: log.read_text().count(walled) >= len(hosts), "nothing was posted", 60)
        assert inside.posts == []


def test_by_default_no_endpoint_is_where_clouds_keep_credentials(new_platform):
    topic = Topic(new_platform().start())
    for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "0.0.0.0"):
        subscribe = {"TopicArn": topic.arn, "Protocol": "http", "Endpoint": f"http://{host}/latest/meta-data/"}
        assert "in no network" in refused(topic.client.subscribe, **subscribe)[1], host
