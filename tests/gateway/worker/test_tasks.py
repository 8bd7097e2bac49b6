"""Whoever writes to Redis can make a worker run our tasks, and nothing else (Q13)."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer

from gateway.worker.tasks import TaskWorker


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.from_url(redis_url) as connected:
        yield connected


def work(client: redis.Redis) -> list[str]:
    """Run what is queued; returns what our task did."""
    done: list[str] = []
    worker = TaskWorker(
        ["deliver"],
        connection=client,
        serializer=JSONSerializer,
        log_job_description=False,
        tasks={"our.task": lambda: done.append("done")},
        stopping=threading.Event(),
    )
    worker.work(burst=True, logging_level="CRITICAL")
    return done


def queue(client: redis.Redis) -> Queue:
    return Queue("deliver", connection=client, serializer=JSONSerializer)


def failed(client: redis.Redis) -> int:
    return len(queue(client).failed_job_registry)


def test_runs_a_task_of_the_list_and_leaves_nothing_behind(client: redis.Redis) -> None:
    queue(client).enqueue_call("our.task", result_ttl=0)

    assert work(client) == ["done"]
    assert client.keys("rq:job:*") == []


def test_refuses_any_other_function_q13(client: redis.Redis, tmp_path: Path) -> None:
    queue(client).enqueue_call("os.mkdir", args=[str(tmp_path / "owned")])

    assert work(client) == []
    assert not (tmp_path / "owned").exists()
    assert failed(client) == 1


def test_refuses_a_task_with_arguments_q12(client: redis.Redis) -> None:
    queue(client).enqueue_call("our.task", args=["x"])

    assert work(client) == []
    assert failed(client) == 1


@pytest.mark.parametrize("function", ["our.task", "no.such"])
@pytest.mark.parametrize("kind", ["on_success", "on_failure", "on_stopped"])
def test_refuses_callbacks_and_imports_none_of_them_q13(
    client: redis.Redis, kind: str, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'owned')!r}, 'w')\ndef run(*args): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    queue(client).enqueue_call(function, **{kind: Callback("evil.run")})

    assert work(client) == []
    assert failed(client) == 1
    assert not (tmp_path / "owned").exists()


def test_sends_none_of_the_webhooks_of_the_queue_library_q17(client: redis.Redis) -> None:
    queue(client).enqueue_call("our.task", result_ttl=0)
    [key] = client.keys("rq:job:*")
    client.hset(key, "webhooks", '[{"url": "http://127.0.0.1:1/", "statuses": ["finished"]}]')

    assert work(client) == ["done"]
