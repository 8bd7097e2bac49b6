"""The visits: dispatch, technician and customer take jobs through their life, and every step comes back."""

import time
from dataclasses import dataclass
from typing import Any

from gateway.demo.caller import Caller
from gateway.demo.page import Page
from gateway.demo.receiver import Heard, Receiver, is_good
from gateway.demo.system import DoesNotHold

# state: who says so.
DONE = {
    "offered": "dispatch",
    "assigned": "technician",
    "confirmed": "technician",
    "en_route": "technician",
    "on_site": "technician",
    "in_progress": "technician",
    "work_done": "technician",
    "completed": "customer",
}
NOBODY_HOME = {state: DONE[state] for state in ("offered", "assigned", "confirmed", "en_route", "on_site")}
TECHNICIAN = {"id": "tech-7", "name": "A. Muster"}


@dataclass(frozen=True, slots=True)
class Order:
    """An order that was placed: by whom, when (monotonic seconds), its jobs, and the secret of their endpoint."""

    partner: str
    placed_at: float
    jobs: list[Any]
    secret: str


@dataclass(frozen=True, slots=True)
class Visits:
    """Walks jobs and shows each step once its webhook has come and its signature is good."""

    page: Page
    receiver: Receiver
    dispatch: Caller

    def completed(self, order: Order, line: int, title: str) -> Any:
        return self._walk(order, order.jobs[line], title, DONE)

    def failed(self, order: Order, line: int, title: str) -> Any:
        """The technician stands before a closed door."""
        job = self._walk(order, order.jobs[line], title, NOBODY_HOME)
        return self._step(order, job, "failed", "technician", reason="customer_absent")

    def _walk(self, order: Order, job: Any, title: str, steps: dict[str, str]) -> Any:
        self.page.timeline(title, order.partner)
        for sequence in range(1, job["sequence"] + 1):
            self._show(order, job["id"], sequence, order.placed_at)
        for state, actor in steps.items():
            job = self._step(order, job, state, actor)
        return job

    def _step(self, order: Order, job: Any, state: str, actor: str, reason: str | None = None) -> Any:
        wish: dict[str, Any] = {"to": state, "actor": actor, "reason": reason}
        if state == "assigned":
            wish["technician"] = TECHNICIAN
        said_at = time.monotonic()
        answer = self.dispatch.post(f"/fulfilment/v1/jobs/{job['id']}/transitions", wish, expect=200)
        moved = answer.json()
        self._show(order, job["id"], moved["sequence"], said_at)
        return moved

    def _show(self, order: Order, job_id: str, sequence: int, said_at: float) -> None:
        def wanted(heard: Heard) -> bool:
            return heard.is_about(job_id) and heard.event["data"]["sequence"] == sequence

        heard = self.receiver.wait_for(f"Webhook {sequence} of {job_id}", wanted)
        event = heard.event
        if not is_good(order.secret, heard.headers, heard.body):
            raise DoesNotHold(f"The signature of {event['type']} is not of the endpoint's secret.")
        state, actor = event["data"]["job"]["state"], event["data"]["actor"]
        self.page.step(sequence, state, actor, event["type"], heard.at - said_at)
