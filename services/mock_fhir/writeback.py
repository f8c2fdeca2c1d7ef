"""Write-back of who is connected, Epic-shaped (simulated): `SetExternalConnectionStatus`.

Parameters, error words and success body: `spec/ehr.md` 4.4. Epic publishes no full document, so this is the best
public evidence put together; type and status codes beyond 1 are this simulator's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, jsonify, request

from mock_fhir import addresses
from mock_fhir.connections import ConnectionEvent, ConnectionStatus, Party
from mock_fhir.environment import Environment, current_environment
from mock_fhir.fhir.resources import Resource, actors
from mock_fhir.grants import AccessToken
from mock_fhir.scopes import resource_scopes

blueprint = Blueprint("writeback", __name__)
VENDOR_CONTEXT_LIMIT = 1024


class WriteBackError(Exception):
    """A refusal in Epic's words; only LOCK-FAILED is worth another try."""

    def __init__(self, word: str, details: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.details = details


class WriteBackDenied(Exception):
    """401 or 403, with the challenge a caller is told by."""

    def __init__(self, status: int, challenge: str) -> None:
        super().__init__("denied")
        self.status = status
        self.challenge = challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """One report, checked. `who` is a relative FHIR reference."""

    csn: str
    appointment: Resource
    party: Party
    who: str
    status: ConnectionStatus
    vendor: str
    vendor_context: str


@blueprint.route(addresses.SET_EXTERNAL_CONNECTION_STATUS, methods=["GET", "POST"])
def set_external_connection_status() -> Any:
    environment = current_environment()
    token = _require_backend(environment)
    report = _checked(environment, _parameters())
    if environment.connections.is_locked(report.csn):
        raise WriteBackError("LOCK-FAILED", "The record is locked by another process.")
    event = ConnectionEvent(
        csn=report.csn,
        party=report.party,
        who=report.who,
        status=report.status,
        recorded=environment.clock.now(),
        vendor=report.vendor,
        vendor_context=report.vendor_context,
        client_id=token.authorization.client_id,
    )
    if environment.connections.record(event):
        _apply(environment, report.appointment, event)
    return jsonify({"Status": "1"})


@blueprint.errorhandler(WriteBackError)
def answer_write_back_error(error: WriteBackError) -> Any:
    """The error document of Epic's service host; callers find the word in ExceptionMessage."""
    details = f" details: {error.details}" if error.details else ""
    message = f"An error occurred while executing the command: {error.word}{details}."
    inner = {
        "Message": "An error has occurred.",
        "ExceptionMessage": f"{error.word}{details}",
        "ExceptionType": "Epic.Core.Communication.EcfCommandException",
        "StackTrace": None,
    }
    body = {
        "Message": "An error has occurred.",
        "ExceptionMessage": message.replace("..", "."),
        "ExceptionType": "Epic.ServiceModel.Internal.ServiceCommandException",
        "StackTrace": None,
        "InnerException": inner,
    }
    return jsonify(body), 400


@blueprint.errorhandler(WriteBackDenied)
def answer_write_back_denied(error: WriteBackDenied) -> Any:
    body = {"Message": "Authorization has been denied for this request."}
    return jsonify(body), error.status, {"WWW-Authenticate": error.challenge}


def _require_backend(environment: Environment) -> AccessToken:
    """A live backend token that may update Appointments, and the header that names the client."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    token = environment.grants.access(value.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise WriteBackDenied(
            401, 'Bearer error="invalid_token", error_description="No valid access token"'
        )
    permitted = any(
        scope.context == "system" and scope.permits("Appointment", "u")
        for scope in resource_scopes(token.scopes)
    )
    if not permitted:
        raise WriteBackDenied(
            403,
            'Bearer error="insufficient_scope", error_description="The access token provided is valid, '
            'but is not authorized for this service"',
        )
    if environment.clients.find(request.headers.get("Epic-Client-ID")) is None:
        raise WriteBackDenied(
            403,
            'Bearer error="invalid_request", error_description="Epic-Client-ID names no client"',
        )
    return token


def _parameters() -> Mapping[str, str]:
    """Query, form or JSON body."""
    document = request.get_json(silent=True)
    if isinstance(document, dict):
        return {**request.args, **{name: str(value) for name, value in document.items()}}
    return request.values


def _checked(environment: Environment, sent: Mapping[str, str]) -> _Report:
    """Raises WriteBackError for the first rule broken, in the order Epic's words suggest."""
    user = sent.get("ExternalID") or sent.get("UserID")
    user_type = sent.get("ExternalIDType") or sent.get("UserIDType")
    required = {
        "NO-CONFERENCE-ID": sent.get("ConferenceID"),
        "NO-USER-ID": user,
        "NO-USER-ID-TYPE": user_type,
        "NO-VENDOR-NAME": sent.get("VendorName"),
        "NO-CONNECTION-STATUS": sent.get("ConnectionStatus"),
    }
    missing = next((word for word, value in required.items() if not value), None)
    if missing:
        raise WriteBackError(missing)
    csn, appointment = _conference(environment, sent)
    party, who = _participant(environment, appointment, str(user), str(user_type))
    return _Report(
        csn=csn,
        appointment=appointment,
        party=party,
        who=who,
        status=_status(sent["ConnectionStatus"]),
        vendor=sent["VendorName"],
        vendor_context=sent.get("VendorContext", "")[:VENDOR_CONTEXT_LIMIT],
    )


def _conference(environment: Environment, sent: Mapping[str, str]) -> tuple[str, Resource]:
    csn = sent["ConferenceID"]
    if sent.get("ConferenceIDType", "CSN").upper() != "CSN":
        raise WriteBackError("INVALID-CONFERENCE-ID", "Only ConferenceIDType CSN is set up.")
    appointment = environment.clinic.appointment(csn)
    if appointment is None:
        raise WriteBackError("INVALID-CONFERENCE-ID", "No visit has this contact serial number.")
    return csn, appointment


def _status(text: str) -> ConnectionStatus:
    try:
        return ConnectionStatus(int(text))
    except ValueError as error:
        raise WriteBackError("INVALID-CONNECTION-STATUS", "Use 1 to 5.") from error


Finder = Callable[[Environment, Resource, str], str | None]


def _employee(environment: Environment, _appointment: Resource, user: str) -> str | None:
    people = environment.people
    found = people.by_username(user) or people.by_user_id(user.upper())
    return found.fhir_user if found and not found.is_patient else None


def _practitioner(environment: Environment, _appointment: Resource, user: str) -> str | None:
    """Anyone of the clinic: a colleague may take a visit over."""
    found = environment.store.read("Practitioner", user)
    return f"Practitioner/{user}" if found else None


def _patient(_environment: Environment, appointment: Resource, user: str) -> str | None:
    return f"Patient/{user}" if user in actors(appointment, "Patient") else None


def _mychart(environment: Environment, appointment: Resource, user: str) -> str | None:
    """The account of the patient or of a proxy."""
    account = environment.people.by_user_id(user)
    patient = actors(appointment, "Patient")[0]
    may_act = account is not None and any(one.patient_id == patient for one in account.patients)
    return account.acts_as(patient) if account and may_act else None


USER_ID_TYPES: dict[str, tuple[Party, Finder]] = {
    "1": (Party.PROVIDER, _employee),
    "EMP": (Party.PROVIDER, _employee),
    "2": (Party.PROVIDER, _practitioner),
    "SER": (Party.PROVIDER, _practitioner),
    "3": (Party.PATIENT, _patient),
    "EPT": (Party.PATIENT, _patient),
    "4": (Party.PATIENT, _mychart),
    "WPR": (Party.PATIENT, _mychart),
}


def _participant(
    environment: Environment, appointment: Resource, user: str, user_type: str
) -> tuple[Party, str]:
    known = USER_ID_TYPES.get(user_type.upper())
    if known is None:
        raise WriteBackError("INVALID-USER-ID-TYPE", "Use 1 EMP, 2 SER, 3 EPT or 4 WPR.")
    party, find = known
    who = find(environment, appointment, user)
    if who is None:
        raise WriteBackError("INVALID-USER-ID", f"No {party} of this visit has this id.")
    return party, who


def _apply(environment: Environment, appointment: Resource, event: ConnectionEvent) -> None:
    """Effects in the chart: audit trail, Appointment arrived, Encounter in progress."""
    environment.store.put(_audit_event(environment, appointment, event))
    if event.status != ConnectionStatus.CONNECTED:
        return
    if event.party == Party.PATIENT:
        environment.store.change("Appointment", appointment["id"], _arrive)
        return
    encounter = environment.clinic.encounter(event.csn)
    if encounter is not None:
        environment.store.change("Encounter", encounter["id"], _begin)


def _arrive(appointment: Resource) -> bool:
    is_first = appointment["status"] in ("booked", "checked-in")
    if is_first:
        appointment["status"] = "arrived"
    return is_first


def _begin(encounter: Resource) -> bool:
    is_first = encounter["status"] in ("planned", "arrived", "triaged")
    if is_first:
        encounter["status"] = "in-progress"
    return is_first


def _audit_event(
    environment: Environment, appointment: Resource, event: ConnectionEvent
) -> Resource:
    """https://hl7.org/fhir/R4/auditevent.html; DICOM 110100 is 'Application Activity'."""
    number = len(environment.connections.history(event.csn))
    detail = [{"type": "status", "valueString": event.status.words}]
    if event.vendor_context:
        detail.append({"type": "VendorContext", "valueString": event.vendor_context})
    return {
        "resourceType": "AuditEvent",
        "id": f"{environment.kind.id_prefix}audit-{event.csn}-{number}",
        "type": {
            "system": "http://dicom.nema.org/resources/ontology/DCM",
            "code": "110100",
            "display": "Application Activity",
        },
        "action": "U",
        "recorded": event.recorded.isoformat(timespec="milliseconds"),
        "outcome": "0",
        "agent": [
            {"name": event.vendor, "altId": event.client_id, "requestor": True},
            {"who": {"reference": event.who}, "requestor": False},
        ],
        "source": {"observer": {"display": environment.kind.title}},
        "entity": [
            {"what": {"reference": f"Appointment/{appointment['id']}"}, "detail": detail},
        ],
    }
