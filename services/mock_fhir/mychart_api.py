"""Internal API for the patient portal: log-in, visits of an account, opening the patient app."""

import hmac
from typing import Any

from flask import Blueprint, jsonify, request

from mock_fhir.begin_visit import NoIntegrationRecord, begin_from_record, visit_of
from mock_fhir.environment import Environment, current_environment
from mock_fhir.fhir.resources import Resource, actors, csn_of, display_name
from mock_fhir.integration_records import RecordKind
from mock_fhir.people import Account
from mock_fhir.seeding import DEPARTMENT_NAME

blueprint = Blueprint("mychart_api", __name__, url_prefix="/mychart-api")


class ApiError(Exception):
    """Answered as `{"error", "message"}`; the message may be shown to a patient."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.message = message


@blueprint.errorhandler(ApiError)
def answer_api_error(error: ApiError) -> Any:
    return jsonify({"error": error.error, "message": error.message}), error.status


@blueprint.before_request
def require_key() -> None:
    sent = request.headers.get("X-MyChart-Key", "")
    if not hmac.compare_digest(sent.encode(), current_environment().mychart_key.encode()):
        raise ApiError(401, "wrong-key", "This API is for the patient portal only.")


@blueprint.post("/login")
def login() -> Any:
    environment, sent = current_environment(), _posted()
    account = environment.people.sign_in(
        str(sent.get("username", "")), str(sent.get("password", ""))
    )
    if account is None or not account.is_patient:
        raise ApiError(401, "wrong-credentials", "The user name or the password is wrong.")
    patients = [
        {
            "id": access.patient_id,
            "name": _name(environment, "Patient", access.patient_id),
            "relationship": access.relationship,
        }
        for access in account.patients
    ]
    return jsonify({"account_id": account.user_id, "name": account.name, "patients": patients})


@blueprint.get("/appointments")
def appointments() -> Any:
    environment = current_environment()
    account = _account(environment, request.args.get("account_id", ""))
    return jsonify(
        {"appointments": [_shown(environment, one) for one in _visits(environment, account)]}
    )


@blueprint.post("/launch")
def launch() -> Any:
    environment, sent = current_environment(), _posted()
    account = _account(environment, str(sent.get("account_id", "")))
    wanted = sent.get("appointment_id")
    visit = next((one for one in _visits(environment, account) if one["id"] == wanted), None)
    if visit is None:
        raise ApiError(404, "unknown-appointment", "This visit was not found in your account.")
    closed = environment.clinic.closed_because(visit)
    if closed is not None:
        raise ApiError(409, "visit-not-open", closed)
    try:
        url = begin_from_record(environment, RecordKind.PATIENT, account, visit_of(visit))
    except NoIntegrationRecord as error:
        message = (
            f"Video visits are not set up yet: the clinic has no {error.kind} integration record."
        )
        raise ApiError(409, "no-integration-record", message) from error
    return jsonify({"url": url})


@blueprint.get("/accounts")
def accounts() -> Any:
    found = current_environment().people.patients()
    return jsonify({"accounts": [{"username": one.username, "name": one.name} for one in found]})


def _posted() -> dict[str, Any]:
    document = request.get_json(silent=True)
    if not isinstance(document, dict):
        raise ApiError(400, "invalid-request", "Send one JSON object.")
    return document


def _account(environment: Environment, account_id: str) -> Account:
    account = environment.people.by_user_id(account_id)
    if account is None or not account.is_patient:
        raise ApiError(404, "unknown-account", "This account does not exist.")
    return account


def _visits(environment: Environment, account: Account) -> list[Resource]:
    """Virtual visits of the clinic for every patient of the account, earliest first."""
    environment.clinic.make_days()
    own = {access.patient_id for access in account.patients}
    visits = [
        one
        for one in environment.store.of_type("Appointment")
        if csn_of(one) and not own.isdisjoint(actors(one, "Patient"))
    ]
    return sorted(visits, key=lambda one: (one["start"], one["id"]))


def _shown(environment: Environment, visit: Resource) -> dict[str, Any]:
    patient_id = actors(visit, "Patient")[0]
    closed = environment.clinic.closed_because(visit)
    return {
        "id": visit["id"],
        "csn": csn_of(visit),
        "patient_id": patient_id,
        "patient_name": _name(environment, "Patient", patient_id),
        "start": visit["start"],
        "end": visit["end"],
        "status": visit["status"],
        "practitioner_name": _name(environment, "Practitioner", actors(visit, "Practitioner")[0]),
        "department": DEPARTMENT_NAME,
        "virtual": True,
        "can_begin": closed is None,
        "reason": closed,
        "time_zone": str(environment.zone),
    }


def _name(environment: Environment, resource_type: str, resource_id: str) -> str:
    resource = environment.store.read(resource_type, resource_id)
    return display_name(resource) if resource else resource_id
