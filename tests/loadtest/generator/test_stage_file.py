"""The stage's file: what it says arrives, and what is wrong with it is named without its values."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from loadtest.target import STAGE_VARIABLE, Stage, TargetRefused, named_file
from tests.loadtest.generator.people import stage


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    told = stage(folder=tmp_path, starts_at=1.5)
    told.write(tmp_path / "stage.json")
    assert Stage.read(tmp_path / "stage.json") == told


def test_every_problem_is_named_and_no_value(tmp_path: Path) -> None:
    told = stage(folder=tmp_path)
    replace(told, visits=told.visits[:2]).write(tmp_path / "stage.json")
    kept = json.loads((tmp_path / "stage.json").read_text())
    del kept["ca_file"]
    kept |= {"ehr_pasword": "hunter2", "seed": "hunter3"}
    kept["visits"][1]["csn"] = 7
    (tmp_path / "stage.json").write_text(json.dumps(kept))
    with pytest.raises(TargetRefused) as refused:
        Stage.read(tmp_path / "stage.json")
    said = str(refused.value)
    assert all(name in said for name in ("ca_file", "ehr_pasword", "seed", "visits.1.csn"))
    assert "hunter" not in said


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetRefused, match="cannot be read"):
        Stage.read(tmp_path / "stage.json")


def test_a_variable_that_is_not_set_is_named_with_the_command_that_sets_it() -> None:
    with pytest.raises(TargetRefused, match=r"LOADTEST_STAGE must name a file.*-m loadtest"):
        named_file({STAGE_VARIABLE: ""}, STAGE_VARIABLE)
