"""A scenario says its question and every assumption; what cannot be is refused, all of it at once."""

import re
from pathlib import Path
from typing import Any

import pytest
from loadtest.scenario import SCENARIOS, Model, Scenario, ScenarioRefused, StageAction, named
from tests.loadtest.generator.people import PEOPLE, document, scenario

FILES = sorted(SCENARIOS.glob("*.toml"))
USERS = {"provider": 2, "patient": 2, "pause_seconds": [1, 2]}


def refusal(**changed: Any) -> str:
    with pytest.raises(ScenarioRefused) as refused:
        scenario(**changed)
    return str(refused.value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_can_be_read_and_begins_with_its_question(file: Path) -> None:
    assert Scenario.read(file).question.endswith(("?", "."))
    assert file.read_text(encoding="utf-8").startswith("question = ")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_names_where_its_assumptions_come_from(file: Path) -> None:
    assert "# Assumptions" in file.read_text(encoding="utf-8")


def test_the_questions_asked_of_us_are_there() -> None:
    asked = {"smoke", "load", "soak", "monday-0855", "surge-10x", "ehr-slow"}
    assert asked | {"replica-dies", "overload-3x", "capacity-step"} <= {f.stem for f in FILES}


def test_the_smoke_test_is_over_within_seventy_seconds() -> None:
    assert named("smoke").total_seconds <= 70


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ScenarioRefused, match=r"no scenario smoky; there are: .*smoke"):
        named("smoky")


def test_every_problem_is_named_at_once() -> None:
    people = {**PEOPLE, "stay_seconds": [5, 1], "no_show_share": 3}
    said = refusal(pool=0, question="?", colour="red", people=people, measured_seconds=-1)
    for place in ("pool", "question", "colour", "stay_seconds", "no_show_share", "measured"):
        assert place in said


def test_problems_between_tables_are_named_together() -> None:
    late = [{"at_seconds": 200, "do": "kill_worker"}, {"at_seconds": 300, "do": "kill_feed"}]
    said = refusal(users=USERS, stage={"events": late})
    assert re.search(r"no \[users\].*200 is after.*300 is after", said)


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_no_assumption_has_a_default(name: str) -> None:
    rest = {key: value for key, value in PEOPLE.items() if key != name}
    assert f"people.{name}: Field required" in refusal(people=rest)


def test_the_closed_model_needs_users() -> None:
    assert "closed model needs [users]" in refusal(model="closed", arrivals=None)


def test_the_closed_model_has_no_arrivals() -> None:
    assert "closed model has no [arrivals]" in refusal(model="closed", users=USERS)


def test_the_open_model_needs_arrivals() -> None:
    assert "open model needs [arrivals]" in refusal(arrivals=None)


@pytest.mark.parametrize(
    "event",
    [
        {"do": "ehr_delay"},
        {"do": "ehr_clear", "delay_ms": 5},
        {"do": "graph_fail"},
        {"do": "kill_worker", "status": 503},
        {"do": "graph_fail", "status": 200},
        {"do": "pull_the_plug"},
        {"do": "kill_worker", "at_seconds": -1},
    ],
)
def test_an_event_the_stage_could_not_carry_out_is_refused(event: dict[str, Any]) -> None:
    assert "stage.events.0" in refusal(stage={"events": [{"at_seconds": 20, **event}]})


def test_what_goes_wrong_on_purpose_is_told_in_words() -> None:
    events = [
        {"at_seconds": 20, "do": StageAction.EHR_DELAY, "delay_ms": 2000},
        {"at_seconds": 40.5, "do": "graph_fail", "status": 503},
    ]
    told = scenario(stage={"events": events}).fault
    assert told == "ehr_delay 2000 ms at 20 s, graph_fail 503 at 40.5 s"


def test_a_run_without_events_has_no_fault() -> None:
    assert scenario().fault == ""


def test_only_the_measured_time_is_judged() -> None:
    plan = scenario()
    assert (plan.measured_from_seconds, plan.measured_to_seconds, plan.total_seconds) == (
        (10, 110, 115)
    )


def test_a_surge_after_the_last_arrival_is_refused() -> None:
    shape = {"shape": "surge", "spacing": "even", "visits_per_second": 1, "factor": 3}
    assert "arrivals.at_seconds" in refusal(arrivals={**shape, "at_seconds": 110, "for_seconds": 5})


def test_text_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("question = ")
    with pytest.raises(ScenarioRefused, match="is not TOML"):
        Scenario.read(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioRefused, match="cannot be read"):
        Scenario.read(tmp_path / "x.toml")


def test_a_name_is_the_file_s_and_cannot_be_empty_of_a_model() -> None:
    assert Scenario.of(document(), "abc").name == "abc"
    assert scenario().model is Model.OPEN
