# SPDX-License-Identifier: Apache-2.0
"""Cold starts from stems: runtimes that were started ahead and wait for code."""

from harness import processes_with, wait_until

STEM = "TINDERBOX_STEM=1"

PYTHON = """
import os, sys, time
def handler(event, context):
    with open('/proc/self/environ') as file:
        was_stem = 'TINDERBOX_STEM=1' in file.read()
    return {
        'was_stem': was_stem,
        'knows_it': 'TINDERBOX_STEM' in os.environ,
        'variable': os.environ.get('COLOUR'),
        'handler': os.environ['_HANDLER'],
        'function': context.function_name,
        'memory': context.memory_limit_in_mb,
        'cwd': os.getcwd(),
        'first': sys.path[0],
        'zone': time.strftime('%Z', time.localtime(0)),
    }
"""

NODE = """
const fs = require('fs');
exports.handler = async (event, context) => ({
  was_stem: fs.readFileSync('/proc/self/environ', 'utf8').includes('TINDERBOX_STEM=1'),
  knows_it: 'TINDERBOX_STEM' in process.env,
  variable: process.env.COLOUR,
  function: context.functionName,
  cwd: process.cwd(),
});
"""


def grown(make, warm, wanted):
    """A function whose first environment grew from a stem. Another start may take the stem that was seen: try again."""
    warm.invoke().value()
    for _ in range(10):
        wait_until(lambda: processes_with(STEM), "a stem is ready")
        function = make()
        value = function.invoke().value()
        if value["was_stem"] == wanted:
            return function, value
    raise AssertionError("no function grew from a stem")


def test_a_python_function_grows_from_a_stem(platform):
    def make():
        return platform.python(PYTHON, Environment={"Variables": {"COLOUR": "blue", "TZ": "EST5"}}, MemorySize=256)

    function, value = grown(make, platform.python(PYTHON), True)

    assert value == {
        "was_stem": True,
        "knows_it": False,
        "variable": "blue",
        "handler": "index.handler",
        "function": function.name,
        "memory": "256",
        "cwd": "/var/task",
        "first": "/var/task",
        "zone": "EST",
    }


def test_a_node_function_grows_from_a_stem(platform, node_runtime):
    def make():
        return platform.node(NODE, file="index.js", Environment={"Variables": {"COLOUR": "blue"}})

    function, value = grown(make, platform.node(NODE, file="index.js"), True)

    assert value == {
        "was_stem": True,
        "knows_it": False,
        "variable": "blue",
        "function": function.name,
        "cwd": "/var/task",
    }


def test_what_must_be_known_before_the_start_takes_the_ordinary_path(platform):
    platform.python(PYTHON).invoke().value()
    wait_until(lambda: processes_with(STEM), "a stem is ready")

    function = platform.python(PYTHON, Environment={"Variables": {"PYTHONHASHSEED": "0"}})

    assert function.invoke().value()["was_stem"] is False


def test_two_functions_never_share_a_stem(platform):
    """What one leaves in its interpreter, no other finds."""
    code = """
import builtins
def handler(event, context):
    before = getattr(builtins, 'left_behind', None)
    builtins.left_behind = context.function_name
    return before
"""
    functions = [platform.python(code) for _ in range(12)]

    assert [function.invoke().value() for function in functions] == [None] * 12


def test_stems_can_be_turned_off(new_platform):
    platform = new_platform("--set", "stems.ready_max=0").start()

    assert platform.python(PYTHON).invoke().value()["was_stem"] is False
    assert platform.python(PYTHON).invoke().value()["was_stem"] is False
