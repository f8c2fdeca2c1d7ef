"""An examination: everything in order, then one thing broken at a time."""

from collections.abc import Callable

import pytest
from tests.builders.configurations import OTHER_TENANT, TENANT, TEST_BASE, awaiting
from tests.builders.examinations import BY, beat, entered, examine, examine_entered, of
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.findings import Check, Verdict
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    NotConnected,
    OutsideError,
    TryLater,
)
from connector.ports.storage import StorageUnavailable
from connector.usecases.diagnose import MOST_AT_ONCE

STORED = list(Check)
ENTERED = [check for check in Check if check is not Check.PINNED_ENDPOINTS]
_EHR_CHECKS = STORED[STORED.index(Check.ADDRESS) : STORED.index(Check.GRAPH_CLOCK)]

Refusal = Callable[..., Refused]


@pytest.fixture
def world(world: World) -> World:
    return beat(world)


# Everything in order ------------------------------------------------------------------------------


def test_a_configuration_in_order_passes_every_check_in_dependency_order(world: World) -> None:
    findings = examine(world)
    assert list(findings) == STORED
    assert {of(finding) for finding in findings.values()} == {(Verdict.OK, "")}


def test_values_nobody_has_saved_are_examined_alike(world: World) -> None:
    findings = examine_entered(world, f"{TEST_BASE}/")
    assert list(findings) == ENTERED
    assert {finding.verdict for finding in findings.values()} == {Verdict.OK}


def test_a_deployment_is_examined_without_any_configuration(world: World) -> None:
    assert [f.check for f in world.diagnose.deployment()] == STORED[:4]
    assert world.audited("admin.configuration.examine") == []


def test_findings_come_one_by_one_while_the_rest_is_still_to_be_asked(world: World) -> None:
    findings = world.diagnose.configuration(entered(), BY)
    assert next(findings).check is Check.ADDRESS
    assert world.ehr_examination.asked("smart_configuration") == []


def test_own_parts_are_asked_at_the_public_address(world: World) -> None:
    examine(world)
    assert world.ehr_examination.asked("missing_keys") == ["https://connector.example"]
    assert world.microsoft_examination.asked("require_webhook") == [
        "https://connector.example/graph/notifications"
    ]


# The audit trail ----------------------------------------------------------------------------------


def test_an_examination_is_one_line_of_the_audit_trail_and_nothing_else(world: World) -> None:
    tables = ("configuration_revision", "ehr_environment", "visit")
    before = [world.rows(table) for table in tables]
    examine(world)
    assert world.audited("admin.configuration.examine") == [
        {"host": "ehr.contoso.example", "failed": ""}
    ]
    assert [world.rows(table) for table in tables] == before


def test_the_audit_line_names_who_what_and_what_failed(world: World) -> None:
    world.ehr_examination.scopes_granted = frozenset()
    examine(world)
    [row] = [r for r in world.rows("audit_event") if r["event"] == "admin.configuration.examine"]
    assert (row["actor"], row["reference"], row["tenant_id"]) == (BY.actor, "REF-1", TENANT)
    assert (row["environment_id"], row["outcome"]) == ("env-test", "failure")
    assert world.audited("admin.configuration.examine")[0]["failed"] == "write_back"


def test_what_is_no_base_url_does_not_get_into_the_audit_trail(world: World) -> None:
    examine_entered(world, "https://CANARY-name:secret@ehr.example/R4")
    assert world.audited("admin.configuration.examine") == [{"host": "", "failed": "address"}]


def test_an_examination_nobody_listens_to_any_more_is_audited_all_the_same(world: World) -> None:
    findings = world.diagnose.configuration(entered(), BY)
    next(findings)
    findings.close()
    assert len(world.audited("admin.configuration.examine")) == 1


# Turns --------------------------------------------------------------------------------------------


def test_case_78_more_examinations_than_threads_are_spared_for_are_turned_away(
    world: World, refusal: Refusal
) -> None:
    for _ in range(MOST_AT_ONCE):
        assert world.diagnose.turns.acquire(blocking=False)
    refused = refusal(Reason.EXAMINATION_BUSY, world.diagnose, entered(), BY)
    assert refused.retry_after_seconds
    assert world.ehr_examination.calls == []


def test_a_turn_is_given_back_also_by_an_examination_that_breaks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(world.store, "ready", broken)
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(RuntimeError):
            world.diagnose(entered(), BY)


# Which configuration ------------------------------------------------------------------------------


def test_the_portal_examines_the_newest_revision_and_operators_what_is_live(world: World) -> None:
    with world.store.write() as tx:
        tx.configurations.add_revision(awaiting(id="rev-test-2", number=2))
    live = world.diagnose.live_case("env-test")
    assert world.diagnose.case("env-test", TENANT).revision.number == 2
    assert live is not None
    assert live.revision.number == 1


def test_an_operator_examines_what_nobody_has_approved_yet(empty_world: World) -> None:
    empty_world.add_environment()
    with empty_world.store.write() as tx:
        tx.configurations.add_revision(awaiting())
    case = empty_world.diagnose.live_case("env-test")
    assert case is not None
    assert case.revision.number == 1


@pytest.mark.parametrize(
    ("environment_id", "tenant_id"), [("env-test", OTHER_TENANT), ("env-none", TENANT)]
)
def test_case_74_another_tenants_configuration_does_not_exist(
    environment_id: str, tenant_id: str, world: World, refusal: Refusal
) -> None:
    refusal(Reason.CONFIGURATION_UNKNOWN, world.diagnose.case, environment_id, tenant_id)


def test_an_environment_without_a_revision_cannot_be_examined(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.add_environment()
    refusal(Reason.CONFIGURATION_UNKNOWN, empty_world.diagnose.case, "env-test", TENANT)
    assert empty_world.diagnose.live_case("env-test") is None
    assert empty_world.diagnose.live_case("env-none") is None


# This deployment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", ["not_migrated", "read_only", "unreachable"])
def test_a_database_that_is_not_ready_skips_the_worker(
    problem: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.store, "ready", lambda: problem)
    found = {f.check: f for f in world.diagnose.deployment()}
    assert of(found[Check.DATABASE]) == (Verdict.FAILED, problem)
    assert of(found[Check.WORKER]) == (Verdict.SKIPPED, "rests_on")
    assert found[Check.WORKER].facts == {"check": "database"}


def test_a_database_that_breaks_meanwhile_is_a_finding(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise StorageUnavailable("unreachable")

    subject = world.diagnose.case("env-test", TENANT).subject
    monkeypatch.setattr(world.store, "read", broken)
    monkeypatch.setattr(world.store, "audit_all", lambda _entries: broken())
    found = {f.check: f for f in world.diagnose(subject, BY)}
    assert of(found[Check.WORKER]) == (Verdict.FAILED, "unreachable")
    assert of(found[Check.MEETING_POLICY]) == (Verdict.OK, "")


def test_a_worker_that_never_ran_is_found(empty_world: World) -> None:
    found = {f.check: f for f in empty_world.diagnose.deployment()}
    assert of(found[Check.WORKER]) == (Verdict.FAILED, "never_heard")


def test_a_worker_that_fell_silent_is_found(world: World) -> None:
    world.clock.advance(45)
    found = examine(world)[Check.WORKER]
    assert (of(found), found.facts) == ((Verdict.FAILED, "silent"), {"seconds": "45"})


def test_e2_keys_that_are_not_published_are_named(world: World) -> None:
    world.ehr_examination.keys_missing = frozenset({"kid-2", "kid-1"})
    found = examine(world)[Check.PUBLISHED_KEYS]
    assert (of(found), found.facts["keys"]) == ((Verdict.FAILED, "keys_missing"), "kid-1 kid-2")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AddressRefused("address_not_public", host="connector.example"), "address_not_public"),
        (TryLater("certificate_expired"), "certificate_expired"),
        (BadAnswer("not_echoed"), "not_echoed"),
        (Denied("http_403"), "http_403"),
    ],
)
def test_a_webhook_graph_could_not_reach_is_found(
    error: OutsideError, code: str, world: World
) -> None:
    world.microsoft_examination.faults.fail("require_webhook", error)
    assert of(examine(world)[Check.WEBHOOK]) == (Verdict.FAILED, code)


# The EHR: getting there ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("http://ehr.example/R4", "not_https"),
        ("https://user@ehr.example/R4", "user_information"),
        ("https://ehr.example/R4?x=1", "query"),
        ("https://[::ffff:10.0.0.1]/R4", "host"),
        ("https://ehr.example/../R4", "path"),
        ("", "not_https"),
    ],
)
def test_what_is_no_base_url_is_refused_and_nothing_is_asked(
    typed: str, why: str, world: World
) -> None:
    found = examine_entered(world, typed)
    assert of(found[Check.ADDRESS]) == (Verdict.FAILED, why)
    assert [name for name, _ in world.ehr_examination.calls] == ["missing_keys"]


@pytest.mark.parametrize(
    ("error", "check"),
    [
        (AddressRefused("address_not_public"), Check.ADDRESS),
        (AddressRefused("port"), Check.ADDRESS),
        (NotConnected("name_unknown"), Check.ADDRESS),
        (NotConnected("name_timeout"), Check.ADDRESS),
        (NotConnected("connect_timeout"), Check.CONNECTION),
        (NotConnected("no_connection"), Check.CONNECTION),
        (NotConnected("tls_failed"), Check.CONNECTION),
        (TryLater("certificate_expired"), Check.CONNECTION),
        (TryLater("certificate_self_signed"), Check.CONNECTION),
        (TryLater("certificate_of_other_host"), Check.CONNECTION),
        (TryLater("timeout", maybe_done=True), Check.METADATA),
        (TryLater("connection_lost", maybe_done=True), Check.METADATA),
    ],
)
def test_how_far_the_first_request_came_is_the_verdict(
    error: OutsideError, check: Check, world: World
) -> None:
    world.ehr_examination.faults.fail("metadata", error)
    found = examine(world)
    assert of(found[check]) == (Verdict.FAILED, error.code)
    earlier = _EHR_CHECKS[: _EHR_CHECKS.index(check)]
    assert {found[each].verdict for each in earlier} <= {Verdict.OK}


@pytest.mark.parametrize(
    "error", [AddressRefused("address_not_public"), TryLater("certificate_expired")]
)
def test_an_ehr_that_was_not_reached_is_not_asked_again(error: OutsideError, world: World) -> None:
    world.ehr_examination.faults.fail("metadata", error)
    found = examine(world)
    assert [name for name, _ in world.ehr_examination.calls] == ["missing_keys", "metadata"]
    skipped = [check for check in found if found[check].verdict is Verdict.SKIPPED]
    assert set(skipped) >= set(_EHR_CHECKS[2:])
    assert found[Check.SCOPES].facts == {"check": "smart_configuration"}


def test_microsoft_is_examined_though_the_ehr_is_down(world: World) -> None:
    world.ehr_examination.faults.fail("metadata", NotConnected("no_connection"))
    assert of(examine(world)[Check.MEETING_POLICY]) == (Verdict.OK, "")
