"""Who waits for the inbox holds nothing up, and is answered when there is something, or when it is time."""

import asyncio
import time

from gateway import waiting
from gateway.sandbox.inbox import service
from tests.support.inbox import INBOX, fill, page, partner_of, paths
from tests.support.patience import going, together


def wait_request(caller, seconds, **query):
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return caller.request("GET", f"{INBOX}?wait={seconds}{more}")


async def soon(call):
    """Run it in a thread, after the others have begun to wait."""
    await asyncio.sleep(0.4)
    return await asyncio.to_thread(call)


def test_what_comes_while_somebody_waits_is_told_at_once(api, shop, runtime):
    partner_id, start = partner_of(runtime), page(shop)["next"]
    (answer, took), _ = together(
        api, going(api, wait_request(shop, 20, after=start)), soon(lambda: fill(runtime, partner_id, 2))
    )
    assert paths(answer.json)[0] == "0"
    assert 0.3 < took < 5


def test_what_is_there_is_told_without_waiting(api, shop, runtime):
    fill(runtime, partner_of(runtime), 1)
    ((answer, took),) = together(api, going(api, wait_request(shop, 20)))
    assert paths(answer.json) == ["0"]
    assert took < 5


def test_where_nothing_comes_the_answer_is_empty_and_goes_on_from_the_same_place(api, shop):
    start = page(shop)["next"]
    ((answer, took),) = together(api, going(api, wait_request(shop, 1, after=start)))
    assert (answer.status, answer.json["items"], answer.json["next"]) == (200, [], start)
    assert took >= 1


def test_many_who_wait_take_no_thread_from_who_works(api, shop, monkeypatch):
    """More wait than there are threads."""
    monkeypatch.setattr(waiting, "MOST_EACH", 30)
    looks = []
    found = service.lasts

    def lasts(session, partner_ids):
        looks.extend([1] if isinstance(partner_ids, set) else [])
        return found(session, partner_ids)

    monkeypatch.setattr(service, "lasts", lasts)
    waits = [going(api, wait_request(shop, 2)) for _ in range(30)]

    async def works():
        await asyncio.sleep(0.3)
        started = time.monotonic()
        await going(api, shop.request("GET", "/v1/jobs"))
        return time.monotonic() - started

    *answers, took = together(api, *waits, works())
    assert {answer.status for answer, _ in answers} == {200}
    assert took < 1.5
    longest = max(took for _, took in answers)
    # One for all of them a few times a second, and one whenever somebody comes; each for himself would look 300 times.
    assert 2 <= len(looks) <= 30 + 6 * longest


def test_too_many_who_wait_are_told_so(api, shop, runtime):
    start, partner_id = page(shop)["next"], partner_of(runtime)
    waits = [going(api, wait_request(shop, 20, after=start)) for _ in range(waiting.MOST_EACH + 2)]
    *answers, _ = together(api, *waits, soon(lambda: fill(runtime, partner_id, 1)))
    refused = [answer for answer, _ in answers if answer.status == 429]
    assert len(refused) == 2
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.json["code"] for answer in refused} == {"too-many-requests"}


def test_a_client_who_leaves_holds_no_place(api, shop, monkeypatch):
    monkeypatch.setattr(waiting, "MOST_EACH", 1)

    async def leaves():
        gone = asyncio.Event()
        first = asyncio.create_task(going(api, wait_request(shop, 20), gone))
        await asyncio.sleep(0.3)
        gone.set()
        _, took = await first
        second, _ = await going(api, wait_request(shop, 1))
        return took, second

    ((took, second),) = together(api, leaves())
    assert took < 5
    assert second.status == 200


def test_a_server_that_ends_lets_everybody_go(api, shop):
    async def ends():
        await asyncio.sleep(0.4)
        api.app.release()

    (answer, took), _ = together(api, going(api, wait_request(shop, 20)), ends())
    assert answer.status == 200
    assert took < 5
    ((_, later),) = together(api, going(api, wait_request(shop, 20)))
    assert later < 5
