"""`webhooks/README.md`: every test that it names is there, and its application works as it stands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url
from standardwebhooks import Webhook

from tests.support.outbox import eventually
from tests.support.receiver import Receiver
from tests.support.servers import Servers
from webhooks import policy

README = Path(policy.__file__).with_name("README.md").read_text()
TESTS = Path(__file__).parents[1]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NAMED = re.findall(r"`(?:tests/)?([\w/]+\.py)::(\w+)`", README)


def test_readme_names_tests() -> None:
    rows = re.findall(r"^\| .* \| Y \|.*$", README, re.MULTILINE)
    assert len(rows) > 30
    assert [row for row in rows if "::test_" not in row] == []


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_what_readme_names_is_there(file: str, name: str) -> None:
    path = TESTS / (file if "/" in file else f"webhooks/{file}")
    found = {one.name for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef)}
    assert name in found


@pytest.fixture
def application(running_servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the block defines, on a database of its own."""
    running_servers.command("CREATE DATABASE readme TEMPLATE template0")
    url = make_url(running_servers.postgres).set(database="readme")
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("EGRESS_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("SECRET_KEY", Fernet.generate_key().decode())
    section = README[README.index("## Use it in your application") : README.index("## The promise")]
    [block] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    defined: dict[str, Any] = {"__name__": "parcels"}
    exec(compile(block, "README.md", "exec"), defined)
    yield defined
    defined["courier"].stop()
    defined["courier"].join(20)
    defined["transport"].close()
    defined["engine"].dispose()
    running_servers.command("DROP DATABASE readme WITH (FORCE)")


def test_the_application_of_the_readme_delivers(application: dict[str, Any], receiver: Receiver) -> None:
    client = application["app"].test_client()
    refused = client.post("/webhook-endpoints", json={"url": "https://10.0.0.1/"})
    assert (refused.status_code, refused.get_json()["problems"]) == (422, ["host_is_address"])
    made = client.post("/webhook-endpoints", json={"url": receiver.url})
    for state in ("packed", "sent"):
        assert client.post(f"/parcels/p-1/{state}", headers={"traceparent": TRACE}).status_code == 204

    hook = Webhook(made.get_json()["secret"])
    came = receiver.wait_for(2, 30)
    said = [hook.verify(one.body, one.headers) for one in came]

    assert [one.headers["traceparent"][:36] for one in came] == [TRACE[:36]] * 2
    assert said == [{"parcel": "p-1", "state": "packed"}, {"parcel": "p-1", "state": "sent"}]

    def scraped() -> str:
        application["every_minute"]()
        return client.get("/metrics").get_data(as_text=True)

    eventually(lambda: 'webhook_attempts_total{environment="live",way="http",verdict="delivered"} 2' in scraped())
