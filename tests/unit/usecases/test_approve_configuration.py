"""Two proven sign-ins and one yes to exactly what was shown: cases 30-36 and 41 of reliability.md."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.builders.approvals import ID, OLIVIA, at_the_ehr, prove, stored
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    PRODUCTION_BASE,
    TEST_BASE,
    an_admin,
    awaiting,
    endpoints,
    the_approver,
)
from tests.builders.launches import PATIENT_USER, PROVIDER_USER, transaction
from tests.builders.world import APPROVAL_CALLBACK, World

from connector.domain.audit import Event
from connector.domain.configuration import RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import Denied, TryLater, Untrusted
from connector.usecases.approve_configuration import ApproveConfiguration

Refusal = Callable[..., Refused]
STRANGERS = pytest.mark.parametrize(
    "who",
    [an_admin(), the_approver(tenant_id=OTHER_TENANT), the_approver(is_guest=True)],
    ids=["an admin", "of another tenant", "a guest"],
)


@pytest.fixture
def world(empty_world: World) -> World:
    """A revision awaits Olivia; its EHR answers."""
    empty_world.add_environment()
    empty_world.smart.add_ehr(TEST_BASE)
    empty_world.smart.add_ehr(PRODUCTION_BASE)
    with empty_world.store.write() as tx:
        tx.configurations.add_revision(awaiting())
    return empty_world


@pytest.fixture
def approvals(world: World) -> ApproveConfiguration:
    return world.approve_configuration


# The working world ------------------------------------------------------------------------------


def test_both_sign_ins_and_a_yes_open_the_door(
    world: World, approvals: ApproveConfiguration
) -> None:
    shown = prove(world)
    world.clock.advance(60)

    approved = approvals.approve(OLIVIA, ID, shown.digest(), "ref-yes")

    assert (approved.state, approved.approved_at) == (RevisionState.ACTIVE, world.clock.now())
    assert approved == stored(world)
    with world.store.read() as tx:
        door = tx.configurations.door(TEST_BASE)
    assert door is not None
    assert door.revision == approved


def test_opening_the_page_is_the_first_stamp(world: World, approvals: ApproveConfiguration) -> None:
    shown = approvals.show(OLIVIA, ID)

    assert shown.microsoft_signed_in_at == NOON
    assert shown == stored(world)


def test_the_ehr_sign_in_asks_for_an_identity_and_for_nothing_else(
    approvals: ApproveConfiguration,
) -> None:
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)

    assert request.endpoint == endpoints().authorization_endpoint
    assert request.parameters["scope"] == "openid fhirUser"
    assert request.parameters["redirect_uri"] == APPROVAL_CALLBACK
    assert request.parameters["aud"] == TEST_BASE
    assert request.parameters["client_id"] == "client-provider"
    assert "launch" not in request.parameters


def test_the_ehr_sign_in_reads_nothing_from_the_ehr_and_keeps_no_token(world: World) -> None:
    """F22: no FHIR request, and the token goes where it came from."""
    prove(world)

    assert world.appointments.reads == []
    assert [method for method, _ in world.smart.calls] == ["redeem_code", "verify_id_token"]
    assert b"access-" not in world.stored_bytes()
    assert PROVIDER_USER.user_id.encode() not in world.stored_bytes()


def test_every_step_is_audited_with_what_was_shown(
    world: World, approvals: ApproveConfiguration
) -> None:
    digest = prove(world).digest()
    approvals.approve(OLIVIA, ID, digest, "ref-yes")

    lines = [(row["event"], row["actor"], row["reference"]) for row in world.rows("audit_event")]
    assert lines == [
        (Event.APPROVER_SIGNED_IN_TO_EHR, OLIVIA.object_id, "ref-ehr"),
        (Event.CONFIGURATION_APPROVED, OLIVIA.object_id, "ref-yes"),
    ]
    assert world.audited(Event.CONFIGURATION_APPROVED) == [{"revision": ID, "digest": digest}]


def test_approving_the_next_revision_supersedes_the_active_one(
    world: World, approvals: ApproveConfiguration
) -> None:
    approvals.approve(OLIVIA, ID, prove(world).digest(), "ref")
    with world.store.write() as tx:
        tx.configurations.add_revision(awaiting(id="rev-test-2", number=2))

    approvals.approve(OLIVIA, "rev-test-2", prove(world, "rev-test-2").digest(), "ref")

    assert stored(world).state is RevisionState.SUPERSEDED
    with world.store.read() as tx:
        door = tx.configurations.door(TEST_BASE)
    assert door is not None
    assert door.revision.id == "rev-test-2"


def test_asking_for_changes_returns_the_revision_with_the_words(
    world: World, approvals: ApproveConfiguration
) -> None:
    approvals.request_changes(OLIVIA, ID, "The client id is last year's.", "ref-no")

    assert stored(world).state is RevisionState.CHANGES_REQUESTED
    assert stored(world).change_request == "The client id is last year's."
    assert world.audited(Event.CHANGES_REQUESTED)[0]["revision"] == ID


# Case 30: not the approver ----------------------------------------------------------------------


@STRANGERS
def test_case_30_nobody_else_sees_proves_approves_or_returns(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    shown = prove(world)
    before = (stored(world), world.rows("audit_event"))

    refusal(Reason.NOT_THE_APPROVER, approvals.show, who, ID)
    refusal(Reason.NOT_THE_APPROVER, approvals.begin_ehr_sign_in, who, ID)
    refusal(Reason.NOT_THE_APPROVER, approvals.approve, who, ID, shown.digest(), "ref")
    refusal(Reason.NOT_THE_APPROVER, approvals.request_changes, who, ID, "no", "ref")

    assert (stored(world), world.rows("audit_event")) == before


@STRANGERS
def test_case_30_the_ehr_sign_in_of_somebody_else_is_refused_before_the_code_is_sent(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)
    query = at_the_ehr(world, request)

    refusal(
        Reason.NOT_THE_APPROVER,
        approvals.complete_ehr_sign_in,
        who,
        request.transaction,
        query,
        "ref",
    )

    assert world.smart.calls == []


@STRANGERS
def test_case_30_a_second_click_by_somebody_else_is_no_approval(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    digest = prove(world).digest()
    approvals.approve(OLIVIA, ID, digest, "ref")

    refusal(Reason.NOT_THE_APPROVER, approvals.approve, who, ID, digest, "ref")


# Case 31: a step is missing ---------------------------------------------------------------------


def test_case_31_approving_at_once_is_a_step_missing(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    refusal(Reason.STEP_MISSING, approvals.approve, OLIVIA, ID, stored(world).digest(), "ref")

    assert stored(world) == awaiting()


def test_case_31_approving_after_the_microsoft_sign_in_only_is_a_step_missing(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    shown = approvals.show(OLIVIA, ID)

    refusal(Reason.STEP_MISSING, approvals.approve, OLIVIA, ID, shown.digest(), "ref")
    with world.store.read() as tx:
        assert tx.configurations.door(TEST_BASE) is None


def test_case_31_beginning_the_ehr_sign_in_does_not_count_as_having_done_it(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    approvals.begin_ehr_sign_in(OLIVIA, ID)

    refusal(Reason.STEP_MISSING, approvals.approve, OLIVIA, ID, stored(world).digest(), "ref")


# Case 32: another EHR, another browser, another code --------------------------------------------

Spoil = Callable[[dict[str, str]], dict[str, str]]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda q: q | {"iss": endpoints(PRODUCTION_BASE).issuer}, Reason.ISSUER_MIXED_UP),
        (lambda q: {k: v for k, v in q.items() if k != "iss"}, Reason.ISSUER_MIXED_UP),
        (lambda q: q | {"state": "wrong"}, Reason.STATE_FOREIGN),
        (lambda q: q | {"error": "access_denied"}, Reason.EHR_DENIED),
        (lambda q: q | {"code": ""}, Reason.EHR_ANSWER_INVALID),
    ],
    ids=["another issuer", "no issuer", "wrong state", "the person said no", "no code"],
)
def test_case_32_a_callback_that_does_not_prove_this_ehr_sends_no_code(
    world: World,
    approvals: ApproveConfiguration,
    refusal: Refusal,
    spoil: Spoil,
    reason: Reason,
) -> None:
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)
    query = spoil(at_the_ehr(world, request))

    refusal(reason, approvals.complete_ehr_sign_in, OLIVIA, request.transaction, query, "ref")

    assert world.smart.calls == []
    assert stored(world).ehr_signed_in_at is None


@pytest.mark.parametrize(
    ("method", "error", "reason"),
    [
        ("redeem_code", Denied("invalid_client"), Reason.EHR_REFUSED_CLIENT),
        ("redeem_code", TryLater("timeout", maybe_done=True), Reason.EHR_UNREACHABLE),
        ("verify_id_token", Untrusted("issuer"), Reason.ID_TOKEN_INVALID),
    ],
    ids=str,
)
def test_case_32_a_sign_in_the_ehr_does_not_prove_stamps_nothing(
    world: World,
    approvals: ApproveConfiguration,
    refusal: Refusal,
    method: str,
    error: Denied,
    reason: Reason,
) -> None:
    world.smart.faults.fail(method, error)

    refusal(reason, prove, world)

    assert stored(world).ehr_signed_in_at is None
    assert world.rows("audit_event") == []


def test_a_callback_in_another_browser_is_refused(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    query = at_the_ehr(world, approvals.begin_ehr_sign_in(OLIVIA, ID))

    refusal(Reason.STATE_FOREIGN, approvals.complete_ehr_sign_in, OLIVIA, None, query, "ref")


def test_an_ehr_sign_in_that_took_longer_than_ten_minutes_has_expired(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)
    query = at_the_ehr(world, request)
    world.clock.advance(timedelta(minutes=10, seconds=1))

    complete = approvals.complete_ehr_sign_in
    refusal(Reason.LAUNCH_EXPIRED, complete, OLIVIA, request.transaction, query, "ref")


def test_a_patients_ehr_sign_in_approves_nothing(world: World, refusal: Refusal) -> None:
    """Anybody can be a patient of a hospital; only its staff may vouch for its base URL."""
    request = world.approve_configuration.begin_ehr_sign_in(OLIVIA, ID)
    query = at_the_ehr(world, request, PATIENT_USER)

    refusal(
        Reason.WRONG_KIND_OF_USER,
        world.approve_configuration.complete_ehr_sign_in,
        OLIVIA,
        request.transaction,
        query,
        "ref",
    )


def test_a_revision_nobody_knows_is_unknown(
    approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    unknown = transaction(revision_id="rev-unknown")

    refusal(Reason.CONFIGURATION_UNKNOWN, approvals.show, OLIVIA, "rev-unknown")
    refusal(Reason.CONFIGURATION_UNKNOWN, approvals.approve, OLIVIA, "rev-unknown", "", "ref")
    refusal(
        Reason.CONFIGURATION_UNKNOWN, approvals.complete_ehr_sign_in, OLIVIA, unknown, {}, "ref"
    )
