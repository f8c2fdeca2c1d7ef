"""An admin enters an EHR environment: cases 34, 35, 37, 39-41, 45, 46, 75 of reliability.md."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.builders.configurations import (
    OTHER_TENANT,
    PRODUCTION_BASE,
    TENANT,
    TEST_BASE,
    an_admin,
    approver,
    clients,
    endpoints,
    environment,
    identity,
    tenant,
    the_approver,
)
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography
from connector.domain.organization import EnvironmentKind, MicrosoftIdentity
from connector.ports.errors import AddressRefused, BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.usecases.enter_configuration import EnteredConfiguration

Refusal = Callable[..., Refused]
TABLES = ("organization", "ehr_environment", "configuration_revision", "audit_event")

FORM = EnteredConfiguration(
    organization_name="Contoso Health",
    kind=EnvironmentKind.TEST,
    fhir_base_url=TEST_BASE,
    approver_sign_in_name="olivia.analyst@contoso.example",
    time_zone="America/Chicago",
    clients=clients(),
)


@pytest.fixture
def world(empty_world: World) -> World:
    """The EHR answers, the approver exists, both tenants are confirmed, nothing is configured."""
    with empty_world.store.write() as tx:
        for confirmed in (TENANT, OTHER_TENANT):
            tx.configurations.register_tenant(tenant(confirmed))
    empty_world.smart.add_ehr(TEST_BASE)
    empty_world.smart.add_ehr(PRODUCTION_BASE)
    empty_world.directory.add(TENANT, approver())
    empty_world.directory.add(OTHER_TENANT, approver())
    return empty_world


def enter(
    world: World, form: EnteredConfiguration = FORM, admin: MicrosoftIdentity | None = None
) -> Revision:
    return world.enter_configuration(admin or an_admin(), form, "ref-1")


def promoted(world: World) -> None:
    """Production was opened by a promotion."""
    production = environment(id="env-production", kind=EnvironmentKind.PRODUCTION)
    with world.store.write() as tx:
        tx.configurations.add_environment(production, world.clock.now())


def nothing_is_stored(world: World) -> bool:
    return not any(world.rows(table) for table in TABLES)


# The working world ------------------------------------------------------------------------------


def test_what_was_entered_waits_for_its_approver(world: World) -> None:
    revision = enter(world)

    assert (revision.state, revision.number) == (RevisionState.AWAITING_APPROVAL, 1)
    assert (revision.fhir_base_url, revision.endpoints) == (TEST_BASE, endpoints())
    assert (revision.clients, revision.approver) == (clients(), approver())
    assert revision.created_by == "adele.admin@contoso.example"
    with world.store.read() as tx:
        assert tx.configurations.revision(revision.id) == revision
        assert tx.configurations.door(TEST_BASE) is None, "nothing is launched unapproved"


def test_the_environment_has_no_records_before_it_is_approved(world: World) -> None:
    """F25: integration records appear after approval."""
    revision = enter(world)

    with world.store.read() as tx:
        found = tx.configurations.environment(revision.environment_id)
        assert tx.records.of(revision.environment_id) == []
    assert found is not None
    assert (found.organization_name, found.time_zone) == ("Contoso Health", "America/Chicago")


def test_it_is_audited_with_the_admin_and_without_the_values(world: World) -> None:
    revision = enter(world)

    (line,) = world.rows("audit_event")
    assert (line["event"], line["actor"]) == (Event.CONFIGURATION_SUBMITTED, an_admin().object_id)
    assert (line["reference"], line["tenant_id"]) == ("ref-1", TENANT)
    assert world.audited(Event.CONFIGURATION_SUBMITTED) == [
        {"revision": revision.id, "number": "1"}
    ]


def test_case_05_the_stored_address_is_the_normalised_one(world: World) -> None:
    entered = replace(FORM, fhir_base_url=f"  {TEST_BASE.replace('https', 'HTTPS')}/ ")

    assert enter(world, entered).fhir_base_url == TEST_BASE
    assert world.smart.calls == [("discover", {"fhir_base_url": TEST_BASE})]


def test_spaces_around_names_do_not_make_other_names(world: World) -> None:
    first = enter(world)
    spaced = replace(
        FORM,
        organization_name="  Contoso Health ",
        approver_sign_in_name=" olivia.analyst@contoso.example ",
    )

    assert enter(world, spaced).environment_id == first.environment_id


def test_the_first_production_comes_by_promotion(world: World, refusal: Refusal) -> None:
    """ADR 7."""
    enter(world)
    production = replace(FORM, kind=EnvironmentKind.PRODUCTION, fhir_base_url=PRODUCTION_BASE)

    refusal(Reason.PROMOTION_NEEDED, enter, world, production)

    assert [row["kind"] for row in world.rows("ehr_environment")] == ["test"]


def test_a_production_that_was_promoted_once_is_edited_like_any_other(world: World) -> None:
    promoted(world)
    production = replace(FORM, kind=EnvironmentKind.PRODUCTION, fhir_base_url=PRODUCTION_BASE)

    assert enter(world, production).environment_id == "env-production"
    assert len(world.rows("organization")) == 1


# Edits ------------------------------------------------------------------------------------------


def test_case_34_an_edit_is_the_next_revision_and_waits_again(world: World) -> None:
    first = enter(world)
    second = enter(world, replace(FORM, clients=clients(provider="new-client")))

    assert (second.number, second.environment_id) == (2, first.environment_id)
    with world.store.read() as tx:
        stored = {r.number: r.state for r in tx.configurations.revisions(first.environment_id)}
    assert stored == {1: RevisionState.SUPERSEDED, 2: RevisionState.AWAITING_APPROVAL}


def test_case_34_an_edit_leaves_the_active_revision_to_the_launches(world: World) -> None:
    first = enter(world)
    approve(world, first)

    enter(world, replace(FORM, fhir_base_url=PRODUCTION_BASE))

    with world.store.read() as tx:
        door = tx.configurations.door(TEST_BASE)
        assert door is not None
        assert (door.revision.id, door.revision.state) == (first.id, RevisionState.ACTIVE)
        assert tx.configurations.door(PRODUCTION_BASE) is None


def approve(world: World, revision: Revision) -> None:
    with world.store.write() as tx:
        assert tx.configurations.activate(revision)


def test_a_revision_that_was_sent_back_is_superseded_by_the_correction(world: World) -> None:
    first = enter(world)
    world.approve_configuration.request_changes(the_approver(), first.id, "wrong client", "ref")

    second = enter(world)

    with world.store.read() as tx:
        returned = tx.configurations.revision(first.id)
    assert returned is not None
    assert (returned.state, second.number) == (RevisionState.SUPERSEDED, 2)


def test_case_35_the_approver_who_was_replaced_is_refused_at_once(
    world: World, refusal: Refusal
) -> None:
    first = enter(world)
    successor = approver(
        object_id="aaaaaaaa-0000-4000-8000-000000000009", sign_in_name="new@x.example"
    )
    world.directory.add(TENANT, successor)
    second = enter(world, replace(FORM, approver_sign_in_name="new@x.example"))

    show = world.approve_configuration.show
    refusal(Reason.CHANGED_SINCE_SHOWN, show, the_approver(), first.id)
    refusal(Reason.NOT_THE_APPROVER, show, the_approver(), second.id)


# Refusals: nothing is stored, and nothing is asked too early ------------------------------------


@pytest.mark.parametrize(
    "who",
    [identity(), an_admin(is_guest=True), the_approver()],
    ids=["member", "guest", "approver"],
)
def test_somebody_without_one_of_the_roles_is_told_which_they_are(
    world: World, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    refused = refusal(Reason.ROLE_MISSING, enter, world, FORM, who)

    assert refused.facts == {
        "one_of": "Global Administrator, Teams Administrator, Virtual Visits Administrator"
    }
    assert nothing_is_stored(world)
    assert world.smart.calls == []


@pytest.mark.parametrize(
    "entered",
    [
        "http://ehr.contoso.example/R4",
        "https://[::ffff:10.0.0.1]/R4",
        "https://localhost./R4",
        "https://good@evil.example/R4",
        "https://ehr.contoso.example/%2e%2e/R4",
        "file:///etc/passwd",
        "",
    ],
)
def test_case_37_an_address_that_is_refused_is_never_called(
    world: World, refusal: Refusal, entered: str
) -> None:
    refusal(Reason.URL_REFUSED, enter, world, replace(FORM, fhir_base_url=entered))

    assert world.smart.calls == []
    assert nothing_is_stored(world)


@pytest.mark.parametrize(
    ("error", "reason", "facts"),
    [
        (AddressRefused("address_not_public"), Reason.URL_REFUSED, {"why": "address_not_public"}),
        (
            TryLater("timeout", host="ehr.example"),
            Reason.EHR_UNREACHABLE,
            {"code": "timeout", "host": "ehr.example"},
        ),
        (
            BadAnswer("not_json", host="ehr.example"),
            Reason.EHR_ANSWER_INVALID,
            {"code": "not_json", "host": "ehr.example"},
        ),
        (Gone("http_404"), Reason.EHR_ANSWER_INVALID, {"code": "http_404", "host": ""}),
        (Denied("s256_missing"), Reason.EHR_ANSWER_INVALID, {"code": "s256_missing", "host": ""}),
    ],
    ids=str,
)
def test_cases_39_and_40_a_probe_that_fails_says_precisely_why(
    world: World, refusal: Refusal, error: OutsideError, reason: Reason, facts: dict[str, str]
) -> None:
    world.smart.faults.fail("discover", error)

    refused = refusal(reason, enter, world)

    assert refused.facts == facts
    assert nothing_is_stored(world)


def test_an_approver_nobody_knows_is_refused(world: World, refusal: Refusal) -> None:
    refusal(
        Reason.APPROVER_UNKNOWN, enter, world, replace(FORM, approver_sign_in_name="x@y.example")
    )
    assert nothing_is_stored(world)


@pytest.mark.parametrize("error", [TryLater("timeout"), Denied("Forbidden")], ids=str)
def test_a_directory_that_does_not_answer_is_microsoft_s_fault(
    world: World, refusal: Refusal, error: OutsideError
) -> None:
    world.directory.faults.fail("find", error)

    refused = refusal(Reason.MICROSOFT_UNREACHABLE, enter, world)

    assert refused.facts == {"code": error.code}
    assert nothing_is_stored(world)


def test_an_approver_is_looked_for_in_the_admin_s_own_tenant(
    world: World, refusal: Refusal
) -> None:
    stranger = an_admin(tenant_id="33333333-3333-4333-8333-333333333333")

    refusal(Reason.APPROVER_UNKNOWN, enter, world, FORM, stranger)


def test_case_41_an_address_that_another_tenant_uses_is_not_taken_over(
    world: World, refusal: Refusal
) -> None:
    first = enter(world)
    approve(world, first)

    refusal(Reason.URL_TAKEN, enter, world, FORM, an_admin(tenant_id=OTHER_TENANT))

    assert {row["tenant_id"] for row in world.rows("ehr_environment")} == {TENANT}
    with world.store.read() as tx:
        assert tx.configurations.owner_of(TEST_BASE) == first.environment_id


def test_case_41_the_same_address_does_not_serve_two_environments_of_one_tenant(
    world: World, refusal: Refusal
) -> None:
    approve(world, enter(world))

    promoted(world)

    production = replace(FORM, kind=EnvironmentKind.PRODUCTION)
    refusal(Reason.URL_TAKEN, enter, world, production)

    assert len(world.rows("configuration_revision")) == 1


def test_the_owner_of_an_address_may_enter_it_again(world: World) -> None:
    approve(world, enter(world))

    assert enter(world).number == 2


def test_case_75_a_tenant_of_another_geography_is_refused_and_nothing_of_it_is_stored(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.smart.add_ehr(TEST_BASE)
    empty_world.directory.add(TENANT, approver())
    with empty_world.store.write() as tx:
        tx.configurations.register_tenant(tenant(geography=Geography.EMEA))

    refused = refusal(Reason.GEOGRAPHY_OTHER, enter, empty_world)

    assert refused.facts == {"geography": "emea"}
    assert nothing_is_stored(empty_world)


def test_case_75_a_database_of_another_geography_takes_no_revision_either(
    world: World, refusal: Refusal
) -> None:
    """Restored into the wrong deployment, with environments that are known there."""
    enter(world)
    elsewhere = replace(world.enter_configuration, geography=Geography.EMEA)

    refused = refusal(Reason.GEOGRAPHY_OTHER, elsewhere, an_admin(), FORM, "ref")

    assert refused.facts == {"geography": "americas"}


def test_case_75_nothing_is_entered_before_an_admin_confirmed_the_geography(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.smart.add_ehr(TEST_BASE)
    empty_world.directory.add(TENANT, approver())

    refusal(Reason.GEOGRAPHY_UNCONFIRMED, enter, empty_world)

    assert nothing_is_stored(empty_world)
    assert empty_world.rows("tenant") == []


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert('x')</script>",
        "=cmd|' /C calc'!A0",
        "Robert'); DROP TABLE tenant;--",
        "line\r\nbreak",
        "\u202etfel ot thgir",
        "\U0001f3e5 Klinikum Sankt-J\u00fcrgen",
        "x" * 10_000,
    ],
    ids=["markup", "formula", "sql", "line break", "right to left", "emoji", "long"],
)
def test_case_45_a_name_is_kept_as_it_was_typed(world: World, name: str) -> None:
    revision = enter(world, replace(FORM, organization_name=name))

    with world.store.read() as tx:
        found = tx.configurations.environment(revision.environment_id)
    assert found is not None
    assert found.organization_name == name


def test_organizations_of_two_tenants_with_one_name_are_two(world: World) -> None:
    """Case 74: a name is no key across tenants."""
    enter(world)
    other = replace(FORM, fhir_base_url=PRODUCTION_BASE)
    enter(world, other, an_admin(tenant_id=OTHER_TENANT))

    assert len(world.rows("organization")) == 2
    assert len(world.rows("ehr_environment")) == 2
