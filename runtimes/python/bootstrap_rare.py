# SPDX-License-Identifier: Apache-2.0
"""What the Python runtime needs seldom: error reports, the log of `logging`, values that need care, client contexts.

`bootstrap.py` loads this file when the first such thing happens and sets `runtime` to its own module. Error documents
and log lines are AWS's to the letter, because programs read them.
"""

import posix
import sys
import time

runtime = None  # the module of bootstrap.py, which sets it

FRAME_TEXT = 0xA55A0003
FRAME_TEXT_ERROR = 0xA55A0017
FRAME_JSON_ERROR = 0xA55A0016
NO_BREAK_SPACE = "\u00a0"


# --- values that need care --------------------------------------------------------------------------------------------


def encode(value):
    """JSON as AWS's runtime writes it: decimals as numbers, named tuples as objects, bytes as UTF-8 text."""
    parts = []
    write(value, parts.append, set())
    return "".join(parts)


def write(value, put, parents):
    if isinstance(value, str):
        put(text(value))
    elif isinstance(value, bytes):
        put(text(value.decode()))
    elif value is None or value is True or value is False:
        put(CONSTANTS[value])
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, float):
        put(number(value))
    else:
        if id(value) in parents:
            raise ValueError("Circular reference detected")
        parents.add(id(value))
        write_nested(value, put, parents)
        parents.discard(id(value))


CONSTANTS = {None: "null", True: "true", False: "false"}


def write_nested(value, put, parents):
    as_dict = getattr(value, "_asdict", None)
    if callable(as_dict):
        value = as_dict()
    if isinstance(value, dict):
        separator = "{"
        for key, item in value.items():
            put(separator)
            separator = ", "
            put(name(key))
            put(": ")
            write(item, put, parents)
        put("{}" if separator == "{" else "}")
    elif isinstance(value, (list, tuple)):
        separator = "["
        for item in value:
            put(separator)
            separator = ", "
            write(item, put, parents)
        put("[]" if separator == "[" else "]")
    else:
        put(decimal(value))


def decimal(value):
    module = sys.modules.get("decimal")
    if module is None or not isinstance(value, module.Decimal):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return "NaN" if value.is_nan() else str(value)


def name(key):
    if isinstance(key, str):
        return text(key)
    if isinstance(key, bytes):
        return text(key.decode())
    if key is None or key is True or key is False:
        return f'"{CONSTANTS[key]}"'
    if isinstance(key, float):
        return f'"{number(key)}"'
    if isinstance(key, int):
        return f'"{int.__repr__(key)}"'
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def number(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), -float("inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def text(value):
    import _json

    return _json.encode_basestring_ascii(value) if runtime.is_ascii_only else _json.encode_basestring(value)


# --- errors -----------------------------------------------------------------------------------------------------------


def report(error, request_id):
    """Logs an error; answers its document for the Runtime API and the header lines that go with it."""
    if isinstance(error, runtime.Fault):
        kind, message, trace = error.kind, error.message, error.trace or []
    else:
        kind, message, trace = type(error).__name__, str(error), stack_trace(error.__traceback__)
    fields = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    if is_json_log():
        line_end = "\n" if runtime.State.log_fd is None else ""
        write_log(encode({"timestamp": stamp(), "level": "ERROR", **fields}) + line_end, FRAME_JSON_ERROR)
    else:
        write_error(kind, message, trace)
    document = encode(fields)
    lines = f"Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: {header_value(kind)}\r\n"
    return document.encode("utf-8", "backslashreplace"), lines


def stack_trace(traceback):
    """The frames below the runtime's own, a string each. A handler that can't be called leaves the call."""
    from traceback import extract_tb, format_list

    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in extract_tb(traceback)]
    for index, frame in enumerate(frames):
        if "/bootstrap.py" not in frame[0]:
            frames = frames[index:]
            break
    else:
        frames = frames[-1:]
    if frames and frames[0][2] == "_gcd_import":
        frames.insert(0, import_module_frame())
    return format_list(frames)


def import_module_frame():
    """The frame that `importlib.import_module`, which the runtime goes round, would have left."""
    from dis import findlinestarts
    from importlib import import_module
    from linecache import getline

    code = import_module.__code__
    line = max(number for _, number in findlinestarts(code) if number)
    return code.co_filename, line, code.co_name, getline(code.co_filename, line).strip()


def header_value(kind):
    """A class may be called anything, a header may not."""
    return kind if kind.isascii() and kind.isprintable() else "Function.Unknown"


def refused(status, body):
    """The Runtime API did not take a response: its caller has got an error; this process can go on."""
    if status >= 500:
        stop(f"the Runtime API failed with status {status}")
    why = body.decode("utf-8", "replace")
    sys.stderr.write(f"LAMBDA_RUNTIME Failed to post handler success response. Http response code: {status}. {why}\n")
    sys.stderr.flush()


def stop(why):
    sys.stdout.flush()
    sys.stderr.write(f"the runtime stops: {why}\n")
    sys.stderr.flush()
    posix._exit(1)


# --- the log ----------------------------------------------------------------------------------------------------------


def write_log(message, frame_type=FRAME_TEXT):
    """One event of the log. On a pipe for frames it may have several lines; on stdout each line is an event."""
    fd = runtime.State.log_fd
    if fd is None:
        sys.stdout.write(message)
        return
    body = message.encode("utf-8", "backslashreplace")
    micros = time.time_ns() // 1000
    frame = frame_type.to_bytes(4, "big") + len(body).to_bytes(4, "big") + micros.to_bytes(8, "big") + body
    if runtime.State.log_turn is None:
        write_all(fd, frame)
    else:
        with runtime.State.log_turn:
            write_all(fd, frame)


def write_all(fd, data):
    while data:
        data = data[posix.write(fd, data) :]


def is_json_log():
    return (runtime.env("AWS_LAMBDA_LOG_FORMAT") or "").upper() == "JSON"


def stamp(seconds=None):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def write_error(kind, message, trace):
    head = "[ERROR]"
    if kind:
        head += f" {kind}"
    if message:
        head += f": {message}" if kind else f" {message}"
    lines = [head, "Traceback (most recent call last):"]
    for element in trace:
        lines += [no_break(line) for line in element.splitlines()] or [""]
    if runtime.State.log_fd is None:
        write_log("\r".join(lines) + "\n")
    else:
        write_log("\n".join(lines), FRAME_TEXT_ERROR)


def no_break(line):
    rest = line.lstrip(" ")
    return NO_BREAK_SPACE * (len(line) - len(rest)) + rest


def set_up_logging(logging):
    """Gives the root logger AWS's handler and format. A module of the function's own that has the name is let be."""
    if not hasattr(logging, "getLogger") or not hasattr(logging, "Formatter"):
        return

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            write_log(self.format(record), frame_type(record.levelno, is_json))

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = runtime.State.request_id or ""
            record.tenant_id = runtime.State.tenant_id
            return True

    logging.Formatter.converter = time.gmtime

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            record.levelno = whole_level(record.levelno)
            record.levelname = logging.getLevelName(record.levelno)
            return log_document(record)

    is_json = is_json_log()
    handler = LambdaLoggerHandler()
    handler.setFormatter(
        JsonFormatter()
        if is_json
        else logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
        )
    )
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    level = (runtime.env("AWS_LAMBDA_LOG_LEVEL") or "").upper().replace("TRACE", "DEBUG")
    if level in ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
        root.setLevel(level)
    root.addHandler(handler)


def whole_level(number):
    return min(50, max(0, number)) // 10 * 10


def frame_type(level, is_json):
    """The levels of frames are one higher than those of `logging`, for they count TRACE; none is none."""
    tens = whole_level(level) // 10
    return 0xA55A0000 | ((tens + 1 if tens else 0) << 2) | (2 if is_json else 3)


# What every record of `logging` has, and what the document says otherwise.
OF_EVERY_RECORD = """name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName
created msecs relativeCreated thread threadName processName process aws_request_id tenant_id"""


def log_document(record):
    """A record of `logging` as AWS writes it in JSON. What the function gave as `extra` stands at its end."""
    import json

    is_plain = isinstance(record.msg, dict) and not record.args
    fields = {
        "timestamp": stamp(record.created),
        "level": record.levelname,
        "message": record.msg if is_plain else record.getMessage(),
        "logger": record.name,
    }
    if record.exc_info:
        from traceback import format_tb

        kind, error, traceback = record.exc_info
        fields["stackTrace"] = format_tb(traceback)
        fields["errorType"] = kind.__name__ if kind else None
        fields["errorMessage"] = str(error)
    fields["requestId"] = getattr(record, "aws_request_id", None)
    if record.exc_info:
        fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
    fields["tenantId"] = getattr(record, "tenant_id", None)
    usual = OF_EVERY_RECORD.split()
    for key, value in vars(record).items():
        if key not in usual:
            fields.setdefault(key, value)
    said = {key: value for key, value in fields.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, default=str) + "\n"


# --- who called -------------------------------------------------------------------------------------------------------


def represent(value, names):
    return f"{type(value).__name__}([" + ",".join(f"{name}={getattr(value, name)}" for name in names) + "])"


def represent_context(context):
    names = "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version"
    return represent(context, f"{names} invoked_function_arn client_context identity tenant_id".split())


class Client:
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]

    def __repr__(self):
        return represent(self, self.__slots__)


class ClientContext:
    __slots__ = ["custom", "env", "client"]

    def __repr__(self):
        return represent(self, self.__slots__)


def fill(value, fields):
    for slot in value.__slots__:
        setattr(value, slot, fields.get(slot))
    return value


def read_caller(context, headers):
    """The mobile client and the Cognito identity behind an invocation, for its context."""
    fields = header_document(headers, "lambda-runtime-client-context", "Client Context")
    if fields is not None:
        context.client_context = fill(ClientContext(), fields)
        if context.client_context.client is not None:
            context.client_context.client = fill(Client(), context.client_context.client)
    fields = header_document(headers, "lambda-runtime-cognito-identity", "Cognito Identity")
    if fields is not None:
        identity = (fields.get("cognitoIdentityId"), fields.get("cognitoIdentityPoolId"))
        context.identity = runtime.CognitoIdentity(*identity)


def header_document(headers, header, title):
    value = headers.get(header)
    if not value:
        return None
    try:
        return runtime.decode(value.encode("latin-1"))
    except Exception as error:
        why = f"Unable to parse {title} JSON: {error}"
        raise runtime.Fault("Runtime.LambdaContextUnmarshalError", why) from None


# --- transport --------------------------------------------------------------------------------------------------------


def read_chunks(data, more):
    """A chunked body; answers it and what follows it."""
    body = b""
    while True:
        while b"\r\n" not in data:
            data += more()
        line, _, data = data.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            break
        while len(data) < size + 2:
            data += more()
        body, data = body + data[:size], data[size + 2 :]
    while not data.startswith(b"\r\n") and b"\r\n\r\n" not in data:
        data += more()
    return body, data[2:] if data.startswith(b"\r\n") else data.partition(b"\r\n\r\n")[2]
