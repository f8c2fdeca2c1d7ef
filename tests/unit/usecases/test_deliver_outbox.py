"""Write-backs reach the EHR once and in order, or wait, or park their lane: cases 67-69, 73."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.builders.calls import at, connected, gone, roster
from tests.builders.configurations import TEST_BASE, active, endpoints
from tests.builders.launches import (
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    appointment,
    patient_launch,
    provider_launch,
)
from tests.builders.world import World, values

from connector.domain.audit import Event, Outcome
from connector.domain.outbox import CLAIM
from connector.domain.participant import ConnectionStatus, Role
from connector.domain.visit import VisitState
from connector.ports.ehr import ConnectionReport, EhrTarget
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    Rejected,
    TryLater,
    Untrusted,
)
from connector.usecases.deliver_outbox import Delivery

CONNECTED, DISCONNECTED = ConnectionStatus.CONNECTED, ConnectionStatus.DISCONNECTED
DOWN = TryLater("http_503")
Owe = Callable[..., str]


@pytest.fixture
def owe(world: World) -> Owe:
    """Patient number `number` comes and goes; the EHR is owed two reports of that visit."""

    def visit_of(number: int = 1) -> str:
        facts = appointment(appointment_id=f"eA{number}", conference_id=f"20000{number}")
        world.open_visit.for_patient(patient_launch(f"p{number}", appointment=facts), "ref")
        opened = world.open_visit.for_provider(
            provider_launch(f"d{number}", appointment=facts), PROVIDER_OBJECT_ID, "ref"
        )
        world.watch_meetings()
        with world.store.read() as tx:
            visit = tx.visits.get(opened.visit.id)
        assert visit is not None
        ((graph_id, live),) = [
            (graph_id, live)
            for graph_id, live in world.subscriptions.live.items()
            if visit.meeting and live["join_url"] == visit.meeting.join_url
        ]
        for event in (roster(1, connected("guest")), roster(2, gone("guest"))):
            item = (graph_id, live["client_state"], live["tenant_id"], event)
            world.receive_notification(world.reader.post([item]))
        world.clock.set(max(world.clock.now(), at(60)))
        world.apply_notifications()
        return opened.visit.id

    return visit_of


def states(world: World) -> list[str]:
    return values(world.rows("outbox_message"), "state")


def heard(world: World) -> list[ConnectionStatus]:
    return [report.status for report in world.write_back.reports]


def test_what_is_owed_is_delivered_in_order_and_noted(world: World, owe: Owe) -> None:
    owe()

    world.deliver(rounds=3)

    assert heard(world) == [CONNECTED, DISCONNECTED]
    assert states(world) == ["delivered", "delivered"]
    assert world.deliver_outbox.due(10) == []


def test_a_report_goes_to_the_approved_ehr_as_the_backend_client(world: World, owe: Owe) -> None:
    owe()

    world.deliver()

    ((target, report),) = world.write_back.calls
    assert (target.fhir_base_url, target.client_id) == (TEST_BASE, "client-backend")
    assert target.endpoints == endpoints()
    assert (report.conference_id, report.person_id) == ("200001", PATIENT_USER.fhir_id)
    assert (report.role, report.status) == (Role.PATIENT, CONNECTED)
    assert report.key == world.rows("outbox_message")[0]["key"]


def test_a_new_approved_revision_moves_what_is_still_owed(world: World, owe: Owe) -> None:
    owe()
    moved = "https://new-ehr.contoso.example/api/FHIR/R4"
    world.approve(
        active(id="rev-test-2", number=2, fhir_base_url=moved, endpoints=endpoints(moved))
    )

    world.deliver()

    assert world.write_back.calls[0][0].fhir_base_url == moved


def test_the_second_report_waits_for_the_first(world: World, owe: Owe) -> None:
    owe()

    assert len(world.deliver_outbox.due(10)) == 1
    assert world.deliver_outbox.due(10) == [], "the head is taken and the lane is not overtaken"


def test_visits_are_lanes_of_their_own(world: World, owe: Owe) -> None:
    owe(1)
    owe(2)

    assert len(world.deliver_outbox.due(10)) == 2


# The EHR is away --------------------------------------------------------------------------------


def test_case_67_an_ehr_that_is_away_gets_everything_in_order_when_it_is_back(
    world: World, owe: Owe
) -> None:
    owe()
    world.write_back.faults.fail("report", DOWN, times=None)
    for _ in range(48):
        world.deliver()
        world.clock.advance(timedelta(minutes=5))

    assert states(world) == ["retry_at", "pending"]
    world.write_back.faults.clear()
    world.deliver(rounds=3)

    assert heard(world) == [CONNECTED, DISCONNECTED]
    assert states(world) == ["delivered", "delivered"]


def test_case_67_an_ehr_that_asks_back_every_second_for_four_hours_loses_nothing(
    world: World, owe: Owe
) -> None:
    """`Retry-After: 1` is the least to wait, not a reason to use up the tries."""
    owe()
    world.write_back.faults.fail("report", TryLater("http_503", retry_after_seconds=1), times=None)
    for _ in range(4 * 60 * 2):
        world.deliver()
        world.clock.advance(timedelta(seconds=30))

    assert states(world) == ["retry_at", "pending"]
    assert len(world.write_back.calls) < 200


def test_a_pause_that_the_ehr_asks_for_is_kept(world: World, owe: Owe) -> None:
    owe()
    world.write_back.faults.fail("report", TryLater("http_429", retry_after_seconds=120))
    world.deliver()

    world.clock.advance(119)
    world.deliver()
    assert len(world.write_back.calls) == 1

    world.clock.advance(1)
    world.deliver()
    assert len(world.write_back.calls) == 2


def test_a_pause_nobody_asked_for_grows_with_every_try(world: World, owe: Owe) -> None:
    owe()
    world.write_back.faults.fail("report", DOWN, times=None)
    pauses = []
    for _ in range(4):
        world.deliver()
        waited = 0
        while not world.deliver_outbox.due(1):
            world.clock.advance(0.25)
            waited += 1
        pauses.append(waited * 0.25)
        world.clock.advance(CLAIM)

    assert pauses == sorted(pauses)
    assert pauses[0] < 1 < pauses[-1]


def test_case_69_an_answer_that_was_lost_is_repeated_with_the_same_key(
    world: World, owe: Owe
) -> None:
    owe()
    world.write_back.faults.fail("report", TryLater("timeout", maybe_done=True), after=True)

    world.deliver()
    world.clock.advance(5)
    world.deliver(rounds=3)

    keys = [report.key for _, report in world.write_back.calls]
    assert len(keys) == 3
    assert len(set(keys)) == 2
    assert heard(world) == [CONNECTED, DISCONNECTED]


def test_case_73_a_worker_killed_before_it_noted_the_yes_repeats_the_same_key(
    world: World, owe: Owe
) -> None:
    owe()
    (message,) = world.deliver_outbox.due(10)
    told = ConnectionReport("200001", PATIENT_USER.fhir_id, Role.PATIENT, CONNECTED, message.key)
    world.write_back.report(EhrTarget(TEST_BASE, endpoints(), "client-backend"), told)

    world.clock.advance(CLAIM)
    world.deliver(rounds=3)

    assert heard(world) == [CONNECTED, DISCONNECTED]
    assert [report.key for _, report in world.write_back.calls][:2] == [message.key] * 2


def test_case_73_a_message_a_killed_worker_held_comes_back_after_its_lease(
    world: World, owe: Owe
) -> None:
    owe()
    (held,) = world.deliver_outbox.due(10)

    world.clock.advance(CLAIM - timedelta(seconds=1))
    assert world.deliver_outbox.due(10) == []
    world.clock.advance(1)

    (again,) = world.deliver_outbox.due(10)
    assert (again.id, again.key, again.attempts) == (held.id, held.key, 1)


def test_an_environment_without_an_approved_configuration_keeps_what_it_owes(
    world: World, owe: Owe
) -> None:
    owe()
    with world.store.write() as tx:
        tx._connection.exec_driver_sql("DELETE FROM issuer_claim")

    world.deliver()

    assert states(world) == ["retry_at", "pending"]
    assert values(world.rows("outbox_message"), "code")[0] == "configuration_inactive"
    assert world.write_back.calls == []


# The EHR says no --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        Denied("invalid_client"),
        Denied("http_403"),
        Gone("http_404"),
        BadAnswer("http_302"),
        BadAnswer("content_type"),
        Untrusted("signature"),
        AddressRefused("address_not_public"),
    ],
    ids=str,
)
def test_what_may_end_is_tried_again_until_it_does(
    world: World, owe: Owe, error: OutsideError
) -> None:
    """A gateway under maintenance, keys the EHR has not fetched yet, a name that is moved."""
    owe()
    world.write_back.faults.fail("report", error, times=None)
    for _ in range(5):
        world.deliver()
        world.clock.advance(timedelta(minutes=5))
    assert states(world) == ["retry_at", "pending"]
    assert values(world.rows("outbox_message"), "code")[0] == error.code

    world.write_back.faults.clear()
    world.deliver(rounds=3)

    assert heard(world) == [CONNECTED, DISCONNECTED]
    assert world.audited(Event.WRITE_BACK_PARKED) == []


def test_case_68_a_clear_no_parks_the_lane_and_is_audited(world: World, owe: Owe) -> None:
    visit_id = owe()
    error = Rejected("INVALID-USER-ID")
    world.write_back.faults.fail("report", error)

    world.deliver(rounds=3)

    assert states(world) == ["parked", "pending"]
    assert heard(world) == []
    (line,) = [row for row in world.rows("audit_event") if row["event"] == Event.WRITE_BACK_PARKED]
    assert (line["outcome"], line["actor"]) == (Outcome.FAILURE, "connector")
    assert world.audited(Event.WRITE_BACK_PARKED) == [{"visit": visit_id, "code": error.code}]


def test_case_68_a_parked_lane_holds_nobody_else_up(world: World, owe: Owe) -> None:
    owe(1)
    world.write_back.faults.fail("report", Rejected("INVALID-USER-ID"))
    world.deliver()
    owe(2)

    world.deliver(rounds=3)

    assert [report.conference_id for report in world.write_back.reports] == ["200002"] * 2
    assert states(world) == ["parked", "pending", "delivered", "delivered"]


def test_an_ehr_that_stays_away_for_good_is_parked_when_the_data_key_goes(
    world: World, owe: Owe
) -> None:
    owe()
    world.write_back.faults.fail("report", DOWN, times=None)
    with world.store.write() as tx:
        tx._connection.exec_driver_sql("UPDATE outbox_message SET attempts = 900")

    world.deliver()
    assert states(world)[0] == "retry_at"
    world.clock.advance(timedelta(days=1))
    world.tidy_up()

    assert states(world) == ["parked", "parked"]
    assert values(world.rows("outbox_message"), "code") == ["secrets_destroyed"] * 2


def test_what_became_of_an_attempt_is_told(world: World, owe: Owe) -> None:
    owe()
    world.write_back.faults.fail("report", DOWN)
    world.write_back.faults.fail("report", Rejected("INVALID-USER-ID"))
    outcomes = []
    for _ in range(3):
        (message,) = world.deliver_outbox.due(1)
        outcomes.append(world.deliver_outbox(message))
        world.clock.advance(5)
        if world.deliver_outbox.due(0) == [] and states(world)[0] == "parked":
            world.replay_outbox()

    assert outcomes == [Delivery.RETRIED, Delivery.PARKED, Delivery.DELIVERED]


def test_a_message_is_due_by_our_clock_whatever_graph_s_says(world: World, owe: Owe) -> None:
    """Graph's clock may run ahead: what it reports for tomorrow is told today."""
    owe()

    rows = world.rows("outbox_message")

    assert {row["due_at"] for row in rows} == {row["created_at"] for row in rows}
    assert all(datetime.fromisoformat(r["due_at"]) >= at(60).replace(tzinfo=None) for r in rows)


# Replay -----------------------------------------------------------------------------------------


def test_case_68_a_parked_lane_goes_on_when_an_operator_replays_it(world: World, owe: Owe) -> None:
    visit_id = owe()
    world.write_back.faults.fail("report", Rejected("INVALID-USER-ID"))
    world.deliver()

    (replayed,) = world.replay_outbox()
    world.deliver(rounds=3)

    assert (replayed.visit_id, replayed.code) == (visit_id, "INVALID-USER-ID")
    assert heard(world) == [CONNECTED, DISCONNECTED]
    assert world.audited(Event.WRITE_BACK_REPLAYED) == [
        {"visit": visit_id, "code": "INVALID-USER-ID"}
    ]


def test_only_the_message_named_is_replayed(world: World, owe: Owe) -> None:
    owe(1)
    owe(2)
    world.write_back.faults.fail("report", Rejected("INVALID-USER-ID"), times=2)
    world.deliver()
    first, _, third, _ = world.replay_outbox.owed()
    assert (first.replayable, third.replayable) == (True, True)

    assert [m.id for m in world.replay_outbox(third.id)] == [third.id]
    assert world.replay_outbox(999) == []

    assert states(world) == ["parked", "pending", "retry_at", "pending"]


def test_what_was_never_parked_is_listed_and_not_replayed(world: World, owe: Owe) -> None:
    owe()

    assert world.replay_outbox() == []
    assert [m.replayable for m in world.replay_outbox.owed()] == [False, False]


def test_what_is_parked_keeps_its_key_for_a_day_and_no_longer(world: World, owe: Owe) -> None:
    owe()
    world.write_back.faults.fail("report", Rejected("INVALID-USER-ID"))
    world.deliver()
    with world.store.write() as tx:
        tx.visits.save(replace(world.visit(), state=VisitState.ENDED, ended_at=at(61)))
    world.clock.advance(timedelta(hours=23))
    world.tidy_up()
    assert len(world.rows("visit_secret")) == 1

    world.clock.advance(timedelta(hours=2))
    world.tidy_up()

    assert world.replay_outbox() == []
    assert {m.code for m in world.replay_outbox.owed()} == {"secrets_destroyed"}


# The data key is gone ---------------------------------------------------------------------------


def test_a_message_whose_data_key_was_destroyed_is_parked_unsent(world: World, owe: Owe) -> None:
    owe()
    (message,) = world.deliver_outbox.due(10)
    with world.store.write() as tx:
        tx.visits.destroy_secrets(at(0), at(0) + timedelta(days=1))

    world.deliver_outbox(message)

    assert world.write_back.calls == []
    assert set(states(world)) == {"parked"}
    assert world.audited(Event.WRITE_BACK_PARKED)[0]["code"] == "data_key_destroyed"


def test_a_message_that_does_not_open_is_parked_unsent(world: World, owe: Owe) -> None:
    owe()
    with world.store.write() as tx:
        tx._connection.exec_driver_sql("UPDATE outbox_message SET sealed = x'00112233'")

    world.deliver()

    assert world.write_back.calls == []
    assert states(world)[0] == "parked"
