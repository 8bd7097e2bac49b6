"""How a process of ours notices that its supervisor is gone: its standard input closes."""

import os
import signal
import threading

GRACE = 15.0


def stop_with_parent(handle: int = 0) -> None:
    """From now on, stop as on SIGTERM once this pipe closes, and hard if that takes longer than GRACE seconds."""
    threading.Thread(target=_wait_for_the_end, args=(handle,), name="lifeline", daemon=True).start()


def _wait_for_the_end(handle: int) -> None:
    while os.read(handle, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE)
    os._exit(1)
