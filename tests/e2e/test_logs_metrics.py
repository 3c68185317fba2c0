# SPDX-License-Identifier: Apache-2.0
"""Metric filters of CloudWatch Logs: what is logged becomes metrics."""

import time

from harness import wait_until

PRINT = "import json\ndef handler(event, context):\n    print(json.dumps(event))"


def values(platform, name, statistic, **dimensions):
    """Of the last hour."""
    now = time.time()
    points = platform.client("cloudwatch").get_metric_statistics(
        Namespace="Shop",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - 3600,
        EndTime=now + 60,
        Period=3600,
        Statistics=[statistic],
    )["Datapoints"]
    return [point[statistic] for point in points]


def test_what_a_function_prints_becomes_a_metric(platform):
    function, logs = platform.python(PRINT), platform.client("logs")
    group = f"/aws/lambda/{function.name}"
    logs.create_log_group(logGroupName=group)
    transformation = {"metricName": "took", "metricNamespace": "Shop", "metricValue": "$.took", "unit": "Milliseconds"}
    logs.put_metric_filter(
        logGroupName=group,
        filterName="took",
        filterPattern="{ $.took > 1 }",
        metricTransformations=[transformation | {"dimensions": {"Path": "$.path"}}],
    )
    counted = {"metricName": "calls", "metricNamespace": "Shop", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName=group, filterName="calls", filterPattern="REPORT", metricTransformations=[counted]
    )
    for took, path in [(1, "/a"), (2, "/a"), (4, "/a"), (8, "/b")]:
        function.invoke({"took": took, "path": path})

    wait_until(lambda: sum(values(platform, "calls", "Sum")) == 4, "each invocation is counted")
    wait_until(lambda: sum(values(platform, "took", "Sum", Path="/b")) == 8, "what took long is a metric")
    assert sum(values(platform, "took", "Sum", Path="/a")) == 6
    assert max(values(platform, "took", "Maximum", Path="/a")) == 4
    assert values(platform, "took", "Sum") == []
