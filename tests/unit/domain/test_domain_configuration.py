"""A revision changes only through its methods: reliability.md cases 30-36."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.builders.calls import at
from tests.builders.configurations import (
    OTHER_TENANT,
    active,
    an_admin,
    approver,
    awaiting,
    clients,
    draft,
    endpoints,
    stamped,
    the_approver,
)

from connector.domain.configuration import Change, Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import MicrosoftIdentity
from connector.domain.visit_settings import Lobby, VisitSettings

Step = Callable[[Revision, MicrosoftIdentity], Revision]

SIGN_IN_WITH_MICROSOFT: Step = lambda r, who: r.signed_in_with_microsoft(who, at(60))  # noqa: E731 - rows of a table
SIGN_IN_TO_EHR: Step = lambda r, who: r.signed_in_to_ehr(who, at(120))  # noqa: E731 - rows of a table
APPROVE: Step = lambda r, who: r.approved(who, r.digest(), at(180))  # noqa: E731 - rows of a table
ASK_FOR_CHANGES: Step = lambda r, who: r.changes_requested(who, "wrong client")  # noqa: E731 - rows of a table
STEPS = [SIGN_IN_WITH_MICROSOFT, SIGN_IN_TO_EHR, APPROVE, ASK_FOR_CHANGES]


def refusal(step: Step, revision: Revision, who: MicrosoftIdentity | None = None) -> Reason:
    with pytest.raises(Refused) as refused:
        step(revision, who or the_approver())
    return refused.value.reason


def test_a_revision_is_submitted_stamped_twice_and_approved() -> None:
    revision = draft().submitted()
    for step in (SIGN_IN_WITH_MICROSOFT, SIGN_IN_TO_EHR, APPROVE):
        revision = step(revision, the_approver())

    assert revision == active(
        microsoft_signed_in_at=at(60), ehr_signed_in_at=at(120), approved_at=at(180)
    )


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "who",
    [
        an_admin(),
        the_approver(object_id="cccccccc-0000-4000-8000-000000000001"),
        the_approver(tenant_id=OTHER_TENANT),
        the_approver(is_guest=True),
    ],
    ids=["an admin", "same sign-in name", "same object id in another tenant", "a guest"],
)
def test_case_30_nobody_but_the_named_approver_takes_a_step(
    step: Step, who: MicrosoftIdentity
) -> None:
    assert refusal(step, stamped(), who) is Reason.NOT_THE_APPROVER


def test_case_31_approving_without_the_ehr_sign_in_is_a_step_missing() -> None:
    assert refusal(APPROVE, stamped(ehr_signed_in_at=None)) is Reason.STEP_MISSING


def test_case_31_approving_without_the_microsoft_sign_in_is_a_step_missing() -> None:
    assert refusal(APPROVE, stamped(microsoft_signed_in_at=None)) is Reason.STEP_MISSING


def test_case_31_the_ehr_sign_in_does_not_count_before_the_microsoft_sign_in() -> None:
    assert refusal(SIGN_IN_TO_EHR, awaiting()) is Reason.STEP_MISSING


def test_the_first_microsoft_sign_in_is_the_one_that_is_kept() -> None:
    signed_in = awaiting().signed_in_with_microsoft(the_approver(), at(60))

    assert signed_in.signed_in_with_microsoft(the_approver(), at(90)) == signed_in


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "state",
    [
        RevisionState.DRAFT,
        RevisionState.CHANGES_REQUESTED,
        RevisionState.ACTIVE,
        RevisionState.RETIRED,
    ],
)
def test_a_revision_that_awaits_no_approval_takes_no_step(step: Step, state: RevisionState) -> None:
    assert refusal(step, stamped(state=state)) is Reason.STATE_CONFLICT


@pytest.mark.parametrize("step", STEPS)
def test_case_33_a_revision_an_edit_has_superseded_says_that_it_changed(step: Step) -> None:
    assert refusal(step, stamped().superseded()) is Reason.CHANGED_SINCE_SHOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"environment_id": "env-production"},
        {"number": 2},
        {"fhir_base_url": "https://evil.example/R4"},
        {"clients": clients(provider="other")},
        {"clients": clients(patient="other")},
        {"clients": clients(backend="other")},
        {"endpoints": endpoints(issuer="https://evil.example/oauth2")},
        {"endpoints": endpoints(authorization_endpoint="https://evil.example/authorize")},
        {"endpoints": endpoints(token_endpoint="https://evil.example/token")},
        {"endpoints": endpoints(jwks_uri="https://evil.example/jwks")},
        {"endpoints": endpoints(callback_names_issuer=False)},
        {"approver": approver(object_id="other")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_case_33_any_changed_value_makes_what_was_shown_stale(changes: dict[str, Any]) -> None:
    shown = stamped()
    changed = replace(shown, **changes)

    with pytest.raises(Refused) as refused:
        changed.approved(
            replace(the_approver(), object_id=changed.approver.object_id), shown.digest(), at(180)
        )
    assert refused.value.reason is Reason.CHANGED_SINCE_SHOWN


def test_stamps_do_not_change_what_was_shown() -> None:
    assert awaiting().digest() == stamped().digest() == active().digest()


def test_an_empty_digest_approves_nothing() -> None:
    assert (
        refusal(lambda r, who: r.approved(who, "", at(180)), stamped())
        is Reason.CHANGED_SINCE_SHOWN
    )


def test_asking_for_changes_keeps_the_words_of_the_approver() -> None:
    returned = stamped().changes_requested(the_approver(), "The client id is last year's.")

    assert returned.state is RevisionState.CHANGES_REQUESTED
    assert returned.change_request == "The client id is last year's."


def test_submitting_again_collects_the_stamps_anew() -> None:
    again = stamped().changes_requested(the_approver(), "wrong").submitted()

    assert again == awaiting()


@pytest.mark.parametrize(
    "state",
    set(RevisionState)
    - {RevisionState.DRAFT, RevisionState.CHANGES_REQUESTED, RevisionState.SUPERSEDED},
)
def test_only_a_draft_or_a_returned_revision_can_be_submitted(state: RevisionState) -> None:
    assert refusal(lambda r, _who: r.submitted(), draft(state=state)) is Reason.STATE_CONFLICT


def test_a_refused_step_names_the_revision_or_the_state_and_no_person() -> None:
    with pytest.raises(Refused) as foreigner:
        stamped().require_approver(an_admin())
    with pytest.raises(Refused) as too_late:
        active().submitted()

    assert foreigner.value.facts == {"revision": "rev-test-1"}
    assert too_late.value.facts == {"state": "active"}


def test_each_kind_of_launch_has_its_own_client() -> None:
    assert clients().of(LaunchKind.PROVIDER) == "client-provider"
    assert clients().of(LaunchKind.PATIENT) == "client-patient"


def test_what_changed_is_told_field_by_field() -> None:
    edited = awaiting(
        clients=clients(backend="other"), settings=VisitSettings(lobby=Lobby.EVERYBODY)
    )

    assert edited.changes_from(active()) == [
        Change("client_backend", "client-backend", "other"),
        Change("lobby", "patients", "everybody"),
    ]


def test_everything_is_a_change_from_nothing() -> None:
    changes = awaiting().changes_from(None)

    assert {change.before for change in changes} == {""}
    assert Change("fhir_base_url", "", awaiting().fhir_base_url) in changes


def test_a_revision_that_was_approved_once_and_replaced_is_restored() -> None:
    assert active(state=RevisionState.SUPERSEDED).restored() == active()


@pytest.mark.parametrize(
    "revision",
    [
        stamped().superseded(),
        active(),
        active(state=RevisionState.CHANGES_REQUESTED),
        active(state=RevisionState.RETIRED),
    ],
)
def test_a_revision_nobody_approved_or_that_is_not_replaced_is_not_restored(
    revision: Revision,
) -> None:
    with pytest.raises(Refused) as refused:
        revision.restored()

    assert refused.value.reason is Reason.STATE_CONFLICT


def test_only_a_live_revision_retires() -> None:
    assert active().retired().state is RevisionState.RETIRED
    with pytest.raises(Refused):
        awaiting().retired()
