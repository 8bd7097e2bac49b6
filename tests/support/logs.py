"""The log of a process, as an operator's collector reads it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from gateway import log


@contextmanager
def logged(level: str = "DEBUG") -> Iterator[io.StringIO]:
    """JSON lines of everything from this level on; afterwards all is as it was."""
    root = logging.getLogger()
    handlers, before, loud = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in log.LEVELS}
    access = logging.getLogger("uvicorn.access")
    propagates = access.propagate
    stream = io.StringIO()
    root.handlers.clear()
    log.configure(level, stream)
    try:
        yield stream
    finally:
        root.handlers[:], root.level, logging.raiseExceptions = handlers, before, loud
        logging.captureWarnings(False)
        access.propagate = propagates
        for name, level_before in levels.items():
            logging.getLogger(name).setLevel(level_before)
