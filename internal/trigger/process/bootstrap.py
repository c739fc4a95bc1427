# Runs a Lambda handler in Python over the Lambda Runtime API.
import http.client
import importlib
import json
import os
import socket
import sys
import time
import traceback

env = os.environ
host, _, secret = env["AWS_LAMBDA_RUNTIME_API"].partition("/")
base = "/" + secret + "/2018-06-01/runtime"


class Connection(http.client.HTTPConnection):
    def connect(self):
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


connection = Connection(host)


def call(method, where, body=None, headers=None):
    if body is not None:
        body = body.encode("utf-8")
        headers = {"Content-Type": "application/json", **(headers or {})}
    try:
        connection.request(method, base + where, body=body, headers=headers or {})
        res = connection.getresponse()
        return res, res.read()
    except (OSError, http.client.HTTPException):  # The server is gone.
        os._exit(0)


UNHANDLED = {"Lambda-Runtime-Function-Error-Type": "Unhandled"}


def error_object(error, kind=None, message=None):
    return json.dumps({
        "errorMessage": str(error) if message is None else message,
        "errorType": kind or type(error).__name__,
        "stackTrace": traceback.format_list(traceback.extract_tb(error.__traceback__)[1:]),
    })


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = env["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = env["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = env["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = env["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        self.client_context = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"] or 0)

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


def init_failed(error, kind, message):
    traceback.print_exception(type(error), error, error.__traceback__)
    call("POST", "/init/error", error_object(error, kind, message), UNHANDLED)
    sys.exit(1)


def load():
    name, _, function = env["_HANDLER"].rpartition(".")
    sys.path.insert(0, env["LAMBDA_TASK_ROOT"])
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        init_failed(error, "Runtime.ImportModuleError", "Unable to import module '%s': %s" % (name, error))
    except SyntaxError as error:
        init_failed(error, "Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (name, error))
    except Exception as error:
        init_failed(error, None, None)
    # Lambda's own default is lambda_handler; handler is as usual.
    handler = getattr(module, function, None) or getattr(module, "handler", None)
    if handler is None:
        error = AttributeError("Handler '%s' missing on module '%s'" % (function, name))
        init_failed(error, "Runtime.HandlerNotFound", str(error))
    return handler


def serve(handler):
    while True:
        res, body = call("GET", "/invocation/next")
        if res.status != 200:
            return
        context = LambdaContext(res.headers)
        env["_X_AMZN_TRACE_ID"] = res.headers["Lambda-Runtime-Trace-Id"] or ""
        where = "/invocation/" + context.aws_request_id
        try:
            answer = handler(json.loads(body), context)
        except Exception as error:
            traceback.print_exception(type(error), error, error.__traceback__)
            call("POST", where + "/error", error_object(error), UNHANDLED)
            continue
        try:
            answer = json.dumps(answer)
        except (TypeError, ValueError) as error:
            call("POST", where + "/error", error_object(error, "Runtime.MarshalError", "Unable to marshal response: %s" % error), UNHANDLED)
            continue
        call("POST", where + "/response", answer)


serve(load())
