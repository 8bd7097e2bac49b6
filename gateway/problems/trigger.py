"""The requests that provoke a problem: as data, as they are sent, and as lines for a shell."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapters.canonical import EMPTY
from gateway import curl

JSON = "application/json"
SLOW_SECONDS = 31
NEW = "new"
TOKENS: Mapping[str, str | None] = {
    "sandbox": "$TOKEN",
    "live": "$LIVE_TOKEN",
    "brack": "$BRACK_TOKEN",
    "nobody": None,
}
"""Who asks, and the shell variable with the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """What is made `bytes` longer, and never shown at that length."""

    of: Literal["body", "query"]
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` may name what was remembered as `$NAME`; `remember` says where in the answer it is (`jobs.0.id`).

    `key` is the Idempotency-Key: `NEW` is one of its own, None is none. `slow` is sent without its body for
    `SLOW_SECONDS`.
    """

    method: str
    path: str
    who: str
    body: str | None
    headers: Mapping[str, str]
    key: str | None
    remember: Mapping[str, str]
    padding: Padding | None
    slow: bool

    @property
    def token(self) -> str | None:
        return TOKENS[self.who]

    def padded(self) -> tuple[str, bytes | None]:
        """Path and body at their full length."""
        path, body = self.path, None if self.body is None else self.body.encode()
        if self.padding is None:
            return path, body
        if self.padding.of == "query":
            return path + "x" * self.padding.bytes, body
        return path, b" " * self.padding.bytes


def request(row: Mapping[str, Any], samples: Mapping[str, Any]) -> Request:
    """One request as the catalogue says it. Raises `KeyError` or `ValueError` where it is none."""
    unknown = set(row) - NAMES
    if unknown:
        raise ValueError(f"a request says nothing of {', '.join(sorted(unknown))}")
    method = row.get("method", "GET")
    body, media_type = _body(row, samples)
    return Request(
        method=method,
        path=row["path"],
        who=row.get("as", "sandbox"),
        body=body,
        headers={**({"Content-Type": media_type} if media_type else {}), **row.get("headers", {})},
        key=row.get("key", NEW if method == "POST" else None),
        remember=row.get("remember", EMPTY),
        padding=Padding(**row["padding"]) if "padding" in row else None,
        slow=row.get("slow", False),
    )


NAMES = frozenset(
    {"method", "path", "as", "headers", "key", "json", "order", "sample", "fill", "text", "type"}
    | {"remember", "padding", "slow"}
)


def _body(row: Mapping[str, Any], samples: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if "order" in row:
        return _json(_merged(samples["order"], row["order"])), JSON
    if "json" in row:
        return _json(row["json"]), JSON
    if "sample" in row:
        return samples[row["sample"]].format(**row.get("fill", {})), row["type"]
    if row.get("slow"):
        return None, JSON
    return row.get("text"), row.get("type")


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def _merged(sample: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The sample with these members; those of an object one by one."""
    merged = dict(sample)
    for name, value in change.items():
        is_object = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if is_object else value
    return merged


def shell(one: Request, base_url: str) -> str:
    """The request for a shell, with `$TOKEN` for the token; what is to be remembered is put into a variable."""
    words = [curl.bearer(one.token)] if one.token else []
    if one.key is not None:
        words.append(curl.idempotency_key(None if one.key == NEW else one.key))
    words += [curl.header(name, value) for name, value in one.headers.items()]
    url = curl.expanding(f"{base_url}{one.path}") if "$" in one.path else shlex.quote(f"{base_url}{one.path}")
    before = ""
    if one.slow:
        before, words = f"(sleep {SLOW_SECONDS}; echo) | ", [*words, "-T -"]
    elif one.padding and one.padding.of == "body":
        before = f"head -c {one.padding.bytes} /dev/zero | tr '\\0' ' ' | "
        words = [*words, "--data-binary @-"]
    elif one.padding:
        url = curl.expanding(f"{base_url}{one.path}$(printf 'x%.0s' $(seq {one.padding.bytes}))")
    elif one.body is not None:
        words.append(curl.data(one.body))
    if not one.remember:
        return before + curl.command(one.method, url, words)
    [(name, place)] = one.remember.items()
    return f"{name}=$({curl.command(one.method, url, words, options='-s')} | jq -r {shlex.quote(_jq(place))})"


def _jq(place: str) -> str:
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in place.split("."))
