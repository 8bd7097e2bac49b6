"""What `make run` shows to paste: it works as it stands."""

import json
import subprocess
import threading

import pytest
import uvicorn

from gateway import asgi
from gateway.embedded.data import DataDir, write_json
from gateway.up import notes
from tests.support.outbox import eventually
from tests.support.system import free_port


@pytest.fixture
def url(api, runtime):
    """The application once more, on a port, in a thread."""
    with asgi.opened(runtime) as app:
        config = uvicorn.Config(app, host="127.0.0.1", port=free_port(), log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{config.port}"
        server.should_exit = True
        thread.join(10)


def test_the_lines_of_make_run_work_as_they_are_pasted(api, shop, url, tmp_path):
    made = shop.post("/v1/sandbox/keys", {"label": "make run"}).json
    data, said = DataDir(tmp_path), []
    data.make()
    write_json(data.sandbox_keys, {"demo": {name: made[name] for name in ("client_id", "client_secret")}})
    notes.announce(data, url, (), said.append)
    begin = next(place for place, line in enumerate(said) if line.startswith("TOKEN="))
    lines = "\n".join(said[begin : begin + 2])
    ran = subprocess.run(["sh", "-c", lines], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(ran.stdout)["status"] == "done", ran.stdout
    assert shop.get("/v1/jobs").json["items"][0]["state"] == "completed"


def test_without_keys_there_is_nothing_to_paste(tmp_path):
    said = []
    notes.announce(DataDir(tmp_path), "http://127.0.0.1:8080", (), said.append)
    assert not [line for line in said if "TOKEN" in line]
