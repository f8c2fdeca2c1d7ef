"""The table of docs/capacity.md: its sizes are those of infra, and the scarcest part decides."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from loadtest.bench.stamps import (
    STAMPS,
    Stamp,
    VisitCost,
    breaks_first,
    table,
    visits_a_day,
    visits_per_second,
    writes_table,
)

from loadtest.bench import stamps

PREFIX = "teams-ehr-connector:"
CAPACITY = Path("docs/capacity.md").read_text(encoding="utf-8")
COST = VisitCost(
    web_ms=50,
    worker_ms=40,
    postgres_ms=30,
    audit_passes=3,
    page_passes=9,
    rows_written=100,
    wal_bytes=90_000,
    stored_bytes=9_000,
    audit_bytes=900,
)
STACKS = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    for path in Path("infra/stacks").glob("Pulumi.*.yaml")
}


@pytest.mark.parametrize("name", sorted(STACKS))
def test_the_sizes_are_those_of_every_stack_file(name: str) -> None:
    config, kind = STACKS[name], "production" if "production" in name else "test"
    at_rest, scaled = (one for one in STAMPS if one.name.startswith(kind))
    assert at_rest.web_replicas == config[f"{PREFIX}minReplicas"]
    assert scaled.web_replicas == config[f"{PREFIX}maxReplicas"]
    assert {one.worker_replicas for one in (at_rest, scaled)} == {config[f"{PREFIX}minReplicas"]}
    cores = int(re.search(r"\d+", config[f"{PREFIX}databaseSku"].removeprefix("Standard_"))[0])
    assert {one.database_cores for one in (at_rest, scaled)} == {cores}
    standby = config.get(f"{PREFIX}highAvailability", True)
    assert {one.standby for one in (at_rest, scaled)} == {standby}


def test_processors_threads_and_replicas_are_those_of_infra() -> None:
    service = Path("infra/ehr_infra/components/service.py").read_text(encoding="utf-8")
    config = Path("infra/ehr_infra/config.py").read_text(encoding="utf-8")
    one = STAMPS[0]
    assert f"_WEB_CPU, _SMALL_CPU = {one.web_cores}, {one.small_cores}" in service
    assert re.search(rf"web_workers: .* = {one.web_workers}$", config, re.MULTILINE)
    assert re.search(rf"web_threads: .* = {one.web_threads}$", config, re.MULTILINE)


def carried(stamp: Stamp, cost: VisitCost = COST) -> tuple[str, float]:
    return breaks_first(visits_per_second(stamp, cost))


@pytest.mark.parametrize(
    ("dear", "part"),
    [
        ({"web_ms": 5_000}, "web's CPU"),
        ({"worker_ms": 5_000}, "worker's CPU"),
        ({"postgres_ms": 5_000}, "database's CPU"),
        ({"audit_passes": 5_000}, "the audit trail's gate"),
        ({"page_passes": 5_000}, "the live pages' gate"),
    ],
)
def test_what_a_visit_needs_most_of_breaks_first(dear: dict[str, float], part: str) -> None:
    assert carried(STAMPS[0], replace(COST, **dear))[0] == part


def test_more_replicas_of_web_carry_no_more_once_something_else_breaks_first() -> None:
    cost = replace(COST, worker_ms=5_000)
    few, many = (one for one in STAMPS if one.name.startswith("production"))
    assert carried(few, cost) == carried(many, cost)


@pytest.mark.parametrize("gate", ["the audit trail's gate", "the live pages' gate"])
def test_a_standby_makes_a_gate_slower(gate: str) -> None:
    with_it = replace(STAMPS[0], standby=True)
    assert visits_per_second(with_it, COST)[gate] < visits_per_second(STAMPS[0], COST)[gate]


@pytest.mark.parametrize(
    "part", ["web_ms", "worker_ms", "postgres_ms", "audit_passes", "page_passes"]
)
def test_a_part_that_was_not_measured_carries_nothing(part: str) -> None:
    with pytest.raises(ValueError, match="not measured"):
        visits_per_second(STAMPS[0], replace(COST, **{part: 0}))


def test_the_table_has_a_row_for_each_stamp_and_marks_what_breaks_first() -> None:
    heads, _, *rows = table(COST)
    assert [row.split("|")[1].strip() for row in rows] == [one.name for one in STAMPS]
    assert all(row.count("**") == 2 for row in rows)
    assert all(row.count("|") == heads.count("|") for row in rows)


def test_what_is_written_grows_with_what_is_carried_and_has_a_row_for_each_stamp() -> None:
    _, _, *rows = writes_table(COST)
    per_second = [float(row.split("|")[2].replace(",", "")) for row in rows]
    carries = [carried(one)[1] for one in STAMPS]
    assert per_second == [pytest.approx(rate * COST.rows_written, abs=1) for rate in carries]


def test_a_day_has_as_many_visits_at_nine_as_its_peak_makes() -> None:
    """9.1 minutes of the peak, as arrivals.CLINIC_MORNING has it, are 18 % of the day."""
    assert visits_a_day(10) * 0.18 == pytest.approx(10 * 60 * 9.1)


def test_the_page_says_every_size_of_the_table_and_every_assumption() -> None:
    assert [one.name for one in STAMPS if f"| {one.name} |" not in CAPACITY] == []
    for number in (stamps.EHR_AND_GRAPH_SECONDS, stamps.ROUND_TRIP_MS, *stamps.COMMIT_MS.values()):
        assert f"{number:g}" in CAPACITY


def test_measurements_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "scale.json").write_text(json.dumps({}))
    with pytest.raises(Exception, match=r"run\.json"):
        stamps.read_cost(tmp_path / "no-run", tmp_path)
