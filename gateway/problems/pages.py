"""The catalogue as pages: HTML for people, JSON for programs, of the same data."""

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from gateway.problems.catalogue import Entry, catalogue, faults
from gateway.problems.trigger import Request, shell
from gateway.sandbox import samples
from gateway.sandbox.magic import Sign, magic
from gateway.sandbox.scenarios import scenarios

CODE = re.compile("`([^`]*)`")

VARIABLES = (
    ("$TOKEN", "a token of sandbox credentials"),
    ("$LIVE_TOKEN", "a token of live credentials"),
    ("$BRACK_TOKEN", "a sandbox token of a partner whose dialect is openTRANS, here brack"),
)


def problem_json(entry: Entry, base_url: str) -> dict[str, Any]:
    return {
        **_summary(entry, base_url),
        "cause": entry.cause,
        "remedy": entry.remedy,
        "provoke": {"says": entry.says, "requests": [_request(one, base_url) for one in entry.requests]},
        "faults": [{"code": code, "meaning": words} for code, words in _faults(entry)],
    }


def index_json(base_url: str) -> dict[str, Any]:
    return {
        "items": [_summary(entry, base_url) for entry in catalogue().values()],
        "next": None,
        "sandbox_values": [{"value": value, "effect": what} for value, what in _values()],
        "good_values": _places(),
    }


def problem_html(entry: Entry, base_url: str) -> str:
    lines = [shell(one, base_url) for one in entry.requests]
    used = [pair for pair in VARIABLES if any(one.token == pair[0] for one in entry.requests)]
    title = f"{entry.title} · Stecker"
    return _render(
        "problem.html",
        title=title,
        entry=entry,
        lines=lines,
        variables=used,
        faults=_faults(entry),
        index=f"{base_url}/problems",
    )


def index_html(base_url: str) -> str:
    return _render(
        "index.html",
        title="Problems · Stecker",
        entries=[*catalogue().values()],
        values=[*_values()],
        places=_places(),
        index=f"{base_url}/problems",
    )


@lru_cache(maxsize=1)
def policy() -> str:
    """The pages' Content-Security-Policy: their own style, and nothing else from anywhere."""
    digest = base64.b64encode(sha256(_text("style.css").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _summary(entry: Entry, base_url: str) -> dict[str, Any]:
    return {
        "code": entry.code,
        "type": f"{base_url}/problems/{entry.code}",
        "title": entry.title,
        "status": entry.status,
        "meaning": entry.meaning,
    }


def _request(one: Request, base_url: str) -> dict[str, Any]:
    return {"method": one.method, "path": one.path, "as": one.who, "curl": shell(one, base_url)}


def _faults(entry: Entry) -> list[tuple[str, str]]:
    return [*faults().items()] if entry.code == "invalid" else []


def _values() -> Iterator[tuple[str, str]]:
    for number, code in magic().orders.items():
        yield f"partner_order_id {number}", f"The order is answered with {code}."
    for sign in magic().lines:
        yield _looks_for(sign), f"The line is rejected: {sign.reason}."
    for sign in magic().jobs:
        what = scenarios()[sign.scenario or ""].title
        yield _looks_for(sign), f"{what}: the jobs go the way of the scenario {sign.scenario} by themselves."


def _looks_for(sign: Sign) -> str:
    named = {"sku": sign.sku, "postcode": sign.postcode, "country": sign.country, "family_name": sign.family_name}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value)


def _places() -> list[dict[str, str]]:
    return [
        {
            "country": country,
            "phone": samples.phone(country),
            "postcode": place["service_address"]["postcode"],
            "city": place["service_address"]["city"],
        }
        for country, place in samples.PLACES.items()
    ]


def _text(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    pages = {name: _text(name) for name in ("base.html", "problem.html", "index.html")}
    environment = Environment(loader=DictLoader(pages), autoescape=True, undefined=StrictUndefined)
    environment.filters["prose"] = _prose
    return environment


def _prose(text: str) -> Markup:
    """What stands between backticks, as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


def _render(name: str, **values: Any) -> str:
    # The style is ours, and its hash stands in the policy: escaped it would not be what was hashed.
    return _templates().get_template(name).render(style=Markup(_text("style.css")), **values)
