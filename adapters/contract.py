"""The adapter contract: what every dialect promises. Pure: no I/O, no clock, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import marshmallow

from adapters.canonical import EMPTY, Intent, JobState, Receipt, StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """A partner's document, bytes untouched. Header names are lower-case."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    path: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A document of ours, ready to go: `status` where it is an answer, `method` and `path` where it is a call."""

    body: bytes
    media_type: str
    event: str
    method: str = "POST"
    path: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A dialect, as data.

    `media_types`: what its door takes, without parameters. `intents`: class names of the intents it reads.
    `states`: the partner's word for each state, total over `JobState`; None where the dialect has no word, and then
    `render` says nothing. `options`: the marshmallow schema of a partner's options. `max_bytes`: of one document.
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
        """The documents that say this step; `[]` exactly where `profile.states` has no word."""
        ...
