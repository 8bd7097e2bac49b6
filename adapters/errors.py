"""What a dialect may raise, and nothing else: each carries every problem that was found."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of a partner's document.

    `pointer` speaks the partner's language (`//ORDER_ITEM[2]/PRODUCT_ID`, `LIN+3/QTY`, `/lines/0/sku`), `code` is a
    stable snake_case word for programs, `detail` is for people and never repeats a value that was sent.
    """

    pointer: str
    code: str
    detail: str


class TranslationError(ValueError):
    """A document that cannot become intents."""

    status = 422

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problem(s): " + ", ".join(sorted({p.code for p in self.problems})))


class MalformedMessage(TranslationError):
    """Not the dialect at all: unreadable, truncated, another language."""

    status = 400


class InvalidOrder(TranslationError):
    """Readable, and wrong."""


class Unsupported(TranslationError):
    """Readable and right, but it asks for something we cannot do; the problem says what."""
