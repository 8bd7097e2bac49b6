"""The courier: what it has in hand, and whom it takes on."""

import threading
from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from tests.support.calling import LOOPBACK, caller_over
from tests.support.outbox import add_endpoint, event, eventually, rows, say
from tests.support.receiver import Receiver, answer
from webhooks.courier import Courier, Pace
from webhooks.transport import Transport


def test_those_that_hang_leave_room_for_others_r11(
    sessions: sessionmaker[Session], couriers: Callable[..., Courier], receivers: Callable[[], Receiver]
) -> None:
    """More than half of what one has in hand at least."""
    hanging, over = [receivers() for _ in range(3)], threading.Event()
    patient = Transport(allow=LOOPBACK, deadline=25)
    for one in hanging:
        one.always(lambda sock, request: over.wait(20))
        add_endpoint(sessions, one.url)
    say(sessions, event("job_1"))
    couriers(Pace(prompt=0.1, threads=1, spare=8, least=4), caller=caller_over(patient))
    eventually(lambda: all(one.got for one in hanging))

    prompt = receivers()
    add_endpoint(sessions, prompt.url)
    say(sessions, event("job_2"))

    assert len(prompt.wait_for(1)) == 1
    over.set()
    patient.close()


def test_an_environment_that_nobody_has_named_has_the_usual_schedule(
    sessions: sessionmaker[Session], couriers: Callable[..., Courier], receiver: Receiver
) -> None:
    receiver.always(answer("500 Oops"))
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1"))
    couriers(schedules={})

    waits = "SELECT attempts FROM webhook_message WHERE next_attempt_at > created_at"
    assert eventually(lambda: rows(sessions, waits)) == [(1,)]
    assert len(receiver.got) == 1
