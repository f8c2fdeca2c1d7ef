"""Kill -9 in the middle of a visit: every connect and disconnect reaches the EHR exactly once.

reliability.md cases 51, 69 and 73 on real processes.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import psutil
import pytest
from scripts.story.narrator import eventually
from scripts.story.scenes import Visit, meet

from connector.domain.outbox import CLAIM

pytestmark = pytest.mark.sandbox

GUEST = "Guest of the crash test"
LOST_ANSWERS = 3
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
