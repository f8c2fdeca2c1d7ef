"""Kill -9 in the middle of a visit: every connect and disconnect reaches the EHR exactly once.

reliability.md cases 51, 53, 69 and 73 on real processes.
"""

import re
import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import psutil
import pytest
from scripts.sandbox import Sandbox
from scripts.story.narrator import eventually
from scripts.story.scenes import Visit, meet, until_watched

from connector.domain.outbox import CLAIM

pytestmark = pytest.mark.sandbox

GUEST = "Guest of the crash test"
LOST_ANSWERS = 3
WHO = ("provider", "patient")
# At a visit of which nothing is heard a look is due after twelve times the sandbox's two seconds.
LOOK_SECONDS = 60
# What the killed worker held comes back when its lease ends: a post or a write-back, one each.
LEASES_SECONDS = 2 * CLAIM.total_seconds() + 15


def kill_one_web_worker(visit: Visit) -> None:
    """The process that answers, not the gunicorn master that replaces it."""
    master = psutil.Process(visit.cast.sandbox.process("web").pid)
    workers = [child for child in master.children() if child.is_running()]
    workers[0].kill()


def rejoin(visit: Visit, meeting_page: str) -> None:
    visit.patient_begins()
    visit.cast.patient.press("join", display_name=GUEST)
    visit.cast.clinician.open(meeting_page).press("admit-1")


def test_worker_and_web_worker_are_killed_and_nothing_is_lost_or_repeated(
    visit_of: Callable[[str], Visit],
) -> None:
    visit = visit_of("PCHALMERS")
    visit.provider_begins()
    meet(visit, GUEST)
    clinician, patient = visit.cast.clinician, visit.cast.patient
    meeting_page, sandbox = clinician.url, visit.cast.sandbox
    eventually(
        "the EHR hears of the patient", lambda: ("patient", "connected") in visit.audit_trail()
    )

    sandbox.process("worker").kill9()
    kill_one_web_worker(visit)
    patient.press("leave")
    rejoin(visit, meeting_page)
    sandbox.restart("worker")
    eventually(
        "what happened meanwhile is delivered",
        lambda: visit.audit_trail().count(("patient", "connected")) == 2,
        LEASES_SECONDS,
    )
    sandbox.process("worker").kill9()
    clinician.open(meeting_page).press("end-meeting")
    sandbox.restart("worker")

    expected = {
        ("provider", "connected"): 1,
        ("provider", "disconnected"): 1,
        ("patient", "connected"): 2,
        ("patient", "disconnected"): 2,
    }
    eventually(
        "the end is delivered",
        lambda: all(visit.audit_trail().count(line) >= n for line, n in expected.items()),
        LEASES_SECONDS,
    )
    trail = visit.audit_trail()
    assert {line: trail.count(line) for line in expected} == expected


@pytest.mark.parametrize("worker_is_back", ["before they leave", "after the end"])
def test_who_met_before_their_meeting_was_watched_is_told_of_once_after_the_call(
    visit_of: Callable[[str], Visit], worker_is_back: str
) -> None:
    """Case 53: no notification tells of them, for there was nobody to subscribe (ADR 17)."""
    visit = visit_of("PCHALMERS")
    sandbox, clinician = visit.cast.sandbox, visit.cast.clinician
    until_watched(visit)  # that of another visit: its subscription is not what is tried here
    visit.appointment_id = book(sandbox)
    sandbox.process("worker").kill9()
    visit.provider_begins()
    meeting_page = clinician.press("join-now").url
    visit.patient_begins().press("join", display_name=GUEST)
    clinician.open(meeting_page).press("admit-1")
    if worker_is_back == "before they leave":
        sandbox.restart("worker")
        until_watched(visit)
    visit.cast.patient.press("leave")
    clinician.open(meeting_page).press("end-meeting")
    assert not set(visit.audit_trail()) & {(who, "connected") for who in WHO}
    if worker_is_back == "after the end":
        sandbox.restart("worker")

    once = {(who, what): 1 for who in WHO for what in ("connected", "disconnected")}
    eventually(
        "the EHR heard of everybody", lambda: once.keys() <= set(visit.audit_trail()), LOOK_SECONDS
    )
    eventually("no look is awaited", lambda: looks_awaited(sandbox) == 0, LOOK_SECONDS)
    trail = visit.audit_trail()
    assert {line: trail.count(line) for line in once} == once


def book(sandbox: Sandbox) -> str:
    """Another visit of the first patient, whose meeting nobody has watched yet."""
    asked = {"count": 1, "clinicians": ["ACAREFUL"]}
    with sandbox.session() as session:
        booked = session.post(f"{sandbox.urls.ehr('test')}/sim/visits", json=asked, timeout=10)
    return str(booked.json()["visits"][0]["appointment"])


def looks_awaited(sandbox: Sandbox) -> int:
    with sqlite3.connect(f"file:{sandbox.database_file}?mode=ro", uri=True) as database:
        (waiting,) = database.execute(
            "SELECT count(*) FROM attendance_check WHERE awaited"
        ).fetchone()
    database.close()
    return int(waiting)


def test_answers_lost_on_the_way_back_leave_one_audit_row_each(
    visit_of: Callable[[str], Visit],
) -> None:
    """Case 69: the EHR did it, its answer never came; the repeated call changes nothing."""
    visit = visit_of("PHEUVEL")
    sandbox = visit.cast.sandbox
    lost = {
        "route": "*/SetExternalConnectionStatus",
        "times": LOST_ANSWERS,
        "drop": True,
        "after": True,
    }
    with sandbox.session() as session:
        session.post(f"{sandbox.urls.mock_fhir}/sim/faults", json=lost, timeout=10)
        visit.provider_begins()
        meet(visit, GUEST)
        visit.cast.patient.press("leave")
        expected = {
            ("patient", "in lobby"),
            ("provider", "connected"),
            ("patient", "connected"),
            ("patient", "disconnected"),
        }
        eventually("every report arrived", lambda: expected <= set(visit.audit_trail()))
        journal = f"{sandbox.urls.mock_fhir}/sim/journal?path=*SetExternalConnectionStatus"
        eventually(
            "each report whose answer was lost is sent again and answered",
            lambda: all_lost_were_repeated(session.get(journal, timeout=10).json()["entries"]),
            LEASES_SECONDS,
        )
    trail = visit.audit_trail()
    assert len(trail) == len(set(trail)), "a repeated call made a second row"


def all_lost_were_repeated(calls: list[dict[str, Any]]) -> bool:
    """Three answers were lost, and each of those reports came again under its key (status 0: lost)."""
    lost = [key_of(call) for call in calls if call["status"] == 0]
    answered = {key_of(call) for call in calls if call["status"] == HTTPStatus.OK}
    return len(lost) == LOST_ANSWERS and set(lost) <= answered


def key_of(call: dict[str, Any]) -> str:
    """The idempotency key, wherever in the request it stands."""
    found = re.search(r"VendorContext=([^&]+)", call["url"] + "&" + call["request"]["body"])
    assert found is not None
    return found[1]
