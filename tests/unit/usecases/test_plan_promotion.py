"""What a promotion plan finds: case 42 of reliability.md (flow 5)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from tests.builders.configurations import (
    ADMIN_ID,
    NOON,
    OTHER_TENANT,
    PRODUCTION_BASE,
    TEST_BASE,
    active,
    an_admin,
    approver,
    clients,
    environment,
    identity,
    tenant,
)
from tests.builders.promotions import (
    PRODUCTION_CLIENTS,
    hold_visit,
    item,
    live,
    make_ready,
    plan,
    production,
    promote,
    request,
    verify_records,
)
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.configuration import EhrClients, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography
from connector.domain.organization import EnvironmentKind
from connector.domain.promotion import Readiness
from connector.domain.sharing import Grant, GrantState
from connector.ports.errors import AddressRefused, BadAnswer, Denied, OutsideError, TryLater

Refusal = Callable[..., Refused]


@pytest.fixture
def ready(world: World) -> World:
    return make_ready(world)


def blockers(world: World, **changes: object) -> list[Readiness]:
    return [each.readiness for each in plan(world, **changes).blockers]


# The working world ------------------------------------------------------------------------------


def test_a_ready_test_environment_has_no_blocker(ready: World) -> None:
    found = plan(ready)

    assert [each.readiness for each in found.items if not each.ready] == []
    assert [each.readiness for each in found.items] == list(Readiness)
    assert (found.source.id, found.target, found.newest_number) == ("rev-test-1", None, 0)
    assert found.applied is None


def test_the_first_promotion_shows_every_value_as_new(ready: World) -> None:
    changes = {change.field: change for change in plan(ready).changes}

    assert all(change.before == "" for change in changes.values())
    assert changes["fhir_base_url"].after == PRODUCTION_BASE
    assert changes["client_provider"].after == "prd-provider"
    assert changes["department"].after == "%LOGINDEPTID%"


def test_a_later_promotion_shows_only_what_differs_from_production(ready: World) -> None:
    ready.add_environment(production())
    live(ready, 1, endpoints=ready.smart.add_ehr(PRODUCTION_BASE))

    found = plan(ready, clients=replace(PRODUCTION_CLIENTS, patient="prd-patient-2"))

    assert [(c.field, c.before, c.after) for c in found.changes] == [
        ("client_patient", "prd-patient", "prd-patient-2")
    ]
    assert found.target is not None


def test_planning_changes_nothing_but_the_audit_trail(ready: World) -> None:
    tables = ("ehr_environment", "configuration_revision", "integration_record")
    before = [ready.rows(table) for table in tables]
    digest = plan(ready).digest

    assert [ready.rows(table) for table in tables] == before
    assert ready.audited(Event.PROMOTION_PLANNED) == [{"digest": digest, "blockers": ""}]


def test_the_address_is_normalised_before_it_is_probed(ready: World) -> None:
    typed = f" {PRODUCTION_BASE.replace('https', 'HTTPS')}/ "

    assert plan(ready, fhir_base_url=typed).digest == plan(ready).digest
    assert ready.smart.calls[-1] == ("discover", {"fhir_base_url": PRODUCTION_BASE})


def test_two_plans_of_the_same_state_are_the_same_plan(ready: World) -> None:
    first = plan(ready)
    hold_visit(ready, "eAppointment2")

    second = plan(ready)
    assert item(second, Readiness.TEST_VISITS).facts == {"completed": "2"}
    assert second.digest == first.digest, "one more test visit makes no plan stale"


# What stands in the way -------------------------------------------------------------------------


def test_a_test_configuration_nobody_approved_is_not_promoted(world: World) -> None:
    make_ready(world)
    with world.store.write() as tx:
        tx.configurations.retire(active())

    found = plan(world)
    assert {Readiness.TEST_APPROVED, Readiness.TEST_VISITS} <= {i.readiness for i in found.blockers}
    assert item(found, Readiness.TEST_APPROVED).facts["state"] == "retired"


def test_an_edit_that_waits_in_test_does_not_hide_the_approved_revision(ready: World) -> None:
    waiting = active(id="rev-test-2", number=2, state=RevisionState.AWAITING_APPROVAL)
    with ready.store.write() as tx:
        tx.configurations.add_revision(waiting)

    assert plan(ready).source.id == "rev-test-1"


def test_visits_before_the_approval_of_this_revision_do_not_count(ready: World) -> None:
    ready.approve(active(id="rev-test-2", number=2, approved_at=NOON + timedelta(hours=2)))

    assert blockers(ready) == [Readiness.TEST_VISITS]


def test_a_record_nobody_pasted_back_is_named_by_count(world: World) -> None:
    make_ready(world)
    with world.store.write() as tx:
        tx.records.forget_verification("env-test")
        tx.records.mark_verified("record-provider", ADMIN_ID, NOON)

    found = item(plan(world), Readiness.RECORDS_VERIFIED)
    assert (found.blocks, found.facts) == (True, {"issued": "2", "verified": "1"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AddressRefused("private_address", host="ehr.example"), Reason.URL_REFUSED),
        (TryLater("timeout", host="ehr.example"), Reason.EHR_UNREACHABLE),
        (BadAnswer("no_token_endpoint", host="ehr.example"), Reason.EHR_ANSWER_INVALID),
        (Denied("http_403", host="ehr.example"), Reason.EHR_ANSWER_INVALID),
    ],
)
def test_a_production_ehr_that_does_not_answer_well_is_described(
    ready: World, error: OutsideError, reason: Reason
) -> None:
    ready.smart.faults.fail("discover", error)

    found = plan(ready)
    probed = item(found, Readiness.PRODUCTION_PROBED)
    assert found.blockers == [probed]
    assert probed.facts == {"reason": reason, "code": error.code, "host": "ehr.example"}
    assert (found.proposed, list(found.changes)) == (None, [])


def test_an_unknown_approver_blocks(ready: World) -> None:
    found = plan(ready, approver_sign_in_name="nobody@contoso.example")

    known = item(found, Readiness.APPROVER_KNOWN)
    assert found.blockers == [known]
    assert known.facts["reason"] == Reason.APPROVER_UNKNOWN


def test_a_directory_that_does_not_answer_blocks(ready: World) -> None:
    ready.directory.faults.fail("find", TryLater("timeout"))

    known = item(plan(ready), Readiness.APPROVER_KNOWN)
    assert known.facts == {"reason": Reason.MICROSOFT_UNREACHABLE, "code": "timeout"}


def test_a_missing_licence_blocks(world: World) -> None:
    world.smart.add_ehr(PRODUCTION_BASE)
    hold_visit(world)
    verify_records(world)

    assert blockers(world) == [Readiness.LICENCE_CONFIRMED]


def test_another_tenants_address_is_not_promoted_to_and_not_described(ready: World) -> None:
    give_away(ready)

    address = item(plan(ready), Readiness.ADDRESS_FREE)
    assert address.blocks
    assert address.facts == {"environment": "another tenant's"}


def test_case_41_production_s_address_may_not_look_like_another_tenants(
    ready: World, refusal: Refusal
) -> None:
    """ADR 9: an address is entered here as well."""
    give_away(ready)
    alike = PRODUCTION_BASE.replace("contoso", "contosso")
    ready.smart.add_ehr(alike)
    use_case = ready.promote_configuration

    refused = refusal(
        Reason.URL_LOOKS_LIKE_ANOTHER,
        use_case.plan,
        an_admin(),
        request(fhir_base_url=alike),
        "ref",
    )
    assert refused.facts == {"why": "host_reads_alike"}
    assert ready.audited(Event.PROMOTION_PLANNED) == []
    vouching = replace(use_case, vouched_hosts=frozenset({urlsplit(alike).hostname or ""}))
    assert vouching.plan(an_admin(), request(fhir_base_url=alike), "ref").blockers == []


def test_an_address_that_is_shared_with_the_tenant_is_free(ready: World) -> None:
    give_away(ready)
    with ready.store.write() as tx:
        tx.grants.add(
            Grant(
                id="grant-1",
                fhir_base_url=PRODUCTION_BASE,
                owner_environment_id="env-other",
                owner_tenant_id=OTHER_TENANT,
                guest_tenant_id=an_admin().tenant_id,
                state=GrantState.ACCEPTED,
                offered_at=NOON,
                offered_by=ADMIN_ID,
            )
        )

    assert item(plan(ready), Readiness.ADDRESS_FREE).facts == {"shared": "yes"}


def give_away(world: World) -> None:
    """Another tenant's production holds the address."""
    theirs = {"id": "env-other", "tenant_id": OTHER_TENANT, "organization_id": "org-other"}
    world.add_environment(environment(**theirs, kind=EnvironmentKind.PRODUCTION))
    live(world, 1, id="rev-other", environment_id="env-other", tenant_id=OTHER_TENANT)


def test_what_waits_in_production_is_told_but_does_not_block(ready: World) -> None:
    ready.add_environment(production())
    waiting = active(
        id="rev-production-1",
        environment_id="env-production",
        state=RevisionState.CHANGES_REQUESTED,
    )
    with ready.store.write() as tx:
        tx.configurations.add_revision(waiting)

    found = plan(ready)
    pending = item(found, Readiness.NOTHING_PENDING)
    assert (pending.ready, pending.blocks, found.blockers) == (False, False, [])
    assert pending.facts == {"revision": "rev-production-1", "number": "1"}


# Case 43 ----------------------------------------------------------------------------------------


def test_case_43_the_test_address_is_refused_for_production_and_test_is_named(ready: World) -> None:
    address = item(plan(ready, fhir_base_url=TEST_BASE), Readiness.ADDRESS_FREE)

    assert address.blocks
    assert address.facts == {"environment": "test", "environment_id": "env-test"}


def test_case_43_test_client_ids_are_refused_for_production_and_named(ready: World) -> None:
    mixed = EhrClients("prd-provider", clients().patient, clients().backend)

    of_clients = item(plan(ready, clients=mixed), Readiness.CLIENTS_OF_PRODUCTION)
    assert of_clients.blocks
    assert of_clients.facts == {"of_test": "patient, backend"}


def test_case_43_a_test_client_id_is_refused_whatever_it_was_for(ready: World) -> None:
    swapped = replace(PRODUCTION_CLIENTS, backend=clients().provider)

    of_clients = item(plan(ready, clients=swapped), Readiness.CLIENTS_OF_PRODUCTION)
    assert of_clients.facts == {"of_test": "backend"}


def test_a_client_id_that_is_not_given_blocks(ready: World) -> None:
    partly = replace(PRODUCTION_CLIENTS, backend="")

    assert item(plan(ready, clients=partly), Readiness.CLIENTS_OF_PRODUCTION).facts == {
        "missing": "backend"
    }


# Who may, and what ------------------------------------------------------------------------------


def test_a_member_without_a_role_may_not_plan(ready: World, refusal: Refusal) -> None:
    use_case = ready.promote_configuration
    refusal(Reason.ROLE_MISSING, use_case.plan, identity(), request(), "ref")
    assert ready.smart.count("discover") == 0


def test_case_74_another_tenants_environment_does_not_exist(ready: World, refusal: Refusal) -> None:
    with ready.store.write() as tx:
        tx.configurations.register_tenant(tenant(OTHER_TENANT))
    stranger = an_admin(tenant_id=OTHER_TENANT)

    refusal(
        Reason.CONFIGURATION_UNKNOWN, ready.promote_configuration.plan, stranger, request(), "ref"
    )
    assert ready.smart.count("discover") == 0, "nobody probes in another's name"


@pytest.mark.parametrize("environment_id", ["env-production", "env-nowhere"])
def test_only_a_test_environment_is_promoted(
    ready: World, refusal: Refusal, environment_id: str
) -> None:
    ready.add_environment(production())
    asked = request(test_environment_id=environment_id)

    refusal(
        Reason.CONFIGURATION_UNKNOWN, ready.promote_configuration.plan, an_admin(), asked, "ref"
    )


def test_an_environment_without_any_revision_is_not_promoted(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.add_environment()
    use_case = empty_world.promote_configuration
    refusal(Reason.CONFIGURATION_UNKNOWN, use_case.plan, an_admin(), request(), "ref")


def test_a_malformed_address_is_refused_before_it_is_probed(ready: World, refusal: Refusal) -> None:
    asked = request(fhir_base_url="http://ehr.contoso.example")
    refused = refusal(
        Reason.URL_REFUSED, ready.promote_configuration.plan, an_admin(), asked, "ref"
    )
    assert refused.facts == {"why": "not_https"}
    assert ready.smart.count("discover") == 0


def test_a_tenant_nobody_confirmed_is_refused(empty_world: World, refusal: Refusal) -> None:
    use_case = empty_world.promote_configuration
    refusal(Reason.GEOGRAPHY_UNCONFIRMED, use_case.plan, an_admin(), request(), "ref")


def test_case_75_a_tenant_of_another_geography_is_refused(ready: World, refusal: Refusal) -> None:
    elsewhere = replace(ready.promote_configuration, geography=Geography.EMEA)
    refused = refusal(Reason.GEOGRAPHY_OTHER, elsewhere.plan, an_admin(), request(), "ref")
    assert refused.facts == {"geography": "americas"}


# A plan knows its own promotion -----------------------------------------------------------------


def test_a_plan_after_its_own_promotion_is_the_same_plan_and_says_so(ready: World) -> None:
    before = plan(ready)
    revision = promote(ready)

    after = plan(ready)
    assert (after.digest, after.applied) == (before.digest, revision)


def test_a_plan_with_other_values_does_not_take_what_waits_for_its_own(ready: World) -> None:
    promote(ready)

    after = plan(ready, clients=replace(PRODUCTION_CLIENTS, backend="prd-backend-2"))
    assert after.applied is None
    assert not item(after, Readiness.NOTHING_PENDING).ready


def test_a_plan_that_production_fulfils_already_names_the_live_revision(ready: World) -> None:
    ready.add_environment(production())
    running = live(ready, 1, endpoints=ready.smart.add_ehr(PRODUCTION_BASE))

    found = plan(ready)
    assert (list(found.changes), found.applied) == ([], running)


def test_a_new_approver_account_behind_the_same_name_makes_another_plan(ready: World) -> None:
    before = plan(ready)
    ready.directory.add(an_admin().tenant_id, replace(approver(), object_id="new-object"))

    assert plan(ready).changed_since(before.digest) == ["outside"]
