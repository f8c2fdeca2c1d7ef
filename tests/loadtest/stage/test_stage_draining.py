"""A run ends when everything that happened was told to the EHR, and not at the first empty second."""

from collections.abc import Callable, Iterator

from loadtest.stage.draining import NEVER, Owed, wait_until_told

NOTHING = Owed(deliveries=0, posts=0, outbox=0, taken=9)


class Days:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def told(*looks: Owed, patience_seconds: float = 60) -> float:
    """The last look is seen for ever."""
    days, rest = Days(), iter(looks)
    return wait_until_told(
        following(rest, looks[-1]), patience_seconds, now=days.now, sleep=days.sleep
    )


def following(rest: Iterator[Owed], last: Owed) -> Callable[[], Owed]:
    return lambda: next(rest, last)


def test_an_empty_outbox_that_stays_so_was_empty_from_the_start() -> None:
    assert told(NOTHING) == 0


def test_the_time_is_that_of_the_last_report() -> None:
    owing = Owed(deliveries=0, posts=0, outbox=4, taken=5)
    assert told(owing, owing, owing, NOTHING) == 1.5


def test_a_notification_on_its_way_is_waited_for() -> None:
    assert told(Owed(deliveries=2, posts=0, outbox=0, taken=9), NOTHING) == 0.5


def test_a_post_that_a_killed_worker_held_is_waited_for() -> None:
    assert told(Owed(deliveries=0, posts=1, outbox=0, taken=9), NOTHING) == 0.5


def test_an_attendance_report_that_is_awaited_is_waited_for() -> None:
    """Whom no notification told of is told of after the call (ADR 17)."""
    awaiting = Owed(deliveries=0, posts=0, outbox=0, taken=9, awaited=1)
    assert told(awaiting, awaiting, NOTHING) == 1.0


def test_a_report_that_never_comes_ends_patience() -> None:
    awaiting = Owed(deliveries=0, posts=0, outbox=0, taken=9, awaited=1)
    assert told(awaiting, patience_seconds=5) == NEVER


def test_a_message_made_meanwhile_begins_the_waiting_anew() -> None:
    again = Owed(deliveries=0, posts=0, outbox=1, taken=9)
    assert told(NOTHING, NOTHING, NOTHING, again, NOTHING) == 2.0


def test_a_report_that_came_without_being_seen_in_the_outbox_counts_as_not_quiet() -> None:
    looks = [Owed(deliveries=0, posts=0, outbox=0, taken=taken) for taken in (1, 2, 3, 4)]
    assert told(*looks) == 1.5


def test_a_connector_that_does_not_tell_is_judged_by_what_the_ehr_takes() -> None:
    assert told(Owed(deliveries=0, posts=-1, outbox=-1, taken=3)) == 0


def test_patience_ends() -> None:
    assert told(Owed(deliveries=0, posts=0, outbox=1, taken=0), patience_seconds=5) == NEVER
