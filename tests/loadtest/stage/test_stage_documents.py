"""What the stage writes down before and after a run."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from loadtest.records import Persona, Prepared, RunFolder
from loadtest.scenario import Scenario, named
from loadtest.stage.arguments import Arguments, Fault, Remote
from loadtest.stage.documents import (
    AT_HOME,
    Before,
    Times,
    ledger_document,
    measured_to,
    rates_of,
    run_document,
    stage_document,
)
from loadtest.stage.ground import Addresses, Ground
from loadtest.target import BookedVisit, Stage
from tests.integration.mock_fhir.test_mock_fhir_writeback import Backend
from tests.loadtest.stage.conftest import Outside

from loadtest.stage import arguments as arguments_module

TIMES = Times(starts_at=1_764_000_000.4, ended_seconds=61.23456)


@dataclass(frozen=True)
class Standing:
    addresses: Addresses
    controls: None = None
    database: str = "postgresql"
    web_processes: int = 3
    is_ours: bool = True


@pytest.fixture
def ground(tmp_path: Path) -> Any:
    names = ("connector", "feed", "ehr", "mychart", "microsoft")
    urls = {f"{name}_url": f"https://{name}.example" for name in names}
    return Standing(Addresses(**urls, ca_file=tmp_path / "ca.pem"))


def arguments(**changes: Any) -> Arguments:
    usual = {"scenario": "smoke", "seed": 7, "processes": 1, "fault": None, "remote": None}
    return Arguments(**{**usual, "folder": Path("artefacts"), **changes})


def test_the_generator_reads_what_the_stage_wrote(ground: Ground, tmp_path: Path) -> None:
    visit = BookedVisit(
        csn="1", appointment_id="a", patient_id="p", practitioner_id="q", clinician="DOC"
    )
    stage = stage_document(arguments(), ground, (visit,), run_folder=tmp_path, starts_at=12.5)
    stage.write(tmp_path / "stage.json")
    read = Stage.read(tmp_path / "stage.json")
    assert read == stage
    assert (read.visits, read.seed, read.starts_at) == ((visit,), 7, 12.5)
    assert read.provider_launch_uri == "https://connector.example/launch/provider"
    assert read.provider_client_id != read.patient_client_id


def test_production_has_clients_of_its_own(ground: Ground, tmp_path: Path) -> None:
    remote = Mock(spec=Remote, environment="production")
    ids = {
        stage_document(
            arguments(remote=one), ground, (), run_folder=tmp_path, starts_at=0
        ).provider_client_id
        for one in (None, remote)
    }
    assert len(ids) == 2


def test_the_verdict_reads_what_the_stage_wrote(ground: Ground, tmp_path: Path) -> None:
    run = run_document(arguments(fault=Fault.DELAY_300MS), named("smoke"), ground, TIMES)
    folder = RunFolder(tmp_path)
    folder.write_document("run.json", run)
    assert folder.run() == run
    assert (run.fault, run.target, run.seed) == ("delay-300ms", AT_HOME, 7)
    assert (run.database, run.web_processes) == ("postgresql", 3)
    assert run.started_at == "2025-11-24T16:00:00+00:00"
    assert run.ended_seconds == 61.235
    assert run.rates[-1] == (run.measured_to_seconds, 0)
    assert "cores" in run.machine


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_run_says_whether_web_came_first(ground: Any, *, is_ours: bool) -> None:
    """Only in a sandbox of its own; elsewhere nobody's processes are moved."""
    there = replace(ground, is_ours=is_ours)
    run = run_document(arguments(), named("seventy-percent"), there, TIMES)
    assert run.others_give_way is is_ours
    assert not run_document(arguments(), named("smoke"), there, TIMES).others_give_way


def prepared_arguments() -> Arguments:
    stamp = arguments_module.Prepared(
        connector="https://visits.example", launches=Path("l.csv"), ca_file=Path("ca.pem")
    )
    return arguments(prepared=stamp)


def test_the_stage_s_file_names_the_launches_and_holds_none(ground: Ground, tmp_path: Path) -> None:
    stage = stage_document(prepared_arguments(), ground, (), run_folder=tmp_path, starts_at=0)
    stage.write(tmp_path / "stage.json")
    assert Stage.read(tmp_path / "stage.json").launches_file == Path("l.csv").absolute()


def test_the_verdict_reads_that_launches_ran_out(ground: Ground, tmp_path: Path) -> None:
    given = Prepared(providers=40, patients=38, ran_out_seconds=20.25)
    run = run_document(prepared_arguments(), named("smoke"), ground, TIMES, given)
    RunFolder(tmp_path).write_document("run.json", run)
    assert RunFolder(tmp_path).run() == run
    assert (run.target, run.prepared) == ("https://visits.example", given)
    assert (run.measured_from_seconds, run.measured_to_seconds) == (5, 20.25)
    assert run.rates == ((0.0, 2.5), (20.25, 0.0))


@pytest.mark.parametrize("ran_out_seconds", [-1.0, 0.0, 3.0, 5.0])
def test_launches_that_sufficed_or_ran_out_in_the_warm_up_shorten_nothing(
    ran_out_seconds: float,
) -> None:
    given = Prepared(providers=1, patients=1, ran_out_seconds=ran_out_seconds)
    assert measured_to(named("smoke"), given) == measured_to(named("smoke"), None) == 40
    assert rates_of(named("smoke"), given)[-1] == (40, 0)


def test_what_breaks_on_schedule_and_on_purpose_is_both_named(ground: Ground) -> None:
    smoke = named("smoke").model_dump(exclude={"name"}, exclude_none=True)
    event = {"at_seconds": 9, "do": "kill_worker"}
    scenario = Scenario.of({**smoke, "stage": {"events": [event]}}, "killing")
    run = run_document(arguments(fault=Fault.DROP_WRITEBACK), scenario, ground, TIMES)
    assert run.fault == "kill_worker at 9 s, drop-writeback"


def test_a_ledger_is_of_this_run_only(outside: Outside) -> None:
    outside.microsoft.meeting("of the first sign-in")
    backend = Backend(outside.ehr)
    backend.report()
    visits = outside.controls.book(1, ["ACAREFUL"])
    before = Before.of(outside.controls, visits)
    outside.microsoft.meeting("of the run")
    backend.visit = {
        "csn": visits[0].csn,
        "practitioner": visits[0].practitioner_id,
        "patient": visits[0].patient_id,
    }
    backend.report_patient()
    ledger = ledger_document(outside.controls, before, 1.5, ["a note"])
    assert [one.external_id for one in ledger.meetings] == ["of the run"]
    assert [(one.visit, one.persona) for one in ledger.write_backs] == [
        (visits[0].csn, Persona.PATIENT)
    ]
    assert (ledger.drained_seconds, ledger.notes) == (1.5, ("a note",))
