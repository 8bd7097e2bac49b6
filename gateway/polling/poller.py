"""The thread that looks, every second, whom to ask; and a few that ask, so that one slow partner holds up no other."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from gateway.front import DATABASE_AWAY
from gateway.polling import service
from gateway.polling.service import Poll, Tools

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
AT_ONCE = 4
PAGES = 20
"""How many pages of one partner are read in a row before others have their turn."""


class Poller(threading.Thread):
    """Asks whoever is due, with others like it in other processes; `stop` ends it after the pages in hand."""

    def __init__(self, tools: Tools, polls: Callable[[], Sequence[Poll]], *, every: float = LOOK_EVERY) -> None:
        super().__init__(name="poller", daemon=True)
        self._tools = tools
        self._polls = polls
        self._every = every
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._away = False

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="poll") as pool:
            while not self._stopping.wait(self._every):
                for poll in self._due():
                    pool.submit(self._drain, poll)

    def _due(self) -> list[Poll]:
        try:
            polls = self._polls()
            with self._tools.runtime.sessions() as session:
                found = service.due(session, polls, self._tools.runtime.clock())
        except DATABASE_AWAY as error:
            if not self._away:
                log.warning("the database is away: %s", type(error).__name__)
            self._away = True
            return []
        except Exception as error:  # the outermost frame of a look: the next one may see more
            log.exception("look_failed: %s", type(error).__name__)
            return []
        self._away = False
        with self._lock:
            free = [poll for poll in found if poll.connection_id not in self._busy]
            self._busy |= {poll.connection_id for poll in free}
        return free

    def _drain(self, poll: Poll) -> None:
        try:
            for _ in range(PAGES):
                if self._stopping.is_set() or not service.run(self._tools, poll):
                    break
        except DATABASE_AWAY as error:
            log.warning("poll_failed: %s: %s", poll.name, type(error).__name__)
        except Exception as error:  # the outermost frame of a poll: its lease ends, and it is tried again
            log.exception("poll_failed: %s: %s", poll.name, type(error).__name__)
        finally:
            with self._lock:
                self._busy.discard(poll.connection_id)
