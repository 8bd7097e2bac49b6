"""Steps of a job, how it stands at Amazon, and the call that is made of both."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.amazon_services.codes import STATES
from adapters.canonical import (
    JobState,
    StatusUpdate,
    Technician,
    Window,
)
from adapters.contract import Answer, Rendered, Verdict
from tests.support.documents import MORNING, make_update

AMAZON = Path(__file__).parents[4] / "shared" / "partners" / "amazon_de"
NUMBER = "W-7788123"
JOB = f"/service/v1/serviceJobs/{NUMBER}"
JO = Technician(id="tech_1", name="Jo")
KNOWS_JO = {"resources": {"tech_1": "A8B3M999LMHF2"}}
AFTERNOON = Window(start=MORNING.start + timedelta(hours=5), end=MORNING.end + timedelta(hours=5))
SAID = [state for state in JobState if STATES[state]]


def update(state: JobState = JobState.SCHEDULED, *, siblings: Any = (), **other: Any) -> StatusUpdate:
    """A step to `state` of a job that is otherwise like `other`."""
    told = make_update(state)
    return replace(told, job=replace(told.job, **other), reason=other.get("reason", told.reason), siblings=siblings)


def render(said: StatusUpdate, **options: Any) -> list[Rendered]:
    return AmazonServicesAdapter(options).render(said)


def call(state: JobState = JobState.SCHEDULED, options: Any = None, **other: Any) -> Rendered:
    (said,) = render(update(state, **other), **(options or {}))
    return said


def there(status: str = "NOT_SERVICED", *appointments: Any) -> Answer:
    """How the job stands at Amazon."""
    document = {"payload": {"serviceJobId": NUMBER, "serviceJobStatus": status, "appointments": list(appointments)}}
    return Answer(status=200, body=json.dumps(document).encode())


def appointment(window: Window = MORNING, status: str = "ACTIVE", name: str = "A-00001") -> dict[str, Any]:
    minutes = int((window.end - window.start).total_seconds()) // 60
    time = {"startTime": window.start.isoformat(), "durationInMinutes": minutes}
    return {"appointmentId": name, "appointmentStatus": status, "appointmentTime": time}


def probed(said: Rendered, answer: Answer) -> Rendered | Verdict:
    return AmazonServicesAdapter({}).probed(said, answer)


def made(said: Rendered, answer: Answer) -> Rendered:
    """The call that is made after the probe."""
    ready = probed(said, answer)
    assert isinstance(ready, Rendered)
    assert ready.probe is None
    assert "{" not in ready.path
    return ready


def judged(status: int, document: Any = None, state: JobState = JobState.SCHEDULED) -> Verdict:
    body = b"" if document is None else json.dumps(document).encode()
    return AmazonServicesAdapter({}).judge(call(state), Answer(status=status, body=body))
