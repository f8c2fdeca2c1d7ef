"""What the EHR hands to an app when somebody begins a visit: launch context, Epic-shaped when a record says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mock_fhir import addresses
from mock_fhir.environment import Environment
from mock_fhir.fhir.resources import Resource, actors, conference_of, csn_of
from mock_fhir.integration_records import IntegrationRecord, RecordKind
from mock_fhir.launches import Launch, launch_url
from mock_fhir.people import Account
from mock_fhir.seeding import DEPARTMENT_ID, DEPARTMENT_NAME, VIRTUAL_LOCATION


class Intent(StrEnum):
    """`intent` of the token response: which button was pressed."""

    BEGIN = "begin-virtual-visit"
    STATUS = "visit-status"


class NoIntegrationRecord(Exception):
    """Nobody pasted the record of this kind into this environment yet."""

    def __init__(self, kind: RecordKind) -> None:
        super().__init__("no integration record")
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What is opened: an appointment, or a patient alone when `appointment` is None."""

    patient_id: str | None
    appointment: Resource | None = None
    intent: Intent = Intent.BEGIN

    @property
    def csn(self) -> str:
        return (csn_of(self.appointment) if self.appointment else None) or ""

    @property
    def conference(self) -> str:
        return (conference_of(self.appointment) if self.appointment else None) or ""


def visit_of(appointment: Resource, intent: Intent = Intent.BEGIN) -> Visit:
    return Visit(
        patient_id=actors(appointment, "Patient")[0], appointment=appointment, intent=intent
    )


def begin_from_record(
    environment: Environment, kind: RecordKind, account: Account, visit: Visit
) -> str:
    """URL that opens the app of the integration record, a group's by its own. Raises NoIntegrationRecord."""
    kind = kind.of_group if visit.conference else kind
    record = environment.records.get(kind)
    if record is None:
        raise NoIntegrationRecord(kind)
    context = _epic(environment, record, account, visit)
    return _opened(environment, record.client_id, record.launch_url, account, context)


def begin_app(
    environment: Environment, client_id: str, app_url: str, account: Account, visit: Visit
) -> str:
    """URL that opens any registered app; SMART-shaped, unless an integration record has this very address."""
    record = next(
        (
            one
            for one in environment.records.values()
            if (one.client_id, one.launch_url) == (client_id, app_url)
            and one.kind.is_group == bool(visit.conference)
        ),
        None,
    )
    if record is not None:
        context = _epic(environment, record, account, visit)
    else:
        context = {**_smart(environment, visit), "need_patient_banner": True}
    return _opened(environment, client_id, app_url, account, context)


def _opened(
    environment: Environment,
    client_id: str,
    app_url: str,
    account: Account,
    context: Mapping[str, Any],
) -> str:
    launch = Launch(
        client_id=client_id,
        account=account,
        fhir_user=account.acts_as(context.get("patient")),
        context=context,
    )
    token = environment.launches.open(launch)
    return launch_url(app_url, environment.addresses.fhir, token)


def _smart(environment: Environment, visit: Visit) -> dict[str, Any]:
    """https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#launch-context-arrives-with-your-access_token"""
    context: dict[str, Any] = {
        "intent": visit.intent.value,
        "smart_style_url": environment.addresses.base + addresses.STYLE,
    }
    if visit.patient_id is not None:
        context["patient"] = visit.patient_id
    if visit.appointment is not None:
        context["fhirContext"] = [{"reference": f"Appointment/{visit.appointment['id']}"}]
        encounter = environment.clinic.encounter(visit.csn)
        if encounter is not None:
            context["encounter"] = encounter["id"]
    return context


def _epic(
    environment: Environment, record: IntegrationRecord, account: Account, visit: Visit
) -> dict[str, Any]:
    """Epic adds its own keys, sends the banner flag as text and the CONTEXT pairs as further keys."""
    context = _smart(environment, visit) | {
        "need_patient_banner": "false",
        "loginDepartment": DEPARTMENT_ID,
        "location": environment.kind.id_prefix + VIRTUAL_LOCATION,
    }
    if visit.appointment is not None:
        context["appointment"] = visit.appointment["id"]
    return context | record.filled(_mnemonics(environment, account, visit))


def _mnemonics(environment: Environment, account: Account, visit: Visit) -> dict[str, str]:
    patient = environment.store.read("Patient", visit.patient_id or "") or {}
    first, _, last = account.name.partition(" ")
    kind, _, fhir_id = account.fhir_user.partition("/")
    start = visit.appointment["start"] if visit.appointment else None
    return {
        "%CSN%": visit.csn,
        "%CONFERENCEID%": visit.conference,
        "%EPTID%": visit.patient_id or "",
        "%DOB%": patient.get("birthDate", ""),
        "%SYSLOGIN%": account.username,
        "%EPICUSERID%": account.user_id,
        "%USERPROVFHIRID%": fhir_id if kind == "Practitioner" else "",
        "%USERFNAME%": first,
        "%USERLNAME%": last,
        "%LOGINDEPTID%": DEPARTMENT_ID,
        "%DEPARTMENT%": DEPARTMENT_NAME,
        "%LOCATION%": DEPARTMENT_NAME,
        "%EXTENSION;15354%": f"{environment.local(start):%m/%d/%Y %I:%M %p}" if start else "",
    }
