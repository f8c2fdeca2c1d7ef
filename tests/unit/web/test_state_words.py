"""Every state has words, and the words are plain."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from connector.domain.configuration import RevisionState
from connector.domain.participant import ConnectionStatus, Participant, Presence, Role
from connector.domain.visit import VisitState
from connector.web.local_time import clock_time, date_time
from connector.web.probe_words import EXPLAINED
from connector.web.state_words import (
    HAPPENED,
    PATIENT_WORDS,
    PRESENCE_WORDS,
    PROVIDER_WORDS,
    REVISION_WORDS,
    ROLE_WORDS,
    people_in,
)

TABLES = [
    (REVISION_WORDS, RevisionState),
    (PROVIDER_WORDS, VisitState),
    (PATIENT_WORDS, VisitState),
    (PRESENCE_WORDS, Presence),
    (HAPPENED, ConnectionStatus),
    (ROLE_WORDS, Role),
]


@pytest.mark.parametrize(("table", "states"), TABLES)
def test_every_state_has_words(table: dict[str, object], states: Iterable[str]) -> None:
    assert set(table) == set(states)


@pytest.mark.parametrize("words", [*REVISION_WORDS.values(), *PROVIDER_WORDS.values()])
def test_a_tone_is_one_the_style_sheet_knows(words: object) -> None:
    assert getattr(words, "tone", "") in {"good", "wait", "bad", "quiet"}


@pytest.mark.parametrize("words", PATIENT_WORDS.values())
def test_a_patient_reads_no_jargon(words: object) -> None:
    told = f"{getattr(words, 'title', '')} {getattr(words, 'next', '')}".lower()
    assert not {"lobby", "provider", "ehr", "launch", "session"} & set(told.split())


@pytest.mark.parametrize("code", EXPLAINED)
def test_an_explained_probe_says_cause_and_remedy_as_sentences(code: str) -> None:
    cause, remedy = EXPLAINED[code]
    assert cause.endswith((".", "#."))
    assert remedy.endswith(".")


@pytest.mark.parametrize(
    ("utc", "clock"),
    [
        (datetime(2026, 3, 8, 7, 59, 59, tzinfo=UTC), "01:59:59"),
        (datetime(2026, 3, 8, 8, 0, 0, tzinfo=UTC), "03:00:00"),  # an hour that did not happen
        (datetime(2026, 11, 1, 6, 30, 0, tzinfo=UTC), "01:30:00"),
        (datetime(2026, 11, 1, 7, 30, 0, tzinfo=UTC), "01:30:00"),  # the hour that came twice
    ],
)
def test_the_clinics_clock_follows_daylight_saving(utc: datetime, clock: str) -> None:
    assert clock_time(utc, "America/Chicago") == clock


def test_a_kept_time_names_its_zone() -> None:
    twice = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    assert date_time(twice, "America/Chicago") == "1 November 2026, 01:30 CST"


def test_people_are_called_by_their_role_and_numbered_when_several_share_it() -> None:
    roles = [Role.OTHER, Role.PATIENT, Role.OTHER, Role.PROVIDER, Role.PATIENT]
    roster = [Participant(f"p{number}", role) for number, role in enumerate(roles)]

    assert [name for name, _ in people_in(roster)] == [
        "Clinician",
        "Patient or guest 1",
        "Patient or guest 2",
        "Somebody else 1",
        "Somebody else 2",
    ]
