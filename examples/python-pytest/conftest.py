"""Starts `cognate dev` with the seed before the tests, and stops it after them.

It takes a free port, so that several runs at once do not meet. The variable COGNATE names the program. The default is the one that
`make build` has made.
"""

import os
import pathlib
import re
import subprocess
import threading
import urllib.error
import urllib.request

import boto3
import pytest

from api import create_api

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory):
    """The URL of the server. Its host is that of the issuer."""
    program = os.environ.get("COGNATE", HERE / "../../bin/cognate")
    command = [program, "dev", "--seed", HERE / "seed.yaml", "--data", tmp_path_factory.mktemp("cognate")]
    command += ["--listen", "127.0.0.1:0", "--private-listen", "off", "--log-level", "warn"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        limit = threading.Timer(60, server.kill)
        limit.start()
        try:
            port = listening(server.stdout)
            while not healthy(f"http://localhost:{port}/_cognate/health"):
                pass
            limit.cancel()
            yield f"http://localhost:{port}"
        finally:
            limit.cancel()
            server.terminate()


def listening(lines):
    """Returns the port of the server that writes these lines."""
    for line in lines:
        if match := re.match(r"listening on http:.*:(\d+)$", line):
            threading.Thread(target=lines.read, daemon=True).start()
            return match[1]
    raise RuntimeError("cognate dev ended before it listened")


def healthy(url):
    """Whether the server is ready."""
    try:
        with urllib.request.urlopen(url, timeout=60):
            return True
    except urllib.error.HTTPError:
        return False


@pytest.fixture(scope="session")
def users(endpoint):
    """The AWS SDK as an application uses it."""
    return boto3.client("cognito-idp", endpoint_url=endpoint, region_name="us-east-1")


@pytest.fixture(scope="session")
def api(endpoint):
    """A client of the API."""
    return create_api(f"{endpoint}/us-east-1_shop1", "shopweb").test_client()
