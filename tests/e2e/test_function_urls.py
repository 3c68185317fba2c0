# SPDX-License-Identifier: Apache-2.0
"""Function URLs, as HTTP clients see them: by host and by path, buffered and streamed, open and signed."""

import contextlib
import http.client
import json

import pytest
from harness import ACCOUNT, REGION, Reply, allow, node_runtime, policy, sign_headers, unique

ECHO = """
import base64, json
def handler(event, context):
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/json", "x-own": "1"},
        "cookies": ["a=1; Secure", "b=2"],
        "body": json.dumps(event),
    }
"""
# Answers with what its body says.
MIRROR = "import json\ndef handler(event, context): return json.loads(event['body'])"
FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}


class Url:
    """The URL of a function, or of one of its aliases."""

    def __init__(self, function, auth="NONE", qualifier=None, is_public=True, **settings):
        self.platform, self.function = function.platform, function
        self.place = {"FunctionName": function.name, **({"Qualifier": qualifier} if qualifier else {})}
        client = self.platform.client()
        created = client.create_function_url_config(**self.place, AuthType=auth, **settings)
        self.host = created["FunctionUrl"].removeprefix("http://").rstrip("/")
        self.id = self.host.split(".")[0]
        if auth == "NONE" and is_public:
            self.allow_everyone()

    def allow_everyone(self):
        client = self.platform.client()
        permission = {**self.place, "Principal": "*"}
        client.add_permission(
            **permission, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
        )
        client.add_permission(
            **permission, StatementId="by-url", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
        )

    def open(self, method="GET", path="/", body=None, headers=None, *, key=None, secret="test", service="lambda"):
        """One request to the server, which learns from its `Host` what it is for. The caller closes the connection."""
        headers = {"Host": self.host, **(headers or {})}
        if key:
            headers = sign_headers(method, f"http://{self.host}{path}", body or b"", headers, key, secret, service)
        connection = http.client.HTTPConnection(self.platform.address, timeout=60)
        connection.request(method, path, body=body, headers=headers)
        return connection, connection.getresponse()

    def get(self, path="/", **arguments):
        connection, response = self.open(path=path, **arguments)
        with contextlib.closing(connection):
            return Reply(response.status, response.headers, response.read())

    def post(self, body, content_type="application/json", **arguments):
        headers = {"Content-Type": content_type, **arguments.pop("headers", {})}
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.get(method="POST", body=body, headers=headers, **arguments)


def user_key(platform, *statements):
    """The access key of a new user with a policy of these."""
    iam, name = platform.client("iam"), unique("user")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


@pytest.fixture(scope="module")
def echo(platform):
    return Url(platform.python(ECHO))


@pytest.fixture(scope="module")
def mirror(platform):
    return Url(platform.python(MIRROR))


def test_the_event_is_a_payload_of_version_2(echo):
    headers = {"User-Agent": "test/1", "X-Upper": "Case", "Cookie": "c=1; d=2", "Content-Type": "text/plain"}
    reply = echo.get("/a/pa2%Fth?x=1&x=2&y=a%20b", method="PUT", body=b"hello", headers=headers)

    assert (reply.status, reply.headers["x-own"]) == (201, "1")
    assert reply.headers.get_all("Set-Cookie") == ["a=1; Secure", "b=2"]
    event = reply.json()
    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert (event["rawPath"], event["rawQueryString"]) == ("/a/pa2%Fth", "x=1&x=2&y=a%20b")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b"}
    assert event["cookies"] == ["c=1", "d=2"]
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    expected = {"host": echo.host, "user-agent": "test/1", "x-upper": "Case", "x-forwarded-for": "127.0.0.1"}
    assert expected.items() <= event["headers"].items()
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"], context["stage"]) == ("anonymous", echo.id, "$default")
    assert context["domainName"] == f"{echo.id}.lambda-url.{REGION}.localhost"
    assert context["http"] == {
        "method": "PUT",
        "path": "/a/pa2%Fth",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test/1",
    }
    assert context["requestId"] == reply.headers["x-amzn-RequestId"]
    assert f"RequestId: {context['requestId']}" in echo.function.log_with(context["requestId"])
    root = reply.headers["X-Amzn-Trace-Id"].split(";")[0]
    assert event["headers"]["x-amzn-trace-id"] == root


def test_by_a_path_where_names_do_not_resolve(echo):
    host = echo.platform.address
    reply = echo.get(f"/_tinderbox/url/{echo.id}/a/b?x=1", headers={"Host": host})
    assert (reply.status, reply.json()["rawPath"], reply.json()["rawQueryString"]) == (201, "/a/b", "x=1")
    reply = echo.get(f"/_tinderbox/url/{echo.id}", headers={"Host": host})
    assert reply.json()["rawPath"] == "/"


def test_bodies_that_are_no_text(echo, mirror):
    event = echo.post(b"\x00\xff", content_type="image/png").json()
    assert (event["body"], event["isBase64Encoded"]) == ("AP8=", True)
    event = echo.get().json()
    assert ("body" not in event, event["isBase64Encoded"]) == (True, False)
    reply = mirror.post({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True})
    assert reply.body == b"\x00\xff"


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ({"hello": "world"}, 200, b'{"hello":"world"}'),
        (["hello", 3, True], 200, b'["hello",3,true]'),
        ("hello", 200, b"hello"),
        (3, 200, b"3"),
        ({"statusCode": 200, "body": "body123"}, 200, b"body123"),
        ({"statusCode": "418", "body": "i'm a teapot"}, 418, b"i'm a teapot"),
        ({"statusCode": 204, "body": "nobody sees this"}, 204, b""),
        ({"statusCode": 1000}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": {"a b": "c"}}, 502, b"Internal Server Error"),
    ],
)
def test_what_a_function_returns_is_inferred(mirror, returned, status, body):
    """As recordings of AWS have it: also the length of what is not said to be an answer."""
    reply = mirror.post(returned)
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers["Content-Type"] == "application/json"


def test_a_function_that_fails(platform, mirror):
    reply = mirror.post(b"no JSON")
    assert (reply.status, reply.body) == (502, b"Internal Server Error")
    sleeper = Url(platform.python("import time\ndef handler(event, context): time.sleep(600)", Timeout=1))
    reply = sleeper.get()
    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_permissions(platform):
    url = Url(platform.python("def handler(event, context): return 'in'"), is_public=False)
    client = platform.client()

    def refused():
        reply = url.get()
        return (reply.status, reply.json(), reply.error_type) == (403, FORBIDDEN, "AccessDeniedException")

    assert refused()
    url.allow_everyone()
    assert url.get().body == b"in"
    # Neither permission is enough.
    client.remove_permission(FunctionName=url.function.name, StatementId="by-url")
    assert refused()
    client.remove_permission(FunctionName=url.function.name, StatementId="url")
    url.allow_everyone()
    client.put_resource_policy(
        ResourceArn=url.function.arn,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": "*", "Action": "lambda:*", "Resource": url.function.arn},
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "lambda:InvokeFunction",
                        "Resource": url.function.arn,
                        "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
                    },
                ],
            }
        ),
    )
    assert refused()
    assert url.function.invoke().value() == "in"


def test_signed_requests(platform):
    url = Url(platform.python(ECHO), auth="AWS_IAM")
    assert (url.get().status, url.get().json()) == (403, FORBIDDEN)
    reply = url.get("/p?x=1", method="POST", body=b"{}", key="test")
    assert reply.status == 201, reply.body
    context = reply.json()["requestContext"]
    assert context["accountId"] == ACCOUNT
    assert context["authorizer"]["iam"] == {
        "accessKey": "test",
        "accountId": ACCOUNT,
        "callerId": ACCOUNT,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{ACCOUNT}:root",
        "userId": ACCOUNT,
    }
    for wrong in [{"secret": "other"}, {"key": "nobody"}, {"service": "s3"}]:
        reply = url.get(**{"key": "test", **wrong})
        assert (reply.status, "requestContext" in reply.json()) == (403, False)
        assert reply.error_type in ("InvalidSignatureException", "UnrecognizedClientException")


def test_urls_of_aliases(platform):
    function = platform.python("def handler(event, context): return context.invoked_function_arn", Publish=True)
    client = platform.client()
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    url = Url(function, qualifier="live")
    assert url.get().body.decode() == f"{function.arn}:live"
    # The URL outlives its alias, and leads nowhere.
    client.delete_alias(FunctionName=function.name, Name="live")
    assert url.get().status == 403


def test_urls_that_are_not_there(platform, echo):
    for host in [
        f"{'0' * 32}.lambda-url.{REGION}.localhost:4566",
        f"{echo.id}.lambda-url.eu-west-1.localhost:4566",
    ]:
        reply = echo.get(headers={"Host": host})
        assert (reply.status, reply.body, reply.error_type) == (403, b'{"Message":null}', "AccessDeniedException")
    url = Url(platform.python(ECHO))
    assert url.get().status == 201
    platform.client().delete_function_url_config(**url.place)
    assert url.get().status == 403
    other = Url(platform.python(ECHO))
    other.function.delete()
    assert other.get().status == 403


def test_other_origins(platform):
    cors = {
        "AllowOrigins": ["https://example.com"],
        "AllowMethods": ["GET", "PUT"],
        "AllowHeaders": ["x-a"],
        "ExposeHeaders": ["x-own"],
        "AllowCredentials": True,
        "MaxAge": 60,
    }
    url = Url(platform.python(ECHO), Cors=cors)
    asks = {"Origin": "https://example.com", "Access-Control-Request-Method": "PUT"}
    reply = url.get(method="OPTIONS", headers=asks)
    allowed = {name.lower(): value for name, value in reply.headers.items()}
    assert (reply.status, reply.body) == (200, b"")
    assert {
        "access-control-allow-origin": "https://example.com",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "60",
    }.items() <= allowed.items()
    reply = url.get(method="OPTIONS", headers={**asks, "Origin": "https://example.org"})
    assert (reply.status, reply.headers.get("Access-Control-Allow-Origin")) == (200, None)
    # An OPTIONS that asks nothing is the function's.
    assert url.get(method="OPTIONS").status == 201
    reply = url.get(headers={"Origin": "https://example.com"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert reply.headers["Access-Control-Expose-Headers"] == "x-own"
    assert url.get().headers.get("Access-Control-Allow-Origin") is None


def test_a_function_that_is_switched_off(platform):
    url = Url(platform.python(ECHO))
    client = platform.client()
    client.put_function_concurrency(FunctionName=url.function.name, ReservedConcurrentExecutions=0)
    reply = url.get()
    assert (reply.status, reply.error_type) == (429, "TooManyRequestsException")
    assert reply.json()["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=url.function.name)
    assert url.get().status == 201


def test_six_megabytes(platform, echo):
    reply = echo.post(bytes(6 * 1024 * 1024 + 1), content_type="image/png")
    assert reply.status == 413
    reply = echo.post(b"a" * (6 * 1024 * 1024), content_type="text/plain")
    assert (reply.status, reply.error_type) == (413, "RequestTooLargeException"), "with what is around the body"
    long = Url(platform.python("def handler(event, context): return 'x' * (6 * 1024 * 1024 + 100)"))
    assert long.get().status == 502
    fits = Url(platform.python("def handler(event, context): return 'x' * (5 * 1024 * 1024)"))
    assert len(fits.get().body) == 5 * 1024 * 1024


def test_urls_survive_a_restart(new_platform):
    platform = new_platform().start()
    url = Url(platform.python(ECHO))
    platform.restart()
    assert url.get().status == 201


STREAM = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
    const how = event.rawPath
    if (how === '/plain') {
        stream.setContentType('text/html')
        stream.write('<p>')
        stream.end('</p>')
        return
    }
    if (how === '/throws') throw new Error('early')
    stream = awslambda.HttpResponseStream.from(stream, {
        statusCode: 203, headers: {'content-type': 'text/plain', 'x-own': '1'}, cookies: ['a=1', 'b=2'],
    })
    stream.write('first')
    if (how === '/held') {
        // Goes on when the test opens another URL, which it does when it has the first part.
        const gate = `${process.env.AWS_ENDPOINT_URL}/_tinderbox/url/${event.rawQueryString}/`
        while ((await fetch(gate)).status !== 200) await new Promise(resolve => setTimeout(resolve, 20))
    }
    if (how === '/breaks') throw new Error('late')
    if (how === '/long') {
        const piece = Buffer.alloc(1 << 20, 'x')
        for (let i = 0; i < 12; i++) if (!stream.write(piece)) await new Promise(go => stream.once('drain', go))
    }
    stream.end('last')
})
"""


@pytest.fixture(scope="module")
def stream(platform):
    if node_runtime() is None:
        pytest.skip("there is no Node.js here")
    return Url(platform.node(STREAM, Timeout=60), InvokeMode="RESPONSE_STREAM")


def test_a_streamed_answer_has_a_head(stream):
    reply = stream.get("/")
    assert (reply.status, reply.headers["Content-Type"], reply.headers["x-own"]) == (203, "text/plain", "1")
    assert reply.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert reply.body == b"firstlast"
    assert reply.headers["Transfer-Encoding"] == "chunked"
    reply = stream.get("/plain")
    assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, "text/html", b"<p></p>")


def test_the_first_byte_comes_before_the_function_ends(stream):
    gate = Url(stream.platform.python("def handler(event, context): return 'open'"), is_public=False)
    connection, response = stream.open(path=f"/held?{gate.id}")
    with contextlib.closing(connection):
        assert response.read(5) == b"first"
        gate.allow_everyone()
        assert response.read() == b"last"


def test_a_stream_is_longer_than_six_megabytes(stream):
    reply = stream.get("/long")
    assert len(reply.body) == 12 * (1 << 20) + len("firstlast")


def test_a_stream_that_fails(stream):
    reply = stream.get("/throws")
    assert (reply.status, reply.body) == (502, b"Internal Server Error")
    # Whoever sees an end sees the right one.
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        stream.get("/breaks")


def test_a_function_that_does_not_stream_is_answered_as_it_is(platform):
    """Nothing is made of its answer, as on AWS."""
    url = Url(
        platform.python("def handler(event, context): return {'statusCode': 201, 'body': 'b'}"),
        InvokeMode="RESPONSE_STREAM",
    )
    reply = url.get()
    assert (reply.status, reply.json()) == (200, {"statusCode": 201, "body": "b"})


def test_a_user_needs_both_permissions_and_conditions_hold(platform):
    url = Url(platform.python(ECHO), auth="AWS_IAM")
    signed = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    by_url = allow("lambda:InvokeFunctionUrl", url.function.arn)
    by_url["Condition"] = {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    for statements, status in [
        ([], 403),
        ([by_url], 403),
        ([allow("lambda:InvokeFunction")], 403),
        ([by_url, allow("lambda:InvokeFunction", Condition=signed)], 201),
        (
            [
                {**by_url, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}},
                allow("lambda:Invoke*"),
            ],
            201,
        ),
        ([{**by_url, "Effect": "Deny"}, allow("lambda:Invoke*")], 403),
    ]:
        arn, key = user_key(platform, *statements)
        reply = url.get(**key)
        assert reply.status == status, statements
        assert status == 201 or reply.json() == FORBIDDEN
        if status == 201:
            iam = reply.json()["requestContext"]["authorizer"]["iam"]
            assert (iam["userArn"], iam["accountId"], iam["accessKey"]) == (arn, ACCOUNT, key["key"])
    # Who may call the function itself may not by its URL, where the policy says so.
    arn, key = user_key(platform)
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
        more = {"FunctionUrlAuthType": "AWS_IAM"} if action.endswith("Url") else {}
        platform.client().add_permission(
            FunctionName=url.function.name, StatementId=action.split(":")[1], Action=action, Principal=arn, **more
        )
    assert url.get(**key).status == 201
    assert url.get(key=key["key"], secret="wrong").status == 403


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_modes_are_those_of_urls_too(new_platform, mode):
    platform = new_platform("--set", f"identity.mode={mode}").start()
    open_to_nobody = Url(platform.python(ECHO), is_public=False)
    assert open_to_nobody.get().status == 201
    signed = Url(platform.python(ECHO), auth="AWS_IAM")
    assert signed.get(**user_key(platform)[1]).status == 201
    assert signed.get().status == 403
    log = platform.log_path.read_text()
    assert ("would be denied" in log and "lambda:InvokeFunctionUrl" in log) == (mode == "warn")
