"""Case 47: the approver's account is asked for again right before it decides."""

from collections.abc import Callable

import pytest
from tests.builders.approvals import ID, OLIVIA, at_the_ehr, prove, stored
from tests.builders.configurations import (
    ADMIN_ID,
    TENANT,
    TEST_BASE,
    an_admin,
    approver,
    awaiting,
)
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.configuration import RevisionState
from connector.domain.errors import Reason, Refused
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.usecases.approve_configuration import ApproveConfiguration

Refusal = Callable[..., Refused]
UNREACHABLE = [TryLater("timeout"), Denied("Authorization_RequestDenied"), BadAnswer("user")]


@pytest.fixture
def world(empty_world: World) -> World:
    """A revision awaits Olivia; its EHR answers, and Entra knows her."""
    empty_world.add_environment()
    empty_world.smart.add_ehr(TEST_BASE)
    with empty_world.store.write() as tx:
        tx.configurations.add_revision(awaiting())
    return empty_world


@pytest.fixture
def approvals(world: World) -> ApproveConfiguration:
    return world.approve_configuration


def disable_olivia(world: World) -> None:
    world.directory.disable(TENANT, approver().sign_in_name)


def no_door(world: World) -> bool:
    with world.store.read() as tx:
        return tx.configurations.door(TEST_BASE) is None


def test_case_47_an_account_disabled_between_the_sign_ins_and_the_yes_approves_nothing(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    shown = prove(world)
    disable_olivia(world)

    refused = refusal(Reason.APPROVER_DISABLED, approvals.approve, OLIVIA, ID, shown.digest(), "r")

    assert refused.facts == {"code": "no_such_member"}
    assert stored(world) == shown
    assert no_door(world)
    assert world.audited(Event.CONFIGURATION_APPROVED) == []


def test_case_47_an_account_disabled_before_the_ehr_sign_in_is_not_sent_to_the_ehr(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    disable_olivia(world)

    refusal(Reason.APPROVER_DISABLED, approvals.begin_ehr_sign_in, OLIVIA, ID)

    assert stored(world) == awaiting()


def test_case_47_an_account_disabled_during_the_ehr_sign_in_gets_no_further_than_its_stamp(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)
    disable_olivia(world)
    query = at_the_ehr(world, request)
    proven = approvals.complete_ehr_sign_in(OLIVIA, request.transaction, query, "ref-ehr")

    refusal(Reason.APPROVER_DISABLED, approvals.approve, OLIVIA, ID, proven.digest(), "ref")

    assert no_door(world)


@pytest.mark.parametrize("error", UNREACHABLE, ids=lambda error: type(error).__name__)
def test_case_47_where_entra_cannot_be_asked_nothing_changes(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, error: OutsideError
) -> None:
    shown = prove(world)
    world.directory.faults.fail("member", error)

    refusal(Reason.MICROSOFT_UNREACHABLE, approvals.approve, OLIVIA, ID, shown.digest(), "ref")

    assert stored(world) == shown
    assert no_door(world)


@pytest.mark.parametrize("error", UNREACHABLE, ids=lambda error: type(error).__name__)
def test_case_47_where_entra_cannot_be_asked_no_ehr_sign_in_begins(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, error: OutsideError
) -> None:
    world.directory.faults.fail("member", error)

    refusal(Reason.MICROSOFT_UNREACHABLE, approvals.begin_ehr_sign_in, OLIVIA, ID)

    assert stored(world) == awaiting()


def test_case_47_the_same_yes_counts_once_entra_answers_again(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    digest = prove(world).digest()
    world.directory.faults.fail("member", TryLater("timeout"))
    refusal(Reason.MICROSOFT_UNREACHABLE, approvals.approve, OLIVIA, ID, digest, "ref")

    assert approvals.approve(OLIVIA, ID, digest, "ref").state is RevisionState.ACTIVE


def test_case_47_an_enabled_account_that_is_not_the_approvers_is_not_even_asked_for(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    world.directory.faults.fail("member", Gone("asked"), times=None)
    admin = an_admin(object_id=ADMIN_ID)

    refusal(Reason.NOT_THE_APPROVER, approvals.approve, admin, ID, stored(world).digest(), "ref")
    refusal(Reason.NOT_THE_APPROVER, approvals.begin_ehr_sign_in, admin, ID)
