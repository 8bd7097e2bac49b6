"""`stecker conformance`, beside the example receivers (tests/gateway/conformance): its words, and what it refuses."""

import base64
import json

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.support.receivers import KEY, Sound, serving

SECRET = "whsec_" + base64.b64encode(KEY).decode()


class RefusesRepeats(Sound):
    def repeat(self):
        return 409


@pytest.fixture
def conformance(tmp_path, monkeypatch):
    monkeypatch.delenv("STECKER_EGRESS_ALLOW", raising=False)

    def run(url, *more, secret=SECRET):
        (tmp_path / "secret").write_text(secret)
        words = ("conformance", "--endpoint", url, "--secret-file", str(tmp_path / "secret"), *more)
        return CliRunner().invoke(main, words)

    return run


def test_it_says_what_holds(conformance):
    with serving(Sound()) as url:
        ran = conformance(url)
    lines = ran.output.splitlines()
    assert ran.exit_code == 0
    assert lines[0].split() == ["ok", "valid_accepted", *["A", "message", "as", "it", "should", "be", "is", "taken"]]
    assert lines[-1] == "15 of 15 checks hold."


def test_it_says_what_does_not_and_why(conformance):
    with serving(RefusesRepeats()) as url:
        ran = conformance(url)
    assert ran.exit_code == 1
    assert "FAILED  duplicate_ignored" in ran.output
    assert "        once more: it was answered with 409, and must be taken: with a 2xx." in ran.output
    assert ran.output.splitlines()[-1] == "14 of 15 checks hold."


def test_as_json_it_is_one_document(conformance):
    with serving(RefusesRepeats()) as url:
        ran = conformance(url, "--json")
    report = json.loads(ran.output)
    failed = [check["name"] for check in report["checks"] if check["status"] == "failed"]
    assert (ran.exit_code, report["passed"], failed) == (1, False, ["duplicate_ignored"])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://shop.example.com/", "not of the form"),
        ("http://shop.example.com/hook", "Only https"),
        ("https://10.0.0.1/hook", "not an address"),
        ("inbox:", "not of the form"),
    ],
)
def test_what_webhooks_cannot_call_is_not_called(conformance, url, words):
    ran = conformance(url)
    assert ran.exit_code == 2
    assert words in ran.output


def test_where_we_may_go_is_a_setting(conformance, monkeypatch):
    monkeypatch.setenv("STECKER_EGRESS_ALLOW", "10.0.0.0/8")
    with serving(Sound()) as url:
        assert "host must be a name" in conformance(url).output
    monkeypatch.setenv("STECKER_EGRESS_ALLOW", "everywhere")
    ran = conformance("https://shop.example.com/hook")
    assert (ran.exit_code, "must be CIDRs" in ran.output) == (2, True)


@pytest.mark.parametrize("secret", ["", "secret", "whsec_AAAA", "whsec_%%%"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(conformance, secret):
    ran = conformance("https://shop.example.com/hook", secret=secret)
    assert (ran.exit_code, "cannot be used" in ran.output) == (2, True)
    assert not secret[6:] or secret[6:] not in ran.output
