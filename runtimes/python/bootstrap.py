# SPDX-License-Identifier: Apache-2.0
"""The Python runtime: loads a handler, then serves it events from the Runtime API.

Imports dominate the start of an interpreter, so this file knows only what every invocation needs and takes it from
built-in modules; what is rare (errors, logging, unusual values) lives in `bootstrap_rare.py` and is loaded when it
happens. One connection, one write per message: a response and the request for the next event leave together.
"""

import _json
import _socket
import builtins
import marshal
import posix
import sys
import time

RUNTIME_DIR = __file__.rpartition("/")[0] or "."


class State:
    """What the log records and the error reports of this process refer to."""

    request_id = None
    tenant_id = None
    log_fd = None
    log_turn = None  # where several processes write to one log


class Fault(Exception):
    """An error of the runtime's own making, with the type that the Runtime API gives it and no stack trace."""

    def __init__(self, kind, message, trace=None):
        self.kind, self.message, self.trace = kind, message, trace


def env(name):
    value = posix.environ.get(name.encode())
    return None if value is None else value.decode("utf-8", "surrogateescape")


def part(name):
    """A module of this runtime's own; found even when the function's code has one of the same name."""
    module = sys.modules.get(name)
    if module is None:
        from _frozen_importlib_external import SourceFileLoader

        loader = SourceFileLoader(name, f"{RUNTIME_DIR}/{name}.py")
        module = type(sys)(name)
        module.__loader__, module.__file__ = loader, loader.path
        exec(loader.get_code(name), module.__dict__)
        module.runtime = sys.modules[__name__]
        sys.modules[name] = module
    return module


def rare():
    return part("bootstrap_rare")


# --- events and responses ---------------------------------------------------------------------------------------------


class Scan:
    """What `_json.make_scanner` wants to know, as `json.JSONDecoder()` would tell it."""

    strict, object_hook, object_pairs_hook, array_hook = True, None, None, None
    parse_float, parse_int = float, int
    parse_constant = {"-Infinity": -float("inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__
    memo = {}


scan = _json.make_scanner(Scan)
# From Python 3.12 on, AWS leaves letters outside ASCII as they are.
is_ascii_only = sys.version_info < (3, 12)
circular = {}


def refuse(value):
    raise TypeError


to_chunks = _json.make_encoder(
    circular,
    refuse,
    _json.encode_basestring_ascii if is_ascii_only else _json.encode_basestring,
    None,
    ": ",
    ", ",
    False,
    False,
    True,
)


def decode(body):
    """Reads an event; `json` itself is imported only to say what is wrong with one."""
    try:
        text = body.decode().strip(" \t\n\r")
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except Exception:  # of many kinds: 3.10 and 3.11 lose the error itself while `json` is not imported
        pass
    import json

    return json.loads(body)


def encode(value):
    """Writes a response. `marshal` refuses whatever is not made of plain lists, dicts, strings and numbers; named
    tuples, decimals and all else that needs care are left to the slow encoder, and so is what can't be encoded."""
    try:
        marshal.dumps(value)
        return "".join(to_chunks(value, 0))
    except Exception:
        circular.clear()
        return rare().encode(value)


# --- the context of an invocation -------------------------------------------------------------------------------------


class CognitoIdentity:
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __init__(self, cognito_identity_id=None, cognito_identity_pool_id=None):
        self.cognito_identity_id = cognito_identity_id
        self.cognito_identity_pool_id = cognito_identity_pool_id

    def __repr__(self):
        return rare().represent(self, self.__slots__)


class LambdaContext:
    function_name = function_version = memory_limit_in_mb = log_group_name = log_stream_name = None
    client_context = None

    @classmethod
    def set_up(cls):
        """What is the same in all invocations of this process."""
        cls.function_name = env("AWS_LAMBDA_FUNCTION_NAME")
        cls.function_version = env("AWS_LAMBDA_FUNCTION_VERSION")
        cls.memory_limit_in_mb = env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        cls.log_group_name = env("AWS_LAMBDA_LOG_GROUP_NAME")
        cls.log_stream_name = env("AWS_LAMBDA_LOG_STREAM_NAME")

    def __init__(self, headers):
        self.aws_request_id = State.request_id
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = State.tenant_id
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms") or 0)
        self.identity = CognitoIdentity()
        if "lambda-runtime-client-context" in headers or "lambda-runtime-cognito-identity" in headers:
            rare().read_caller(self, headers)

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        rare().write_log(str(message))

    def __repr__(self):
        return rare().represent_context(self)


# --- the Runtime API --------------------------------------------------------------------------------------------------


class Connection:
    """One kept-alive connection to the Runtime API."""

    def __init__(self, address):
        self.host, slash, prefix = address.partition("/")
        self.prefix = slash + prefix
        self.socket, self.rest = None, b""
        self.next_request = self.head("GET", "/runtime/invocation/next") + b"\r\n"

    def head(self, method, path):
        return (
            f"{method} {self.prefix}/2018-06-01{path} HTTP/1.1\r\nHost: {self.host}\r\n"
            f"User-Agent: tinderbox-python/{sys.version_info[0]}.{sys.version_info[1]}\r\n"
        ).encode()

    def post(self, path, body, headers):
        head = self.head("POST", path)
        return head + f"{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def send(self, message):
        if self.socket is None:
            self.rest = b""
            name, _, port = self.host.rpartition(":")
            self.socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
            self.socket.settimeout(None)  # whatever default the function has set for its own
            self.socket.connect((name, int(port)))
            self.socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self.socket.sendall(message)

    def receive(self):
        """One answer: status, headers in lower case, body."""
        data = self.rest
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            data += self.more()
        lines = data[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        end += 4
        if "transfer-encoding" in headers:
            body, self.rest = rare().read_chunks(data[end:], self.more)
        else:
            size = int(headers.get("content-length") or 0)
            have = len(data) - end
            if have < size:
                body = bytearray(size)
                body[:have] = data[end:]
                with memoryview(body) as view:
                    while have < size:
                        count = self.socket.recv_into(view[have:])
                        if not count:
                            raise ConnectionResetError
                        have += count
                self.rest = b""
            else:
                body, self.rest = data[end : end + size], data[end + size :]
        if headers.get("connection", "").lower() == "close":
            self.socket.close()
            self.socket = None
        return int(lines[0].split(" ", 2)[1]), headers, body

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        return data


# --- bytecode ---------------------------------------------------------------------------------------------------------

# Where code is, and where the platform has put what it compiled of it.
BYTECODE = {"/var/task/": "/var/bytecode/var/task/", "/opt/": "/var/bytecode/opt/"}


def find_bytecode():
    """Lets the interpreter find bytecode where a function sees none: its own folders look as they were deployed, and all
    that it can ask of a module says what it would say without."""
    from _frozen_importlib_external import SourceFileLoader

    read = SourceFileLoader.get_data

    def get_data(self, path):
        if path[-4:] == ".pyc":
            for code, bytecode in BYTECODE.items():
                if path.startswith(code):
                    try:
                        return read(self, bytecode + path[len(code) :])
                    except OSError:
                        break
        return read(self, path)

    SourceFileLoader.get_data = get_data


# --- start ------------------------------------------------------------------------------------------------------------


class LoggingHook:
    """Sets up the root logger at the moment somebody imports `logging`, and costs nothing before."""

    kept = None  # the module itself, in a process that was a stem

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(cls)
        if cls.kept is not None:
            return cls.kept_spec()
        from _frozen_importlib import _find_spec

        spec = _find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                rare().set_up_logging(module)

            spec.loader.exec_module = exec_module
        return spec

    @classmethod
    def kept_spec(cls):
        """A specification that leads to the module that was loaded before."""
        module, cls.kept = cls.kept, None
        own = module.__spec__

        class Loader:
            create_module = staticmethod(lambda spec: module)

            @staticmethod
            def exec_module(module):
                module.__spec__ = own
                rare().set_up_logging(module)

        return type(own)(own.name, Loader, origin=own.origin, is_package=True)


def take_log_pipe():
    """The pipe for log records is the runtime's own: neither the function nor what it starts sees it."""
    fd = posix.environ.pop(b"_LAMBDA_TELEMETRY_LOG_FD", None)
    if fd is not None:
        posix.unsetenv(b"_LAMBDA_TELEMETRY_LOG_FD")
        State.log_fd = int(fd)
        posix.set_inheritable(State.log_fd, False)


def leave(code=None):
    raise SystemExit(code)


def explain(*topics):
    import pydoc

    pydoc.help(*topics)


def set_up():
    """Makes the process what a function expects: the module path, the builtins of `site`, and line-wise output."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    task = env("LAMBDA_TASK_ROOT") or "/var/task"
    own = [task, f"/opt/python/lib/{version}/site-packages", "/opt/python", RUNTIME_DIR]
    extra = (env("PYTHONPATH") or "").split(":") if sys.flags.ignore_environment else []
    paths = own + [path for path in extra if path] + sys.path[1:] + [f"{sys.prefix}/lib/{version}/site-packages"]
    sys.path[:] = dict.fromkeys(paths)

    if sys.flags.no_site:
        builtins.exit = builtins.quit = leave
        builtins.help = explain

    # A line of output reaches the log as one write; what is left without an end is flushed with the response.
    sys.stdout.reconfigure(line_buffering=True)
    sys.meta_path.insert(0, LoggingHook)
    find_bytecode()


def load(handler):
    """The function that `file.func` names; `/` and `.` lead into packages."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        why = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {why}")
    if module_name.partition(".")[0] in sys.builtin_module_names:
        why = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", why)
    # Below `importlib`, which costs a millisecond; an error report puts its frame back.
    from _frozen_importlib import _gcd_import

    path = module_name.replace("/", ".")
    try:
        if not path or path[0] == ".":
            raise ModuleNotFoundError(f"No module named '{path}'")
        module = _gcd_import(path)
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        why = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", why, trace) from None
    try:
        return getattr(module, name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'") from None


def set_trace(trace_id):
    """Sets `_X_AMZN_TRACE_ID`; `os`, if the function has imported it, keeps a copy of the environment of its own."""
    os = sys.modules.get("os")
    if os is not None:
        if trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
    elif trace_id:
        posix.environ[b"_X_AMZN_TRACE_ID"] = trace_id.encode()
        posix.putenv(b"_X_AMZN_TRACE_ID", trace_id.encode())
    elif posix.environ.pop(b"_X_AMZN_TRACE_ID", None) is not None:
        posix.unsetenv(b"_X_AMZN_TRACE_ID")


def run(handler, headers, body):
    """One invocation: the response and its content type."""
    context = LambdaContext(headers)
    if headers.get("content-type", "application/json") == "application/json":
        try:
            body = decode(body)
        except Exception as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
    else:
        body = bytes(body)
    response = handler(body, context)
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return encode(response).encode(), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def serve(connection, handler):
    """Answers events for as long as the process lives."""
    answer = b""
    while True:
        # A server that closes the connection after each answer gets the two messages one by one.
        is_joint = connection.socket is not None or not answer
        connection.send(answer + connection.next_request if is_joint else answer)
        if answer:
            status, headers, body = connection.receive()
            if status != 202:
                rare().refused(status, body)
            if not is_joint or connection.socket is None:
                connection.send(connection.next_request)
        status, headers, body = connection.receive()
        if status != 200:
            rare().stop(f"the Runtime API answered {status} to the request for the next event")
        State.request_id = headers.get("lambda-runtime-aws-request-id")
        State.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        set_trace(headers.get("lambda-runtime-trace-id"))

        path = f"/runtime/invocation/{State.request_id}"
        try:
            response, content_type = run(handler, headers, body)
            answer = connection.post(path + "/response", response, f"Content-Type: {content_type}\r\n")
        except Exception as error:
            document, lines = rare().report(error, State.request_id)
            answer = connection.post(path + "/error", document, lines)
        # Neither the event nor the response of an invocation is kept until the next one.
        body = response = None
        sys.stdout.flush()


def main():
    take_log_pipe()
    count = env("AWS_LAMBDA_MAX_CONCURRENCY")
    if count is None:
        work()
    else:
        part("bootstrap_multi").run_workers(int(count), work)


def work(begin=lambda: None):
    """Initialises, then serves. `begin` is told in between."""
    connection = Connection(env("AWS_LAMBDA_RUNTIME_API") or "127.0.0.1:9001")
    if env("TINDERBOX_STEM"):
        part("bootstrap_stem").become_a_function(connection)
    LambdaContext.set_up()
    set_up()
    try:
        handler = load(env("_HANDLER") or "")
    except Exception as error:
        document, lines = rare().report(error, "")
        sys.stdout.flush()
        connection.send(connection.post("/runtime/init/error", document, lines))
        connection.receive()
        sys.exit(1)
    begin()
    try:
        if env("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            part("bootstrap_snapshot").go_through(connection)
        serve(connection, handler)
    except OSError as error:
        rare().stop(f"the connection to the Runtime API broke: {error!r}")


if __name__ == "__main__":
    main()
