"""Reading one Appointment with the launching person's own token (flows 1 and 2).

https://hl7.org/fhir/R4/appointment.html
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from connector.domain.launch import AppointmentFacts
from connector.ports.answers import failure_of, host_of, json_object
from connector.ports.errors import BadAnswer, Gone
from connector.ports.http import Answer, Http
from connector.ports.system import Clock

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
# Epic's CSN has a site's own root and this ending: `urn:oid:1.2.840.114350.1.13.<site>.7.3.698084.8`.
# Seen in Epic's public sandbox and in vendor manuals (ehr.md 5.1).
_CSN_SYSTEM = re.compile(r"urn:oid:1\.2\.840\.114350\.[0-9.]*\.7\.3\.698084\.8")
MOST_BYTES = 512_000


class FhirAppointments:
    """Implements `ports.ehr.Appointments`.

    Two fixed requests exist: no reference and no `next` link of an answer is ever followed, so
    the person's token goes nowhere but to the base URL.
    """

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def read(self, fhir_base_url: str, access_token: str, appointment_id: str) -> AppointmentFacts:
        host = host_of(fhir_base_url)
        if not _FHIR_ID.fullmatch(appointment_id):
            raise Gone("appointment_id", host=host)
        path = f"Appointment/{quote(appointment_id, safe='')}"
        facts = _facts(self._get(fhir_base_url, access_token, path), host)
        if facts.appointment_id != appointment_id:
            raise BadAnswer("id", host=host)
        return facts

    def find(self, fhir_base_url: str, access_token: str, conference_id: str) -> AppointmentFacts:
        host = host_of(fhir_base_url)
        query = urlencode({"identifier": conference_id})
        bundle = self._get(fhir_base_url, access_token, f"Appointment?{query}")
        found = [
            facts
            for facts in (_facts(each, host) for each in _matches(bundle, host))
            if facts.conference_id == conference_id
        ]
        if len(found) != 1:
            raise Gone("appointment_not_one", host=host)
        return found[0]

    def _get(self, fhir_base_url: str, access_token: str, path: str) -> dict[str, Any]:
        answer = self._http.send(
            "GET",
            f"{fhir_base_url.rstrip('/')}/{path}",
            headers={
                "Accept": "application/fhir+json",
                "Authorization": f"Bearer {access_token}",
            },
            max_bytes=MOST_BYTES,
        )
        host = host_of(fhir_base_url)
        if answer.status != HTTPStatus.OK:
            raise failure_of(answer, self._clock.now(), host=host, code=_code(answer))
        return json_object(answer, host=host)


def _code(answer: Answer) -> str:
    """`insufficient_scope` when the EHR says so: somebody must grant a permission (C11)."""
    challenge = answer.headers.get("www-authenticate", "")
    forbidden = answer.status == HTTPStatus.FORBIDDEN
    return "insufficient_scope" if forbidden and "insufficient_scope" in challenge else ""


def _matches(bundle: Mapping[str, Any], host: str) -> Sequence[dict[str, Any]]:
    """Appointments of a searchset that were searched for; included resources and hints are not."""
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise BadAnswer("resourceType", host=host)
    matching = (
        each.get("resource")
        for each in entries
        if isinstance(each, dict) and _mode(each) == "match"
    )
    return [
        resource
        for resource in matching
        if isinstance(resource, dict) and resource.get("resourceType") == "Appointment"
    ]


def _mode(entry: Mapping[str, Any]) -> object:
    search = entry.get("search")
    return search.get("mode", "match") if isinstance(search, dict) else "match"


def _facts(appointment: Mapping[str, Any], host: str) -> AppointmentFacts:
    """The six facts we use; everything else of the resource is dropped here, unread.

    Raises:
        BadAnswer: `code` is the element that is missing or malformed.
    """
    if appointment.get("resourceType") != "Appointment":
        raise BadAnswer("resourceType", host=host)
    found_id, status = appointment.get("id"), appointment.get("status")
    if not isinstance(found_id, str) or not _FHIR_ID.fullmatch(found_id):
        raise BadAnswer("id", host=host)
    if not isinstance(status, str):
        raise BadAnswer("status", host=host)
    return AppointmentFacts(
        appointment_id=found_id,
        conference_id=_conference_id(appointment, host),
        patient_id=_patient_id(appointment),
        status=status,
        start=_instant(appointment, "start", host),
        end=_instant(appointment, "end", host),
    )


def _conference_id(appointment: Mapping[str, Any], host: str) -> str:
    """The CSN: by its system, or the only identifier there is."""
    identifiers = [
        (each.get("system"), each["value"])
        for each in _list(appointment, "identifier")
        if isinstance(each.get("value"), str) and each["value"]
    ]
    numbers = [
        value
        for system, value in identifiers
        if isinstance(system, str) and _CSN_SYSTEM.fullmatch(system)
    ]
    candidates: set[str] = set(numbers or [value for _, value in identifiers])
    if len(candidates) != 1:
        raise BadAnswer("identifier", host=host)
    return candidates.pop()


def _patient_id(appointment: Mapping[str, Any]) -> str | None:
    """Id of the one Patient among the participants; None if there are none or several."""
    actors = (each.get("actor") for each in _list(appointment, "participant"))
    references = [each.get("reference") for each in actors if isinstance(each, dict)]
    patients = {
        reference.rpartition("/")[2]
        for reference in references
        if isinstance(reference, str)
        and reference.rpartition("/")[0].rpartition("/")[2] == "Patient"
    }
    return patients.pop() if len(patients) == 1 else None


def _list(resource: Mapping[str, Any], element: str) -> Sequence[dict[str, Any]]:
    value = resource.get(element)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _instant(appointment: Mapping[str, Any], element: str, host: str) -> datetime | None:
    """An `instant` in UTC; FHIR requires its zone, so one without it is refused."""
    value = appointment.get(element)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise BadAnswer(element, host=host)
        return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as malformed:
        raise BadAnswer(element, host=host) from malformed
