# SPDX-License-Identifier: Apache-2.0
"""Functions on capacity providers: several invocations at once in one environment, each with an end of its own."""

import base64
import json
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness import unique, wait_until

sys.path.append(str(harness.ROOT / "runtimes/tests"))
import java_build  # noqa: E402

# Whatever this machine has stands for a version that may run several invocations.
RUNTIME, NODE_RUNTIME, JAVA_RUNTIME = "python3.13", "nodejs22.x", "java21"
NODE = shutil.which("node")
JDKS = java_build.jdks()

CODE = """
import os, time
environment = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
os.makedirs("/tmp/here", exist_ok=True)

def handler(event, context):
    print("here is " + context.aws_request_id)
    # Everybody waits until as many are here as the event says: one after the other they never would be.
    open("/tmp/here/" + context.aws_request_id, "w").close()
    while len(os.listdir("/tmp/here")) < event.get("together", 1):
        time.sleep(0.01)
    if "touch" in event:
        open(event["touch"], "w").close()
    while "until" in event and not os.path.exists(event["until"]):
        time.sleep(0.01)
    if event.get("die"):
        os._exit(7)
    if event.get("raise"):
        raise ValueError(event["raise"])
    print("said by " + context.aws_request_id)
    kind, most = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], os.environ["AWS_LAMBDA_MAX_CONCURRENCY"]
    return [environment, os.getpid(), context.aws_request_id, kind, most]
"""


@pytest.fixture(scope="module")
def platform():
    stand_in = f'"{RUNTIME}"="{sys.base_prefix}"'
    if NODE:
        stand_in += f', "{NODE_RUNTIME}"="{Path(NODE).resolve().parents[1]}"'
    if JDKS:
        stand_in += f', "{JAVA_RUNTIME}"="{JDKS[max(JDKS)]}"'
    options = ["--set", f"runtimes.stand_in={{{stand_in}}}"]
    platform = harness.Platform(*options).start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def provider(platform):
    created = platform.client().create_capacity_provider(
        CapacityProviderName=unique("provider"),
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        PermissionsConfig={"CapacityProviderOperatorRoleArn": harness.ROLE},
        CapacityProviderScalingConfig={"MaxVCpuCount": 100},
    )
    return created["CapacityProvider"]["CapacityProviderArn"]


def deploy(platform, provider, files, slots, *, bounds=(1, 1), runtime=RUNTIME, handler="index.handler", **settings):
    """A function with one version, which is active."""
    client, name = platform.client(), unique()
    client.create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=harness.ROLE,
        Handler=handler,
        Code={"ZipFile": harness.zip_bytes(files, settings.pop("modes", None))},
        CapacityProviderConfig={
            "LambdaManagedInstancesCapacityProviderConfig": {
                "CapacityProviderArn": provider,
                "PerExecutionEnvironmentMaxConcurrency": slots,
            }
        },
        Publish=True,
        **settings,
    )
    scale(client, name, *bounds)
    in_state(client, name, "Active")
    return name


def scale(client, name, least, most):
    bounds = {"MinExecutionEnvironments": least, "MaxExecutionEnvironments": most}
    client.put_function_scaling_config(FunctionName=name, Qualifier="1", FunctionScalingConfig=bounds)

    def applied():
        found = client.get_function_scaling_config(FunctionName=name, Qualifier="1")
        assert found["RequestedFunctionScalingConfig"] == bounds
        return found.get("AppliedFunctionScalingConfig") == bounds

    wait_until(applied, f"{name} has between {least} and {most} environments", timeout=120)


def in_state(client, name, state):
    def is_it():
        found = client.get_function_configuration(FunctionName=name, Qualifier="1")
        assert found["State"] in ("Pending", state), found
        return found["State"] == state

    wait_until(is_it, f"{name} is {state}", timeout=120)


def invoke(platform, name, event, **arguments):
    reply = platform.client().invoke(FunctionName=name, Qualifier="1", Payload=json.dumps(event).encode(), **arguments)
    return reply.get("FunctionError"), json.loads(reply["Payload"].read()), reply


def test_one_environment_runs_several_invocations_at_once(platform, provider):
    name = deploy(platform, provider, {"index.py": CODE}, slots=4, Timeout=100)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: invoke(platform, name, {"together": 4})[:2], range(4)))
    assert all(fault is None for fault, _ in answers), answers
    values = [value for _, value in answers]
    assert len({value[0] for value in values}) == 1, "one environment"
    assert len({value[1] for value in values}) == 4, "a process each"
    assert len({value[2] for value in values}) == 4, "an id each"
    assert {tuple(value[3:]) for value in values} == {("lambda-managed-instances", "4")}
    found = platform.client().get_function_configuration(FunctionName=name)
    assert (found["State"], found["LoggingConfig"]["LogFormat"]) == ("ActiveNonInvocable", "JSON")


def test_what_ends_badly_ends_alone(platform, provider):
    name = deploy(platform, provider, {"index.py": CODE}, slots=4, Timeout=60)
    with ThreadPoolExecutor(3) as pool:
        neighbour = pool.submit(invoke, platform, name, {"together": 3, "until": "/tmp/on"})
        raised = pool.submit(invoke, platform, name, {"together": 3, "raise": "too blue"})
        died = pool.submit(invoke, platform, name, {"together": 3, "die": True})
        died.result(), raised.result()
        released = invoke(platform, name, {"touch": "/tmp/on"})
        assert released[0] is None and neighbour.result()[0] is None, neighbour.result()
        assert (raised.result()[0], raised.result()[1]["errorMessage"]) == ("Unhandled", "too blue")
        fault, document, reply = died.result()
    request_id = reply["ResponseMetadata"]["RequestId"]
    assert (fault, document["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert document["errorMessage"] == f"RequestId: {request_id} Error: Runtime exited with error: exit status 7"
    # The environment is the same, and the worker that died was replaced.
    with ThreadPoolExecutor(4) as pool:
        after = list(pool.map(lambda _: invoke(platform, name, {"together": 8})[1], range(4)))
    assert {value[0] for value in after} == {neighbour.result()[1][0]}


def test_a_timeout_fails_one_invocation_and_its_code_goes_on(platform, provider):
    name = deploy(platform, provider, {"index.py": CODE}, slots=2, Timeout=15)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(invoke, platform, name, {"together": 2, "until": "/tmp/on"})
        quick = pool.submit(invoke, platform, name, {"together": 2})
        assert quick.result()[0] is None, quick.result()
        fault, document, reply = slow.result()
    assert (fault, document["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    request_id = reply["ResponseMetadata"]["RequestId"]
    first = invoke(platform, name, {"touch": "/tmp/on"})[1]
    assert first[:2] == quick.result()[1][:2], "the other worker"
    log = harness.Function(platform, name).log_with(f"said by {request_id}")
    assert f"said by {request_id}" in log, "it was not stopped"
    # The runtime was told that its answer is too late, and both workers serve again, in the same environment.
    with ThreadPoolExecutor(2) as pool:
        after = list(pool.map(lambda _: invoke(platform, name, {"together": 5})[1], range(2)))
    assert {value[0] for value in after} == {first[0]}, after


def test_the_log_is_json_and_each_record_names_its_invocation(platform, provider):
    name = deploy(platform, provider, {"index.py": CODE}, slots=2, Timeout=60)
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: invoke(platform, name, {"together": 2}, LogType="Tail")[2], range(2)))
    function = harness.Function(platform, name)
    for reply in replies:
        request_id = reply["ResponseMetadata"]["RequestId"]
        tail = base64.b64decode(reply["LogResult"]).decode()
        assert f"said by {request_id}" in tail and all(request_id in line for line in tail.splitlines()), tail
        wait_until(lambda request_id=request_id: reports(function, request_id) == ["success"], "it is reported")


def reports(function, request_id):
    """How an invocation came out, as often as the log says so."""
    found = []
    for line in function.log_with(request_id).splitlines():
        text = line.partition(" ")[2]
        record = json.loads(text) if text.startswith("{") else {}
        if record.get("type") == "platform.report" and record["record"]["requestId"] == request_id:
            found.append(record["record"]["status"])
    return found


NODE_CODE = """
let here = 0;
exports.handler = async (event, context) => {
  here += 1;
  console.log("before", context.awsRequestId);
  while (here < (event.together ?? 1)) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log("after", context.awsRequestId);
  if (event.die) process.exit(3);
  if (event.raise) throw new RangeError(event.raise);
  return [process.pid, process.env.AWS_LAMBDA_LOG_STREAM_NAME, context.awsRequestId];
};
"""


@pytest.mark.skipif(not NODE, reason="there is no Node.js here")
def test_node_runs_several_at_once_in_one_process(platform, provider):
    name = deploy(platform, provider, {"index.js": NODE_CODE}, slots=4, runtime=NODE_RUNTIME, Timeout=60)
    with ThreadPoolExecutor(4) as pool:
        raised = pool.submit(invoke, platform, name, {"together": 4, "raise": "too blue"})
        answers = list(pool.map(lambda _: invoke(platform, name, {"together": 4})[:2], range(3)))
    assert all(fault is None for fault, _ in answers), answers
    assert len({tuple(value[:2]) for _, value in answers}) == 1, "one process in one environment"
    fault, document, _ = raised.result()
    assert (fault, document["errorType"], document["errorMessage"]) == ("Unhandled", "RangeError", "too blue")
    # What is logged belongs to the invocation that logged it.
    function = harness.Function(platform, name)
    for _, value in answers:
        texts = [line.partition(" ")[2] for line in function.log_with(f"after {value[2]}").splitlines()]
        records = [json.loads(text) for text in texts if text.startswith("{")]
        own = [record for record in records if value[2] in str(record.get("message"))]
        assert len(own) == 2 and {record["requestId"] for record in own} == {value[2]}, own
    # The end of the process is the end of all that it runs, and another environment comes.
    with ThreadPoolExecutor(2) as pool:
        events = [{"together": 6, "die": True}, {"together": 99}]
        ended = list(pool.map(lambda event: invoke(platform, name, event)[:2], events))
    assert [document["errorType"] for _, document in ended] == ["Runtime.ExitError"] * 2, ended

    def serves_again():
        try:
            return invoke(platform, name, {})[1][1] != answers[0][1][1]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "TooManyRequestsException", error
            return False

    wait_until(serves_again, "another environment is there", timeout=60)


NODE_STREAM = """
let here = 0;
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.write('first ' + context.awsRequestId + ' ');
  here += 1;
  while (here < event.together) await new Promise((resolve) => setTimeout(resolve, 5));
  if (event.raise) throw new RangeError(event.raise);
  stream.end('last ' + context.awsRequestId);
});
"""


@pytest.mark.skipif(not NODE, reason="there is no Node.js here")
def test_node_streams_several_responses_at_once(platform, provider):
    name = deploy(platform, provider, {"index.js": NODE_STREAM}, slots=3, runtime=NODE_RUNTIME, Timeout=60)

    def stream(event):
        payload = json.dumps(event).encode()
        reply = platform.client().invoke_with_response_stream(FunctionName=name, Qualifier="1", Payload=payload)
        *chunks, last = reply["EventStream"]
        text = b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks).decode()
        return reply["ResponseMetadata"]["RequestId"], text, last["InvokeComplete"]

    with ThreadPoolExecutor(3) as pool:
        failing = pool.submit(stream, {"together": 3, "raise": "too blue"})
        for request_id, text, complete in pool.map(stream, [{"together": 3}] * 2):
            assert (text, complete) == (f"first {request_id} last {request_id}", {})
        request_id, text, complete = failing.result()
    assert (text, complete["ErrorCode"]) == (f"first {request_id} ", "RangeError")


EXTENSION = f"""#!/usr/bin/env {harness.PYTHON}
import http.client, json, os, sys
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, **headers):
    headers = {{"Lambda-Extension-" + name: value for name, value in headers.items()}}
    api.request(method, "/2020-01-01/extension/" + path, json.dumps(body), headers)
    answer = api.getresponse()
    return answer, json.loads(answer.read())

def register(*events):
    return call("POST", "register", {{"events": events}}, Name=os.path.basename(__file__))

print("refused", register("INVOKE", "SHUTDOWN")[1], flush=True)
me = register("SHUTDOWN")[0].headers["Lambda-Extension-Identifier"]
subscription = {{"schemaVersion": "2025-01-29", "types": ["platform"], "destination": {{"protocol": "TCP", "port": 7000}}}}
import socket, threading
listener = socket.create_server(("127.0.0.1", 7000))

def told():
    for line in listener.accept()[0].makefile():
        event = json.loads(line)
        if event["type"] in ("platform.initStart", "platform.report"):
            print("told", event["type"], json.dumps(event["record"]), flush=True)

threading.Thread(target=told, daemon=True).start()
api.request("PUT", "/2022-07-01/telemetry", json.dumps(subscription), {{"Lambda-Extension-Identifier": me}})
print("subscribed", api.getresponse().read().decode(), flush=True)
while True:
    event = call("GET", "event/next", Identifier=me)[1]
    print("got", json.dumps(event), flush=True)
    if event["eventType"] == "SHUTDOWN":
        sys.exit()
"""


def test_extensions_are_told_of_the_shutdown_only(platform, provider):
    client = platform.client()
    files = {"extensions/watcher": EXTENSION}
    layer = client.publish_layer_version(
        LayerName=unique("extensions"),
        Content={"ZipFile": harness.zip_bytes(files, {"extensions/watcher": 0o100755})},
    )
    layers = [layer["LayerVersionArn"]]
    name = deploy(platform, provider, {"index.py": CODE}, slots=2, Layers=layers, Timeout=60)
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: invoke(platform, name, {"together": 2}), range(2)))
    assert [fault for fault, *_ in replies] == [None, None], replies
    function = harness.Function(platform, name)
    for *_, reply in replies:
        request_id = reply["ResponseMetadata"]["RequestId"]
        told = re.compile(f"told platform.report .*{request_id}")
        wait_until(
            lambda told=told: told.search(function.log_with("told")), "the subscriber is told of each invocation"
        )
    log = function.log_with("told platform.initStart")
    assert "lambda-managed-instances" in log
    assert "refused {'errorMessage': 'INVOKE: ErrorInvalidEventType', 'errorType': 'Extension.InvalidEventType'}" in log
    scale(client, name, 0, 0)
    assert '"shutdownReason": "SPINDOWN"' in function.log_with("SHUTDOWN")


def test_java_runs_several_at_once_in_one_process(platform, provider, tmp_path):
    if not JDKS:
        harness.missing("there is no JDK here; hint: apt-get install openjdk-17-jdk-headless")
    files = java_build.examples(JDKS[max(JDKS)], tmp_path)
    name = deploy(platform, provider, files, slots=4, runtime=JAVA_RUNTIME, handler="example.Together", Timeout=60)
    with ThreadPoolExecutor(4) as pool:
        deep = pool.submit(invoke, platform, name, {"together": 4, "deep": True})
        answers = list(pool.map(lambda _: invoke(platform, name, {"together": 4})[:2], range(3)))
    assert all(fault is None for fault, _ in answers), answers
    assert len({(value["handler"], value["stream"]) for _, value in answers}) == 1, "one handler in one environment"
    assert len({value["id"] for _, value in answers}) == 3
    fault, document, _ = deep.result()
    assert (fault, document["errorType"]) == ("Unhandled", "java.lang.StackOverflowError")
    # What it ended with ended it alone; the end of the process is the end of all.
    with ThreadPoolExecutor(2) as pool:
        events = [{"together": 6, "exit": True}, {"together": 1_000_000}]
        ended = list(pool.map(lambda event: invoke(platform, name, event)[1]["errorType"], events))
    assert ended == ["Runtime.ExitError"] * 2, ended


@pytest.mark.build
@pytest.mark.timeout(600)
def test_awss_crate_for_rust_runs_several_at_once(platform, provider, rust_runtime):
    files, modes = {"bootstrap": rust_runtime}, {"bootstrap": 0o755}
    name = deploy(platform, provider, files, slots=8, runtime="provided.al2023", modes=modes, Timeout=60)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: invoke(platform, name, {"together": 8})[:2], range(8)))
    assert all(fault is None for fault, _ in answers), answers
    assert len({value["id"] for _, value in answers}) == 8


def test_latest_published_is_what_no_qualifier_means(platform, provider):
    code = "def handler(event, context): return context.function_version, 'first'"
    client = platform.client()
    name = deploy(platform, provider, {"index.py": code}, slots=2)
    published = client.publish_version(FunctionName=name, PublishTo="LATEST_PUBLISHED")
    assert published["FunctionArn"].endswith(f":{name}:$LATEST.PUBLISHED")

    def is_active():
        found = client.get_function_configuration(FunctionName=name, Qualifier="$LATEST.PUBLISHED")
        return found["State"] == "Active"

    def answer():
        return json.loads(client.invoke(FunctionName=name)["Payload"].read())

    wait_until(is_active, "$LATEST.PUBLISHED is active", timeout=120)
    assert answer() == ["$LATEST.PUBLISHED", "first"]
    zipped = harness.zip_bytes({"index.py": code.replace("first", "second")})
    client.update_function_code(FunctionName=name, ZipFile=zipped, PublishTo="LATEST_PUBLISHED")
    wait_until(is_active, "$LATEST.PUBLISHED is active again", timeout=120)
    assert answer() == ["$LATEST.PUBLISHED", "second"]
    assert json.loads(client.invoke(FunctionName=name, Qualifier="1")["Payload"].read()) == ["1", "first"]


def test_more_than_there_are_slots_for_is_throttled(platform, provider):
    name = deploy(platform, provider, {"index.py": CODE}, slots=1, Timeout=100)
    client = platform.client()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(invoke, platform, name, {"until": "/tmp/never"})
        harness.Function(platform, name).log_with("here is")
        with pytest.raises(ClientError) as error:
            invoke(platform, name, {})
        found = error.value.response
        assert found["Error"]["Code"] == "TooManyRequestsException", found
        assert found["Reason"] == "ConcurrentInvocationLimitExceeded"
        scale(client, name, 2, 2)
        assert invoke(platform, name, {})[0] is None, "there is another environment now"
        # Nothing lets go of what is held, but the end of the server; and then its versions are there again.
        platform.restart()
        with pytest.raises(BotoCoreError):
            held.result()
    assert invoke(platform, name, {})[0] is None
    scale(platform.client(), name, 0, 0)
    assert platform.client().get_function_configuration(FunctionName=name, Qualifier="1")["State"] == "Deactivated"


def test_a_function_that_does_not_initialise_fails(platform, provider):
    client, name = platform.client(), unique()
    client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=harness.ROLE,
        Handler="index.handler",
        Code={"ZipFile": harness.zip_bytes({"index.py": "raise ValueError('no')"})},
        CapacityProviderConfig={
            "LambdaManagedInstancesCapacityProviderConfig": {
                "CapacityProviderArn": provider,
                "PerExecutionEnvironmentMaxConcurrency": 2,
            }
        },
        Publish=True,
    )
    in_state(client, name, "Failed")
    found = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert found["StateReasonCode"] == "FunctionError.RuntimeInitError"
