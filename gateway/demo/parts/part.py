"""What a partner does: says where to call it, orders, cancels."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from gateway.demo.parts.house import House


class Part(Protocol):
    """A partner. `words` say what it speaks; an order's number is one that it may give."""

    @property
    def slug(self) -> str: ...

    @property
    def words(self) -> str: ...

    def connect(self, house: House) -> None:
        """Everything that is agreed once: credentials, addresses."""

    def order(self, house: House, number: str) -> None:
        """An order of one visit in a week, sent as this partner sends it."""

    def cancel(self, house: House, number: str) -> None:
        """The end of an order, as the partner says it."""


@dataclass(frozen=True, slots=True)
class Mailed:
    """A partner who posts documents to its door, and gets the answers posted to its own."""

    slug: str
    words: str
    media_type: str
    encoding: str
    ordering: str
    cancelling: str

    def connect(self, house: House) -> None:
        house.endpoint()

    def order(self, house: House, number: str) -> None:
        self._send(house, self.ordering, number, 201)

    def cancel(self, house: House, number: str) -> None:
        self._send(house, self.cancelling, number, 200)

    def _send(self, house: House, template: str, number: str, expect: int) -> None:
        now = house.clock()
        document = template.format(
            number=number,
            now=now,
            day=now + timedelta(days=7),
            reference=f"{now:%H%M%S}{len(house.said):02}",
        )
        path = f"/inbound/{self.slug}"
        house.ask("POST", path, document.encode(self.encoding), self.media_type, expect)
