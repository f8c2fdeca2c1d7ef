"""The EHR sends the browser back: cases 1-3, 6, 7, 9, 11, 13, 17, 22 of reliability.md; C02, C03, C09, C10."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.canaries import CANARIES
from tests.builders.configurations import (
    PRODUCTION_BASE,
    TENANT,
    TEST_BASE,
    active,
    endpoints,
    environment,
)
from tests.builders.launches import (
    PARENT_USER,
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    appointment,
)
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.launch import EhrUser, FhirUserType, Intent, LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.ports.errors import Denied
from connector.usecases.begin_launch import AuthorizationRequest
from connector.usecases.complete_launch import (
    CompletedLaunch,
    hash_of_state,
)

Refusal = Callable[..., Refused]
Query = dict[str, str]
ComeBack = Callable[[Query], CompletedLaunch]
PROVIDER, PATIENT = LaunchKind.PROVIDER, LaunchKind.PATIENT


@pytest.fixture
def request_(world: World) -> AuthorizationRequest:
    return world.begin_launch(PROVIDER, TEST_BASE, "launch-token")


@pytest.fixture
def query(world: World, request_: AuthorizationRequest) -> Query:
    """What a good EHR sends the browser back with."""
    return world.sign_in(request_, PROVIDER_USER)


@pytest.fixture
def come_back(world: World, request_: AuthorizationRequest) -> ComeBack:
    return lambda query: world.complete_launch(request_.transaction, query)


# The working world ------------------------------------------------------------------------------


def test_a_provider_s_launch_is_proven(world: World) -> None:
    request = world.begin_launch(PROVIDER, TEST_BASE, "launch-token")
    completed = world.complete_launch(request.transaction, world.sign_in(request, PROVIDER_USER))

    launch = completed.launch
    assert (launch.kind, launch.user, launch.appointment) == (
        PROVIDER,
        PROVIDER_USER,
        appointment(),
    )
    assert (launch.environment_id, launch.tenant_id) == ("env-test", TENANT)
    assert launch.intent is Intent.BEGIN
    assert launch.state_hash == hash_of_state(request.transaction.state)
    assert request.transaction.state not in launch.state_hash
    assert completed.door == request.door
    assert completed.account is None


def test_a_provider_who_is_linked_comes_with_the_account(world: World) -> None:
    with world.store.write() as tx:
        tx.links.add(
            "env-test", PROVIDER_USER.user_id, TENANT, PROVIDER_OBJECT_ID, world.clock.now()
        )

    assert world.launch().account == PROVIDER_OBJECT_ID


def test_a_link_of_another_environment_does_not_count(world: World) -> None:
    """ASVS 6.8.1: the same EHR user ID elsewhere is somebody else."""
    world.add_environment(
        replace(environment(), id="env-production", kind=EnvironmentKind.PRODUCTION)
    )
    with world.store.write() as tx:
        tx.links.add(
            "env-production", PROVIDER_USER.user_id, TENANT, PROVIDER_OBJECT_ID, world.clock.now()
        )

    assert world.launch().account is None


def test_a_patient_has_no_account_even_if_the_ehr_user_id_is_linked(world: World) -> None:
    with world.store.write() as tx:
        tx.links.add(
            "env-test", PATIENT_USER.user_id, TENANT, PROVIDER_OBJECT_ID, world.clock.now()
        )

    assert world.launch(PATIENT).account is None


def test_c10_a_parent_launches_as_related_person_for_the_child(world: World) -> None:
    launch = world.launch(PATIENT, PARENT_USER).launch

    assert launch.user == PARENT_USER
    assert launch.appointment.patient_id == PATIENT_USER.fhir_id


def test_a_practitioner_role_may_launch_as_provider(world: World) -> None:
    role = EhrUser("ehr-user-9", FhirUserType.PRACTITIONER_ROLE, "eRole9")

    assert world.launch(PROVIDER, role).launch.user == role


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        ("visit-status", Intent.STATUS),
        ("begin-virtual-visit", Intent.BEGIN),
        ("something-new", Intent.BEGIN),
        ("", Intent.BEGIN),
    ],
)
def test_only_a_known_intent_changes_what_a_launch_is_for(
    world: World, intent: str, expected: Intent
) -> None:
    assert world.launch(context={"intent": intent}).launch.intent is expected


# State and age ----------------------------------------------------------------------------------


def test_case_02_a_callback_without_state_and_cookie_is_refused(
    world: World, refusal: Refusal
) -> None:
    refusal(Reason.STATE_MISSING, world.complete_launch, None, {"code": "stolen"})

    assert world.smart.calls == []


def test_case_02_a_callback_in_another_browser_is_refused(
    world: World, refusal: Refusal, query: Query
) -> None:
    refusal(Reason.STATE_FOREIGN, world.complete_launch, None, query)

    assert world.smart.calls == []


def test_case_03_the_back_button_after_a_launch_names_the_open_visit(
    world: World, refusal: Refusal, query: Query
) -> None:
    """The browser has thrown the transaction away by then; the spent state still tells."""
    with world.store.write() as tx:
        tx.redemptions.redeem(hash_of_state(query["state"]), "visit-1", world.clock.now())

    refused = refusal(Reason.LAUNCH_ALREADY_USED, world.complete_launch, None, query)

    assert refused.facts == {"visit": "visit-1"}
    assert world.smart.calls == []


@pytest.mark.parametrize("state", ["", "of-another-launch", "\u00e9"])
def test_case_02_a_wrong_state_is_refused_and_the_code_goes_nowhere(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, state: str
) -> None:
    refusal(Reason.STATE_FOREIGN, come_back, query | {"state": state})

    assert world.smart.calls == []


def test_case_02_a_callback_that_lost_its_state_is_refused(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    del query["state"]

    refusal(Reason.STATE_FOREIGN, come_back, query)
    assert world.smart.calls == []


def test_a_launch_that_took_longer_than_ten_minutes_has_expired(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    world.clock.advance(timedelta(minutes=10, seconds=1))

    refusal(Reason.LAUNCH_EXPIRED, come_back, query)
    assert world.smart.calls == []


def test_a_launch_of_ten_minutes_is_still_good(
    world: World, come_back: ComeBack, query: Query
) -> None:
    world.clock.advance(timedelta(minutes=10))

    assert come_back(query)


def test_case_03_a_state_that_was_spent_leads_to_its_visit_and_to_no_second_exchange(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    opened = world.open_visit.for_provider(come_back(query).launch, PROVIDER_OBJECT_ID, "ref")
    calls = len(world.smart.calls)

    refused = refusal(Reason.LAUNCH_ALREADY_USED, come_back, query)

    assert refused.facts == {"visit": opened.visit.id}
    assert len(world.smart.calls) == calls
    assert len(world.meetings.calls) == 1


def test_case_01_a_second_launch_with_the_same_token_is_the_ehr_s_to_accept(world: World) -> None:
    first, second = world.launch(), world.launch()

    assert first.launch.state_hash != second.launch.state_hash


def test_a_configuration_approved_in_between_ends_the_launch(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    """What the launch began with is what it ends with: pinned addresses never mix."""
    world.approve(active(id="rev-test-2", number=2))

    refused = refusal(Reason.LAUNCH_EXPIRED, come_back, query)

    assert refused.facts == {"why": "configuration_changed"}
    assert world.smart.calls == []


def test_an_environment_that_is_gone_ends_the_launch(
    world: World, refusal: Refusal, request_: AuthorizationRequest, query: Query
) -> None:
    orphan = replace(request_.transaction, environment_id="env-gone")

    refusal(Reason.LAUNCH_EXPIRED, world.complete_launch, orphan, query)


# Issuer of the callback -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    ["https://evil.example/oauth2", endpoints(PRODUCTION_BASE).issuer, TEST_BASE, "", "\u00e9"],
)
def test_case_07_the_code_of_a_mixed_up_ehr_is_never_sent(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, issuer: str
) -> None:
    refusal(Reason.ISSUER_MIXED_UP, come_back, query | {"iss": issuer})

    assert world.smart.calls == []


def test_c03_an_ehr_that_promised_to_name_itself_must_do_so(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    """RFC 9207 section 2.4."""
    del query["iss"]

    refusal(Reason.ISSUER_MIXED_UP, come_back, query)
    assert world.smart.calls == []


def test_an_older_ehr_that_never_names_itself_is_believed(empty_world: World) -> None:
    empty_world.add_environment()
    empty_world.approve(active(endpoints=endpoints(callback_names_issuer=False)))
    empty_world.book()
    request = empty_world.begin_launch(PROVIDER, TEST_BASE, "launch-token")
    query = empty_world.sign_in(request, PROVIDER_USER)
    # The fake EHR checks its own endpoints, which say that it names itself.
    del query["iss"]

    assert empty_world.complete_launch(request.transaction, query)


def test_a_launch_that_is_refused_spends_nothing(world: World, refusal: Refusal) -> None:
    refusal(Reason.WRONG_KIND_OF_USER, world.launch, PROVIDER, PATIENT_USER)

    assert world.rows("redeemed_launch") == []
    assert world.rows("visit") == []


def test_c16_names_in_the_ehr_s_answer_are_read_by_nobody(world: World) -> None:
    """Epic's context tokens may bring names and birth dates (ehr.md 4.2)."""
    launch = world.launch().launch
    world.open_visit.for_provider(launch, PROVIDER_OBJECT_ID, "ref")

    seen = repr(launch).encode() + world.stored_bytes()
    assert not [canary for canary in CANARIES if canary.encode() in seen]


def test_no_refusal_carries_a_code_a_state_or_a_person(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    """C16: facts go into the audit trail."""
    world.smart.faults.fail("redeem_code", Denied("invalid_grant"))

    refused = refusal(Reason.EHR_DENIED, come_back, query)

    said = f"{refused} {refused.facts}"
    assert query["code"] not in said
    assert query["state"] not in said
