# SPDX-License-Identifier: Apache-2.0
"""Buses and rules: what is put reaches the targets of the rules that want it, at least once, whatever becomes of the server."""

import json

import pytest
from buses import EVENTS, SERVICE, Queue, Rule, entry, refused
from harness import ACCOUNT, REGION, Platform, allow, policy, unique, wait_until
from topics import Queue as topics_queue

SAY = "import json\ndef handler(event, context):\n    print('got', json.dumps(event), flush=True)"


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def every_minute(platform):
    """A rule that is due every minute, since before the first test: the last one sees what came of it."""
    client, queue, name = platform.client("events"), Queue(platform), unique("rule")
    arn = client.put_rule(Name=name, ScheduleExpression="cron(* * * * ? *)")["RuleArn"]
    client.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue.arn}])
    return arn, queue


@pytest.fixture
def events(platform):
    return platform.client("events")


@pytest.mark.usefixtures("every_minute")
def test_buses_come_are_changed_and_go(events):
    name = unique("bus")
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"
    made = events.create_event_bus(Name=name, Description="orders", Tags=[{"Key": "team", "Value": "a"}])
    assert made["EventBusArn"] == arn
    assert refused(events.create_event_bus, Name=name) == (
        "ResourceAlreadyExistsException",
        f"Event bus {name} already exists.",
    )
    found = events.describe_event_bus(Name=arn)
    assert (found["Name"], found["Arn"], found["Description"]) == (name, arn, "orders")
    assert events.describe_event_bus()["Name"] == "default"
    names = [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    assert "default" in names and name in names and names == sorted(names)
    page = events.list_event_buses(Limit=1)
    assert len(page["EventBuses"]) == 1 and page["NextToken"]
    events.update_event_bus(Name=name, Description="refunds")
    assert events.describe_event_bus(Name=name)["Description"] == "refunds"
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "stage", "Value": "b"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "stage", "Value": "b"}]
    events.put_permission(EventBusName=name, Action="events:PutEvents", Principal="111111111111", StatementId="x")
    assert json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"][0]["Sid"] == "x"
    events.remove_permission(EventBusName=name, StatementId="x")
    assert "Policy" not in events.describe_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    assert refused(events.describe_event_bus, Name=name)[0] == "ResourceNotFoundException"
    assert refused(events.delete_event_bus, Name="default")[0] == "ValidationException"


def test_rules_come_are_changed_and_go(platform, events):
    bus = unique("bus")
    events.create_event_bus(Name=bus)
    rule, queue = Rule(platform, bus), Queue(platform)
    assert rule.arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{bus}/{rule.name}"
    found = events.describe_rule(Name=rule.name, EventBusName=bus)
    assert (found["State"], found["EventBusName"], found["CreatedBy"]) == ("ENABLED", bus, ACCOUNT)
    events.disable_rule(Name=rule.name, EventBusName=bus)
    assert [one["State"] for one in events.list_rules(EventBusName=bus)["Rules"]] == ["DISABLED"]
    events.enable_rule(Name=rule.name, EventBusName=bus)
    target = rule.target(queue.arn)
    assert [one["Id"] for one in events.list_targets_by_rule(Rule=rule.name, EventBusName=bus)["Targets"]] == [target]
    named = events.list_rule_names_by_target(TargetArn=queue.arn, EventBusName=bus)
    assert named["RuleNames"] == [rule.name]
    assert refused(events.delete_rule, Name=rule.name, EventBusName=bus) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    assert refused(events.delete_event_bus, Name=bus)[0] == "ValidationException"
    events.remove_targets(Rule=rule.name, EventBusName=bus, Ids=[target])
    events.delete_rule(Name=rule.name, EventBusName=bus)
    events.delete_rule(Name=rule.name, EventBusName=bus)
    assert refused(events.describe_rule, Name=rule.name, EventBusName=bus) == (
        "ResourceNotFoundException",
        f"Rule {rule.name} does not exist on EventBus {bus}.",
    )
    events.delete_event_bus(Name=bus)


def test_what_is_no_rule_and_no_target_is_refused(platform, events):
    rule, queue = Rule(platform), Queue(platform, fifo=True)
    bad = {"Name": "r", "EventPattern": '{"source": [{"near": "x"}]}'}
    assert refused(events.put_rule, **bad) == (
        "InvalidEventPatternException",
        "Event pattern is not valid. Reason: Unrecognized match type near",
    )
    assert refused(events.put_rule, Name="r")[0] == "ValidationException"
    for expression in ("rate(1 minutes)", "rate(0 minutes)", "at(2030-01-01T00:00:00)", "cron(* * * * * *)"):
        assert refused(events.put_rule, Name="r", ScheduleExpression=expression) == (
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        )
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    for target, word in [
        ({"Arn": "queue"}, "not in correct format"),
        ({"Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"}, "not available"),
        ({"Arn": queue.arn}, "MessageGroupId"),
        ({"Arn": arn}, "own rule"),
        ({"Arn": arn.replace("default", "x")}, "RoleArn is required"),
        ({"Arn": Queue(platform).arn, "Input": "{"}, "JSON syntax error"),
        ({"Arn": Queue(platform).arn, "InputTransformer": {"InputTemplate": '"<a>"'}}, "placeholder"),
        ({"Arn": Queue(platform).arn, "DeadLetterConfig": {"Arn": queue.arn}}, "DeadLetterConfig"),
        ({"Arn": Queue(platform).arn, "KinesisParameters": {"PartitionKeyPath": "$.a"}}, "KinesisParameters"),
    ]:
        code, message = refused(events.put_targets, Rule=rule.name, Targets=[{"Id": "t", **target}])
        assert code == "ValidationException" and word in message, message
    five = [{"Id": str(number), "Arn": Queue(platform).arn} for number in range(6)]
    assert refused(events.put_targets, Rule=rule.name, Targets=five)[0] == "LimitExceededException"


def test_a_pattern_is_tried(platform, events):
    event = {
        "id": "i",
        "account": ACCOUNT,
        "source": "shop",
        "time": "2026-11-23T00:00:00Z",
        "region": REGION,
        "resources": [],
        "detail-type": "order",
        "detail": {"price": 7, "items": [{"id": 1}]},
    }

    def result(pattern):
        return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]

    assert result({"detail": {"price": [{"numeric": [">", 5]}], "items": {"id": [1]}}})
    assert not result({"$or": [{"source": ["x"]}, {"detail": {"price": [8]}}]})
    assert refused(events.test_event_pattern, EventPattern="[]", Event="{}")[0] == "InvalidEventPatternException"


def test_queues_and_topics_get_the_event(platform, events):
    queue, fifo, subscriber = Queue(platform), Queue(platform, fifo=True), topics_queue(platform)
    topics = platform.client("sns")
    topic = topics.create_topic(Name=unique("topic"))["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=subscriber.arn, Attributes={"RawMessageDelivery": "true"})
    rule = Rule(platform, pattern={"detail": {"price": [{"numeric": [">", 5]}]}})
    rule.target(queue.arn)
    rule.target(fifo.arn, SqsParameters={"MessageGroupId": "g"})
    rule.target(topic, RoleArn=platform.role(allow("sns:Publish", topic), service=EVENTS))
    rule.put({"price": 3})
    event_id = rule.put({"price": 7}, Resources=["r"], Time=1_000_000_000)
    (body,) = queue.bodies()
    assert body == {
        "version": "0",
        "id": event_id,
        "detail-type": "order",
        "source": rule.source,
        "account": ACCOUNT,
        "time": "2001-09-09T01:46:40Z",
        "region": REGION,
        "resources": ["r"],
        "detail": {"price": 7},
    }
    (message,) = fifo.receive()
    assert json.loads(message["Body"]) == body and message["Attributes"]["MessageGroupId"] == "g"
    (message,) = subscriber.receive()
    assert json.loads(message["Body"]) == body


def test_a_function_gets_the_event_if_its_policy_lets_the_rule(platform):
    function, dead = platform.python(SAY), Queue(platform)
    rule = Rule(platform)
    rule.target(function.arn, DeadLetterConfig={"Arn": dead.arn})
    rule.put({"n": "not let in"})
    (letter,) = dead.receive()
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"])["detail"] == {"n": "not let in"}
    assert (told["RULE_ARN"], told["TARGET_ARN"], told["ERROR_CODE"]) == (rule.arn, function.arn, "NO_PERMISSIONS")
    assert "lambda:InvokeFunction" in told["ERROR_MESSAGE"]
    platform.client().add_permission(
        FunctionName=function.name,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule.arn,
    )
    event_id = rule.put({"n": "let in"})
    line = next(line for line in function.log_with(event_id).splitlines() if event_id in line)
    assert json.loads(line.split("got ", 1)[1])["detail"] == {"n": "let in"}


def test_a_target_gets_what_its_input_says(platform):
    queue, rule = Queue(platform), Rule(platform)
    rule.target(queue.arn, Input='{"a": 1}')
    rule.target(queue.arn, InputPath="$.detail.n")
    template = '{"b": <n>, "rule": "<aws.events.rule-name>"}'
    rule.target(queue.arn, InputTransformer={"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": template})
    rule.put({"n": "x"})
    assert [message["Body"] for message in queue.receive(3)] == [
        '"x"',
        '{"a": 1}',
        f'{{"b": "x", "rule": "{rule.name}"}}',
    ]


def test_entries_are_refused_one_by_one(platform, events):
    queue, rule = Queue(platform), Rule(platform)
    rule.target(queue.arn)
    answer = events.put_events(
        Entries=[
            {"DetailType": "order", "Detail": "{}"},
            {"Source": rule.source, "DetailType": "order", "Detail": "[]"},
            entry(rule.source, {"n": 1}),
            entry("aws.s3", {}),
            entry(rule.source, {}, EventBusName="there-is-none"),
        ]
    )
    assert answer["FailedEntryCount"] == 4
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == [
        "InvalidArgument",
        "MalformedDetail",
        None,
        "NotAuthorizedForSourceException",
        "ResourceNotFoundException",
    ]
    assert queue.bodies()[0]["id"] == answer["Entries"][2]["EventId"]
    assert refused(events.put_events, Entries=[entry("s", {})] * 11)[0] == "ValidationException"
    # As much as a queue takes, with what stands around it.
    another, large_ones = Rule(platform), Queue(platform)
    another.target(large_ones.arn)
    another.put({"a": "x" * 1_047_000})
    assert len(large_ones.bodies()[0]["detail"]["a"]) == 1_047_000
    large = entry("s", {"a": "x" * (1 << 20)})
    assert refused(events.put_events, Entries=[large]) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


def test_a_bus_gets_what_a_role_lets_it_have(platform, events):
    bus, queue, dead = unique("bus"), Queue(platform), Queue(platform)
    arn = events.create_event_bus(Name=bus)["EventBusArn"]
    rule = Rule(platform)
    rule.target(
        arn, RoleArn=platform.role(allow("sqs:SendMessage"), service=EVENTS), DeadLetterConfig={"Arn": dead.arn}
    )
    pattern = json.dumps({"source": [rule.source]})
    events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "q", "Arn": queue.arn}])
    rule.put({"n": 1})
    assert dead.receive()[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    events.remove_targets(
        Rule=rule.name, Ids=[one["Id"] for one in events.list_targets_by_rule(Rule=rule.name)["Targets"]]
    )
    rule.target(arn, RoleArn=platform.role(allow("events:PutEvents", arn), service=EVENTS))
    event_id = rule.put({"n": 2})
    (body,) = queue.bodies()
    assert (body["id"], body["detail"]) == (event_id, {"n": 2})


def test_a_role_has_to_trust_eventbridge(platform):
    queue, dead, rule = Queue(platform), Queue(platform), Rule(platform)
    role = platform.role(allow("sqs:SendMessage"), service="lambda.amazonaws.com")
    rule.target(queue.arn, RoleArn=role, DeadLetterConfig={"Arn": dead.arn})
    rule.put({"n": 1})
    told = dead.receive()[0]["MessageAttributes"]
    assert told["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS" and role in told["ERROR_MESSAGE"]["StringValue"]
    trust = policy({"Effect": "Allow", "Principal": SERVICE, "Action": "sts:AssumeRole"})
    platform.client("iam").update_assume_role_policy(RoleName=role.split("/")[-1], PolicyDocument=trust)
    rule.put({"n": 2})
    assert queue.bodies()[0]["detail"] == {"n": 2}


def test_a_queue_may_let_one_rule_alone(platform):
    queue, dead, one, other = Queue(platform, is_open=False), Queue(platform), Rule(platform), Rule(platform)
    letting = {
        "Effect": "Allow",
        "Principal": SERVICE,
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": one.arn}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    platform.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy(letting)})
    for rule in (one, other):
        rule.target(queue.arn, DeadLetterConfig={"Arn": dead.arn})
        rule.put({})
    assert queue.bodies()[0]["source"] == one.source
    assert dead.bodies()[0]["source"] == other.source


def test_policies_tell_buses_and_sources_apart(platform):
    iam, user, rule, queue = platform.client("iam"), unique("user"), Rule(platform), Queue(platform)
    iam.create_user(UserName=user)
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    statements = [
        allow("events:PutEvents", bus, Condition={"StringEquals": {"events:source": "shop"}}),
        allow("events:PutTargets", rule.arn),
    ]
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    mine = platform.client("events", key["AccessKeyId"], key["SecretAccessKey"])
    assert mine.put_events(Entries=[entry("shop", {})])["FailedEntryCount"] == 0
    code, sentence = refused(mine.put_events, Entries=[entry("shop", {}), entry("bank", {})])
    assert code == "AccessDeniedException" and f"events:PutEvents on resource: {bus}" in sentence
    assert refused(mine.put_rule, Name=rule.name, EventPattern="{}")[0] == "AccessDeniedException"
    mine.put_targets(Rule=rule.name, Targets=[{"Id": "q", "Arn": queue.arn}])
    given = {"Id": "q", "Arn": queue.arn, "RoleArn": platform.role()}
    code, sentence = refused(mine.put_targets, Rule=rule.name, Targets=[given])
    assert code == "AccessDeniedException" and "iam:PassRole" in sentence


def test_a_queue_that_is_not_there_takes_nothing(platform):
    dead, rule = Queue(platform), Rule(platform)
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:there-is-none"
    role = platform.role(allow("sqs:SendMessage"), service=EVENTS)
    rule.target(gone, RoleArn=role, DeadLetterConfig={"Arn": dead.arn})
    rule.put({"n": 1})
    told = dead.receive()[0]["MessageAttributes"]
    assert told["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_the_aws_cli_puts_an_event(platform):
    queue, rule = Queue(platform), Rule(platform)
    rule.target(queue.arn)
    answer = platform.cli("events", "put-events", "--entries", json.dumps([entry(rule.source, {"n": 1})]))
    assert json.loads(answer.stdout)["FailedEntryCount"] == 0
    assert queue.bodies()[0]["detail"] == {"n": 1}
    listed = json.loads(platform.cli("events", "list-rules", "--name-prefix", rule.name).stdout)
    assert [one["Arn"] for one in listed["Rules"]] == [rule.arn]


def test_what_was_put_arrives_after_kill_9(new_platform):
    platform = new_platform().start()
    one, other = Queue(platform), Queue(platform)
    rule = Rule(platform)
    rule.target(one.arn)
    rule.target(other.arn)
    expected = set()
    for round_ in range(3):
        for number in range(5):
            rule.client = platform.client("events")
            expected.add(rule.put({"n": f"{round_}.{number}"}))
        platform.restart()
    for queue in (one, other):
        seen = set()

        def all_arrived(queue=queue, seen=seen):
            seen.update(body["id"] for body in queue.bodies())
            return seen >= expected

        wait_until(all_arrived, "all that was put has arrived", 60)
    assert [one["Arn"] for one in platform.client("events").list_rules()["Rules"]] == [rule.arn]


def test_a_rule_is_due_every_minute(every_minute, events):
    arn, queue = every_minute
    message, *_ = queue.receive(timeout=150)
    body = json.loads(message["Body"])
    assert body.pop("id") and body.pop("time").endswith(":00Z")
    assert body == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [arn],
        "detail": {},
    }
    found = events.describe_rule(Name=arn.rsplit("/", 1)[1])
    assert found["ScheduleExpression"] == "cron(* * * * ? *)" and "EventPattern" not in found
