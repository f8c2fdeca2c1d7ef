"""Pauses between tries and keys of write-backs."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.builders.calls import at

from connector.domain.outbox import idempotency_key, pause_seconds
from connector.domain.participant import ConnectionStatus, Role, StatusReport

REPORT = StatusReport("person", Role.PATIENT, ConnectionStatus.CONNECTED, at(1), at(1))
_attempts = st.integers(1, 10_000)
_jitter = st.floats(0, 1, exclude_max=True)


def test_the_same_report_has_the_same_key() -> None:
    assert idempotency_key("visit-1", REPORT) == idempotency_key("visit-1", replace(REPORT))


def test_a_key_differs_by_visit_person_status_time_and_cause() -> None:
    others = [
        idempotency_key("visit-2", REPORT),
        idempotency_key("visit-1", replace(REPORT, participant_key="other")),
        idempotency_key("visit-1", replace(REPORT, status=ConnectionStatus.DISCONNECTED)),
        idempotency_key("visit-1", replace(REPORT, at=at(1.001))),
        idempotency_key("visit-1", replace(REPORT, cause_at=at(2))),
        idempotency_key("visit-1", REPORT),
    ]

    assert len(set(others)) == 6


def test_a_key_cannot_be_made_of_the_parts_of_another() -> None:
    shifted = replace(REPORT, participant_key="on")

    assert idempotency_key("visit-1\npers", shifted) != idempotency_key("visit-1", REPORT)


def test_a_key_is_short_enough_for_a_vendor_context_and_says_nothing() -> None:
    key = idempotency_key("visit-1", REPORT)

    assert len(key) == 40
    assert set(key) <= set("0123456789abcdef")


@given(_attempts, _jitter)
def test_a_pause_is_between_half_a_second_and_five_minutes(attempts: int, jitter: float) -> None:
    assert 0.5 <= pause_seconds(attempts, jitter) <= 300


@given(_attempts, _jitter)
def test_a_pause_never_gets_shorter_with_more_attempts(attempts: int, jitter: float) -> None:
    assert pause_seconds(attempts, jitter) <= pause_seconds(attempts + 1, jitter)


@given(_attempts)
def test_jitter_spreads_a_pause_over_its_upper_half(attempts: int) -> None:
    shortest, longest = pause_seconds(attempts, 0.0), pause_seconds(attempts, 0.999999)

    assert 1.99 * shortest < longest < 2 * shortest


def test_the_first_pauses_double() -> None:
    assert [pause_seconds(n, 0.0) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
