"""What a judged run leaves: for people at a glance, for gates by name, for a spreadsheet in rows."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from loadtest.records import Outcome
from loadtest.report import document, page, summary, terminal, words
from loadtest.verdict.judging import judged, keep_baseline
from loadtest.verdict.slo import SloFile
from rich.console import Console
from scripts.release.gates import Gates, State
from tests.loadtest.verdict.run_builder import RunBuilder

from loadtest.verdict import judge

VOID_ELEMENTS = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Refuses what is not nested well; collects ids, addresses and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        names = ("href", "src", "xlink:href", "action", "srcset", "data")
        self.addresses += [given[name] or "" for name in names if name in given]
        self.open += [] if tag in VOID_ELEMENTS else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.words += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def lose(run: RunBuilder, times: int) -> None:
    run.ledger = replace(run.books, write_backs=run.books.write_backs[times:])


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> RunBuilder:
    """A surge, two events, failures, refusals, and two lost write-backs; judged."""
    good = RunBuilder(tmp_path_factory.mktemp("troubled") / "run-1")
    good.says(
        scenario="surge-10x",
        fault="ehr_delay 2000 ms at 40 s, kill_worker at 50 s, delay-300ms",
        rates=((0.0, 2.0), (40.0, 3.5), (50.0, 2.0), (90.0, 0.0)),
    )
    good.each_iteration(
        lambda one: one.due_seconds == 45,
        outcome=Outcome.FAILED,
        launch_ms=-1.0,
        error="status_500 at <script>alert(1)</script>",
    )
    good.each_request(
        lambda one: one.at_seconds == 46, outcome=Outcome.SHED, status=503, error="shed"
    )
    lose(good, 2)
    judge(good.write(), baselines=good.folder)
    return good


@pytest.fixture(scope="module")
def troubled_page(troubled: RunBuilder) -> str:
    return (troubled.folder / "report.html").read_text()


def gates(folder: Path, now: datetime) -> Gates:
    history: Any = SimpleNamespace(head="", uncommitted=list, has_same_code=lambda _commit: True)
    nowhere = folder / "nowhere"
    return Gates(
        target="emea-production",
        image="",
        rehearsal=nowhere,
        tests=nowhere,
        load=folder / "verdict.json",
        verify_command="",
        history=history,
        now=now,
        longest=timedelta(hours=72),
    )


def leave_verdict(run: RunBuilder) -> None:
    document.write(run.folder / "verdict.json", run.judged())


def load_gate(folder: Path) -> Any:
    now = datetime(2026, 11, 27, 9, tzinfo=UTC)
    return next(one for one in gates(folder, now).check() if one.name == "load")


def test_the_gate_before_production_takes_a_run_that_passed(good: RunBuilder) -> None:
    leave_verdict(good)
    gate = load_gate(good.folder)
    assert (gate.state, gate.words) == (State.PASSED, "passed 2026-11-27T08:02:00+00:00")


def break_promise(run: RunBuilder) -> None:
    run.each_iteration(lambda _one: True, launch_ms=9000.0)


def starve(run: RunBuilder) -> None:
    run.generators = []


def ask_nobody(run: RunBuilder) -> None:
    run.ledger = None


def start_long_ago(run: RunBuilder) -> None:
    run.says(started_at="2026-11-20T08:00:00+00:00")


def break_in_vain(run: RunBuilder) -> None:
    """Whatever it was, the judge did not see it: no run to go to production with."""
    run.says(fault="delay-300ms")


@pytest.mark.parametrize(
    "spoil", [break_promise, starve, ask_nobody, start_long_ago, break_in_vain]
)
def test_the_gate_before_production_takes_no_other(good: RunBuilder, spoil: Any) -> None:
    spoil(good)
    leave_verdict(good)
    assert load_gate(good.folder).state is State.FAILED


def test_the_gate_before_production_takes_no_torn_run(good: RunBuilder) -> None:
    (good.write() / "run.json").write_text("{")
    judge(good.folder)
    assert load_gate(good.folder).state is State.FAILED


def test_a_run_cut_in_another_zone_finished_in_utc(good: RunBuilder) -> None:
    good.says(started_at="2026-11-27T10:00:00+02:00")
    leave_verdict(good)
    said = json.loads((good.folder / "verdict.json").read_text())
    assert said["finished_at"] == "2026-11-27T08:02:00+00:00"


def test_the_verdict_s_document_holds_what_the_page_shows(troubled: RunBuilder) -> None:
    said = json.loads((troubled.folder / "verdict.json").read_text())
    assert (said["passed"], said["verdict"], said["exit"]) == (False, "failed", 1)
    assert said["truth"]["lost"] == 2
    assert said["launch_ms"]["provider"]["p99.9"] is None
    assert said["launches"]["asked_per_second"] == 4
    assert {one["name"] for one in said["slos"]} >= {"nothing-lost", "recovery"}


def test_a_time_that_never_came_is_no_number_in_the_document(good: RunBuilder) -> None:
    good.ledger = replace(good.books, drained_seconds=-1)
    leave_verdict(good)
    said = json.loads((good.folder / "verdict.json").read_text())
    drained = next(one for one in said["slos"] if one["name"] == "drained")
    assert (drained["seen"], drained["standing"]) == (None, "broken")


def test_the_summary_has_a_row_for_each_request_and_persona(good: RunBuilder) -> None:
    summary.write(good.write() / "summary.csv", judged(good.folder, baselines=good.folder))
    lines = (good.folder / "summary.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines))
    found = {(one["name"], one["persona"]): one for one in rows}
    assert len(found) == 6
    launch = found[summary.WHOLE_LAUNCH, "provider"]
    assert (launch["count"], launch["elapsed_p95_ms"], launch["elapsed_p99.9_ms"]) == (
        *("160", "294.00"),
        "",
    )
    assert found["connector /launch/callback", "provider"]["done"] == "160"


def test_the_page_parses_and_every_id_is_there_once(troubled_page: str) -> None:
    found = read(troubled_page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert {"svg", "table", "figure"} <= found.tags


def test_the_page_needs_nothing_from_elsewhere(troubled_page: str) -> None:
    text = troubled_page
    found = read(text)
    assert {"script", "iframe", "img", "object"} & found.tags == set()
    assert [one for one in found.addresses if one != "data:," and not one.startswith("#")] == []
    assert re.findall(r"url\((?!#)|@import|https?://", text) == []


def test_the_page_says_at_once_what_matters(troubled_page: str) -> None:
    text = troubled_page
    said = read(text).words
    assert (
        said.index("FAILED")
        < said.index("nothing-lost broke: 2 lost")
        < said.index("of 4.00 asked")
    )
    assert "2 lost, 0 duplicate" in said
    assert "connector's own time" in said


def test_the_page_names_what_was_lost(troubled_page: str) -> None:
    said = read(troubled_page).words
    assert "“connected” of the provider of visit csn-0 never reached the EHR" in said


def test_the_page_lists_a_few_of_many_and_counts_the_rest(good: RunBuilder) -> None:
    lose(good, 100)
    text = page.html(good.judged())
    assert len(re.findall("lost write-back<", text)) == 12
    assert "88 more in verdict.json" in text


def test_the_page_explains_each_promise_and_each_that_does_not_apply(troubled_page: str) -> None:
    said = read(troubled_page).words
    promises = SloFile.read().for_run("surge-10x", "at home").slos
    assert all(slo.why in said and slo.name in said for slo in promises)
    assert "Promises that do not apply" in said


def test_the_page_marks_events_and_surge(troubled_page: str) -> None:
    said = read(troubled_page).words
    assert "at 40 s: ehr_delay 2000 ms" in said
    assert "the surge, 40 to 50 s" in said


def test_the_page_says_how_to_repeat_the_run(troubled_page: str) -> None:
    said = read(troubled_page).words
    assert "--scenario surge-10x --seed 7 --fault delay-300ms" in said


def test_words_from_outside_stay_words(troubled_page: str) -> None:
    text = troubled_page
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_every_plot_has_its_numbers_as_a_table_and_words_for_who_sees_none(
    troubled_page: str,
) -> None:
    text = troubled_page
    assert text.count("<figure>") == 5
    assert text.count('<svg role="img" aria-labelledby=') == 5
    assert text.count("The same in numbers") == 5


def test_plots_use_the_page_s_colours_only(troubled_page: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", troubled_page, re.DOTALL)
    assert [one for one in figures if re.search(r"#[0-9a-f]{6}", one)] == []


def test_what_nobody_sampled_is_not_drawn(good: RunBuilder) -> None:
    good.each_gauge(cpu_seconds=-1.0, outbox_pending=-1.0)
    assert page.html(good.judged()).count("<figure>") == 3


def test_a_run_in_which_nobody_launched_has_a_page(good: RunBuilder) -> None:
    good.each_iteration(lambda _one: True, outcome=Outcome.FAILED, launch_ms=-1.0)
    assert "0.00" in page.html(good.judged())


def test_without_a_ledger_the_page_says_so_at_the_top(good: RunBuilder) -> None:
    good.ledger = None
    said = read(page.html(good.judged())).words
    assert "PASSED, TRUTH NOT CHECKED" in said
    assert "there was nobody to ask" in said


def test_a_run_whose_web_came_first_says_so(good: RunBuilder, troubled_page: str) -> None:
    assert "before all other parts" not in troubled_page
    good.says(others_give_way=True)
    assert "both have the processor before all other parts" in page.html(good.judged())


def test_another_machine_is_said(good: RunBuilder, tmp_path: Path) -> None:
    keep_baseline(good.write(), baselines=tmp_path)
    other = RunBuilder(tmp_path / "run-2")
    other.says(machine="another processor")
    said = read(page.html(judged(other.write(), baselines=tmp_path))).words
    assert "On another machine (a processor, 2 cores)" in said


def told(folder: Path) -> str:
    heard = io.StringIO()
    terminal.tell(folder, judged(folder, baselines=folder), Console(file=heard, width=200))
    return heard.getvalue()


def test_the_terminal_says_the_same_in_ten_lines(good: RunBuilder) -> None:
    said = told(good.write()).strip()
    assert said.startswith("PASSED")
    assert len(said.splitlines()) <= 12
    assert "launches  4.00 a second of 4.00 asked" in said
    assert "0 lost, 0 duplicate" in said


def test_the_terminal_names_the_broken_promise_first(troubled: RunBuilder) -> None:
    lines = told(troubled.folder).strip().splitlines()
    assert lines[0] == "FAILED"
    assert lines[1].strip() == "nothing-lost broke: 2 lost, promised none"


@pytest.mark.parametrize(
    ("value", "said"),
    [(99.949, "99.949"), (99.95, "99.95"), (100.0, "100"), (1234.5, "1,234"), (None, "–")],
)
def test_a_share_is_never_rounded_up_to_its_limit(value: float | None, said: str) -> None:
    assert words.number(value) == said
