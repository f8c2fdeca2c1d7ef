"""What changes while the approver looks, and who clicks twice: cases 33, 35, 36, 41 of reliability.md."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.builders.approvals import ID, OLIVIA, at_the_ehr, prove, stored
from tests.builders.configurations import (
    OTHER_TENANT,
    PRODUCTION_BASE,
    TEST_BASE,
    active,
    an_admin,
    awaiting,
    endpoints,
    environment,
    the_approver,
)
from tests.builders.world import World

from connector.adapters.sql.transaction import SqlTransaction
from connector.domain.audit import Event
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind
from connector.ports.storage import AuditEntry, StorageUnavailable
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


# Cases 33 and 35: it changed meanwhile ----------------------------------------------------------


def edit(world: World, **changes: object) -> None:
    """An admin enters the next revision."""
    superseded = stored(world).superseded()
    with world.store.write() as tx:
        tx.configurations.save_revision(superseded, "awaiting_approval")
        tx.configurations.add_revision(awaiting(**{"id": "rev-test-2", "number": 2} | changes))


def test_case_33_an_edit_between_page_and_click_needs_another_look(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    shown = prove(world)
    edit(world, fhir_base_url=PRODUCTION_BASE)

    refusal(Reason.CHANGED_SINCE_SHOWN, approvals.approve, OLIVIA, ID, shown.digest(), "ref")
    refusal(Reason.STEP_MISSING, approvals.approve, OLIVIA, "rev-test-2", shown.digest(), "ref")
    with world.store.read() as tx:
        assert tx.configurations.door(TEST_BASE) is None
        assert tx.configurations.door(PRODUCTION_BASE) is None


def test_case_33_the_digest_of_another_revision_approves_nothing(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    prove(world)

    for digest in (awaiting(number=2).digest(), "", "0" * 64):
        refusal(Reason.CHANGED_SINCE_SHOWN, approvals.approve, OLIVIA, ID, digest, "ref")
    assert stored(world).state is RevisionState.AWAITING_APPROVAL


def test_case_33_an_edit_during_the_ehr_sign_in_stamps_neither_revision(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)
    query = at_the_ehr(world, request)
    edit(world)

    complete = approvals.complete_ehr_sign_in
    refusal(Reason.CHANGED_SINCE_SHOWN, complete, OLIVIA, request.transaction, query, "ref")

    assert stored(world, "rev-test-2").ehr_signed_in_at is None


def test_case_35_a_replaced_approver_is_refused_in_the_middle(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    shown = prove(world)
    successor = replace(stored(world).approver, object_id="aaaaaaaa-0000-4000-8000-000000000009")
    edit(world, approver=successor)

    refusal(Reason.CHANGED_SINCE_SHOWN, approvals.approve, OLIVIA, ID, shown.digest(), "ref")
    refusal(Reason.NOT_THE_APPROVER, approvals.show, OLIVIA, "rev-test-2")


@pytest.mark.parametrize("step", ["show", "begin_ehr_sign_in"])
def test_a_revision_that_is_active_already_takes_no_step(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, step: str
) -> None:
    approvals.approve(OLIVIA, ID, prove(world).digest(), "ref")

    refusal(Reason.STATE_CONFLICT, getattr(approvals, step), OLIVIA, ID)


# Case 36: twice at once -------------------------------------------------------------------------


def test_case_36_a_second_click_finds_it_done_and_changes_nothing(
    world: World, approvals: ApproveConfiguration
) -> None:
    digest = prove(world).digest()
    first = approvals.approve(OLIVIA, ID, digest, "ref-1")
    world.clock.advance(5)

    second = approvals.approve(OLIVIA, ID, digest, "ref-2")

    assert first == second == stored(world)
    assert len(world.audited(Event.CONFIGURATION_APPROVED)) == 1


def test_case_36_ten_clicks_at_once_are_one_approval(
    world: World, approvals: ApproveConfiguration
) -> None:
    digest = prove(world).digest()
    gate = threading.Barrier(10)

    def click(number: int) -> Revision:
        gate.wait(timeout=20)
        return approvals.approve(OLIVIA, ID, digest, f"ref-{number}")

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(click, range(10)))

    assert {revision.id for revision in results} == {ID}
    assert len(world.audited(Event.CONFIGURATION_APPROVED)) == 1


# Case 41 and unknown things ---------------------------------------------------------------------


def test_case_41_an_address_that_went_to_another_environment_meanwhile_is_not_taken(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    digest = prove(world).digest()
    other = replace(environment(), id="env-production", kind=EnvironmentKind.PRODUCTION)
    world.add_environment(other)
    world.approve(active(id="rev-other", environment_id=other.id))

    refusal(Reason.URL_TAKEN, approvals.approve, OLIVIA, ID, digest, "ref")

    assert stored(world).state is RevisionState.AWAITING_APPROVAL
    assert world.audited(Event.CONFIGURATION_APPROVED) == []
    with world.store.read() as tx:
        assert tx.configurations.owner_of(TEST_BASE) == "env-production"


def test_a_refused_approval_leaves_the_active_revision_in_place(
    world: World, approvals: ApproveConfiguration, refusal: Refusal
) -> None:
    """All or nothing: the earlier revision is superseded in the same transaction."""
    approvals.approve(OLIVIA, ID, prove(world).digest(), "ref")
    other = replace(environment(), id="env-production", kind=EnvironmentKind.PRODUCTION)
    world.add_environment(other)
    world.approve(
        active(
            id="rev-other",
            environment_id=other.id,
            fhir_base_url=PRODUCTION_BASE,
            endpoints=endpoints(PRODUCTION_BASE),
        )
    )
    greedy = awaiting(
        id="rev-test-2",
        number=2,
        fhir_base_url=PRODUCTION_BASE,
        endpoints=endpoints(PRODUCTION_BASE),
    )
    with world.store.write() as tx:
        tx.configurations.add_revision(greedy)
    digest = prove(world, "rev-test-2").digest()

    refusal(Reason.URL_TAKEN, approvals.approve, OLIVIA, "rev-test-2", digest, "ref")

    assert stored(world).state is RevisionState.ACTIVE
    with world.store.read() as tx:
        door = tx.configurations.door(TEST_BASE)
    assert door is not None
    assert door.revision.id == ID


class _SlowerThanSomebody:
    """A store in which every revision was saved by somebody else a moment before."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self.read = world.store.read

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        with self._store.write() as tx:
            tx.configurations.save_revision = lambda *_: False  # type: ignore[method-assign]
            yield tx


@pytest.mark.parametrize("step", ["show", "approve"])
def test_case_36_whoever_is_slower_at_saving_is_told_to_look_again(
    world: World, approvals: ApproveConfiguration, refusal: Refusal, step: str
) -> None:
    """The store's promise of one writer at a time is not the only thing that keeps approvals apart."""
    digest = prove(world).digest()
    slower = replace(approvals, store=_SlowerThanSomebody(world))  # type: ignore[arg-type]
    calls = {
        "show": lambda: slower.show(OLIVIA, ID),
        "approve": lambda: slower.approve(OLIVIA, ID, digest, "ref"),
    }

    refusal(Reason.CHANGED_SINCE_SHOWN, calls[step])

    assert stored(world).state is RevisionState.AWAITING_APPROVAL
    assert world.audited(Event.CONFIGURATION_APPROVED) == []


class _CannotAudit:
    """A store that dies when a line of the audit trail is to be written."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self.read = world.store.read

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        def lost(_entry: AuditEntry) -> None:
            raise StorageUnavailable("unreachable")

        with self._store.write() as tx:
            tx.audit = lost  # type: ignore[method-assign]
            yield tx


def test_no_step_of_the_approver_stands_without_its_line_in_the_audit_trail(
    world: World, approvals: ApproveConfiguration
) -> None:
    """Case 70: the change and its line are one transaction."""
    request = approvals.begin_ehr_sign_in(OLIVIA, ID)
    query = at_the_ehr(world, request)
    dying = replace(approvals, store=_CannotAudit(world))  # type: ignore[arg-type]

    with pytest.raises(StorageUnavailable):
        dying.complete_ehr_sign_in(OLIVIA, request.transaction, query, "ref")
    with pytest.raises(StorageUnavailable):
        dying.request_changes(OLIVIA, ID, "Another department.", "ref")

    assert stored(world).ehr_signed_in_at is None
    assert stored(world).state is RevisionState.AWAITING_APPROVAL
