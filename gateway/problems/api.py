"""`/problems`: for everybody, in the form that is asked for."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from adapters.objects import minified
from gateway.call import Call
from gateway.errors import Problem
from gateway.problems import pages
from gateway.problems.catalogue import catalogue

JSON, HTML = "application/json", "text/html"
FORMS = (JSON, HTML)
"""The first one is for those who take anything."""

HEADERS: Mapping[str, str] = {"Vary": "Accept", "Cache-Control": "public, max-age=3600"}


def list_problems(call: Call) -> Response:
    """`GET /problems`."""
    return _answer(call, pages.index_html, pages.index_json)


def get_problem(call: Call, code: str) -> Response:
    """`GET /problems/{code}`: where the `type` of a problem leads."""
    entry = catalogue().get(code)
    if entry is None:
        detail = "There is no such problem; /problems lists those that there are."
        raise Problem(code="not-found", detail=detail)
    return _answer(call, lambda url: pages.problem_html(entry, url), lambda url: pages.problem_json(entry, url))


def _answer(call: Call, html: Callable[[str], str], json: Callable[[str], Any]) -> Response:
    url = call.runtime.settings.public_url
    if _wanted(call.header("accept")) == HTML:
        headers = {**HEADERS, "Content-Security-Policy": pages.policy(), "Referrer-Policy": "no-referrer"}
        return Response(html(url), content_type="text/html; charset=utf-8", headers=headers)
    return Response(minified(json(url)), mimetype=JSON, headers=dict(HEADERS))


@lru_cache(maxsize=100)
def _wanted(accept: str | None) -> str:
    """One of `FORMS`. Raises `Problem` (406) where none is taken."""
    if accept is None:
        return JSON
    best = parse_accept_header(accept, MIMEAccept).best_match(FORMS)
    if best is None:
        raise Problem(code="not-acceptable", detail=f"This is there as {' and as '.join(FORMS)}.")
    return best
