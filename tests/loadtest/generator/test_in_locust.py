"""The locustfile in a real Locust, in processes of its own: Locust patches whatever process imports it."""

import csv
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from loadtest.records import Deed, Iteration, Outcome, Persona, Request, RunFolder
from loadtest.target import SCENARIO_VARIABLE, STAGE_VARIABLE
from tests.loadtest.generator.people import stage
from tests.loadtest.generator.town import SECRET, Town, serve

ROOT = Path(__file__).parents[3]
LOCUST = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py")]
LONGEST_SECONDS = 90

COMMON = """
question = "Does the locustfile work in Locust?"
pool = 100
warm_up_seconds = 0.5
measured_seconds = 1.5
finish_seconds = 40

[people]
patient_offset_seconds = [0, 0.3]
no_show_share = 0
reconnect_share = 0
read_seconds = [0.1, 0.1]
stay_seconds = [0.1, 0.1]
away_seconds = [0.1, 0.1]
clinician_patience_seconds = 20
patient_patience_seconds = 20
"""
OPEN = """
[arrivals]
shape = "steady"
spacing = "even"
visits_per_second = 3

[portal_admins]
per_minute = 60
"""
CLOSED = """
[users]
provider = 2
patient = 2
pause_seconds = [0.1, 0.2]
"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    with serve() as running:
        stage(running.root, tmp_path).write(tmp_path / "stage.json")
        yield running


def locust(folder: Path, scenario: str, *options: str) -> subprocess.CompletedProcess[str]:
    file = folder / "scenario.toml"
    file.write_text(scenario, encoding="utf-8")
    told = {STAGE_VARIABLE: str(folder / "stage.json"), SCENARIO_VARIABLE: str(file)}
    return subprocess.run(
        [*LOCUST, "--headless", "--only-summary", *options],
        env={**os.environ, **told},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def own_port() -> tuple[str, ...]:
    """Other runs on this machine have Locust's usual one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    bind = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port)
    return (*bind, "--master-host", "127.0.0.1", "--master-port", port)


def outcomes(folder: Path) -> Counter[tuple[Persona, Outcome]]:
    rows = RunFolder(folder).rows("iterations", Iteration)
    return Counter((row.persona, row.outcome) for row in rows)


def test_two_processes_share_one_schedule_and_show_named_requests(
    town: Town, tmp_path: Path
) -> None:
    """--processes forks a master and two workers."""
    statistics = tmp_path / "locust"
    model = 'model = "open"\n' + COMMON.replace("[people]", OPEN + "\n[people]")
    options = ("--processes", "2", "--csv", str(statistics), *own_port())
    ended = locust(tmp_path, model, *options)
    assert ended.returncode == 0, ended.stderr
    counted = outcomes(tmp_path)
    assert counted[Persona.PROVIDER, Outcome.DONE] == 6
    assert counted[Persona.PATIENT, Outcome.DONE] == 6
    assert {outcome for _, outcome in counted} == {Outcome.DONE}
    folder = RunFolder(tmp_path)
    generators = folder.generators()
    assert [one.process for one in generators] == [0, 1]
    assert all(one.lag_p99_ms >= 0 for one in generators)
    for part in ("0", "1"):
        assert len({row.visit for row in folder.rows(f"deeds-{part}", Deed)}) == 3
    with (tmp_path / "locust_stats.csv").open(newline="") as lines:
        shown = {(row["Type"], row["Name"]) for row in csv.DictReader(lines)}
    assert ("provider", "connector /launch/callback") in shown
    assert ("patient", "click to the page they came for") in shown
    assert SECRET not in f"{shown}{ended.stdout}{ended.stderr}"


def test_the_closed_model_runs_the_same_people(town: Town, tmp_path: Path) -> None:
    ended = locust(tmp_path, 'model = "closed"\n' + COMMON + CLOSED)
    assert ended.returncode == 0, ended.stderr
    counted = outcomes(tmp_path)
    assert counted[Persona.PROVIDER, Outcome.DONE] >= 2
    assert counted[Persona.PATIENT, Outcome.DONE] >= 2
    assert {outcome for _, outcome in counted} == {Outcome.DONE}
    assert {row.outcome for row in RunFolder(tmp_path).rows("requests", Request)} == {Outcome.DONE}


def test_a_scenario_that_cannot_be_ends_locust_with_its_problems(
    town: Town, tmp_path: Path
) -> None:
    ended = locust(tmp_path, COMMON.replace("pool = 100", "pool = 0") + CLOSED)
    assert ended.returncode != 0
    assert "scenario scenario: pool: Input should be greater than 0" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_stage_of_an_earlier_run_is_refused(town: Town, tmp_path: Path) -> None:
    stage(town.root, tmp_path, starts_at=time.time() - 600).write(tmp_path / "stage.json")
    ended = locust(tmp_path, COMMON.replace("[people]", OPEN + "\n[people]"))
    assert ended.returncode != 0
    assert re.search(r"the run began 6\d\d seconds ago", ended.stderr)


def test_nobody_is_sent_when_signing_in_beforehand_fails(town: Town, tmp_path: Path) -> None:
    town.break_once("/signin", (500, {}, ""))
    ended = locust(tmp_path, COMMON.replace("[people]", OPEN + "\n[people]"))
    assert ended.returncode == 3
    assert "status_500 at Teams sign-in" in ended.stderr
    assert outcomes(tmp_path) == Counter()


def test_prepared_launches_are_used_once_by_two_processes_until_they_run_out(
    town: Town, tmp_path: Path
) -> None:
    """Five visits; the first is spent by trying, and the scenario wants six."""
    target = f"{town.root}/connector"
    lines = [
        f"{who},{target}/launch/{who}?iss=https://ehr.example&launch={SECRET}.{who}.a{n},v{n}"
        for n in range(5)
        for who in ("provider", "patient")
    ]
    launches = tmp_path / "launches.csv"
    launches.write_text("\n".join(["persona,launch_url,visit", *lines]))
    folder = tmp_path / "run"
    folder.mkdir()
    told = stage(town.root, folder, visits=(), launches_file=launches, ca_file=tmp_path / "ca.pem")
    told.write(tmp_path / "stage.json")
    model = 'model = "open"\n' + COMMON.replace("[people]", OPEN + "\n[people]")
    ended = locust(tmp_path, model, "--processes", "2", *own_port())
    assert ended.returncode == 0, ended.stderr
    rows = list(RunFolder(folder).rows("iterations", Iteration))
    assert Counter(row.outcome for row in rows) == {Outcome.DONE: 8}, ended.stderr
    assert {row.visit for row in rows} == {f"line {n}" for n in (4, 6, 8, 10)}
    assert "launches ran out after 8, at second 2" in ended.stderr
    kept = "".join(one.read_text() for one in folder.iterdir())
    assert SECRET not in f"{kept}{ended.stdout}{ended.stderr}"


def test_a_file_of_launches_that_changed_for_the_worse_ends_locust(
    town: Town, tmp_path: Path
) -> None:
    told = stage(town.root, tmp_path, visits=(), launches_file=tmp_path / "launches.csv")
    told.write(tmp_path / "stage.json")
    (tmp_path / "launches.csv").write_text(f"persona,launch_url\nprovider,{SECRET}\n")
    ended = locust(tmp_path, 'model = "open"\n' + COMMON.replace("[people]", OPEN + "\n[people]"))
    assert ended.returncode == 3
    assert "line 2: its launch goes to another host" in ended.stderr
    assert SECRET not in ended.stderr
