"""The rules of the house that no reviewer should have to remember."""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "adapters", "webhooks", "specs")
FOLDERS = {*PACKAGES, "tests", "deploy", ".ci"}
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "models", "views"}

# Who may read the environment: the settings, the command's own start, and what it hands to its children.
READS_ENVIRONMENT = {"gateway/config.py", "gateway/cli"}
# Tables by tenant: a query on one names the tenant, or says here why it need not.
TENANT_TABLES = {"Order", "Job", "JobEvent", "InboundMessage", "IdempotencyRecord", "PartnerArticle"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.split()


def test_there_are_no_other_folders():
    assert {path.split("/")[0] for path in tracked() if "/" in path} <= FOLDERS


def test_nothing_is_called_utils():
    found = [name(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES]
    assert found == []


def test_every_module_says_what_lives_in_it():
    assert [name(path) for path in SOURCES if not ast.get_docstring(tree(path))] == []


def test_only_the_settings_read_the_environment():
    readers = {
        name(path)
        for path in SOURCES
        if re.search(r"os\.(environ|getenv)|from os import .*(environ|getenv)", path.read_text(encoding="utf-8"))
    }
    assert [one for one in sorted(readers) if not any(one.startswith(allowed) for allowed in READS_ENVIRONMENT)] == []


def test_adapters_ask_neither_the_clock_nor_chance():
    forbidden = re.compile(r"\b(now|utcnow|today|urandom|uuid4|random)\(\)|import (random|secrets|uuid|time)\b")
    found = [
        f"{name(path)}: {match[0]}"
        for path in SOURCES
        if name(path).startswith("adapters/")
        for match in forbidden.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_nothing_dangerous_is_used():
    """P3"""
    forbidden = re.compile(
        r"authlib\.jose|\bpickle\b|\beval\(|\bexec\(|shell=True|verify=False|yaml\.load\((?!.*Loader)"
    )
    found = [
        f"{name(path)}: {match[0]}"
        for path in SOURCES
        for match in forbidden.finditer(path.read_text(encoding="utf-8"))
        if not (match[0] == "yaml.load(" and "SafeLoader" in path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_xml_is_read_in_one_place():
    """P3, I2"""
    readers = [
        name(path) for path in SOURCES if re.search(r"etree\.(fromstring|parse|XML\b|iterparse)", path.read_text())
    ]
    assert set(readers) <= {"adapters/xml.py"}


def test_no_test_package_shadows_ours():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_nobody_else_provides_a_package_of_our_names():
    ours = {"stecker"}
    for found in distributions():
        top = {str(path).split("/")[0] for path in found.files or ()}
        if found.metadata["Name"] not in ours:
            assert not top & set(PACKAGES), found.metadata["Name"]


def test_every_query_on_a_tenants_table_names_the_tenant():
    """T3: each function that selects from a tenant's table mentions a tenant, or a key that belongs to one."""
    narrow = re.compile(r"where: Column|partner_id|environment|owned\(|visible|tenant|order_id|_mine\(|owner")
    found = []
    for path in SOURCES:
        if name(path).startswith("gateway/cli/"):
            continue  # the operator's own commands
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                segment = ast.get_source_segment(source, node) or ""
                selects = re.findall(r"(?:select|update|delete)\((?:tables\.)?(\w+)", segment)
                if TENANT_TABLES & set(selects) and not narrow.search(segment):
                    found.append(f"{name(path)}:{node.lineno} {node.name}")
    assert found == []


def test_the_lock_pins_every_requirement_with_a_hash():
    """P1"""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if re.match(r"[a-z0-9]", line)]
    assert len(pins) > 50
    assert all("==" in line and line.endswith("\\") for line in pins)
    assert sum("--hash=sha256:" in line for line in lines) >= len(pins)


FLOORS = {
    "authlib": (1, 6, 11),
    "marshmallow": (4, 1, 2),
    "lxml": (6, 1, 0),
    "requests": (2, 32, 4),
    "urllib3": (2, 6, 3),
    "joserfc": (1, 6, 8),
    "werkzeug": (3, 1, 0),
}


def test_no_requirement_is_older_than_its_last_known_hole():
    """P2, I3, I16"""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for project, floor in FLOORS.items():
        pinned = re.search(rf"^{project}==([0-9.]+)", lock, re.M)
        assert pinned, project
        assert tuple(map(int, pinned[1].split("."))) >= floor


def test_no_file_speaks_of_the_place_it_was_written_in():
    forbidden = re.compile(r"/work/|\.\./shared/(?!partners)|/root/|helper session", re.I)
    for path in tracked():
        if path.startswith(("tests/architecture/", ".git")) or not (ROOT / path).exists():
            continue
        text = (ROOT / path).read_bytes().decode("utf-8", "replace")
        assert not forbidden.search(text), path


def test_the_command_starts_quickly_because_it_imports_little():
    heavy = ("connexion", "flask", "sqlalchemy", "rq", "lxml")
    code = f"import sys, gateway.cli; print(len([m for m in sys.modules if m.split('.')[0] in {heavy}]))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert ran.stdout.strip() == "0"
