"""`stecker adapter list` and `try`: what a person sees, and what a program reads."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from adapters import ADAPTERS
from adapters.canonical import JobState
from gateway.cli.adapter import adapter
from gateway.cli.layout import WIDTH
from gateway.cli.matrix import BEGIN, END

SAMPLE = Path(__file__).parent / "opentrans" / "samples" / "repair_visit" / "order.xml"


def run(*words: str) -> Result:
    return CliRunner().invoke(adapter, list(words))


def test_list_names_every_dialect_and_as_json_its_whole_profile() -> None:
    assert all(known.profile.name in run("list").output for known in ADAPTERS)
    profiles = json.loads(run("list", "--json").output)
    assert [profile["name"] for profile in profiles] == [known.profile.name for known in ADAPTERS]
    assert all(len(profile["states"]) == 20 for profile in profiles)
    otto = next(profile for profile in profiles if profile["name"] == "otto")
    assert (otto["intents"], otto["outbound_auth"], otto["acknowledges"]) == (["ChangeOrder"], ["oauth2"], False)


def test_list_is_a_matrix_of_what_each_dialect_reads_and_says_and_fits_a_terminal() -> None:
    lines = run("list").output.splitlines()
    assert max(map(len, lines)) <= WIDTH
    told: dict[str, list[str]] = {}
    for what, name, *marks in (line.split() for line in lines if line.startswith(("reads ", "says "))):
        told.setdefault(f"{what} {name}", []).extend(marks)
    profiles = [known.profile for known in ADAPTERS]
    for intent in ("PlaceOrder", "ChangeOrder", "CancelOrder", "Query", "HoldSlot", "Subscribe", "PrivacyRequest"):
        assert told.pop(f"reads {intent}") == ["yes" if intent in one.intents else "-" for one in profiles]
    for state in JobState:
        assert told.pop(f"says {state}") == ["yes" if one.states[state] else "-" for one in profiles]
    assert told == {}


def test_list_is_written_between_the_markers_of_a_file_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{BEGIN}\nstale\n{END}\nAfter.\n")
    assert run("list", "--into", str(page)).exit_code == 0
    written = page.read_text()
    assert written.startswith(f"Before.\n{BEGIN}\n\n| dialect |")
    assert written.endswith(f"\n{END}\nAfter.\n")
    assert "stale" not in written
    page.write_text("No markers.\n")
    said = run("list", "--into", str(page))
    assert (said.exit_code, page.read_text()) == (2, "No markers.\n")


def test_try_shows_the_intent_and_exits_0() -> None:
    said = run("try", "opentrans", str(SAMPLE))
    assert said.exit_code == 0
    assert said.output.startswith("PlaceOrder 4711-0815\n")


def test_try_shows_every_problem_with_its_place_and_exits_1(tmp_path: Path) -> None:
    broken = tmp_path / "order.xml"
    broken.write_bytes(SAMPLE.read_bytes().replace(b"2.0", b"99").replace(b"<ns2:ZIP>1003</ns2:ZIP>", b""))
    said = run("try", "opentrans", str(broken))
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        "//PARTY[3]/ADDRESS/ZIP: This is missing. (missing)",
        "//ORDER_ITEM[1]/QUANTITY: This may be 1 to 20. (out_of_range)",
    ]
    told = json.loads(run("try", "opentrans", str(broken), "--json").output)
    assert told["status"] == 422
    assert [problem["code"] for problem in told["problems"]] == ["missing", "out_of_range"]


def test_try_takes_the_options_of_a_partner_and_refuses_unknown_ones() -> None:
    said = run("try", "opentrans", str(SAMPLE), "--json", "--option", "tax_included=true")
    assert json.loads(said.output)["intents"][0]["lines"][0]["price"]["tax_included"] is True
    assert run("try", "opentrans", str(SAMPLE), "--option", "colour=red").exit_code == 2
    assert run("try", "opentrans", str(SAMPLE), "--option", "timezone=Mars/Olympus").exit_code == 2


def test_try_without_such_a_file_or_dialect_is_a_sentence_and_no_traceback() -> None:
    for words in (("try", "opentrans", "/nowhere"), ("try", "klingon", str(SAMPLE))):
        said = run(*words)
        assert said.exit_code == 2
        assert "Traceback" not in said.output
