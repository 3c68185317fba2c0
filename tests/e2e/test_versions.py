# SPDX-License-Identifier: Apache-2.0
"""Versions: numbered, frozen, never reused."""

import pytest
from botocore.exceptions import ClientError


def source(answer):
    return {"index.py": f"def handler(event, context): return [{answer!r}, context.function_version]"}


def publish(function, **arguments):
    return function.platform.client().publish_version(FunctionName=function.name, **arguments)


def test_a_version_keeps_its_code(platform):
    function = platform.deploy(source("old"))
    version = publish(function, Description="first")
    function.update_code(source("new"))

    assert version["Version"] == "1"
    assert version["FunctionArn"] == f"{function.arn}:1"
    assert version["Description"] == "first"
    assert function.invoke(Qualifier="1").value() == ["old", "1"]
    assert function.invoke().value() == ["new", "$LATEST"]
    assert function.invoke(Qualifier="$LATEST").value() == ["new", "$LATEST"]


def test_the_executed_version_is_told(platform):
    function = platform.deploy(source("x"))
    publish(function)

    assert function.invoke().version == "$LATEST"
    assert function.invoke(Qualifier="1").version == "1"


def test_nothing_new_is_nothing_published(platform):
    function = platform.deploy(source("x"))

    assert publish(function)["Version"] == "1"
    assert publish(function)["Version"] == "1"


def test_numbers_are_not_used_again(platform):
    function = platform.deploy(source("one"))
    publish(function)
    function.update_code(source("two"))
    assert publish(function)["Version"] == "2"
    platform.client().delete_function(FunctionName=function.name, Qualifier="2")
    function.update_code(source("three"))

    assert publish(function)["Version"] == "3"


def test_versions_are_listed_oldest_first(platform):
    function = platform.deploy(source("one"))
    publish(function)
    function.update_code(source("two"))
    publish(function)

    pages = (
        platform.client()
        .get_paginator("list_versions_by_function")
        .paginate(FunctionName=function.name, PaginationConfig={"PageSize": 2})
    )
    versions = [version for page in pages for version in page["Versions"]]

    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]
    assert [version["FunctionArn"].rsplit(":", 1)[1] for version in versions] == ["$LATEST", "1", "2"]


def test_create_can_publish(platform):
    function = platform.deploy(source("x"), Publish=True)

    assert function.invoke(Qualifier="1").value() == ["x", "1"]


def test_only_the_expected_code_is_published(platform):
    function = platform.deploy(source("x"))

    with pytest.raises(ClientError) as refused:
        publish(function, CodeSha256="A" * 43 + "=")

    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_deleted_version_leaves_the_others(platform):
    function = platform.deploy(source("one"))
    publish(function)
    function.update_code(source("two"))
    publish(function)

    platform.client().delete_function(FunctionName=function.name, Qualifier="1")

    assert function.invoke(Qualifier="2").value() == ["two", "2"]
    with pytest.raises(platform.client().exceptions.ResourceNotFoundException):
        function.invoke(Qualifier="1")


def test_latest_is_not_a_version_that_can_be_deleted(platform):
    function = platform.deploy(source("x"))

    with pytest.raises(ClientError) as refused:
        platform.client().delete_function(FunctionName=function.name, Qualifier="$LATEST")

    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert function.invoke().value() == ["x", "$LATEST"]
