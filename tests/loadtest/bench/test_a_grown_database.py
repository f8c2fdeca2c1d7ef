"""How a database is grown, and how the bench judges what a launch costs on it."""

import json
from datetime import UTC, datetime

import pytest
from loadtest.bench.growth import BELONGS, GROWN, SMALL, Cost, Verdict, stored_bytes
from loadtest.bench.seeding import LEFT_ALONE, Copies, Size, chained, copies, decided

from connector.adapters.sql import tables
from connector.adapters.sql.audit import HASHED, hash_of
from connector.adapters.sql.columns import METADATA
from loadtest.bench import seeding

LIKE = {
    "event": "person.launch.complete",
    "outcome": "success",
    "reference": "AAAA-BBBB",
    "tenant_id": "t",
    "environment_id": "e",
    "actor": "a",
    "facts": json.dumps({"kind": "provider", "visit": "v"}),
}
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_table_of_the_connector_grows_or_is_left_alone_on_purpose() -> None:
    assert decided(copies(Size())) | LEFT_ALONE == set(METADATA.tables)


def test_a_table_nobody_decided_about_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "LEFT_ALONE", LEFT_ALONE - {"share_grant"})
    with pytest.raises(LookupError, match="share_grant"):
        decided(copies(Size()))


def test_a_column_that_is_gone_is_named_before_anything_is_written() -> None:
    with pytest.raises(KeyError, match="visit has no color"):
        Copies(tables.visit, 1, "true", {"color": "'red'"}).statement()


@pytest.mark.parametrize("one", copies(Size()), ids=lambda one: one.table.name)
def test_a_copy_has_every_column_but_the_number_the_database_gives(one: Copies) -> None:
    written = one.statement().partition("(")[2].partition(")")[0]
    names = {name.strip().strip('"') for name in written.split(",")}
    given = {column.name for column in one.table.columns if column.identity is not None}
    assert names | given == {column.name for column in one.table.columns}
    assert not names & given


def test_what_is_not_varied_is_the_real_row_s() -> None:
    statement = Copies(tables.visit, 3, "id = 'v'", {"id": "'v' || n"}).statement()
    assert 'old."state"' in statement
    assert 'old."id"' not in statement
    assert "generate_series(1, 3)" in statement


@pytest.mark.parametrize("size", [Size(), Size(visits=7, audit_lines=1, configurations=3)])
def test_visits_belong_to_environments_that_were_made(size: Size) -> None:
    made = {one.table.name: one.count for one in copies(size)}
    assert made["visit"] == size.visits
    assert made["ehr_environment"] == made["issuer_claim"] == size.configurations
    assert made["tenant"] == made["organization"] > size.configurations // 2


def test_seeded_lines_go_on_from_the_last_one_and_are_sealed_by_the_connector_s_rule() -> None:
    lines = list(chained(LIKE, 3, "0" * 64, SINCE))
    previous = "0" * 64
    for at, *words, before, sealed in lines:
        assert before == previous
        assert sealed == hash_of(before, at, dict(zip(HASHED, words, strict=True)))
        previous = sealed
    assert len({line[7] for line in lines}) == 3


def test_a_seeded_line_that_was_altered_does_not_match_its_seal() -> None:
    at, *words, before, sealed = next(chained(LIKE, 1, "", SINCE))
    altered = dict(zip(HASHED, words, strict=True)) | {"actor": "somebody else"}
    assert hash_of(before, at, altered) != sealed


@pytest.mark.parametrize("facts", ["", "{", "[]"])
def test_a_line_whose_facts_are_no_object_is_not_copied(facts: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        next(chained(LIKE | {"facts": facts}, 1, "", SINCE))


def cost(web_ms: float, postgres_ms: float, p50_ms: float = 100.0) -> Cost:
    return Cost(web_ms, postgres_ms, p50_ms)


def test_growth_is_the_median_of_the_rounds_own_ratios() -> None:
    rounds = [
        {SMALL: cost(8, 2), GROWN: cost(8, 2)},
        {SMALL: cost(4, 1), GROWN: cost(4, 1.4)},
        {SMALL: cost(8, 2), GROWN: cost(16, 4, 200)},
    ]
    verdict = Verdict.of(rounds)
    assert (verdict.cpu, verdict.p50) == (pytest.approx(1.08), 1.0)
    assert verdict.holds


def test_a_tenth_more_is_allowed_and_no_more() -> None:
    assert Verdict(1.10, 9.0).holds
    assert not Verdict(1.11, 1.0).holds


def test_what_postgresql_uses_counts_as_well() -> None:
    assert not Verdict.of([{SMALL: cost(8, 2), GROWN: cost(8, 4)}]).holds


def test_growth_is_not_judged_without_a_round() -> None:
    with pytest.raises(ValueError, match="there was none"):
        Verdict.of([])


def test_every_table_s_bytes_are_of_something_or_pass() -> None:
    assert set(BELONGS) - {"alembic_version"} == set(METADATA.tables)


def test_bytes_are_told_of_one() -> None:
    bytes_ = {"visit": 3000, "outbox_message": 1000, "audit_event": 700, "redeemed_launch": 9}
    stored = stored_bytes(bytes_, Size(visits=10, audit_lines=2, configurations=1))
    assert stored == {"visit": 400, "audit line": 350, "configuration": 0}


def test_a_table_that_belongs_to_nothing_known_is_an_error() -> None:
    with pytest.raises(LookupError, match="diary"):
        stored_bytes({"diary": 1}, Size())
