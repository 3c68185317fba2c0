# SPDX-License-Identifier: Apache-2.0
"""Metrics that are printed to logs, in CloudWatch's Embedded Metric Format."""

import datetime
import json
import subprocess
import sys
import time
from pathlib import Path

from harness import unique, wait_until

POWERTOOLS = """
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricResolution, MetricUnit

metrics = Metrics()

@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    metrics.add_dimension(name="shop", value=event["shop"])
    metrics.add_metric(name="Sales", unit=MetricUnit.Count, value=event["sales"])
    metrics.add_metric(name="Sales", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Time", unit=MetricUnit.Milliseconds, value=2.5, resolution=MetricResolution.High)
"""
# What it loads that does not come with Python.
LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
import aws_lambda_powertools.metrics
print("\\n".join(filter(None, (getattr(module, "__file__", None) for module in list(sys.modules.values())))))
"""


def powertools():
    """The files of Powertools for AWS Lambda that metrics need, as they are installed for the tests."""
    import aws_lambda_powertools

    site = Path(aws_lambda_powertools.__file__).parents[1]
    loaded = subprocess.run([sys.executable, "-S", "-c", LOADED, site], capture_output=True, text=True, check=True)
    paths = [Path(line) for line in loaded.stdout.splitlines()]
    # Functions have botocore already.
    ours = [path for path in paths if path.is_relative_to(site) and "botocore" not in path.parts]
    return {str(path.relative_to(site)): path.read_text() for path in ours}


def event(namespace, **changes):
    directive = {"Namespace": namespace, "Dimensions": [["shop"], []], "Metrics": [{"Name": "Sales", "Unit": "Count"}]}
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": metadata, "shop": "a", "Sales": 3, **changes}


def points(platform, namespace, name, period=86400, statistic="Sum", **dimensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    # So many points at most.
    span = datetime.timedelta(seconds=min(period * 600, 7200))
    return platform.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Period=period,
        Statistics=[statistic],
        StartTime=now - span,
        EndTime=now + span,
    )["Datapoints"]


def total(*arguments, statistic="Sum", **dimensions):
    return sum(point[statistic] for point in points(*arguments, statistic=statistic, **dimensions))


def test_powertools_metrics_are_cloudwatchs(platform):
    namespace, service = unique("ns"), unique("service")
    variables = {"POWERTOOLS_METRICS_NAMESPACE": namespace, "POWERTOOLS_SERVICE_NAME": service}
    function = platform.deploy({"index.py": POWERTOOLS, **powertools()}, Environment={"Variables": variables})
    function.invoke({"shop": "a", "sales": 3})
    function.invoke({"shop": "a", "sales": 4})
    whole = {"shop": "a", "service": service}
    wait_until(lambda: total(platform, namespace, "Sales", **whole) == 9, "what was sold is a metric")
    assert total(platform, namespace, "Sales", statistic="SampleCount", **whole) == 4
    assert points(platform, namespace, "Sales", **whole)[0]["Unit"] == "Count"
    fine = points(platform, namespace, "Time", period=1, **whole)
    assert sum(point["Sum"] for point in fine) == 5 and fine[0]["Unit"] == "Milliseconds"
    listed = platform.client("cloudwatch").list_metrics(Namespace=namespace, MetricName="ColdStart")["Metrics"]
    (cold,) = [{one["Name"]: one["Value"] for one in metric["Dimensions"]} for metric in listed]
    assert cold == {"function_name": function.name, "service": service}
    assert '"_aws"' in function.log_with('"_aws"'), "the log has it all the same"


def test_events_that_are_put_and_what_is_wrong_with_them(platform):
    logs, group, namespace = platform.client("logs"), unique("/mine/"), unique("ns")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    good, torn = json.dumps(event(namespace)), json.dumps(event(namespace))[:-1]
    messages = [good, good, torn, json.dumps(event(namespace, Sales="many")), 'the member "_aws" is read', "plain"]
    events = [{"timestamp": int(time.time() * 1000), "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    wait_until(lambda: total(platform, namespace, "Sales", shop="a") == 6, "what was put is a metric")
    assert total(platform, namespace, "Sales") == 6, "and one without dimensions"
    for name in ("EMFParsingErrors", "EMFValidationErrors"):
        assert total(platform, "AWS/Logs", name, LogGroupName=group) == 1, name
    kept = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)["events"]
    assert [one["message"] for one in kept] == messages


def test_metrics_behind_a_prefix_of_the_runtime(platform):
    namespace = unique("ns")
    text = json.dumps(event(namespace))
    function = platform.node(f"export const handler = async () => {{ console.log({json.dumps(text)}); }};")
    function.invoke({})
    wait_until(lambda: total(platform, namespace, "Sales", shop="a") == 3, "what was printed is a metric")
