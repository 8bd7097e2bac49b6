"""A process of ours ends when its supervisor is gone."""

import os
import signal
import subprocess
import sys

from tests.support.system import PATIENCE

WAITS = """
import threading
from gateway.lifeline import stop_with_parent
stop_with_parent()
print("up", flush=True)
threading.Event().wait()
"""


def test_ends_as_on_sigterm_once_the_pipe_closes() -> None:
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=reading, stdout=subprocess.PIPE) as child:
        os.close(reading)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        assert child.poll() is None
        os.close(writing)
        assert child.wait(PATIENCE) == -signal.SIGTERM
