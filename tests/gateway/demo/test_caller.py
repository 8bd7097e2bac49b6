"""The demo's callers end the story in a sentence where an answer is another, or none comes."""

import pytest

from gateway.demo.caller import Caller
from gateway.demo.receiver import listening
from gateway.demo.system import DoesNotHold


def test_says_which_answer_was_another() -> None:
    with listening() as receiver:
        caller = Caller("demo", receiver.url)
        caller.session.trust_env = False
        with pytest.raises(DoesNotHold, match="POST /v1/orders was answered 204, not 201"):
            caller.post("/v1/orders", {}, expect=201)
        caller.session.close()


def test_says_that_no_answer_came() -> None:
    caller = Caller("demo", "http://127.0.0.1:1")
    caller.session.trust_env = False
    with pytest.raises(DoesNotHold, match="GET /v1/jobs was not answered: ConnectionError"):
        caller.get("/v1/jobs")
