# SPDX-License-Identifier: Apache-2.0
"""Archives of events, and replays of what is in them."""

import json
import time
from datetime import UTC, datetime

import pytest
from buses import Queue, Rule, refused
from harness import ACCOUNT, REGION, Platform, unique, wait_until

BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"
WHENEVER = {"EventStartTime": datetime(2020, 1, 1, tzinfo=UTC), "EventEndTime": datetime(2100, 1, 1, tzinfo=UTC)}


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture
def events(platform):
    return platform.client("events")


def archive_of(rule, **arguments):
    """An archive of what a rule of a test looks for, and nothing else."""
    name = unique("archive")
    bus = f"{BUS}/{rule.bus}"
    pattern = json.dumps({"source": [rule.source]})
    made = rule.client.create_archive(ArchiveName=name, EventSourceArn=bus, EventPattern=pattern, **arguments)
    assert made["State"] == "ENABLED"
    return name, made["ArchiveArn"]


def replay(rule, archive_arn, rules=(), **times):
    name, destination = unique("replay"), {"Arn": f"{BUS}/{rule.bus}"}
    if rules:
        destination["FilterArns"] = list(rules)
    times = {**WHENEVER, **times}
    answer = rule.client.start_replay(ReplayName=name, EventSourceArn=archive_arn, Destination=destination, **times)
    assert answer["State"] == "STARTING"
    return name


def ended(client, name):
    found = {}

    def has_ended():
        found.update(client.describe_replay(ReplayName=name))
        return found["State"] in ("COMPLETED", "CANCELLED", "FAILED")

    wait_until(has_ended, "the replay has ended", 60)
    return found


def test_archives_come_are_changed_and_go(platform, events):
    rule = Rule(platform)
    name, arn = archive_of(rule, RetentionDays=3, Description="orders")
    assert arn == f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{name}"
    found = events.describe_archive(ArchiveName=name)
    assert (found["EventSourceArn"], found["RetentionDays"], found["EventCount"]) == (f"{BUS}/default", 3, 0)
    assert json.loads(found["EventPattern"]) == {"source": [rule.source]}
    events.update_archive(ArchiveName=name, RetentionDays=5)
    found = events.describe_archive(ArchiveName=name)
    assert (found["RetentionDays"], found["Description"]) == (5, "orders")
    assert [one["ArchiveName"] for one in events.list_archives(NamePrefix=name)["Archives"]] == [name]
    assert name in [one["ArchiveName"] for one in events.list_archives(EventSourceArn=f"{BUS}/default")["Archives"]]
    # The rule that AWS makes is seen, and nobody's to change.
    managed = events.describe_rule(Name=f"Events-Archive-{name}")
    assert managed["ManagedBy"] == "prod.vhs.events.aws.internal"
    assert json.loads(managed["EventPattern"])["replay-name"] == [{"exists": False}]
    for call in (events.delete_rule, events.disable_rule):
        assert refused(call, Name=managed["Name"])[0] == "ManagedRuleException"
    events.delete_archive(ArchiveName=name)
    assert refused(events.describe_archive, ArchiveName=name) == (
        "ResourceNotFoundException",
        f"Archive {name} does not exist.",
    )
    assert refused(events.describe_rule, Name=managed["Name"])[0] == "ResourceNotFoundException"


def test_what_is_no_archive_and_no_replay_is_refused(platform, events):
    rule = Rule(platform)
    name, arn = archive_of(rule)
    bus = {"EventSourceArn": f"{BUS}/default"}
    for code, arguments in (
        ("ResourceAlreadyExistsException", {"ArchiveName": name, **bus}),
        ("ResourceNotFoundException", {"ArchiveName": "a", "EventSourceArn": f"{BUS}/there-is-none"}),
        ("ResourceNotFoundException", {"ArchiveName": "a", "EventSourceArn": f"{BUS.replace(ACCOUNT, '9' * 12)}/b"}),
        ("ValidationException", {"ArchiveName": "a", "EventSourceArn": arn}),
        ("ValidationException", {"ArchiveName": "a b", **bus}),
        ("ValidationException", {"ArchiveName": "a", "KmsKeyIdentifier": "k", **bus}),
        ("InvalidEventPatternException", {"ArchiveName": "a", "EventPattern": "{", **bus}),
    ):
        assert refused(events.create_archive, **arguments)[0] == code, arguments
    assert refused(events.list_archives, NamePrefix="a", State="ENABLED")[0] == "ValidationException"

    good = {"ReplayName": "r", "EventSourceArn": arn, "Destination": {"Arn": f"{BUS}/default"}, **WHENEVER}
    now = datetime.now(UTC)
    for code, arguments in (
        ("ResourceNotFoundException", {"EventSourceArn": arn + "x"}),
        ("ValidationException", {"EventSourceArn": f"{BUS}/default"}),
        ("ValidationException", {"Destination": {"Arn": f"{BUS}/other"}}),
        ("ValidationException", {"Destination": {"Arn": arn}}),
        ("ValidationException", {"Destination": {"Arn": f"{BUS}/default", "FilterArns": [arn]}}),
        ("ValidationException", {"EventStartTime": now, "EventEndTime": now}),
    ):
        assert refused(events.start_replay, **{**good, **arguments})[0] == code, arguments
    for call in (events.describe_replay, events.cancel_replay):
        assert refused(call, ReplayName="r") == ("ResourceNotFoundException", "Replay r does not exist.")


def test_what_was_archived_is_replayed_to_the_rules_that_are_named(platform, events):
    bus = unique("bus")
    events.create_event_bus(Name=bus)
    rule, queue = Rule(platform, bus), Queue(platform)
    name, arn = archive_of(rule)
    rule.target(queue.arn)
    times = [1_800_000_000, 1_700_000_000, 1_750_000_000, 1_900_000_000]
    ids = {at: rule.put({"at": at}, Time=at) for at in times}
    rule.client.put_events(Entries=[{"Source": "another", "DetailType": "d", "Detail": "{}", "EventBusName": bus}])
    assert len(queue.receive(4)) == 4
    assert events.describe_archive(ArchiveName=name)["EventCount"] == 4
    # A rule that came later gets what was there before; the other is not named.
    other, later = Rule(platform, bus), Queue(platform)
    events.put_rule(Name=other.name, EventBusName=bus, EventPattern=json.dumps({"replay-name": [{"exists": True}]}))
    other.target(later.arn)
    span = {
        "EventStartTime": datetime.fromtimestamp(1_700_000_000, UTC),
        "EventEndTime": datetime.fromtimestamp(1_900_000_000, UTC),
    }
    first = replay(rule, arn, [other.arn], **span)
    found = ended(events, first)
    assert found["State"] == "COMPLETED" and found["ReplayEndTime"] >= found["ReplayStartTime"]
    assert found["EventLastReplayedTime"] == datetime.fromtimestamp(1_800_000_000, UTC)
    bodies = later.bodies(3)
    assert {body["id"] for body in bodies} == {ids[at] for at in times[:3]}
    assert {body["replay-name"] for body in bodies} == {first}
    # The next is for all, and everything.
    second = replay(rule, arn)
    ended(events, second)
    assert {body["replay-name"] for body in queue.bodies(4)} == {second}
    assert len(later.receive(4)) >= 4
    # Nothing that was replayed was archived again.
    assert events.describe_archive(ArchiveName=name)["EventCount"] == 4
    assert refused(events.cancel_replay, ReplayName=first)[0] == "IllegalStatusException"
    again = {"EventSourceArn": arn, "Destination": {"Arn": f"{BUS}/{bus}"}, **WHENEVER}
    assert refused(events.start_replay, ReplayName=first, **again)[0] == "ResourceAlreadyExistsException"
    assert [one["ReplayName"] for one in events.list_replays(NamePrefix=first)["Replays"]] == [first]
    assert len(events.list_replays(EventSourceArn=arn)["Replays"]) == 2
    assert refused(events.delete_event_bus, Name=bus)[0] == "ValidationException"


def test_archives_and_replays_outlive_kill_9(new_platform):
    """What was acknowledged is in the archive, and a replay goes on: each event of it arrives at least once."""
    platform = new_platform().start()
    rule, queue = Rule(platform), Queue(platform)
    name, arn = archive_of(rule)
    expected = set()
    for round_ in range(3):
        rule.client = platform.client("events")
        for number in range(50):
            # Not in order: so it is found in several places.
            at = int(time.time()) - 100 + (number * 37) % 50
            entries = [
                {
                    "Source": rule.source,
                    "DetailType": "d",
                    "Detail": json.dumps({"n": f"{round_}.{number}.{part}"}),
                    "Time": at,
                }
                for part in range(4)
            ]
            answer = rule.client.put_events(Entries=entries)
            assert answer["FailedEntryCount"] == 0
            expected.update(entry["EventId"] for entry in answer["Entries"])
        platform.restart()
    client = rule.client = platform.client("events")
    assert client.describe_archive(ArchiveName=name)["EventCount"] == len(expected)
    rule.target(queue.arn)
    started = replay(rule, arn)
    platform.restart()
    client = platform.client("events")
    found = ended(client, started)
    assert found["State"] == "COMPLETED"
    seen = set()

    def all_arrived():
        seen.update(body["id"] for body in queue.bodies())
        return seen >= expected

    wait_until(all_arrived, "everything was replayed", 120)
    # One that is deleted is gone for good.
    client.delete_archive(ArchiveName=name)
    platform.restart()
    assert platform.client("events").list_archives()["Archives"] == []


def test_what_is_older_than_its_retention_is_gone(platform, events):
    rule, queue = Rule(platform), Queue(platform)
    rule.target(queue.arn)
    name, arn = archive_of(rule, RetentionDays=5)
    old, young = (rule.put({"days": days}, Time=time.time() - days * 86400) for days in (6, 4))
    assert {body["id"] for body in queue.bodies(2)} == {old, young}
    ended(events, replay(rule, arn))
    assert [body["id"] for body in queue.bodies()] == [young]
    # A shorter one holds at once.
    events.update_archive(ArchiveName=name, RetentionDays=3)
    assert ended(events, replay(rule, arn))["State"] == "COMPLETED"
    rule.put({"days": 0})
    assert [body["detail"] for body in queue.bodies()] == [{"days": 0}]


def test_a_replay_that_runs_is_cancelled_and_ten_may_run_at_once(new_platform, tmp_path):
    """A server without room for messages holds up whatever goes to queues, so that replays wait."""
    config = tmp_path / "tinderbox.toml"
    config.write_text("[sqs]\nmessages_max = 1\n")
    platform = new_platform("--config", config).start()
    rule, queue, events = Rule(platform), Queue(platform), platform.client("events")
    platform.client("sqs").send_message(QueueUrl=queue.url, MessageBody="full")
    rule.target(queue.arn)
    _, arn = archive_of(rule)
    for _ in range(100):
        entries = [{"Source": rule.source, "DetailType": "d", "Detail": "{}", "Time": 1_700_000_000}] * 10
        assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    first = replay(rule, arn)

    def state(name):
        return events.describe_replay(ReplayName=name)["State"]

    # It began, and waits until less does.
    wait_until(lambda: state(first) == "RUNNING", "the replay runs", 60)
    others = [replay(rule, arn) for _ in range(9)]
    one_more = {
        "ReplayName": unique("replay"), "EventSourceArn": arn, "Destination": {"Arn": f"{BUS}/default"}, **WHENEVER,
    }  # fmt: skip
    assert refused(events.start_replay, **one_more)[0] == "LimitExceededException"
    assert state(first) == "RUNNING"
    assert events.cancel_replay(ReplayName=first)["State"] == "CANCELLING"
    found = ended(events, first)
    assert found["State"] == "CANCELLED" and found["ReplayEndTime"]
    assert refused(events.cancel_replay, ReplayName=first)[0] == "IllegalStatusException"
    # There is room for one, which is cancelled before it did anything; after a restart all is as it was.
    events.start_replay(**one_more)
    events.cancel_replay(ReplayName=one_more["ReplayName"])
    assert ended(events, one_more["ReplayName"])["State"] == "CANCELLED"
    platform.restart()
    events = platform.client("events")
    listed = {one["ReplayName"]: one["State"] for one in events.list_replays()["Replays"]}
    assert listed.pop(first) == listed.pop(one_more["ReplayName"]) == "CANCELLED"
    assert sorted(listed) == sorted(others) and set(listed.values()) <= {"STARTING", "RUNNING"}
    for name in others:
        events.cancel_replay(ReplayName=name)
    assert {ended(events, name)["State"] for name in others} == {"CANCELLED"}
