"""The adapter contract: what every dialect promises. Pure: no I/O, no clock, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import marshmallow

from adapters.canonical import EMPTY, Intent, JobState, Receipt, Refusal, StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """A partner's document, bytes untouched. Header names are lower-case; `query` is that of the URL."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    path: str = ""
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A document of ours, ready to go: `status` where it is an answer, `method` and `path` where it is a call.

    `probe` is a read to make before the call, where it needs to know how things stand on the other side.
    """

    body: bytes
    media_type: str
    event: str
    method: str = "POST"
    path: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    probe: "Rendered | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the other side said to a call of ours. Header names are lower-case; `body` is cut off at 64 KB."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)


Verdict = Literal["delivered", "retry", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of what a partner has for us: each order as a document of its own, and where to go on.

    `cursor` is kept with the page's orders, in one transaction. `more`: ask again now, not at the next round.
    """

    documents: tuple[RawMessage, ...]
    cursor: str
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A read of a partner's API: `path` and `query` behind its base address."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A dialect, as data.

    `media_types`: what its door takes, without parameters. `intents`: class names of the intents it reads.
    `states`: the partner's word for each state, total over `JobState`; None where the dialect has no word, and then
    `render` says nothing. `options`: the marshmallow schema of a partner's options. `max_bytes`: of one document.
    `acknowledges`: whether anybody reads more of our answer at the door than its status.
    """

    name: str
    title: str
    media_types: tuple[str, ...]
    intents: tuple[str, ...]
    states: Mapping[JobState, str | None]
    options: type[marshmallow.Schema]
    inbound_auth: tuple[str, ...]
    outbound_auth: tuple[str, ...]
    max_bytes: int
    spec_url: str
    maturity: Literal["draft", "beta", "stable"]
    acknowledges: bool = True


class Adapter(Protocol):
    """A dialect with one partner's options. Stateless: one instance serves any number of documents."""

    profile: ClassVar[Profile]

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `profile.options` loads them; an empty mapping means the defaults."""

    def parse(self, message: RawMessage) -> list[Intent]:
        """The intents of one document. Raises `TranslationError` with every problem, and nothing else."""
        ...

    def acknowledge(self, receipt: Receipt) -> Rendered:
        """The synchronous answer, in their words."""
        ...

    def render(self, update: StatusUpdate) -> list[Rendered]:
        """The documents that say this step; `[]` exactly where `profile.states` has no word, or where it is the step of
        one of several visits (`update.siblings`) and no news to who knows only their line."""
        ...


@runtime_checkable
class Refusing(Protocol):
    """A dialect with a form of its own for what cannot be taken. Without one the answer is a problem (RFC 9457)."""

    def refuse(self, message: RawMessage, refusal: Refusal) -> Rendered | None:
        """The refusal in their words; None where they have none for this one."""
        ...


@runtime_checkable
class Numbered(Protocol):
    """A dialect whose envelopes carry a number of their own. One that was taken before is only answered again: every
    outcome is a duplicate, with its order as it stands."""

    def number(self, message: RawMessage) -> str | None:
        """The envelope's number, unique for one partner; None where it cannot be read. Raises nothing."""
        ...


@runtime_checkable
class Calling(Protocol):
    """A dialect whose documents are calls of a partner's API, and whose answers say more than their status.

    Without it a call is delivered by a 2xx, and anything else is tried again.
    """

    def probed(self, call: Rendered, answer: Answer) -> Rendered | Verdict:
        """After the 2xx `answer` to `call.probe`: the call to make now, or a verdict without one."""
        ...

    def judge(self, call: Rendered, answer: Answer) -> Verdict:
        """What the answer to a call, whatever its status, makes of it. `failed` is for good."""
        ...


@runtime_checkable
class Pollable(Protocol):
    """A dialect of a partner who does not call us: it says what to read, and reads it. Still pure."""

    def page_request(self, cursor: str | None, now: datetime) -> PageRequest:
        """The next read. `cursor` is that of the last page, None at the very beginning."""
        ...

    def read_page(self, response: RawMessage, cursor: str | None, now: datetime) -> Page:
        """The page that was asked for with this cursor at `now`. Raises `TranslationError` where it is none."""
        ...
