# SPDX-License-Identifier: Apache-2.0
"""Handlers that every Python runtime must treat alike: each runs on our bootstrap, and on AWS's client if it is there.

A case is (name, source, events). The source is `app.py` with a `handler`, unless a dict of files and a handler say
more. What the runtime posts is compared; the log is, where a case says so.
"""

CASES = [
    (
        "echo",
        "def handler(event, context):\n    return event",
        ['{"a": [1, 2.5, "ü", null, true]}', "17", '"x"', "null"],
    ),
    ("none", "def handler(event, context):\n    pass", ["{}"]),
    (
        "big_numbers",
        "def handler(event, context):\n    return event",
        ['{"n": 123456789012345678901234567890, "f": 1e400}'],
    ),
    ("nan", "def handler(event, context):\n    return [float('nan'), float('inf'), -float('inf')]", ["{}"]),
    ("letters", "def handler(event, context):\n    return {'ü\\u2028\\x7f': '\\U0001f600\\x00\\t\"'}", ["{}"]),
    ("bytes", "def handler(event, context):\n    return b'\\x00raw'", ["{}"]),
    ("nested_bytes", "def handler(event, context):\n    return {'b': b'text', b'k': 1}", ["{}"]),
    ("bad_nested_bytes", "def handler(event, context):\n    return {'b': b'\\xff'}", ["{}"]),
    ("tuple", "def handler(event, context):\n    return (1, (), [], {})", ["{}"]),
    ("keys", "def handler(event, context):\n    return {1: 1, 2.5: 2, True: 3, None: 4, float('nan'): 5}", ["{}"]),
    ("bad_key", "def handler(event, context):\n    return {(1, 2): 1}", ["{}"]),
    ("date", "import datetime\ndef handler(event, context):\n    return {'d': datetime.date(2026, 1, 1)}", ["{}"]),
    ("set", "def handler(event, context):\n    return {'s': {1}}", ["{}"]),
    ("circular", "def handler(event, context):\n    a = []\n    a.append(a)\n    return a", ["{}", "{}"]),
    (
        "decimal",
        "from decimal import Decimal as D\ndef handler(event, context):\n    return [D('1.10'), D('NaN'), D('1E+3'), {'d': D(-7)}]",
        ["{}"],
    ),
    (
        "namedtuple",
        "from collections import namedtuple, OrderedDict\nP = namedtuple('P', 'x y')\n"
        "def handler(event, context):\n    return [P(1, (2,)), OrderedDict(b=1, a=P(3, 4))]",
        ["{}"],
    ),
    (
        "enums",
        "import enum\nclass N(enum.IntEnum):\n    A = 3\nclass S(str, enum.Enum):\n    B = 'bee'\nclass E(enum.Enum):\n    C = 1\n"
        "def handler(event, context):\n    return [N.A, S.B] if event else E.C",
        ['{"a": 1}', "{}"],
    ),
    ("async", "async def handler(event, context):\n    return 1", ["{}"]),
    ("surrogate", "def handler(event, context):\n    return event", ['"\\ud83d\\ude00"']),
    ("raises", "def handler(event, context):\n    raise ValueError('bad ü')", ["{}", "{}"]),
    ("raises_nothing", "def handler(event, context):\n    raise KeyError", ["{}"]),
    (
        "raises_deep",
        "import helper\n\ndef inner(n):\n    if n:\n        return inner(n - 1)\n    return helper.fail()\n\n"
        "def handler(event, context):\n    return inner(2)",
        ["{}"],
    ),
    (
        "chained",
        "def handler(event, context):\n    try:\n        1 / 0\n    except Exception as e:\n        raise RuntimeError('outer') from e",
        ["{}"],
    ),
    (
        "custom_error",
        "class Custom(Exception):\n    pass\n\ndef handler(event, context):\n    raise Custom('one', 2)",
        ["{}"],
    ),
    ("no_arguments", "def handler():\n    return 1", ["{}"]),
    ("not_callable", "handler = 3", ["{}"]),
    ("recursion", "def handler(event, context):\n    return handler(event, context)", ["{}"]),
    ("stateful", "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n", ["{}", "{}", "{}"]),
    ("partial_output", "def handler(event, context):\n    print('half', end='')\n    raise OSError(2, 'gone')", ["{}"]),
    ("exits_zero", "import sys\ndef handler(event, context):\n    sys.exit()", ["{}"]),
    ("exits_three", "def handler(event, context):\n    raise SystemExit(3)", ["{}"]),
    ("exits_with_text", "import sys\ndef handler(event, context):\n    sys.exit('why')", ["{}"]),
    (
        "base_exception",
        "class Odd(BaseException):\n    pass\n\ndef handler(event, context):\n    raise Odd('odd')",
        ["{}"],
    ),
    (
        "context",
        "def handler(event, c):\n    return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb,"
        " c.log_group_name, c.log_stream_name, c.tenant_id, c.client_context, c.identity.cognito_identity_id,"
        " c.identity.cognito_identity_pool_id, c.get_remaining_time_in_millis() > 10**9, type(c).__name__]",
        ["{}"],
    ),
    ("trace_id", "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']", ["{}"]),
    (
        "logging",
        "import logging\nlogging.warning('cold')\nlog = logging.getLogger()\n\ndef handler(event, context):\n"
        "    log.info('hidden')\n    log.error('shown %s', 1)\n    log.setLevel(logging.INFO)\n    log.info('two\\nlines')\n"
        "    return [h.__class__.__name__ for h in log.handlers] + [logging.getLevelName(log.level)]",
        ["{}"],
    ),
]

# (name, files, handler): what goes wrong, or right, before the first event.
LOADS = [
    ("package", {"a/__init__.py": "", "a/b.py": "def handler(e, c):\n    return __name__"}, "a.b.handler"),
    ("slashes", {"a/b/app.py": "def handler(e, c):\n    return __name__"}, "a/b/app.handler"),
    ("missing_module", {"app.py": ""}, "nope.handler"),
    ("missing_dependency", {"app.py": "import requestz\n"}, "app.handler"),
    ("missing_name", {"app.py": "from os import nope\n"}, "app.handler"),
    ("missing_handler", {"app.py": "x = 1\n"}, "app.handler"),
    ("malformed", {"app.py": ""}, "handler"),
    ("builtin", {"app.py": ""}, "sys.handler"),
    ("syntax", {"app.py": "def handler(:\n"}, "app.handler"),
    ("syntax_of_dependency", {"app.py": "import dep\n", "dep.py": "x = = 1\n"}, "app.handler"),
    (
        "raises",
        {"app.py": "import dep\n", "dep.py": "def f():\n    raise ValueError('at start')\nf()\n"},
        "app.handler",
    ),
    ("raises_itself", {"app.py": "1 / 0\n"}, "app.handler"),
    ("exits", {"app.py": "import sys\nsys.exit(9)\n"}, "app.handler"),
    ("folder_of_same_name", {"app/handler.py": ""}, "app.handler"),
]

HELPER = "def fail():\n    raise LookupError('from below')\n"
