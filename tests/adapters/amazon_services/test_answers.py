"""What Amazon's answers make of a call: delivered, to be tried again, or refused for good."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.canonical import (
    JobState,
)
from adapters.contract import Answer, Rendered
from tests.adapters.amazon_services.steps import (
    JO,
    JOB,
    KNOWS_JO,
    SAID,
    call,
    judged,
    probed,
)


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422])
def test_a_call_that_is_wrong_stays_wrong(status: int) -> None:
    assert judged(status, {"errors": [{"code": "InvalidInput", "message": "no\u00a0break"}]}) == "failed"


@pytest.mark.parametrize("status", [302, 401, 403, 408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert judged(status, {"errors": [{"code": "QuotaExceeded", "message": "later"}]}) == "retry"


def test_warnings_are_no_errors_and_errors_count_even_in_a_success() -> None:
    note = {"code": "RESOURCES_UNASSIGNED", "message": "m"}
    assert judged(200, {"appointmentId": "A-00001", "warnings": [note]}) == "delivered"
    assert judged(200, {"payload": {"warnings": [note]}}) == "delivered"
    assert judged(200, {"errors": [{**note, "errorLevel": "WARNING"}]}) == "delivered"
    assert judged(200, {"errors": [{**note, "errorLevel": "WARNING"}, note]}) == "failed"
    assert judged(200, [{**note, "errorLevel": "ERROR"}]) == "failed"


@pytest.mark.parametrize("document", [None, {}, "", [], {"errors": None}, {"errors": {}}, 7])
def test_a_success_without_words_is_one(document: Any) -> None:
    assert judged(204, document) == "delivered"


@given(status=st.integers(100, 599), body=st.binary(max_size=100), state=st.sampled_from(SAID))
def test_any_answer_at_all_has_a_verdict(status: int, body: bytes, state: JobState) -> None:
    said, answer = call(state), Answer(status=status, body=body)
    assert AmazonServicesAdapter({}).judge(said, answer) in ("delivered", "retry", "failed")
    assert isinstance(probed(said, answer), Rendered | str)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.sampled_from(["ACTIVE", "CANCELLED"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["appointmentId", "appointmentStatus", "appointmentTime", "startTime", "durationInMinutes"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(appointments=JSON_VALUES, status=JSON_VALUES, state=st.sampled_from(SAID))
def test_whatever_a_job_holds_a_call_is_complete_or_a_verdict(appointments: Any, status: Any, state: JobState) -> None:
    payload = {"serviceJobStatus": status, "appointments": appointments}
    said = call(state, KNOWS_JO, technician=JO)
    ready = probed(said, Answer(status=200, body=json.dumps({"payload": payload}).encode()))
    assert ready in ("delivered", "retry", "failed") if isinstance(ready, str) else COMPLETE.fullmatch(ready.path)


COMPLETE = re.compile(rf"{JOB}(/[^/{{}}?]+)+(\?cancellationReasonCode=V1)?")
