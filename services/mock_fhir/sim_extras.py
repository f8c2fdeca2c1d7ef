"""What `/sim` of this simulator has beside the common control plane.

People, launch, locked write-backs, visits by the thousand and the ledger of write-backs.
"""

from typing import Any

from flask import Blueprint, jsonify, redirect, request

from mock_fhir.begin_visit import Visit, begin_app, visit_of
from mock_fhir.clinic import Booking
from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import PageError
from mock_fhir.people import Account, Right
from mock_fhir.scenario import (
    LARGEST_SEED,
    book_spread,
    clinicians_of,
    number_of,
    people_report,
)
from simkit.control import ControlPlane, refuse
from simkit.paging import page_asked


def environment_extras() -> ControlPlane:
    """Served below an environment's prefix."""
    plane = ControlPlane("sim_extras", __name__, url_prefix="/sim")
    plane.add_url_rule("/people", "people", lambda: jsonify(people_report(current_environment())))
    plane.add_url_rule("/launch", "launch", _launch)
    plane.add_url_rule("/write-back", "write_back", _lock_write_backs, methods=["POST"])
    plane.add_url_rule("/visits", "visits", _book_visits, methods=["POST"])
    plane.add_url_rule("/ledger", "ledger", _ledger)
    plane.register_error_handler(ValueError, refuse)
    return plane


def hospital_extras(environments: list[Environment]) -> Blueprint:
    """`/sim/people` of both environments."""
    plane = ControlPlane("sim_people", __name__, url_prefix="/sim")
    plane.add_url_rule(
        "/people",
        "people",
        lambda: jsonify({one.kind.name: people_report(one) for one in environments}),
    )
    return plane


def _launch() -> Any:
    """`?client_id=&launch_uri=&patient=&provider=&appointment=`: opens any registered app from the EHR."""
    environment, asked = current_environment(), request.args
    client = environment.clients.find(asked.get("client_id"))
    if client is None:
        raise PageError(
            "The app is not registered",
            "client_id names no client of this environment.",
            f"Register it with POST {environment.addresses.issuer}/register.",
        )
    launch_uri = asked.get("launch_uri", "")
    if not launch_uri or (client.launch_uris and launch_uri not in client.launch_uris):
        raise PageError(
            "This is not the app's launch address",
            "launch_uri must be given, and be one of the client's launch_uris when it registered some.",
            f"Registered: {', '.join(client.launch_uris) or 'none'}.",
        )
    visit = _visit(environment)
    url = begin_app(environment, client.client_id, launch_uri, _account(environment, visit), visit)
    return redirect(url, 302)


def _visit(environment: Environment) -> Visit:
    """The appointment decides the patient; a patient may also be opened without one."""
    environment.clinic.make_days()
    appointment_id, patient_id = request.args.get("appointment"), request.args.get("patient")
    if not appointment_id:
        if patient_id and environment.store.read("Patient", patient_id) is None:
            raise _unknown("patient")
        return Visit(patient_id=patient_id or None)
    appointment = environment.store.read("Appointment", appointment_id)
    if appointment is None:
        raise _unknown("appointment")
    return visit_of(appointment)


def _account(environment: Environment, visit: Visit) -> Account:
    """The provider when one is named; the patient's own account when only a patient is; else the first clinician."""
    people, provider = environment.people, request.args.get("provider")
    if provider:
        found = people.by_practitioner(provider) or people.by_username(provider)
    elif "patient" in request.args and visit.patient_id:
        found = people.by_patient(visit.patient_id)
    else:
        found = next((one for one in people.employees() if one.may(Right.SCHEDULE)), None)
    if found is None:
        raise _unknown("provider" if provider else "patient with a MyChart account")
    return found


def _unknown(what: str) -> PageError:
    return PageError(
        f"There is no such {what}",
        "The id is not known in this environment; ids differ between test and production.",
        "See sim/people and sim/state for the ids.",
        404,
    )


def _lock_write_backs() -> Any:
    """`{"csn": "…" or "*", "lock_failed_times": n}`: the next n write-backs answer LOCK-FAILED."""
    document = request.get_json(force=True, silent=True) or {}
    times, csn = document.get("lock_failed_times"), document.get("csn", "*")
    if not isinstance(times, int) or not isinstance(csn, str) or times < 0:
        message = 'send {"csn": "…" or "*", "lock_failed_times": n}'
        return jsonify({"error": "invalid_request", "message": message}), 400
    current_environment().connections.fail_locks(csn, times)
    return jsonify({"csn": csn, "lock_failed_times": times})


def _book_visits() -> Any:
    """`{"count": n, "clinicians": ["ACAREFUL"]}`: visits open now, spread over those clinicians (or all) and all patients."""
    environment, document = current_environment(), request.get_json(force=True, silent=True) or {}
    people = environment.people
    named = [people.by_username(str(name)) for name in document.get("clinicians", [])]
    clinicians = [one for one in named if one] or clinicians_of(environment)
    count = number_of(document, "count", LARGEST_SEED)
    if None in named:
        raise ValueError("clinicians must be user names of this environment; see sim/people")
    booked = book_spread(environment, count, clinicians, people.patients())
    return jsonify({"visits": [_booked(environment, one) for one in booked]})


def _booked(environment: Environment, booking: Booking) -> dict[str, str]:
    clinician = environment.people.by_practitioner(booking.practitioner_id)
    return {
        "csn": booking.csn,
        "appointment": environment.clinic.appointment_id(booking.csn),
        "practitioner": booking.practitioner_id,
        "clinician_login": clinician.username if clinician else "",
        "patient": booking.patient_id,
    }


def _ledger() -> Any:
    """`?offset=&limit=`: every report taken, as rows of `columns`, and `total`, how many in all.

    `next` is the next offset, null at the end.
    """
    page, connections = page_asked(request.args), current_environment().connections
    rows = [
        [csn, party.value, status.words, times]
        for (csn, party, status), times in connections.accepted(page.offset, page.limit)
    ]
    answer = page.answer(("csn", "party", "status", "accepted"), rows)
    return jsonify(answer | {"total": connections.accepted_total})
