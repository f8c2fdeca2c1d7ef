"""One whole visit by clicking: what the database keeps of it, and how many rows that took.

Provider, patient, one reconnect: a provider's launch and two of the patient's, everybody in the meeting,
its end, and every connect and disconnect told to the EHR.
"""

from typing import Final

import requests
from scripts.sandbox_parts.people import ask_people
from scripts.story.cast import Cast
from scripts.story.narrator import eventually
from scripts.story.person import PageUnexpected
from scripts.story.scenes import Visit, meet, written_back

GUEST: Final = "Guest of the bench"
LAUNCHES: Final = 3


def hold(visit: Visit) -> None:
    """`visit` is found; its clinician's account is linked."""
    clinician, patient = visit.cast.clinician, visit.cast.patient
    visit.provider_begins()
    meet(visit, GUEST)
    meeting = clinician.url
    patient.press("leave")
    eventually("the EHR heard of the leaving", lambda: _told(visit, "disconnected"))
    visit.patient_begins()
    patient.press("join", display_name=GUEST)
    clinician.open(meeting)
    if clinician.has("admit-1"):
        clinician.press("admit-1")
    eventually("the EHR heard of the return", lambda: _told(visit, "connected", times=2))
    clinician.open(meeting).press("end-meeting")
    written_back(visit)


def _told(visit: Visit, status: str, times: int = 1) -> bool:
    return visit.audit_trail().count(("patient", status)) >= times


def another(visit: Visit) -> Visit:
    """An open visit of another patient with the same clinician, who is signed in with Microsoft already.

    Raises:
        LookupError: there is none.
    """
    place = visit.cast.sandbox
    with requests.Session() as session:
        session.verify, session.trust_env = str(place.ca_file), False
        people = ask_people(session, place.urls)
    names = [one.sign_in_name for one in people if one.place == f"MyChart, {visit.kind}"]
    for username in names:
        if username == visit.username:
            continue
        cast = Cast(place)
        cast.clinician = visit.cast.clinician
        found = Visit(cast, visit.tell, visit.kind, username)
        try:
            found.find()
        except PageUnexpected:
            continue
        return found
    raise LookupError("nobody else has an open visit with this clinician")
