from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from simkit.clock import Clock, instant_text, parse_instant

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_clock_is_the_real_time_until_it_is_moved() -> None:
    with time_machine.travel(NOON, tick=False):
        assert Clock().now() == NOON


def test_a_set_clock_keeps_running() -> None:
    clock = Clock()
    with time_machine.travel(NOON, tick=False) as traveller:
        clock.set(NOON + timedelta(days=2))
        traveller.shift(timedelta(seconds=90))
        assert clock.now() == NOON + timedelta(days=2, seconds=90)


def test_advances_add_up_and_reset_undoes_them() -> None:
    clock = Clock()
    with time_machine.travel(NOON, tick=False):
        clock.advance(timedelta(minutes=5))
        clock.advance(timedelta(minutes=5))
        moved = clock.now()
        clock.reset()
        assert (moved, clock.now()) == (NOON + timedelta(minutes=10), NOON)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Clock().set(datetime(2026, 11, 25))  # noqa: DTZ001 - the case under test


@pytest.mark.parametrize("text", ["yesterday", "2026-11-25T12:00:00", ""])
def test_text_without_zone_or_sense_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|isoformat"):
        parse_instant(text)


def test_an_offset_becomes_utc() -> None:
    assert instant_text(parse_instant("2026-11-25T06:00:00-06:00")) == "2026-11-25T12:00:00.000Z"
