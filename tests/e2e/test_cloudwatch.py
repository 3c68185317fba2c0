# SPDX-License-Identifier: Apache-2.0
"""CloudWatch: metrics that are put, and those of functions, in all its protocols."""

import datetime
import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness import POLL, Platform, http_get, unique, wait_until

HANDLER = """
import time

def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("fail"):
        raise RuntimeError("told to fail")
    return event
"""
NAMES = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


@pytest.fixture(scope="module")
def server(binary):
    platform = Platform("--set", "events.first_retry_ms=100", "--set", "events.second_retry_ms=100").start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(params=["smithy-rpc-v2-cbor", "json", "query"])
def cloudwatch(server, request, monkeypatch):
    """A client that speaks one of the protocols."""
    monkeypatch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (request.param,))
    server._clients.clear()
    client = server.client("cloudwatch")
    assert client.meta.service_model.resolved_protocol == request.param
    yield client
    server._clients.clear()


def span(hours=2):
    """From some hours ago until after now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"StartTime": now - datetime.timedelta(hours=hours), "EndTime": now + datetime.timedelta(hours=2)}


def total(platform, name, statistic="Sum", **dimensions):
    """The sum, or another statistic, of a metric of functions over the last hours, as soon as there is one."""
    asked = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    points = platform.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda", MetricName=name, Dimensions=asked, Period=86400, Statistics=[statistic], **span()
    )["Datapoints"]
    if statistic == "Maximum":
        return max((point[statistic] for point in points), default=None)
    return sum(point[statistic] for point in points) if points else None


def test_what_is_put_is_answered(cloudwatch):
    namespace = unique("ns")
    at = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - datetime.timedelta(hours=1)
    shop = [{"Name": "Shop", "Value": "A-1"}]
    data = [
        {"MetricName": "Sales", "Dimensions": shop, "Timestamp": at, "Value": 3, "Unit": "Count"},
        {
            "MetricName": "Sales",
            "Dimensions": shop,
            "Timestamp": at,
            "Values": [1, 2],
            "Counts": [2, 1],
            "Unit": "Count",
        },
        {"MetricName": "Sales", "Timestamp": at, "Value": 100},
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    asked = {"Namespace": namespace, "MetricName": "Sales", "Dimensions": shop, "Period": 60, **span()}
    (point,) = cloudwatch.get_metric_statistics(Statistics=list(NAMES), **asked)["Datapoints"]
    assert [point[name] for name in NAMES] == [4, 7 / 4, 7, 1, 3]
    assert (point["Timestamp"], point["Unit"]) == (at, "Count")
    (point,) = cloudwatch.get_metric_statistics(ExtendedStatistics=["p50", "p100"], **asked)["Datapoints"]
    assert math.isclose(point["ExtendedStatistics"]["p50"], 1, rel_tol=0.02)
    assert point["ExtendedStatistics"]["p100"] == 3
    assert cloudwatch.get_metric_statistics(Statistics=["Sum"], Unit="Bytes", **asked)["Datapoints"] == []


def test_metrics_are_listed_by_pages_and_filters(cloudwatch):
    namespace = unique("ns")
    for start in (0, 500):
        data = [
            {"MetricName": f"m{index % 2}", "Dimensions": [{"Name": "N", "Value": f"{index:04}"}], "Value": 1}
            for index in range(start, start + 500)
        ]
        # A body this long comes compressed.
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace))
    found = [metric["Dimensions"][0]["Value"] for page in pages for metric in page["Metrics"]]
    assert len(pages) == 2 and sorted(found) == [f"{index:04}" for index in range(1000)]
    one = cloudwatch.list_metrics(Namespace=namespace, MetricName="m1", Dimensions=[{"Name": "N", "Value": "0007"}])
    assert [metric["MetricName"] for metric in one["Metrics"]] == ["m1"]
    assert cloudwatch.list_metrics(Namespace=namespace, MetricName="m1", RecentlyActive="PT3H")["Metrics"]
    with pytest.raises(ClientError) as refused:
        cloudwatch.list_metrics(NextToken="nonsense")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_expressions_pages_and_orders_of_data(cloudwatch):
    namespace = unique("ns")
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    for minute in range(1, 5):
        at = now - datetime.timedelta(minutes=minute)
        data = [
            {"MetricName": name, "Timestamp": at, "Value": minute * factor} for name, factor in (("a", 1), ("b", 10))
        ]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    def stat(name, **more):
        metric = {"Namespace": namespace, "MetricName": name}
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, **more}

    queries = [stat("a"), stat("b", ReturnData=False), {"Id": "share", "Expression": "100 * a / b", "Label": "Share"}]
    arguments = {"MetricDataQueries": queries, **span()}
    whole = cloudwatch.get_metric_data(ScanBy="TimestampAscending", **arguments)["MetricDataResults"]
    assert [(result["Id"], result["Label"]) for result in whole] == [("a", "a"), ("share", "Share")]
    assert (whole[0]["Values"], whole[1]["Values"]) == ([4, 3, 2, 1], [10] * 4)
    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(MaxDatapoints=3, **arguments))
    values = [value for page in pages for result in page["MetricDataResults"] for value in result["Values"]]
    assert len(pages) == 3 and values == [1, 2, 3, 4, 10, 10, 10, 10]
    for wrong, code in (
        ({"Id": "x", "Expression": "SEARCH('x')"}, "ValidationError"),
        ({"Id": "x", "Expression": "x + 1"}, "ValidationError"),
        ({"Id": "X", "Expression": "1"}, "ValidationError"),
        (stat("a", Expression="1"), "ValidationError"),
    ):
        with pytest.raises(ClientError) as refused:
            cloudwatch.get_metric_data(MetricDataQueries=[wrong], **span())
        assert refused.value.response["Error"]["Code"] == code, wrong


def test_what_is_wrong_is_told(cloudwatch):
    put = {"MetricName": "m", "Value": 1}
    for arguments, code in (
        ({"Namespace": "AWS/Lambda", "MetricData": [put]}, "InvalidParameterValue"),
        ({"Namespace": "n", "MetricData": [{"MetricName": "m"}]}, "MissingParameter"),
        ({"Namespace": "n", "MetricData": [{**put, "Values": [1]}]}, "InvalidParameterCombination"),
        ({"Namespace": "n", "MetricData": [{**put, "Timestamp": 0}]}, "InvalidParameterValue"),
        ({"Namespace": "n", "MetricData": [put] * 1001}, "InvalidParameterValue"),
        ({"Namespace": ":n", "MetricData": [put]}, "ValidationError"),
    ):
        with pytest.raises(ClientError) as refused:
            cloudwatch.put_metric_data(**arguments)
        assert refused.value.response["Error"]["Code"] == code, arguments
    asked = {"Namespace": "n", "MetricName": "m", "Statistics": ["Sum"]}
    for more, code in (
        ({"Period": 60, **span(48)}, "InvalidParameterCombination"),
        ({"Period": 61, **span()}, "InvalidParameterValue"),
    ):
        with pytest.raises(ClientError) as refused:
            cloudwatch.get_metric_statistics(**asked, **more)
        assert refused.value.response["Error"]["Code"] == code


def test_an_error_names_its_shape_and_tells_the_code(server):
    head = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}
    put = {"Namespace": "AWS/X", "MetricData": [{"MetricName": "m", "Value": 1}]}
    bad = server.call("POST", "/", json.dumps(put), head, service="monitoring")
    assert (bad.status, bad.json()["__type"]) == (400, "InvalidParameterValueException")
    assert bad.headers["x-amzn-query-error"] == "InvalidParameterValue;Sender"


def test_functions_have_awss_metrics(server):
    client = server.client()
    function = server.python(HANDLER)
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=function.name, Qualifier=version, WaiterConfig=POLL)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    for event in ({}, {}, {"fail": 1}):
        function.invoke(event)
    client.invoke(FunctionName=function.name, Qualifier="live", Payload=b"{}")
    name = {"FunctionName": function.name}
    wait_until(lambda: total(server, "Invocations", **name) == 4, "all invocations are counted")
    assert total(server, "Errors", **name) == 1
    assert total(server, "Duration", "SampleCount", **name) == 4
    assert total(server, "Invocations", **name, Resource=function.name) == 3
    assert total(server, "Invocations", **name, Resource=f"{function.name}:live") == 1
    assert total(server, "Invocations", **name, Resource=f"{function.name}:live", ExecutedVersion=version) == 1
    assert total(server, "Invocations") >= 4
    listed = server.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="Duration")["Metrics"]
    sets = [sorted(dimension["Name"] for dimension in metric["Dimensions"]) for metric in listed]
    assert [] in sets and ["FunctionName"] in sets and ["ExecutedVersion", "FunctionName", "Resource"] in sets


def test_throttles_and_events_are_metrics(server):
    client = server.client()
    function = server.python(HANDLER)
    name = {"FunctionName": function.name}
    client.put_function_event_invoke_config(**name, MaximumRetryAttempts=0)
    client.invoke(**name, InvocationType="Event", Payload=b'{"fail": 1}')
    wait_until(lambda: total(server, "AsyncEventsDropped", **name) == 1, "the failed event is counted")
    assert total(server, "AsyncEventsReceived", **name) == 1
    assert total(server, "AsyncEventAge", "SampleCount", **name) == 1
    client.put_function_concurrency(**name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError):
        client.invoke(**name, Payload=b"{}")
    wait_until(lambda: total(server, "Throttles", **name) == 1, "the throttle is counted")
    assert total(server, "Invocations", **name) == 1


def test_levels_are_the_most_that_ran_at_once(server):
    client = server.client()
    function = server.python(HANDLER)
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=function.name, Qualifier=version, WaiterConfig=POLL)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=7)
    name, live = {"FunctionName": function.name}, {"Qualifier": "live"}

    def most(metric, **dimensions):
        return total(server, metric, "Maximum", **dimensions)

    def invoke(more):
        return client.invoke(**name, **more, Payload=b'{"sleep": 0.5}')

    def three_at_once():
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(invoke, [{}, {}, live]))
        return most("ConcurrentExecutions", **name) == 3

    wait_until(three_at_once, "three ran at once, and that is told")
    assert most("ConcurrentExecutions", **name, Resource=function.name) == 2
    assert most("ConcurrentExecutions", **name, Resource=f"{function.name}:live") == 1
    wait_until(lambda: most("ConcurrentExecutions") >= 3, "the account's level is told")
    assert most("ClaimedAccountConcurrency") >= 7
    assert most("UnreservedConcurrentExecutions") is not None


def test_what_is_provisioned_has_levels(server):
    client = server.client()
    function = server.python(HANDLER)
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=function.name, Qualifier=version, WaiterConfig=POLL)
    provision = {"FunctionName": function.name, "Qualifier": version}
    client.put_provisioned_concurrency_config(**provision, ProvisionedConcurrentExecutions=2)
    wait_until(
        lambda: client.get_provisioned_concurrency_config(**provision)["Status"] == "READY",
        "both environments are ready",
    )
    client.invoke(**provision, Payload=b"{}")
    name = {"FunctionName": function.name}
    resource = {**name, "Resource": f"{function.name}:{version}"}
    wait_until(
        lambda: (
            total(server, "ProvisionedConcurrencyInvocations", **resource) == 1
            and total(server, "ProvisionedConcurrentExecutions", "Maximum", **resource) == 1
        ),
        "the invocation and its level are told",
    )
    for dimensions in (name, resource):
        assert total(server, "ProvisionedConcurrencyUtilization", "Maximum", **dimensions) == 0.5


def test_requests_to_urls_are_metrics(server):
    client = server.client()
    function = server.python("def handler(event, context): return {'statusCode': int(event['rawPath'][1:])}")
    created = client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    permission = {"FunctionName": function.name, "Principal": "*"}
    client.add_permission(
        **permission, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    client.add_permission(
        **permission, StatementId="by-url", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    url = created["FunctionUrl"].split("//")[1].split(".")[0]
    for status in (200, 404, 503, 503):
        assert http_get(server.address, f"/_tinderbox/url/{url}/{status}").status == status
    name = {"FunctionName": function.name}
    wait_until(lambda: total(server, "UrlRequestCount", **name) == 4, "all requests are counted")
    assert total(server, "Url4xxCount", **name) == 1
    assert total(server, "Url5xxCount", **name, Resource=function.name) == 2
    assert total(server, "UrlRequestLatency", "SampleCount", **name) == 4


def test_metrics_are_there_after_a_restart_and_accounts_are_apart(binary):
    platform = Platform().start()
    cloudwatch = platform.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1, "Unit": "Count"}])
    platform.stop()
    platform.start()
    cloudwatch = platform.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 2, "Unit": "Count"}])
    asked = {"Namespace": "n", "MetricName": "m", "Period": 86400, "Statistics": ["Sum", "SampleCount"], **span()}
    points = cloudwatch.get_metric_statistics(**asked)["Datapoints"]
    assert (sum(point["Sum"] for point in points), sum(point["SampleCount"] for point in points)) == (3, 2)
    elsewhere = platform.client("cloudwatch", region="eu-west-1")
    assert elsewhere.list_metrics()["Metrics"] == []
    platform.stop()
    platform.discard()
