"""The example receivers hold every check, by the command that partners use."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.support.outbox import eventually

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=["flask", "node"])
def example(request):
    """The URL of a running example."""
    node = shutil.which("node")
    if request.param == "node" and node is None:
        pytest.skip("Node is not installed")
    commands = {
        "flask": [sys.executable, str(EXAMPLES / "flask" / "receiver.py")],
        "node": [str(node), str(EXAMPLES / "node" / "receiver.js")],
    }
    port = free_port()
    environ = {**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(commands[request.param], env=environ, stdout=quiet, stderr=quiet) as running:
        eventually(lambda: is_open(port) or running.poll() is not None, within=30)
        yield f"http://127.0.0.1:{port}/hook"
        running.kill()


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secret.txt"
    file.write_text(f"{SECRET}\n")
    return str(file)


def test_it_holds_every_check(example, secret_file):
    ran = CliRunner().invoke(main, ["conformance", "--endpoint", example, "--secret-file", secret_file, "--json"])
    report = json.loads(ran.output)
    assert [check for check in report["checks"] if check["status"] != "passed"] == []
    assert (ran.exit_code, report["passed"], len(report["checks"])) == (0, True, 15)


def test_with_another_secret_it_takes_nothing(example, tmp_path):
    file = tmp_path / "other.txt"
    file.write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    ran = CliRunner().invoke(main, ["conformance", "--endpoint", example, "--secret-file", str(file)])
    assert ran.exit_code == 1
    assert "FAILED  valid_accepted" in ran.output
    assert "15 checks hold." in ran.output.splitlines()[-1]
