"""Every problem has a page, and every page a way to provoke it that works."""

import asyncio
import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from adapters import reading, values
from gateway import checks, conformance, guard, requestlog, sandbox
from gateway.errors import CATALOGUE
from gateway.problems.catalogue import catalogue, faults
from gateway.problems.trigger import NEW, shell
from tests.support.api import Answer

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def tokens(api):
    return {"sandbox": api.caller("demo"), "live": api.caller("demo", "live"), "brack": api.caller("brack")}


def sent(api, callers, one, remembered, count):
    """Send a request of the catalogue as its shell line would."""
    path, body = one.padded()
    for name, value in remembered.items():
        path = path.replace(f"${name}", value)
    headers = dict(one.headers)
    if one.who != "nobody":
        headers["Authorization"] = f"Bearer {callers[one.who].token}"
    if one.key is not None:
        headers["Idempotency-Key"] = f"page-{count}" if one.key == NEW else one.key
    return stalled(api, one.method, path, headers) if one.slow else api.call(one.method, path, body, headers)


def stalled(api, method, path, headers):
    """A request whose body does not come."""
    sent = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = api._scope(method, path, {name.lower(): value for name, value in headers.items()})
    api.loop.run_until_complete(api.app(scope, receive, send))
    named = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], named, sent[1]["body"])


def provoked(api, clock, entry):
    callers, remembered = tokens(api), {}
    for count, one in enumerate(entry.requests):
        clock.advance(1)  # a person takes longer, and orders that tell the time are others then
        answer = sent(api, callers, one, remembered, count)
        if one is not entry.requests[-1]:
            assert answer.status < 300, answer.body
        for name, place in one.remember.items():
            found = answer.json
            for part in place.split("."):
                found = found[int(part) if part.isdecimal() else part]
            remembered[name] = found
    return answer


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_problem_is_provoked_as_its_page_says_and_leads_to_the_page(api, clock, impatient, code):
    answer = provoked(api, clock, catalogue()[code])
    assert (answer.status, answer.json["code"]) == (CATALOGUE[code][0], code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    page = api.call("GET", answer.json["type"])
    assert page.status == 200
    told = page.json
    assert [told[name] for name in ("type", "title", "status", "code")] == [
        answer.json[name] for name in ("type", "title", "status", "code")
    ]
    assert all(told[name] for name in ("meaning", "cause", "remedy"))
    assert told["provoke"]["requests"][-1]["curl"].count("curl ") == 1
    for fault in answer.json.get("errors", ()):
        assert fault["detail"]


def test_a_page_and_a_problem_for_each_other():
    assert set(catalogue()) == set(CATALOGUE)


def test_what_stands_within_errors_is_explained():
    source = "".join(Path(module.__file__ or "").read_text() for module in (reading, values))
    shared = set(re.findall(r'Unfit\(\s*"([a-z_]+)"', source))
    assert len(shared) > 10
    assert shared | {checks._code(word) for word in checks.WORDS} <= set(faults())


def test_what_stands_within_errors_of_the_sandbox_is_explained():
    folders = [Path(module.__file__ or "").parent for module in (sandbox, conformance, requestlog)]
    source = "".join(piece.read_text() for folder in folders for piece in folder.rglob("*.py"))
    theirs = re.findall(r'(?:code=|return |= \(|Unfit\(\s*)"([a-z]+_[a-z_]+)"[,)]', source)
    assert {"too_far", "never_disturbed", "in_the_future", "not_a_duration"} <= set(theirs)
    assert set(theirs) <= set(faults())


class Page(HTMLParser):
    """What a browser would fetch, run or send, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("path", ["/problems", *(f"/problems/{code}" for code in sorted(CATALOGUE))])
def test_pages_are_for_people_and_fetch_nothing(api, path):
    answer = api.call("GET", path, headers=HTML)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = Page(answer.body.decode())
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "form", "object"})
    assert all(link.startswith("http://127.0.0.1:8080/problems") for link in page.links)


def test_what_stands_in_the_catalogue_is_text_on_the_page(api):
    """The openTRANS documents are markup, and must come out as what was written."""
    page = Page(api.call("GET", "/problems/change-differs", headers=HTML).body.decode())
    assert "<ORDERCHANGE version=" in page.text
    assert "orderchange" not in page.tags


def test_the_policy_names_the_very_style_of_the_page(api):
    answer = api.call("GET", "/problems", headers=HTML)
    [style] = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accept", "got"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "text/html; charset=utf-8"),
        ("application/json;q=0.5, text/*", "text/html; charset=utf-8"),
        ("image/png", "application/problem+json"),
        ("application/json;q=0", "application/problem+json"),
        ("nonsense", "application/problem+json"),
    ],
)
def test_the_form_is_what_is_asked_for(api, accept, got):
    answer = api.call("GET", "/problems/invalid", headers={"Accept": accept} if accept else {})
    assert answer.headers["content-type"] == got
    assert answer.status == (406 if "problem" in got else 200)
    if answer.status == 200:
        assert answer.headers["vary"] == "Accept"


def test_a_problem_that_is_none_has_no_page(api):
    for code in ("nothing", "..", "%3Cscript%3E"):
        answer = api.call("GET", f"/problems/{code}", headers=HTML)
        assert (answer.status, answer.json["code"]) == (404, "not-found")
        assert b"script" not in answer.body


def test_the_index_lists_problems_values_and_places(api):
    told = api.call("GET", "/problems").json
    assert [one["code"] for one in told["items"]] == list(CATALOGUE)
    assert "sku TEST-UNKNOWN" in [one["value"] for one in told["sandbox_values"]]
    assert [one["country"] for one in told["good_values"]] == ["CH", "DE", "AT", "GB", "FR"]


def test_a_shell_sends_what_the_test_sends():
    """The lines hold no token and no other secret, and their bodies are those that were tried."""
    for entry in catalogue().values():
        for one in entry.requests:
            line = shell(one, "http://127.0.0.1:8080")
            assert ("Bearer" in line) == (one.who != "nobody")
            assert not re.search(r"stks?_(test|live)_|whsec_", line)
            if one.body and one.headers.get("Content-Type") == "application/json" and one.body.endswith("}"):
                assert json.dumps(json.loads(one.body), ensure_ascii=False) in line.replace("'\"'\"'", "'")
