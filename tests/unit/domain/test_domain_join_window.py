"""When a patient may join (U1-U4, cases 59 and 60): in UTC, whatever the clocks of the clinic do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.calls import meeting, visit
from tests.builders.configurations import NOON

from connector.domain.join_window import ALWAYS, Hold, JoinWindow, held_back
from connector.domain.visit import FINAL, Visit, VisitState
from connector.domain.visit_settings import VisitSettings

HALF_HOUR = timedelta(minutes=30)
WINDOW = JoinWindow(NOON - HALF_HOUR, NOON + HALF_HOUR)
BEFORE, AFTER = NOON - timedelta(minutes=31), NOON + timedelta(minutes=31)
ZONES = ("America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


def open_visit(**changes: object) -> Visit:
    return replace(visit(), meeting=meeting(), **changes)


@pytest.mark.parametrize(
    ("now", "hold"),
    [
        (BEFORE, Hold.TOO_EARLY),
        (NOON - HALF_HOUR - timedelta(microseconds=1), Hold.TOO_EARLY),
        (NOON - HALF_HOUR, None),
        (NOON, None),
        (NOON + HALF_HOUR, None),
        (NOON + HALF_HOUR + timedelta(microseconds=1), Hold.TOO_LATE),
        (AFTER, Hold.TOO_LATE),
    ],
)
def test_both_ends_belong_to_the_window(now: datetime, hold: Hold | None) -> None:
    assert held_back(open_visit(), WINDOW, now) is hold


def test_without_a_meeting_there_is_nothing_to_join_yet() -> None:
    assert held_back(visit(), WINDOW, NOON) is Hold.NOT_STARTED


@pytest.mark.parametrize("now", [BEFORE, AFTER])
def test_the_time_is_told_before_the_missing_clinician(now: datetime) -> None:
    assert held_back(visit(), WINDOW, now) in {Hold.TOO_EARLY, Hold.TOO_LATE}


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize("now", [BEFORE, NOON, AFTER])
def test_a_visit_that_is_over_stays_over_at_any_time(state: VisitState, now: datetime) -> None:
    assert held_back(open_visit(state=state), WINDOW, now) is Hold.ENDED


def test_a_visit_that_runs_late_is_not_cut_off_for_who_lost_the_connection() -> None:
    running = open_visit(state=VisitState.INTERRUPTED, met=True)
    assert held_back(running, WINDOW, AFTER) is None


def test_a_side_nobody_knows_is_always_open() -> None:
    assert held_back(open_visit(), ALWAYS, BEFORE) is None
    assert held_back(open_visit(), JoinWindow(None, NOON), BEFORE) is None
    assert held_back(open_visit(), JoinWindow(NOON, None), AFTER) is None


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - zones below
    length=st.integers(0, 300),
    opens=st.integers(0, 1440),
    closes=st.integers(0, 1440),
    zone=st.sampled_from(ZONES),
)
def test_case_60_minutes_are_real_minutes_across_every_change_of_the_clocks(
    start: datetime, length: int, opens: int, closes: int, zone: str
) -> None:
    """An appointment told in any zone opens and closes at the same instants as told in UTC."""
    begins = start.replace(tzinfo=UTC)
    ends = begins + timedelta(minutes=length)
    settings = VisitSettings(join_opens_minutes=opens, join_closes_minutes=closes)

    local = settings.join_window(begins.astimezone(ZoneInfo(zone)), ends.astimezone(ZoneInfo(zone)))

    assert local == settings.join_window(begins, ends)
    assert (begins - timedelta(minutes=opens), ends + timedelta(minutes=closes)) == (
        local.opens_at,
        local.closes_at,
    )
    assert {at.tzinfo for at in (local.opens_at, local.closes_at) if at} == {UTC}


@pytest.mark.parametrize(
    ("start", "opens"),
    [
        # 8 March 2026, 03:15 CDT: fifteen minutes after a clock that jumped from 02:00 to 03:00.
        (datetime(2026, 3, 8, 8, 15, tzinfo=UTC), datetime(2026, 3, 8, 7, 45, tzinfo=UTC)),
        # 1 November 2026, 01:15 CST: the second 01:15 of that night.
        (datetime(2026, 11, 1, 7, 15, tzinfo=UTC), datetime(2026, 11, 1, 6, 45, tzinfo=UTC)),
        # 29 February 2028.
        (datetime(2028, 3, 1, 0, 15, tzinfo=UTC), datetime(2028, 2, 29, 23, 45, tzinfo=UTC)),
    ],
    ids=["spring", "autumn", "leap day"],
)
def test_case_60_half_an_hour_before_is_half_an_hour(start: datetime, opens: datetime) -> None:
    chicago = start.astimezone(ZoneInfo("America/Chicago"))
    assert VisitSettings(join_opens_minutes=30).join_window(chicago, None).opens_at == opens
