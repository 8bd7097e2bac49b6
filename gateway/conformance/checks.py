"""The fifteen checks: what each one asks of a receiver, and the requests that show it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.conformance.messages import LARGE, UNKNOWN, Maker, Shot, add_unknown, minified, spaced, turn_unknown

OFF = timedelta(minutes=10)
"""How far away from now a timestamp is that must be refused; five minutes are tolerated."""

TOGETHER = 8
"""As many as one worker of ours sends to one endpoint at once."""


@dataclass(frozen=True, slots=True)
class Check:
    """`shots` are sent one after the other, or all `at_once`."""

    name: str
    title: str
    shots: Callable[[Maker], Sequence[Shot]]
    at_once: bool = False


def _tampered_body(make: Maker) -> list[Shot]:
    shot = make.shot("the body says another state than was signed", expected="refused")
    return [replace(shot, sent_body=shot.body.replace(b'"state":"en_route"', b'"state":"complete"'))]


def _tampered_id(make: Maker) -> list[Shot]:
    known = make.shot("a message as it should be")
    return [
        replace(make.shot("another id than was signed", expected="refused"), sent_id=make.id()),
        known,
        replace(make.shot("an id that was taken before, on another message", expected="refused"), sent_id=known.id),
    ]


def _missing(make: Maker) -> list[Shot]:
    return [
        make.shot("no webhook-signature", signature="", expected="refused"),
        make.shot("a webhook-signature with nothing in it", signature="v1,", expected="refused"),
        make.shot("none of the headers", bare=True, expected="refused"),
    ]


def _duplicate(make: Maker) -> list[Shot]:
    first = make.shot("the first time")
    return [first, replace(first, label="once more"), replace(first, label="and again")]


def _out_of_order(make: Maker) -> list[Shot]:
    return [make.shot(f"number {number} of the job", minified(make.event(sequence=number))) for number in (7, 5, 6)]


def _unknown(make: Maker) -> list[Shot]:
    field, kind, state = make.event(), make.event(), make.event()
    add_unknown(field)
    kind["type"] = f"job.{UNKNOWN}"
    turn_unknown(state)
    return [
        make.shot("a field of a later version", minified(field)),
        make.shot("a type of event of a later version", minified(kind)),
        make.shot("a state of a later version", minified(state)),
    ]


def _raw(make: Maker) -> list[Shot]:
    letters = make.event()
    letters["data"]["note"] = 'Straße · Genève · 🔧 \u2028 <b>&amp;</b> \\ " / 1.0 1e2'
    return [
        make.shot("spaces, escapes and a line break at the end", spaced(make.event())),
        make.shot("letters of many languages", minified(letters)),
    ]


def _large(make: Maker) -> list[Shot]:
    event = make.event()
    event["data"]["note"] = "x" * LARGE
    return [make.shot(f"a body of {LARGE // 1024} KB", minified(event))]


def _rotation(make: Maker) -> list[Shot]:
    return [
        make.shot("the other secret's signature first", signers=("another", "yours")),
        make.shot("the other secret's signature last", signers=("yours", "another")),
        make.shot("beside a signature of a version that is not known", beside="v9,c2FuZGJveC1vbmx5"),
    ]


def _strays(make: Maker) -> list[Shot]:
    return [
        make.shot("GET", b"", method="GET", bare=True, expected="unhurt"),
        make.shot("HEAD", b"", method="HEAD", bare=True, expected="unhurt"),
        make.shot("a POST of nothing", b"", bare=True, expected="unhurt"),
        make.shot("a POST of something else", b"\x00\xff{", bare=True, expected="unhurt"),
    ]


CHECKS: tuple[Check, ...] = (
    Check("valid_accepted", "A message as it should be is taken", lambda make: [make.shot("a message")]),
    Check("tampered_body_refused", "A body that was changed on the way is refused", _tampered_body),
    Check("tampered_id_refused", "An id that was changed on the way is refused", _tampered_id),
    Check(
        "stale_timestamp_refused",
        "A message of long ago is refused, though its signature is good",
        lambda make: [
            make.shot("ten minutes ago", age=OFF, expected="refused"),
            make.shot("a day ago", age=timedelta(days=1), expected="refused"),
        ],
    ),
    Check(
        "future_timestamp_refused",
        "A message from the future is refused, though its signature is good",
        lambda make: [make.shot("in ten minutes", age=-OFF, expected="refused")],
    ),
    Check("missing_signature_refused", "A message without a signature is refused", _missing),
    Check(
        "wrong_secret_refused",
        "A message that is signed with another secret is refused",
        lambda make: [make.shot("signed with another secret", signers=("another",), expected="refused")],
    ),
    Check("duplicate_ignored", "A message that comes again is answered with 2xx again", _duplicate),
    Check("out_of_order_survived", "Messages that come in another order are taken", _out_of_order),
    Check("unknown_survived", "Fields, types and states that it does not know do no harm", _unknown),
    Check("raw_body_verified", "The signature is verified over the bytes as they came", _raw),
    Check("large_body_accepted", "A large message is taken", _large),
    Check("rotation_accepted", "One good signature among several is enough", _rotation),
    Check(
        "answered_in_time",
        "Several messages at once are all answered within the deadline",
        lambda make: [make.shot(f"message {number} of {TOGETHER}") for number in range(1, TOGETHER + 1)],
        at_once=True,
    ),
    Check("strays_survived", "Requests that are none of ours do no harm", _strays),
)
