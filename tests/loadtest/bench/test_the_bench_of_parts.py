"""`make bench`: mistakes are told before anything is set up; what is told can be read, stored and compared."""

import io
import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from loadtest.bench.outside import Script
from loadtest.bench.parts import told
from loadtest.bench.parts.__main__ import main
from loadtest.bench.parts.figures import Figure, Spread
from loadtest.bench.parts.prepared import ORGANIZATIONS, Browsers, of_every_organization
from loadtest.bench.parts.sides import source_of
from loadtest.bench.parts.turns import parts_named
from loadtest.bench.stand import ROOT, Recorded
from loadtest.bench.wrk import NotMeasured
from loadtest.verdict.baseline import Baseline
from rich.console import Console
from tests.loadtest.bench.small_server import Said, answering

from loadtest.bench import hello

WRITE_BACK = "/epic/api/epic/2018/SetExternalConnectionStatus"


def script(**documents: str) -> Script:
    """With nothing but documents in it."""
    given = {"ports", "documents", "patched", "id_claims"}
    unsaid: dict[str, Any] = {
        one.name: "" for one in fields(Script) if one.default is MISSING and one.name not in given
    }
    return Script(ports=(), documents=documents, patched={}, id_claims={}, **unsaid)


def run_of(**ratios: float) -> told.Run:
    parts = [part for name in ratios for part in parts_named(name)]
    figures = {
        name: Figure(
            cpu=Spread(ratio, ratio - 0.5, ratio + 0.5), p50=None, p99=None, cpu_ms=1.0, before=None
        )
        for name, ratio in ratios.items()
    }
    return told.Run(
        parts=parts, figures=figures, rounds=5, commit="abc", machine="a machine", began=0.0
    )


def shown(run: told.Run, kept: Baseline | None = None) -> str:
    console = Console(width=130, file=io.StringIO())
    with console.capture() as captured:
        console.print(told.table(run, told.against(run, kept)))
    return captured.get()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "lunch"], "no part “lunch”"),
        (["--part", "audit", "--keep"], "a baseline holds all parts"),
        (["--before", "/nowhere"], "/nowhere is no checkout"),
    ],
)
def test_a_mistake_ends_it_with_a_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert f"Nothing is measured: {said}" in capsys.readouterr().out.replace("there is ", "")


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_run_of_no_rounds_is_a_mistyped_command(number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--rounds", number])
    assert ended.value.code == 2


def test_a_checkout_with_another_database_cannot_take_turns(tmp_path: Path) -> None:
    versions = tmp_path / "services" / "connector" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_initial.py").touch()
    with pytest.raises(NotMeasured, match=r"another database .*0002_promotion"):
        source_of(tmp_path)


def test_this_checkout_can() -> None:
    assert source_of(ROOT) == ROOT / "services"


def test_reports_of_every_organization_are_taken() -> None:
    said = of_every_organization(script(**{WRITE_BACK: "taken", "/epic/api/FHIR/R4/Patient": "p"}))
    taken = [path for path, answer in said.documents.items() if answer == "taken"]
    assert len(taken) == ORGANIZATIONS
    assert WRITE_BACK.replace("/epic/api", "/epic-10/api") in taken
    assert len(said.documents) == ORGANIZATIONS + 1


def test_a_recording_without_a_report_is_refused() -> None:
    with pytest.raises(NotMeasured, match="no write-back"):
        of_every_organization(script(**{"/epic/api/FHIR/R4/Patient": "p"}))


TO_THE_EHR = Said(
    302, {"Location": "https://ehr/authorize?state=s&nonce=n", "Set-Cookie": "t=1; x"}
)


@pytest.mark.parametrize("answer", [Said(503), Said(302, {"Location": "/signin/microsoft"})])
def test_a_first_half_that_is_turned_away_is_refused(answer: Said) -> None:
    with (
        answering(lambda _: answer) as address,
        pytest.raises(NotMeasured, match=str(answer.status)),
    ):
        Browsers(address, Recorded(script(), {}, "https://ehr/R4", "https://ehr")).begin(7)


def test_the_second_half_brings_what_the_first_was_given() -> None:
    with answering(lambda _: TO_THE_EHR) as address:
        browsers = Browsers(address, Recorded(script(), {}, "https://ehr/R4", "https://ehr"))
        back = browsers.begin(7)
    assert (back.path, back.cookie) == (
        "/launch/callback?code=7~n&state=s&iss=https%3A%2F%2Fehr",
        "t=1",
    )


def test_a_web_that_is_gone_is_no_traceback() -> None:
    with answering(lambda _: TO_THE_EHR) as address:
        pass
    browsers = Browsers(address, Recorded(script(), {}, "https://ehr/R4", "https://ehr"))
    with pytest.raises(NotMeasured, match="not answered"):
        browsers.begin(7)


def test_a_connection_of_an_earlier_round_is_not_used_again() -> None:
    with answering(lambda _: TO_THE_EHR) as address:
        browsers = Browsers(address, Recorded(script(), {}, "https://ehr/R4", "https://ehr"))
        browsers.at_once(browsers.begin, [1])
        before = browsers._pool.connection_from_url(address)
        browsers.at_once(browsers.begin, [2])
        assert browsers._pool.connection_from_url(address) is not before


def test_a_launch_without_a_pass_is_refused() -> None:
    def answer(path: str) -> Said:
        return Said(303) if path.startswith("/launch/callback") else TO_THE_EHR

    with answering(answer) as address, pytest.raises(NotMeasured, match="303, and left no pass"):
        Browsers(address, Recorded(script(), {}, "https://ehr/R4", "https://ehr")).launch(7)


def test_the_yardstick_says_hello() -> None:
    assert hello.create_app().test_client().get(hello.PATH).text == "hello"


def test_the_table_has_median_least_and_most() -> None:
    assert "3.00 (2.50–3.50)" in shown(run_of(audit=3.0))


def test_a_baseline_is_shown_beside_the_parts_that_are_in_both(tmp_path: Path) -> None:
    run_of(audit=2.0, launch=1.0).as_baseline().keep(tmp_path)
    kept = Baseline.kept(told.NAME, tmp_path)
    now = run_of(audit=3.0, webhook=1.0)
    assert {name: one.ratio for name, one in told.against(now, kept).items()} == {"audit": 1.5}
    lines = {
        line.split("│")[1].strip(): line for line in shown(now, kept).splitlines() if "│" in line
    }
    assert "1.50" in lines["audit"]
    assert "–" in lines["webhook"].split("│")[-2]


def test_beyond_the_tolerance_it_is_warned_about() -> None:
    kept = run_of(audit=2.0, webhook=2.0, launch=2.0).as_baseline()
    compared = told.against(run_of(audit=2.52, webhook=2.5, launch=1.0), kept)
    assert told.warnings(compared, 1.25) == ["audit costs 1.26 times what it did in the baseline"]


def test_the_file_says_what_was_measured_where_and_when(tmp_path: Path) -> None:
    run, file = run_of(audit=3.0), tmp_path / "bench" / "parts.json"
    told.write(run, told.against(run, run_of(audit=1.5).as_baseline()), file)
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["commit"], document["machine"], document["rounds"]) == ("abc", "a machine", 5)
    assert document["started_at"] == "1970-01-01T00:00:00+00:00"
    assert document["parts"]["audit"]["cpu"] == {"median": 3.0, "least": 2.5, "most": 3.5}
    assert document["parts"]["audit"]["of_baseline"] == 2.0
