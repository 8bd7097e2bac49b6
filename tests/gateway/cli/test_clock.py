"""How the test clock is driven from the command line, and what is shown while it is on its way."""

import pytest
from click.testing import CliRunner

from gateway.cli import clock, main

AT = "2026-01-15T08:30:01+00:00"
FIRED = [
    {"at": AT, "kind": "webhook", "id": "whm_1", "outcome": "retry", "attempt": 2},
    {"at": AT, "kind": "run_step", "id": "run_1", "outcome": "job.offered"},
    {"at": AT, "kind": "hold_expired", "id": "hold_1", "outcome": "expired"},
]


class Api:
    """A clock that has fired one thing more each time that somebody looks, until all have."""

    def __init__(self):
        self.asked, self.looks = None, 0

    def post(self, path, wish, **query):
        assert (path, query) == ("/v1/sandbox/clock", {"wait": 2})
        self.asked = wish
        return self.get(path)

    def get(self, path, wait=0):
        self.looks += 1
        advancing = self.looks < 4 and self.asked["action"] == "advance"
        advance = {"to": AT, "fired": FIRED[: self.looks], "fired_count": self.looks}
        return {"status": "advancing" if advancing else "frozen", "now": AT, "next_due": None, "advance": advance}


@pytest.fixture
def api(monkeypatch):
    made = Api()
    monkeypatch.setattr("gateway.cli.remote.Remote", lambda *_: made)
    return made


def stecker(*words):
    environment = {"STECKER_CLIENT": "stk_test_1:s"}
    return CliRunner(env=environment).invoke(main, ["sandbox", "clock", *words])


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("26h", {"by": "PT26H"}),
        ("1d12h", {"by": "P1DT12H"}),
        ("2w", {"by": "P2W"}),
        ("90M", {"by": "PT90M"}),
        ("PT1H", {"by": "PT1H"}),
        ("2027-03-28T09:00:00+02:00", {"to": "2027-03-28T09:00:00+02:00"}),
        ("soon", {"by": "soon"}),
    ],
)
def test_a_length_or_a_time(api, said, asked):
    assert stecker("advance", said).exit_code == 0
    assert api.asked == {"action": "advance", **asked}


def test_what_fires_is_shown_once_and_then_what_waits(api):
    lines = stecker("advance", "1h").stdout.splitlines()
    assert lines == [
        "2026-01-15 08:30:01Z  webhook       whm_1  retry, attempt 2",
        "2026-01-15 08:30:01Z  run_step      run_1  job.offered",
        "2026-01-15 08:30:01Z  hold_expired  hold_1  expired",
        "clock  frozen",
        "now    2026-01-15 08:30:01Z",
        "next   nothing waits",
    ]


def test_ctrl_c_leaves_it_to_the_server(api, monkeypatch):
    def interrupted(shown):
        raise KeyboardInterrupt

    monkeypatch.setattr(clock, "_progress", interrupted)
    left = stecker("advance", "1h")
    assert (left.exit_code, left.stderr) == (130, "It goes on without you; see `stecker sandbox clock show`.\n")


def test_freeze_shows_nothing_of_an_advance_before_it(api):
    assert stecker("freeze").stdout.splitlines()[0] == "clock  frozen"
    assert api.asked == {"action": "freeze"}
    stecker("freeze", "--at", AT)
    assert api.asked == {"action": "freeze", "at": AT}
