"""The analyst pastes a record back, and hears what differs (case 44, E4, E9, E13)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    PRODUCTION_BASE,
    active,
    an_admin,
    endpoints,
    environment,
    identity,
    the_approver,
)
from tests.builders.world import PUBLIC_URL, World

from connector.adapters.sql.transaction import SqlTransaction
from connector.domain.audit import Event
from connector.domain.errors import Reason, Refused
from connector.domain.integration_record import Difference, IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import Environment, EnvironmentKind, MicrosoftIdentity
from connector.domain.visit_settings import Department, VisitSettings
from connector.usecases.verify_record import Verification

Refusal = Callable[..., Refused]
OLIVIA = the_approver()
PROVIDER, PATIENT = "record-provider", "record-patient"


def issued(world: World, record_id: str, settings: VisitSettings | None = None) -> str:
    """The record's text as the portal shows it."""
    with world.store.read() as tx:
        record = tx.records.find(record_id)
        assert record is not None
        where = tx.configurations.environment(record.environment_id)
    assert where is not None
    return record.text(PUBLIC_URL, where.kind.value, settings or VisitSettings())


def stored(world: World, record_id: str) -> IntegrationRecord:
    with world.store.read() as tx:
        record = tx.records.find(record_id)
    assert record is not None
    return record


def verify(
    world: World, record_id: str, pasted: str, who: MicrosoftIdentity = OLIVIA
) -> Verification:
    return world.verify_record(who, record_id, pasted, "ref-1")


def second_environment(world: World, **changes: object) -> Environment:
    """Another environment with two records of its own, approved."""
    where = world.add_environment(environment(**{"id": "env-2"} | changes))
    world.approve(
        active(
            id="rev-2",
            environment_id=where.id,
            tenant_id=where.tenant_id,
            fhir_base_url=PRODUCTION_BASE,
            endpoints=endpoints(PRODUCTION_BASE),
        )
    )
    return where


# What came back unchanged -----------------------------------------------------------------------


@pytest.mark.parametrize("who", [OLIVIA, an_admin()], ids=["approver", "administrator"])
@pytest.mark.parametrize("record_id", [PROVIDER, PATIENT])
def test_a_record_that_came_back_unchanged_is_stamped(
    world: World, record_id: str, who: MicrosoftIdentity
) -> None:
    verification = verify(world, record_id, issued(world, record_id), who)

    assert (verification.differences, verification.belongs_to) == ([], "")
    assert verification.record == stored(world, record_id)
    assert verification.record.verified_at == NOON
    assert verification.record.verified_by == who.object_id


def test_line_ends_and_blank_lines_of_the_ehr_do_not_count(world: World) -> None:
    pasted = "\r\n" + issued(world, PROVIDER).replace("\n", "  \r\n\r\n")
    assert verify(world, PROVIDER, pasted).differences == []


def test_a_later_comparison_stamps_again(world: World) -> None:
    verify(world, PROVIDER, issued(world, PROVIDER))
    world.clock.advance(60)
    again = verify(world, PROVIDER, issued(world, PROVIDER))
    assert again.record.verified_at == world.clock.now()


def test_the_comparison_is_audited_without_what_was_pasted(world: World) -> None:
    verify(world, PROVIDER, issued(world, PROVIDER))
    verify(world, PATIENT, "Patient: Penny Canary")

    good, bad = (r for r in world.rows("audit_event") if r["event"] == Event.RECORD_VERIFIED)
    assert (good["outcome"], bad["outcome"]) == ("success", "failure")
    assert (good["actor"], good["environment_id"]) == (OLIVIA.object_id, "env-test")
    assert world.audited(Event.RECORD_VERIFIED)[0] == {"record": PROVIDER, "different_tokens": "0"}
    assert b"Penny" not in world.stored_bytes()


# What differs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "becomes", "difference"),
    [
        ("%CSN%", "%CONFERENCEID%", Difference("sessionId", "%CSN%", "%CONFERENCEID%")),
        ("&departmentId=%LOGINDEPTID%", "", Difference("departmentId", "%LOGINDEPTID%", "")),
        (
            "environment=test",
            "environment=production",
            Difference("environment", "test", "production"),
        ),
        ("recordId=record-provider", "recordId=x", Difference("recordId", PROVIDER, "x")),
        (
            "/launch/provider",
            "/launch/patient",
            Difference(
                "Launch URL", f"{PUBLIC_URL}/launch/provider", f"{PUBLIC_URL}/launch/patient"
            ),
        ),
        ("%CSN%", "%CSN%&extra=1", Difference("extra", "", "1")),
    ],
    ids=["E9 session", "E13 department", "E4 environment", "E4 record", "E4 address", "more"],
)
def test_case_44_one_changed_token_is_named_and_nothing_is_stamped(
    world: World, was: str, becomes: str, difference: Difference
) -> None:
    verification = verify(world, PROVIDER, issued(world, PROVIDER).replace(was, becomes))

    assert verification.differences == [difference]
    assert stored(world, PROVIDER).verified_at is None


@pytest.mark.parametrize("pasted", ["", "   ", "hello", "Context:", "\x00" * 100, "a:b\n" * 1000])
def test_what_is_no_record_differs_in_every_issued_token(world: World, pasted: str) -> None:
    missing = {d.token for d in verify(world, PROVIDER, pasted).differences if not d.pasted}
    assert {"Launch URL", "sessionId", "environment", "recordId", "departmentId"} <= missing


def test_e13_a_site_without_departments_is_not_asked_for_one(world: World) -> None:
    without = VisitSettings(department=Department.NONE)
    world.approve(active(id="rev-test-2", number=2, settings=without))

    assert "departmentId" not in issued(world, PROVIDER, without)
    assert verify(world, PROVIDER, issued(world, PROVIDER, without)).differences == []
    (extra,) = verify(world, PROVIDER, issued(world, PROVIDER)).differences
    assert extra.token == "departmentId"


def test_e9_a_group_record_asks_for_the_conference(world: World) -> None:
    group = IntegrationRecord("record-group", "env-test", LaunchKind.PATIENT, group=True)
    with world.store.write() as tx:
        tx.records.add(group)
    pasted = issued(world, group.id).replace("%CONFERENCEID%", "%CSN%")

    assert verify(world, group.id, pasted).differences == [
        Difference("sessionId", "%CONFERENCEID%", "%CSN%")
    ]


# Whose record it is -----------------------------------------------------------------------------


def test_e4_the_record_of_the_other_environment_is_named(world: World) -> None:
    second_environment(world, kind=EnvironmentKind.PRODUCTION)
    verification = verify(world, PROVIDER, issued(world, "record-provider-env-2"))
    assert verification.belongs_to == "production"

    turned_round = verify(world, "record-provider-env-2", issued(world, PROVIDER))
    assert turned_round.belongs_to == "test"


def test_the_patients_record_in_the_clinicians_place_is_another_record(world: World) -> None:
    assert verify(world, PROVIDER, issued(world, PATIENT)).belongs_to == "other"


def test_the_record_of_another_organizations_test_environment_is_another_record(
    world: World,
) -> None:
    second_environment(world, organization_name="Contoso South", organization_id="org-south")
    assert verify(world, PROVIDER, issued(world, "record-provider-env-2")).belongs_to == "other"


def test_case_74_another_tenants_record_is_as_unknown_as_an_invented_one(world: World) -> None:
    second_environment(
        world, tenant_id=OTHER_TENANT, organization_id="org-x", kind=EnvironmentKind.PRODUCTION
    )
    assert verify(world, PROVIDER, issued(world, "record-provider-env-2")).belongs_to == ""
    invented = issued(world, PROVIDER).replace(PROVIDER, "invented")
    assert verify(world, PROVIDER, invented).belongs_to == ""


class _OvertakenByAnApproval:
    """A store in which the live revision is replaced just before it can be held, as on PostgreSQL."""

    def __init__(self, world: World) -> None:
        self._store = world.store

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        with self._store.write() as tx:
            superseded = active().superseded()
            tx.configurations.revision = lambda _id: superseded  # type: ignore[method-assign]
            yield tx


def test_a_record_compared_with_what_was_just_replaced_is_not_stamped(
    world: World, refusal: Refusal
) -> None:
    overtaken = replace(world.verify_record, store=_OvertakenByAnApproval(world))  # type: ignore[arg-type]
    refusal(Reason.CHANGED_SINCE_SHOWN, overtaken, OLIVIA, PROVIDER, issued(world, PROVIDER), "ref")
    assert stored(world, PROVIDER).verified_at is None


# Who may, and when ------------------------------------------------------------------------------


@pytest.mark.parametrize("record_id", ["", "nonsense", "record-provider-env-2"])
def test_case_74_a_record_of_nobody_or_of_another_tenant_is_unknown(
    world: World, refusal: Refusal, record_id: str
) -> None:
    second_environment(world, tenant_id=OTHER_TENANT, organization_id="org-x")
    refusal(Reason.CONFIGURATION_UNKNOWN, verify, world, record_id, "x")


@pytest.mark.parametrize(
    "who",
    [identity(), replace(OLIVIA, is_guest=True), an_admin(is_guest=True, object_id="g")],
    ids=["no role", "approver as a guest", "guest with a role"],
)
def test_who_neither_administers_nor_approved_is_told_the_roles(
    world: World, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    refused = refusal(Reason.ROLE_MISSING, verify, world, PROVIDER, issued(world, PROVIDER), who)
    assert "Teams Administrator" in refused.facts["one_of"]
    assert stored(world, PROVIDER).verified_at is None


def test_records_of_an_environment_without_an_approved_revision_wait_for_one(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.add_environment()
    refusal(Reason.STATE_CONFLICT, verify, empty_world, PROVIDER, "x")
