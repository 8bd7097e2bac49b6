"""The checks through the API: the report, what cannot be checked, and that nobody waits behind a slow receiver."""

import asyncio
import base64
import time

import pytest

from gateway.conformance import api as conformance
from gateway.runtime import system_clock
from tests.support.patience import going, together
from tests.support.receivers import KEY, Sound, serving

URL = "/v1/sandbox/conformance"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Slow(Sound):
    def take(self, event):
        time.sleep(0.5)
        return 204


@pytest.fixture
def shop(api, clock):
    """Receivers look at the real clock."""
    clock.now = system_clock()
    return api.caller("demo")


def wish(caller, url, secret=SECRET):
    return caller.request("POST", URL, {"url": url, "secret": secret})


def test_a_sound_receiver_passes(api, shop):
    with serving(Sound()) as url:
        ((answer, _),) = together(api, going(api, wish(shop, url)))
    assert (answer.status, answer.json["passed"]) == (200, True)
    assert [check["status"] for check in answer.json["checks"]] == ["passed"] * 15
    request = answer.json["checks"][0]["requests"][0]
    assert request.pop("duration_ms") >= 0
    assert request == {
        "label": "a message",
        "expected": "taken",
        "status_code": 204,
        "error": None,
        "as_expected": True,
    }


def test_a_report_says_what_is_wrong_and_repeats_no_secret(api, shop):
    with serving(Sound()) as url:
        ((answer, _),) = together(api, going(api, wish(shop, url, "whsec_" + base64.b64encode(bytes(32)).decode())))
    assert (answer.status, answer.json["passed"]) == (200, False)
    first = answer.json["checks"][0]
    assert (first["name"], first["status"]) == ("valid_accepted", "failed")
    assert first["details"] == ["a message: it was answered with 401, and must be taken: with a 2xx."]
    assert b"whsec_" not in answer.body


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"url": "ftp://shop.example.com/", "secret": "secret"}, ["/url", "/secret"]),
        ({"url": "http://10.0.0.1/hook", "secret": SECRET}, ["/url"] * 2),
        ({"url": "inbox:", "secret": SECRET}, ["/url"]),
        ({"url": "https://shop.example.com/hook", "secret": "whsec_AAAA"}, ["/secret"]),
        ({"url": "https://shop.example.com/hook"}, ["/secret"]),
        ({"url": "https://shop.example.com/hook", "secret": SECRET, "rounds": 9}, ["/rounds"]),
    ],
)
def test_what_cannot_be_checked_is_a_problem_with_all_its_faults(shop, body, pointers):
    answer = shop.post(URL, body)
    assert (answer.status, answer.pointers) == (422, pointers)
    assert b"10.0.0.1" not in answer.body


def test_live_credentials_and_other_scopes_are_refused(api):
    body = {"url": "https://shop.example.com/hook", "secret": SECRET}
    refused = api.caller("demo", "live").post(URL, body)
    assert (refused.status, refused.json["code"]) == (403, "sandbox-only")
    refused = api.caller("demo", "sandbox", "webhooks:manage").post(URL, body)
    assert (refused.status, refused.json["code"]) == (403, "insufficient-scope")


def test_a_slow_receiver_holds_up_nobody_and_one_run_of_a_partner_goes_at_a_time(api, shop, monkeypatch):
    monkeypatch.setattr(conformance, "BUDGET", 3.0)

    async def others():
        await asyncio.sleep(0.5)
        again, _ = await going(api, wish(shop, url))
        read, took = await going(api, shop.request("GET", "/v1/jobs"))
        return again, read, took

    with serving(Slow()) as url:
        (answer, whole), (again, read, took) = together(api, going(api, wish(shop, url)), others())
        assert (again.status, again.headers["retry-after"]) == (429, "5")
        assert (read.status, took < 2) == (200, True)
        assert (answer.status, answer.json["checks"][-1]["status"]) == (200, "not_run")
        assert whole < 10
    with serving(Sound()) as url:
        ((once_more, _),) = together(api, going(api, wish(shop, url)))
    assert once_more.json["passed"]


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_run_ends_when_the_client_or_the_server_does(api, shop, who):
    gone = asyncio.Event()

    async def ends():
        await asyncio.sleep(0.7)
        gone.set() if who == "client" else api.app.release()

    with serving(Slow()) as url:
        (answer, took), _ = together(api, going(api, wish(shop, url), gone), ends())
    assert took < 5
    assert answer.json["checks"][-1]["status"] == "not_run"
