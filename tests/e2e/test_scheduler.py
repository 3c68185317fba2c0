# SPDX-License-Identifier: Apache-2.0
"""Schedules: they fire when they are due, as their role and as often as they are let, whatever becomes of the server."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, Platform, allow, policy, unique, wait_until

SAY = "import json\ndef handler(event, context):\n    print('got', json.dumps(event), flush=True)"
SERVICE = "scheduler.amazonaws.com"
OFF = {"Mode": "OFF"}
KEYWORDS = ["schedule-arn", "scheduled-time", "execution-id", "attempt-number"]
# Half an hour beside UTC: the minutes of an expression are those of its zone.
KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def role(platform):
    """May do everything."""
    return platform.role(allow("*"), service=SERVICE)


class Queue:
    def __init__(self, platform, suffix="", **attributes):
        self.platform, self.name = platform, unique("queue") + suffix
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        platform.client("sqs").create_queue(QueueName=self.name, Attributes=attributes)

    def receive(self, timeout=60):
        """The next message."""
        client = self.platform.client("sqs")

        def next_one():
            answer = client.receive_message(
                QueueUrl=f"{self.platform.endpoint}/{ACCOUNT}/{self.name}",
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            return answer.get("Messages")

        return wait_until(next_one, f"a message arrived in {self.name}", timeout)[0]


def at(seconds):
    """An expression for so many seconds from now on."""
    return f"at({datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S})"


def create(platform, expression, target, **arguments):
    name = arguments.pop("Name", None) or unique("schedule")
    arguments.setdefault("FlexibleTimeWindow", OFF)
    platform.client("scheduler").create_schedule(Name=name, ScheduleExpression=expression, Target=target, **arguments)
    return name


def refused(call, code, status, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return response["Error"]["Message"]


def is_there(platform, name):
    client = platform.client("scheduler")
    try:
        client.get_schedule(Name=name)
        return True
    except client.exceptions.ResourceNotFoundException:
        return False


@pytest.fixture(scope="module")
def every_few_minutes(platform, role):
    """A schedule with a time zone that is due within the next minute, and some after it, made before the other tests run."""
    queue = Queue(platform)
    now = datetime.now(KOLKATA)
    minutes = sorted((now + timedelta(minutes=n)).minute for n in range(1, 8))
    target = {"Arn": queue.arn, "RoleArn": role, "Input": "<aws.scheduler.scheduled-time>"}
    expression = f"cron({','.join(map(str, minutes))} * * * ? *)"
    create(platform, expression, target, ScheduleExpressionTimezone=str(KOLKATA))
    return queue, minutes


def test_a_schedule_is_kept_listed_changed_and_deleted(platform, role, every_few_minutes):
    client, queue = platform.client("scheduler"), Queue(platform)
    target = {"Arn": queue.arn, "RoleArn": role}
    name = create(platform, "rate(3 days)", target, State="DISABLED", Description="d")
    found = client.get_schedule(Name=name)
    assert found["Arn"] == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    assert (found["GroupName"], found["State"], found["Description"]) == ("default", "DISABLED", "d")
    assert (found["ScheduleExpressionTimezone"], found["ActionAfterCompletion"]) == ("UTC", "NONE")
    retries = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert found["Target"] == {**target, "RetryPolicy": retries}
    assert found["CreationDate"] == found["LastModificationDate"]
    again = refused(
        client.create_schedule,
        "ConflictException",
        409,
        Name=name,
        ScheduleExpression="rate(3 days)",
        Target=target,
        FlexibleTimeWindow=OFF,
    )
    assert again == f"Schedule {name} already exists."
    # What an update leaves out is as if it had never been said.
    client.update_schedule(Name=name, ScheduleExpression="rate(4 days)", Target=target, FlexibleTimeWindow=OFF)
    changed = client.get_schedule(Name=name)
    assert (changed["ScheduleExpression"], changed["State"]) == ("rate(4 days)", "ENABLED")
    assert "Description" not in changed
    assert changed["CreationDate"] == found["CreationDate"]
    (listed,) = client.list_schedules(NamePrefix=name, State="ENABLED")["Schedules"]
    assert (listed["Arn"], listed["Target"]) == (found["Arn"], {"Arn": queue.arn})
    assert client.list_schedules(NamePrefix=name, State="DISABLED")["Schedules"] == []
    client.delete_schedule(Name=name)
    for call in (client.get_schedule, client.delete_schedule):
        assert refused(call, "ResourceNotFoundException", 404, Name=name) == f"Schedule {name} does not exist."


def test_the_same_request_again_is_one_request(platform, role):
    client = platform.client("scheduler")
    request = {
        "Name": unique("schedule"),
        "ScheduleExpression": "rate(3 days)",
        "Target": {"Arn": Queue(platform).arn, "RoleArn": role},
        "FlexibleTimeWindow": OFF,
        "State": "DISABLED",
        "ClientToken": "token",
    }
    assert client.create_schedule(**request)["ScheduleArn"] == client.create_schedule(**request)["ScheduleArn"]
    refused(client.create_schedule, "ConflictException", 409, **{**request, "Description": "another"})


def test_groups_have_schedules_and_tags_and_go_with_both(platform, role):
    client, group = platform.client("scheduler"), unique("group")
    arn = client.create_schedule_group(Name=group, Tags=[{"Key": "k", "Value": "v"}])["ScheduleGroupArn"]
    assert refused(client.create_schedule_group, "ConflictException", 409, Name=group)
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "l", "Value": "w"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["k"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "l", "Value": "w"}]
    target = {"Arn": Queue(platform).arn, "RoleArn": role}
    names = [create(platform, "rate(3 days)", target, GroupName=group, State="DISABLED") for _ in range(5)]
    pages = client.get_paginator("list_schedules").paginate(GroupName=group, PaginationConfig={"PageSize": 2})
    pages = [[schedule["Name"] for schedule in page["Schedules"]] for page in pages]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(sum(pages, [])) == sorted(names)
    assert client.get_schedule(Name=names[0], GroupName=group)["GroupName"] == group
    listed = [found["Name"] for found in client.list_schedule_groups()["ScheduleGroups"]]
    assert {"default", group} <= set(listed)
    client.delete_schedule_group(Name=group)
    refused(client.get_schedule_group, "ResourceNotFoundException", 404, Name=group)
    refused(client.get_schedule, "ResourceNotFoundException", 404, Name=names[0], GroupName=group)
    refused(client.delete_schedule_group, "ValidationException", 400, Name="default")
    assert client.get_schedule_group(Name="default")["State"] == "ACTIVE"


def test_what_can_not_be_is_refused(platform, role):
    client, queue = platform.client("scheduler"), Queue(platform)
    target = {"Arn": queue.arn, "RoleArn": role}
    good = {"Name": "x", "ScheduleExpression": "rate(1 days)", "Target": target, "FlexibleTimeWindow": OFF}

    def refusal(**changes):
        return refused(client.create_schedule, "ValidationException", 400, **{**good, **changes})

    assert refusal(ScheduleExpression="rate(1 fortnight)") == "Invalid Schedule Expression rate(1 fortnight)."
    assert "Timezone" in refusal(ScheduleExpressionTimezone="Europe/Atlantis")
    assert "5 minutes ago" in refusal(StartDate=datetime.now(UTC) - timedelta(minutes=6))
    assert "MaximumWindowInMinutes" in refusal(FlexibleTimeWindow={"Mode": "FLEXIBLE"})
    lambda_alone = platform.role(allow("*"))
    words = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    assert refusal(Target={**target, "RoleArn": lambda_alone}) == words
    assert refusal(Target={**target, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/none"}) == words
    assert "correct format" in refusal(Target={**target, "Arn": "queue"})
    assert "not available" in refusal(Target={**target, "Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:x"})
    assert "MessageGroupId" in refusal(Target={**target, "Arn": f"{queue.arn}.fifo"})
    group = refused(client.create_schedule, "ResourceNotFoundException", 404, **{**good, "GroupName": "none"})
    assert group == "Schedule group none does not exist."


def test_who_makes_a_schedule_must_be_let_pass_its_role(platform, role):
    iam, user = platform.client("iam"), unique("user")
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(allow("scheduler:*")))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    client = platform.client("scheduler", key["AccessKeyId"], key["SecretAccessKey"])
    name = unique("schedule")
    arguments = {
        "Name": name,
        "ScheduleExpression": "rate(3 days)",
        "Target": {"Arn": Queue(platform).arn, "RoleArn": role},
        "FlexibleTimeWindow": OFF,
        "State": "DISABLED",
    }
    assert "iam:PassRole" in refused(client.create_schedule, "AccessDeniedException", 403, **arguments)
    condition = {"StringEquals": {"iam:PassedToService": SERVICE}}
    passing = policy(allow("scheduler:*"), allow("iam:PassRole", role, Condition=condition))
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=passing)
    client.create_schedule(**arguments)


def test_once_fires_once_with_its_input_and_is_gone_if_it_shall(platform, role):
    queue = Queue(platform)
    text = json.dumps({keyword: f"<aws.scheduler.{keyword}>" for keyword in KEYWORDS})
    expression = at(10)
    name = create(
        platform,
        expression,
        {"Arn": queue.arn, "RoleArn": role, "Input": text},
        ActionAfterCompletion="DELETE",
    )
    told = json.loads(queue.receive()["Body"])
    assert told["schedule-arn"].endswith(f":schedule/default/{name}")
    assert told["scheduled-time"] == expression.removeprefix("at(").removesuffix(")") + "Z"
    assert (len(told["execution-id"]), told["attempt-number"]) == (16, "1")
    wait_until(lambda: not is_there(platform, name), "the schedule is gone")


def test_a_rate_fires_at_once_and_a_function_without_input_gets_an_event(platform, role):
    function = platform.python(SAY)
    name = create(platform, "rate(1 hour)", {"Arn": function.arn, "RoleArn": role})
    log = function.log_with("got ")
    line = next(line for line in log.splitlines() if "got " in line)
    event = json.loads(line.split("got ", 1)[1])
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    assert event["resources"] == [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"]
    assert (event["account"], event["region"]) == (ACCOUNT, REGION)


def test_topics_and_fifo_queues_get_what_is_for_them(platform, role):
    topic = platform.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    queue = Queue(platform)
    raw = {"RawMessageDelivery": "true"}
    platform.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=raw)
    let = policy({**allow("sqs:SendMessage", queue.arn), "Principal": {"Service": "sns.amazonaws.com"}})
    url = f"{platform.endpoint}/{ACCOUNT}/{queue.name}"
    platform.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": let})
    fifo = Queue(platform, ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    create(platform, "rate(1 hour)", {"Arn": topic, "RoleArn": role, "Input": "to the topic"})
    parameters = {"SqsParameters": {"MessageGroupId": "g"}}
    create(platform, "rate(1 hour)", {"Arn": fifo.arn, "RoleArn": role, "Input": "in order", **parameters})
    assert queue.receive()["Body"] == "to the topic"
    message = fifo.receive()
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("in order", "g")


def test_a_bus_gets_an_event_with_the_input_as_its_detail(platform, role):
    queue, events, name = Queue(platform), platform.client("events"), unique("bus")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name="r", EventBusName=name, EventPattern=json.dumps({"source": ["my.app"]}))
    let = policy({**allow("sqs:SendMessage", queue.arn), "Principal": {"Service": "events.amazonaws.com"}})
    url = f"{platform.endpoint}/{ACCOUNT}/{queue.name}"
    platform.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": let})
    events.put_targets(Rule="r", EventBusName=name, Targets=[{"Id": "1", "Arn": queue.arn}])
    parameters = {"EventBridgeParameters": {"Source": "my.app", "DetailType": "Tick"}}
    schedule = create(platform, "rate(1 hour)", {"Arn": bus, "RoleArn": role, "Input": '{"n": 1}', **parameters})
    event = json.loads(queue.receive()["Body"])
    assert (event["detail-type"], event["detail"]) == ("Tick", {"n": 1})
    assert event["resources"] == [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{schedule}"]


def test_what_the_role_may_not_goes_to_the_dead_letters(platform):
    queue, dead = Queue(platform), Queue(platform)
    role = platform.role(allow("sqs:SendMessage", dead.arn), service=SERVICE)
    target = {"Arn": queue.arn, "RoleArn": role, "Input": "lost", "DeadLetterConfig": {"Arn": dead.arn}}
    name = create(platform, "rate(1 hour)", target)
    message = dead.receive()
    assert message["Body"] == "lost"
    told = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert (told["ERROR_CODE"], told["RETRY_ATTEMPTS"]) == ("AccessDeniedException", "0")
    assert "sqs:SendMessage" in told["ERROR_MESSAGE"]
    assert (told["TARGET_ARN"], told["IS_PAYLOAD_TRUNCATED"]) == (queue.arn, "false")
    assert told["SCHEDULE_ARN"].endswith(f"/{name}")
    assert datetime.fromisoformat(told["SCHEDULED_TIME"]) <= datetime.now(UTC)


def test_what_fell_while_no_server_ran_is_fired_late(binary):
    platform = Platform().start()
    try:
        queue, role = Queue(platform), platform.role(allow("*"), service=SERVICE)
        expression = at(5)
        target = {"Arn": queue.arn, "RoleArn": role, "Input": "<aws.scheduler.scheduled-time>"}
        name = create(platform, expression, target, ActionAfterCompletion="DELETE")
        kept = create(platform, "rate(3 days)", target, State="DISABLED", Description="still there")
        platform.kill()
        due = datetime.fromisoformat(expression.removeprefix("at(").removesuffix(")")).replace(tzinfo=UTC)
        wait_until(lambda: datetime.now(UTC) > due, "the schedule was due")
        platform.start()
        assert queue.receive()["Body"] == f"{due:%Y-%m-%dT%H:%M:%S}Z"
        wait_until(lambda: not is_there(platform, name), "the schedule is gone")
        assert platform.client("scheduler").get_schedule(Name=kept)["Description"] == "still there"
    finally:
        platform.stop()
        platform.discard()


def test_a_cron_is_due_on_the_clock_of_its_zone(every_few_minutes):
    queue, minutes = every_few_minutes
    due = datetime.fromisoformat(queue.receive(timeout=150)["Body"])
    assert due.second == 0
    assert due.astimezone(KOLKATA).minute in minutes
