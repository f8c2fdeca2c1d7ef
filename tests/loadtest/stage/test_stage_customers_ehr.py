"""A stamp whose EHR cannot be asked: what is refused before anybody comes, what is said, and one whole run."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from loadtest.__main__ import NO_VERDICT, main
from loadtest.prepared.launch_file import LaunchFile
from loadtest.records import Iteration, Outcome, Request, RunFolder
from loadtest.scenario import Scenario
from loadtest.stage.arguments import Prepared
from loadtest.stage.controls import Controls
from loadtest.stage.customers_ehr import customers_ehr, what_to_know
from loadtest.stage.ground import Addresses, GroundRefused
from loadtest.stage.preparation import Place, book, client_ids, link_clinicians, set_up
from loadtest.verdict.judgement import Exit
from scripts.sandbox import Sandbox
from tests.loadtest.generator.people import document, scenario
from tests.loadtest.generator.town import SECRET, Reply, Town, page
from tests.loadtest.stage.test_stage_whole import PEACEFUL, SHORT, start

from loadtest.stage import customers_ehr as ground_module

ROOT = "https://town/connector"
LOGIN = page(text='<input type="password">')


def launches(folder: Path, count: int = 3, root: str = ROOT) -> Path:
    file = folder / "launches.csv"
    lines = [
        f"{who},{root}/launch/{who}?iss=https://ehr.example&launch={SECRET}.{who}.a{n},v{n},Dr. {n % 2}"
        for n in range(count)
        for who in ("provider", "patient")
    ]
    file.write_text("\n".join(["persona,launch_url,visit,clinician", *lines]))
    return file


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    """In place of the connector, which is ready, and of everything behind it."""
    town = Town()
    monkeypatch.setattr(ground_module, "GeventTransport", lambda *_: town)
    monkeypatch.setattr(ground_module, "trusting", lambda _file: None)
    monkeypatch.setattr(ground_module, "require_ready", lambda *_: None)
    return town


def stand(folder: Path, run: Scenario | None = None) -> ground_module.CustomersEhr:
    file = launches(folder)
    stamp = Prepared(connector=ROOT, launches=file, ca_file=Path("ca.pem"))
    return customers_ehr(stamp, LaunchFile.read(file, ROOT), run or scenario())


def test_the_first_visit_is_spent_to_see_that_launches_get_through(
    town: Town, tmp_path: Path
) -> None:
    ground = stand(tmp_path)
    tried = [path for _method, path in town.asked if "/launch/p" in path]
    assert tried == ["/connector/launch/provider", "/connector/launch/patient"]
    assert [one.csn for one in ground.launches.visits] == ["line 4", "line 6"]
    assert ground.controls is None
    assert ground.visits(3) == ()
    assert ground.pids() == {}
    assert town.closed == 1


@pytest.mark.parametrize(
    ("at", "answer", "says"),
    [
        ("/authorize", LOGIN, "in line 2 did not get through: ehr_asks_to_log_in at EHR authorize"),
        ("/authorize", LOGIN, "give cookies of a browser that is signed in"),
        ("/authorize", page(), "the EHR must go on by redirects alone"),
        ("/launch/callback", (400, {}, SECRET), "status_400 at connector /launch/callback"),
        ("/launch/patient", (503, {"Retry-After": "9"}, ""), "in line 3 did not get through: shed"),
        ("/launch/provider", "timeout", "timeout at connector /launch/provider"),
    ],
)
def test_a_trial_that_does_not_get_through_ends_it_with_line_hop_and_advice(
    town: Town, tmp_path: Path, at: str, answer: Reply | str, says: str
) -> None:
    town.break_once(at, answer)
    with pytest.raises(GroundRefused) as refused:
        stand(tmp_path)
    assert says in str(refused.value)
    assert SECRET not in str(refused.value)
    assert town.closed == 1


def test_a_closed_model_has_no_order_of_arrival(town: Town, tmp_path: Path) -> None:
    users = {"provider": 1, "patient": 0, "pause_seconds": [1, 1]}
    told = {**document(), "model": "closed", "users": users}
    told.pop("arrivals")
    with pytest.raises(GroundRefused, match="open model"):
        stand(tmp_path, Scenario.of(told, "closed"))
    assert town.asked == []


def said(folder: Path, count: int = 4, **changed: Any) -> str:
    return "\n".join(
        what_to_know(LaunchFile.read(launches(folder, count), ROOT), scenario(**changed))
    )


def test_what_is_left_and_by_how_many_clinicians_is_said_beforehand(tmp_path: Path) -> None:
    assert "6 launches of 3 visits are left" in said(tmp_path)
    assert "2 clinicians launch them" in said(tmp_path)
    assert "at home" not in said(tmp_path)


def test_one_clinician_for_all_is_warned_of(tmp_path: Path) -> None:
    assert "one clinician launches everything" in said(tmp_path, 2)


def test_what_the_scenario_wants_and_cannot_have_is_said(tmp_path: Path) -> None:
    assert "stay at home" in said(tmp_path, idle_viewers={"per_minute": 1})
    slow = {"upstream_delay_ms": {"ehr": 40, "graph": 60}}
    assert "upstream_delay_ms is not in force" in said(tmp_path, stage=slow)


def refused(folder: Path, capsys: pytest.CaptureFixture[str], file: Path) -> str:
    runs = folder / "runs"
    given = ["--target", "https://localhost:1", "--launches", str(file), "--folder", str(runs)]
    assert main(given) == NO_VERDICT
    assert not runs.exists()
    printed = capsys.readouterr().out
    assert SECRET not in printed
    return printed


def test_a_wrong_file_ends_the_command_with_4_and_every_line_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = refused(tmp_path, capsys, launches(tmp_path, 2))
    for line in range(2, 6):
        assert f"line {line}: its launch goes to another host" in printed


def test_a_file_that_is_not_there_ends_the_command_with_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "cannot be read" in refused(tmp_path, capsys, tmp_path / "absent.csv")


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "stamp") as running:
        yield running


def prepare(sandbox: Sandbox, visits: int) -> tuple[str, set[str]]:
    """As an analyst of the customer would: visits booked in the EHR, each launch's address copied. And the tokens."""
    urls, provider_patient = sandbox.urls, client_ids("test")
    addresses = Addresses(
        connector_url=urls.connector,
        feed_url=urls.feed,
        ehr_url=urls.ehr("test"),
        mychart_url=urls.mychart("test"),
        microsoft_url=urls.mock_microsoft,
        ca_file=sandbox.ca_file,
    )
    set_up(Place(urls, sandbox.ca_file), "test", lambda _words: None)
    session = addresses.session()
    controls = Controls(session, addresses.ehr_url, addresses.microsoft_url)
    link_clinicians(addresses, controls, "test")
    rows, tokens = io.StringIO(), set()
    table = csv.writer(rows)
    table.writerow(["persona", "launch_url", "visit", "clinician"])
    for visit in book(controls, visits):
        wanted = {
            "provider": {"provider": visit.practitioner_id},
            "patient": {"patient": visit.patient_id},
        }
        for client_id, (who, context) in zip(provider_patient, wanted.items(), strict=True):
            asked = {
                "client_id": client_id,
                "launch_uri": f"{urls.connector}/launch/{who}",
                "appointment": visit.appointment_id,
            }
            url = launch_url(session, addresses.ehr_url, {**asked, **context})
            tokens.add(url.rpartition("launch=")[2])
            table.writerow([who, url, visit.appointment_id, visit.clinician])
    return rows.getvalue(), tokens


def launch_url(session: requests.Session, ehr_url: str, asked: dict[str, str]) -> str:
    button = f"{ehr_url}/sim/launch"
    return session.get(button, params=asked, allow_redirects=False, timeout=10).headers["Location"]


def lasting(folder: Path) -> Path:
    """Four visits a second for forty seconds, and nobody is killed."""
    text = SHORT.read_text(encoding="utf-8").partition(PEACEFUL)[0]
    text = text.replace("visits_per_second = 1", "visits_per_second = 4")
    file = folder / "lasting.toml"
    file.write_text(text.replace("measured_seconds = 8", "measured_seconds = 40"))
    return file


def run(folder: Path, sandbox: Sandbox, table: str) -> tuple[RunFolder, str]:
    """Given no more than an address and a file. The run's folder, and what was printed."""
    file = folder / "launches.csv"
    file.write_text(table, encoding="utf-8")
    given = ("--target", sandbox.urls.connector, "--launches", str(file))
    trusted = ("--ca-file", str(sandbox.ca_file))
    process = start(folder / "runs", *given, *trusted, scenario=lasting(folder))
    printed, _ = process.communicate(timeout=90)
    assert process.returncode in (Exit.FAILED, Exit.UNCHECKED), printed
    (kept,) = [one for one in (folder / "runs").iterdir() if one.is_dir()]
    return RunFolder(kept), printed


@pytest.mark.sandbox
def test_a_run_on_a_stamp_is_given_its_address_and_prepared_launches_alone(
    tmp_path: Path, deployed: Sandbox
) -> None:
    """Sixty visits last fifteen seconds; a slow machine may break a promise of speed, no other."""
    table, tokens = prepare(deployed, 61)
    kept, printed = run(tmp_path, deployed, table)
    assert "launches ran out after 120, at second 15" in printed
    assert "truth     not checked" in printed
    rows = list(kept.rows("iterations", Iteration))
    assert Counter((row.outcome, row.error) for row in rows) == {(Outcome.DONE, ""): 120}
    assert {row.outcome for row in kept.rows("requests", Request)} == {Outcome.DONE}
    assert kept.run().ended_seconds < 30
    verdict = json.loads((kept.path / "verdict.json").read_text(encoding="utf-8"))
    standing = {one["name"]: one["standing"] for one in verdict["slos"]}
    assert (verdict["voids"], verdict["passed"]) == ([], False)
    assert standing["launch-success"] == standing["achieved-rate"] == "kept"
    assert standing["nothing-lost"] == standing["visit-success"] == "not checked"
    found = "".join(one.read_text() for one in kept.path.rglob("*") if one.is_file()) + printed
    assert len(tokens) == 122
    assert [one for one in (*tokens, "launch=") if one in found] == []
