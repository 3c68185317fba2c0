# SPDX-License-Identifier: Apache-2.0
"""Log groups as targets of rules: what they get, and who lets it in."""

import json

import pytest
from buses import Queue, Rule, refused
from harness import ACCOUNT, REGION, Platform, policy, unique, wait_until

DELIVERY = {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]}


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture
def logs(platform):
    return platform.client("logs")


class Group:
    """A log group, and the policy that lets a rule write to it, as the user guide has it."""

    def __init__(self, platform, rule=None):
        self.logs, self.name = platform.client("logs"), f"/aws/events/{unique('group')}"
        self.arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.name}"
        self.logs.create_log_group(logGroupName=self.name)
        if rule is not None:
            self.let(rule)

    def let(self, rule):
        common = {"Effect": "Allow", "Principal": DELIVERY}
        document = policy(
            {**common, "Action": "logs:CreateLogStream", "Resource": f"{self.arn}:*"},
            {
                **common,
                "Action": "logs:PutLogEvents",
                "Resource": f"{self.arn}:*:*",
                "Condition": {"ArnEquals": {"aws:SourceArn": rule.arn}},
            },
        )
        self.policy = unique("policy")
        self.logs.put_resource_policy(policyName=self.policy, policyDocument=document)

    def shut(self):
        self.logs.delete_resource_policy(policyName=self.policy)

    def events(self, count=1):
        found = []

        def is_there():
            found[:] = self.logs.filter_log_events(logGroupName=self.name)["events"]
            return len(found) >= count

        wait_until(is_there, f"{count} event(s) in the group", 60)
        return found


def test_a_log_group_gets_the_event_if_a_policy_lets_the_rule(platform):
    rule, dead = Rule(platform), Queue(platform)
    group = Group(platform)
    rule.target(group.arn, DeadLetterConfig={"Arn": dead.arn})
    rule.put({"n": "not let in"})
    (letter,) = dead.receive()
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "NO_PERMISSIONS" and "logs:PutLogEvents" in told["ERROR_MESSAGE"]
    group.let(rule)
    ids = [rule.put({"n": number}) for number in range(3)]
    events = group.events(3)
    assert sorted(json.loads(event["message"])["id"] for event in events) == sorted(ids)
    assert len({event["logStreamName"] for event in events}) == 1
    # It has the time that the event says.
    event = json.loads(events[0]["message"])
    assert event["source"] == rule.source and events[0]["timestamp"] % 1000 == 0
    # Another rule is not let in, and nobody is once the policy is gone.
    other = Rule(platform)
    other.target(group.arn, DeadLetterConfig={"Arn": dead.arn})
    other.put({"n": "of another rule"})
    assert dead.bodies()[0]["source"] == other.source
    group.shut()
    rule.put({"n": "too late"})
    assert dead.bodies()[0]["detail"] == {"n": "too late"}
    assert len(group.events(3)) == 3


def test_an_input_says_the_time_and_the_message(platform):
    rule, dead = Rule(platform), Queue(platform)
    group = Group(platform, rule)
    paths = {"time": "$.time", "n": "$.detail.n"}
    template = '{"timestamp": <time>, "message": "n is <n>"}'
    rule.target(group.arn, InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    rule.target(group.arn, Input='{"message": "without a time"}', DeadLetterConfig={"Arn": dead.arn})
    rule.put({"n": 7})
    (event,) = group.events()
    assert event["message"] == "n is 7"
    assert dead.receive()[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_PARAMETER"


def test_a_group_that_is_not_there_takes_nothing(platform):
    rule, dead = Rule(platform), Queue(platform)
    group = Group(platform, rule)
    group.logs.delete_log_group(logGroupName=group.name)
    rule.target(group.arn, DeadLetterConfig={"Arn": dead.arn})
    rule.put({})
    assert dead.receive()[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_group_is_its_rules_accounts(platform):
    rule = Rule(platform)
    for arn in (
        f"arn:aws:logs:{REGION}:999999999999:log-group:g",
        f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:g",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:d",
    ):
        target = {"Id": "t", "Arn": arn}
        assert refused(rule.client.put_targets, Rule=rule.name, Targets=[target])[0] == "ValidationException", arn


def test_a_resource_policy_binds_services_only(platform, logs):
    """A user that its own policies let is let, whatever a resource policy of log groups denies: as on AWS."""
    group, name = Group(platform), unique("policy")
    denying = policy({"Effect": "Deny", "Principal": "*", "Action": "logs:*", "Resource": "*"})
    logs.put_resource_policy(policyName=name, policyDocument=denying)
    try:
        own = {"Effect": "Allow", "Action": "logs:CreateLogStream", "Resource": f"{group.arn}:*"}
        iam, user = platform.client("iam"), unique("user")
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(own))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        mine = platform.client("logs", key["AccessKeyId"], key["SecretAccessKey"])
        mine.create_log_stream(logGroupName=group.name, logStreamName="s")
        assert refused(mine.delete_log_group, logGroupName=group.name)[0] == "AccessDeniedException"
    finally:
        logs.delete_resource_policy(policyName=name)
