# SPDX-License-Identifier: Apache-2.0
"""Cold starts from stems: runtimes that were started ahead and wait for code."""

from harness import STEM, grown, processes_with, wait_until

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


def test_what_a_python_stem_rehearsed_is_gone(platform):
    code = """
import os, sys
before = sorted(set(name for name in sys.modules if 'bootstrap' in name or name == 'logging')), dict(os.environ)
import logging
logging.getLogger().warning('told')
def handler(event, context):
    with open('/proc/self/environ') as file:
        was_stem = 'TINDERBOX_STEM=1' in file.read()
    modules, variables = before
    return {
        'was_stem': was_stem,
        'modules': modules,
        'trace_in_init': '_X_AMZN_TRACE_ID' in variables,
        'event': event,
        'logging': [logging.__spec__.name, logging.__file__.endswith('logging/__init__.py'), logging is sys.modules['logging']],
        'handlers': len(logging.getLogger().handlers),
    }
"""
    function, value = grown(lambda: platform.python(code), platform.python(code), True)

    assert value == {
        "was_stem": True,
        "modules": ["bootstrap_rare"] if "bootstrap_rare" in value["modules"] else [],
        "trace_in_init": False,
        "event": None,
        "logging": ["logging", True, True],
        "handlers": 1,
    }
    assert "told" in function.log_with("told")


def test_what_a_node_stem_rehearsed_is_gone(platform, node_runtime):
    code = """
const fs = require('fs');
const before = { cache: Object.keys(require.cache), trace: '_X_AMZN_TRACE_ID' in process.env };
exports.handler = async (event) => ({
  was_stem: fs.readFileSync('/proc/self/environ', 'utf8').includes('TINDERBOX_STEM=1'),
  rehearsals: before.cache.filter((file) => file.includes('rehearsal')),
  siblings: require.main.children.filter((child) => child.filename.includes('rehearsal')).length,
  trace_in_init: before.trace,
  event,
});
"""

    def make():
        return platform.node(code, file="index.js")

    _, value = grown(make, make(), True)

    assert value == {"was_stem": True, "rehearsals": [], "siblings": 0, "trace_in_init": False, "event": None}


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
