"""Kill -9 in the middle of a visit: every connect and disconnect reaches the EHR exactly once.

reliability.md cases 51, 69 and 73 on real processes.
"""

from collections.abc import Callable

import psutil
import pytest
from scripts.story.narrator import eventually
from scripts.story.scenes import Visit, meet

from connector.domain.outbox import CLAIM

pytestmark = pytest.mark.sandbox

GUEST = "Guest of the crash test"
# What the killed worker held comes back when its lease ends: a post or a write-back, one each.
LEASES_SECONDS = 20


def kill_one_web_worker(visit: Visit) -> None:
    """The process that answers, not the gunicorn master that replaces it."""
    master = psutil.Process(visit.cast.sandbox.process("web").pid)
    workers = [child for child in master.children() if child.is_running()]
    workers[0].kill()


def rejoin(visit: Visit, meeting_page: str) -> None:
    visit.patient_begins()
    visit.cast.patient.press("join", display_name=GUEST)
    visit.cast.clinician.open(meeting_page).press("admit-1")


import sqlite3, glob, os
@pytest.fixture(autouse=True)
def dump(sandbox, request):
    yield
    out=open('/tmp/diag.txt','w')
    for db in glob.glob(str(sandbox.directory)+'/**/*.db',recursive=True) if hasattr(sandbox,'directory') else glob.glob('/tmp/pytest-of-root/pytest-current/**/*.db',recursive=True):
        c=sqlite3.connect(db)
        for t in ('visit','participant','outbox_message','visit_event','graph_notification','meeting_watch','applied_notification','audit_event'):
            try: rows=c.execute(f'select * from {t}').fetchall()
            except Exception as e: rows=[str(e)]
            print('==',t,file=out)
            for r in rows: print([x if not isinstance(x,bytes) else len(x) for x in r] if not isinstance(r,str) else r,file=out)
    with sandbox.session() as s:
        d=s.get(f"{sandbox.urls.mock_microsoft}/sim/deliveries",timeout=10).json()
    for x in d['deliveries']: print(x,file=out)
    print(sandbox, file=out)

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


