"""Whoever takes the steps of runs is killed, again and again: each step is taken, and each once."""

import subprocess
import sys
import time
from pathlib import Path

from tests.support.outbox import eventually, rows

PROGRAM = """
import sys
from datetime import timedelta
from gateway import runtime as runtimes
from gateway.config import Settings
from gateway.sandbox import runs
runs.LEASE = timedelta(seconds=0.2)
runtime = runtimes.build(Settings(database_url=sys.argv[1], redis_url="redis://127.0.0.1:1", secret_key=bytes(32)))
print("ready", flush=True)
while True:
    runs.go(runtime)
"""
RUNS = 30


def test_kill_9_loses_no_step_and_takes_none_twice(shop, runtime, settings, monkeypatch):
    monkeypatch.setattr("gateway.sandbox.runs.finish", lambda *_: None)  # the requests died first
    for _ in range(RUNS):
        assert shop.post("/v1/sandbox/scenarios/dispute/run?wait=0").json["status"] == "running"
    running = "SELECT FROM sandbox_run WHERE status = 'running'"
    taken = "SELECT sum(position) FROM sandbox_run"
    kills = 0
    while kills < 4:
        process = start(settings)
        begun = rows(runtime.sessions, taken)[0][0]
        eventually(lambda begun=begun: rows(runtime.sessions, taken)[0][0] > begun + 15)
        time.sleep(0.01 * kills)
        process.kill()
        process.wait(10)
        kills += 1
    assert rows(runtime.sessions, running)
    process = start(settings)
    try:
        eventually(lambda: not rows(runtime.sessions, running), within=60)
    finally:
        process.kill()
        process.wait(10)
    assert rows(runtime.sessions, "SELECT DISTINCT status, position FROM sandbox_run") == [("done", 9)]
    assert rows(runtime.sessions, "SELECT DISTINCT state, sequence FROM job") == [("completed", 11)]
    assert rows(runtime.sessions, "SELECT count(*) FROM job_event") == [(RUNS * 11,)]


def start(settings):
    program = [sys.executable, "-c", PROGRAM, settings.database_url]
    process = subprocess.Popen(program, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as stream:
        assert stream.readline() == b"ready\n"
    return process
