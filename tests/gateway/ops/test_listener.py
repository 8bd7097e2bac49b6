"""The operations port."""

import base64
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from gateway import config
from gateway.config import ConfigurationError, Settings
from gateway.ops import listener
from tests.support.api import Api
from tests.support.servers import Servers
from tests.support.system import free_port

GIVEN = {
    "STECKER_DATABASE_URL": "postgresql://h/d",
    "STECKER_REDIS_URL": "redis://h",
    "STECKER_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
}


@pytest.fixture
def told(settings: Settings) -> Settings:
    return replace(settings, ops_port=free_port())


@pytest.fixture
def url(told: Settings, api: Api) -> Iterator[str]:
    """Beside the application, which makes its keys."""
    with listener.listening(told) as port:
        yield f"http://127.0.0.1:{port}"


def test_metrics_and_health_are_there_without_a_token(url: str) -> None:
    metrics = requests.get(f"{url}/metrics", timeout=10)
    assert metrics.status_code == 200
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "\nstecker_webhook_in_flight 0\n" in metrics.text
    assert requests.get(f"{url}/healthz/live", timeout=10).json() == {"status": "alive"}
    assert requests.get(f"{url}/healthz/ready?verbose", timeout=10).json()["status"] == "ready"


def test_nothing_else_is_there(url: str) -> None:
    missing = requests.get(f"{url}/v1/orders", timeout=10)
    assert (missing.status_code, missing.text) == (404, "Here are /metrics, /healthz/live, /healthz/ready.\n")
    assert requests.post(f"{url}/metrics", data=b"x", timeout=10).status_code == 501


def test_with_the_database_away_it_says_so(told: Settings, running_servers: Servers) -> None:
    away = replace(told, database_url=f"{running_servers.postgres.rsplit('/', 1)[0]}/nowhere")
    with listener.listening(away) as port:
        assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).status_code == 503
        assert requests.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=10).status_code == 503


def test_a_port_that_is_taken_stops_the_start_and_none_is_none(told: Settings, settings: Settings) -> None:
    with (
        socket.create_server(("127.0.0.1", told.ops_port or 0)),
        pytest.raises(ConfigurationError, match=f"STECKER_OPS_PORT: 127.0.0.1:{told.ops_port} cannot be used"),
        listener.listening(told),
    ):
        pytest.fail("it listens")
    with listener.listening(settings) as port:
        assert port is None


@pytest.mark.parametrize("port", ["0", "65536", "9464x", "-1"])
def test_a_port_is_a_port(port: str) -> None:
    with pytest.raises(ConfigurationError, match="STECKER_OPS_PORT must be a port, 1 to 65535"):
        config.load(GIVEN | {"STECKER_OPS_PORT": port})
    assert config.load(GIVEN | {"STECKER_OPS_PORT": "9464"}).ops_port == 9464
