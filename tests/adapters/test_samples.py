"""Every sample folder: the document as a partner sends it, and what it means, written by hand."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.adapter import adapter

HERE = Path(__file__).parent
SAMPLES = sorted(path.parent for path in HERE.glob("*/samples/*/intents.json"))


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: f"{folder.parent.parent.name}/{folder.name}")
def test_a_sample_means_what_its_folder_says(folder: Path) -> None:
    document = next(
        path for path in folder.iterdir() if path.suffix in {".xml", ".json", ".edi"} and path.stem != "intents"
    )
    said = CliRunner().invoke(adapter, ["try", folder.parent.parent.name, str(document), "--json"])
    assert said.exit_code == 0, said.output
    expected = json.loads((folder / "intents.json").read_text())
    intents = json.loads(said.output)["intents"]
    if expected[0].get("change_id") == "IGNORED":
        intents[0]["change_id"] = "IGNORED"
    assert intents == expected


def test_every_dialect_has_samples_and_every_sample_its_origin() -> None:
    assert {folder.parent.parent.name for folder in SAMPLES} >= {"plain", "opentrans", "edifact", "idoc"}
    assert all((folder / "ORIGIN.md").exists() for folder in SAMPLES)


# What partners publish themselves is not ours to copy; it is read where it lies beside the project.
BRACK = HERE.parents[2] / "shared" / "partners" / "brack"
OURS = ("01_ORDER.xml", "02_ORDERCHANGE_reschedule10_cancel20.xml")


@pytest.mark.skipif(not BRACK.exists(), reason="the partners' own samples are not here")
@pytest.mark.parametrize("folder", ["constructed", "samples"])
def test_partners_own_documents_are_intents_or_problems_with_their_place(folder: str) -> None:
    for file in sorted((BRACK / folder).glob("*.xml")):
        said = CliRunner().invoke(adapter, ["try", "opentrans", str(file), "--json"])
        assert said.exception is None or isinstance(said.exception, SystemExit), file.name
        if file.name in OURS or file.name.startswith("naugrimm_Example_ORDER_"):
            assert said.exit_code == 0, f"{file.name}: {said.output}"
            assert json.loads(said.output)["intents"]
        else:
            assert said.exit_code == 1, file.name
            problems = json.loads(said.output)["problems"]
            assert problems, file.name
            assert all(problem["pointer"] and problem["code"] for problem in problems), file.name
