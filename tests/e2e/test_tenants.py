# SPDX-License-Identifier: Apache-2.0
"""Tenant isolation: environments that serve one tenant and no other."""

import pytest
from botocore.exceptions import ClientError
from harness import unique

PER_TENANT = {"TenantIsolationMode": "PER_TENANT"}
PYTHON_CODE = """
import uuid
me, seen = uuid.uuid4().hex, []
def handler(event, context):
    seen.append(context.tenant_id)
    return [me, seen]
"""
NODE_CODE = """
const seen = [];
export const handler = async (event, context) => { seen.push(context.tenantId); return seen; };
"""


def test_tenants_never_meet(platform):
    function = platform.python(PYTHON_CODE, TenancyConfig=PER_TENANT)
    assert function.configuration()["TenancyConfig"] == PER_TENANT

    blue = [function.invoke(TenantId="blue").value() for _ in range(3)]
    red = [function.invoke(TenantId="red").value() for _ in range(3)]
    blue += [function.invoke(TenantId="blue").value()]

    assert blue[-1][1] == ["blue"] * 4, "a tenant's environment is used again, for that tenant alone"
    assert red[-1][1] == ["red"] * 3
    assert len({one[0] for one in blue + red}) == 2


def test_node_is_told_the_tenant(platform, node_runtime):
    function = platform.node(NODE_CODE, TenancyConfig=PER_TENANT)

    assert function.invoke(TenantId="a b:c/d").value() == ["a b:c/d"]


def test_a_tenant_belongs_to_such_functions_and_to_no_other(platform):
    tenants, plain = platform.python(PYTHON_CODE, TenancyConfig=PER_TENANT), platform.python(PYTHON_CODE)

    for function, arguments, text in [
        (tenants, {}, "The invoked function is enabled with tenancy configuration."),
        (plain, {"TenantId": "blue"}, "The invoked function is not enabled with tenancy configuration"),
    ]:
        with pytest.raises(ClientError) as error:
            function.invoke(**arguments)
        assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
        assert text in error.value.response["Error"]["Message"]


def test_what_tenants_cannot_have(platform):
    function = platform.python(PYTHON_CODE, name=unique("tenants"), TenancyConfig=PER_TENANT)
    version = platform.client().publish_version(FunctionName=function.name)["Version"]

    with pytest.raises(ClientError) as error:
        platform.client().put_provisioned_concurrency_config(
            FunctionName=function.name, Qualifier=version, ProvisionedConcurrentExecutions=1
        )

    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
