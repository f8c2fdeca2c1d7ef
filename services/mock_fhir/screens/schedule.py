"""Clinician screens: schedule of a day, one visit with its audit trail, and the two launch buttons.

Hyperspace, Haiku and Canto show the same; Haiku and Canto in the layout of a phone or tablet.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request

from mock_fhir.begin_visit import Intent, NoIntegrationRecord, begin_from_record, visit_of
from mock_fhir.connections import ConnectionEvent
from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import PageError
from mock_fhir.fhir.resources import Resource, actors, conference_of, csn_of, display_name
from mock_fhir.integration_records import RecordKind
from mock_fhir.people import Account, Right
from mock_fhir.screens.session import AREAS, signed_in

blueprint = Blueprint("schedule", __name__)
_DEVICE = "<any(hyperspace,haiku,canto):area>"
STATUSES_THAT_BEGIN = ("booked", "arrived", "checked-in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One visit as shown; times in the site's zone."""

    appointment_id: str
    csn: str
    start: datetime
    end: datetime
    status: str
    encounter_status: str
    patient_name: str
    birth_date: str
    practitioner_name: str
    badges: tuple[str, ...]
    is_group: bool
    is_open: bool

    @property
    def can_begin(self) -> bool:
        return self.status in STATUSES_THAT_BEGIN


@blueprint.get(f"/{_DEVICE}/")
def schedule(area: str) -> str:
    environment = current_environment()
    account = signed_in(area, Right.SCHEDULE)
    day, name = _asked_day(environment), request.args.get("name", "").strip()
    everyone = request.args.get("everyone") == "1"
    return render_template(
        "ehr/schedule.html",
        environment=environment,
        area=area,
        area_title=AREAS[area],
        account=account,
        day=day,
        today=environment.clinic.today(),
        one_day=timedelta(days=1),
        name=name,
        everyone=everyone,
        rows=_rows(environment, account, day, name, everyone=everyone),
    )


@blueprint.get(f"/{_DEVICE}/appointments/<appointment_id>")
def appointment(area: str, appointment_id: str) -> str:
    environment = current_environment()
    account = signed_in(area, Right.SCHEDULE)
    visit = _visit(environment, appointment_id)
    row = _row(environment, visit)
    return render_template(
        "ehr/appointment.html",
        environment=environment,
        area=area,
        area_title=AREAS[area],
        account=account,
        row=row,
        trail=_trail(environment, row.csn),
    )


@blueprint.route(f"/{_DEVICE}/appointments/<appointment_id>/begin", methods=["GET", "POST"])
def begin(area: str, appointment_id: str) -> Any:
    environment = current_environment()
    account = signed_in(area, Right.SCHEDULE)
    visit = _visit(environment, appointment_id)
    intent = _asked_intent()
    if intent == Intent.BEGIN and visit["status"] not in STATUSES_THAT_BEGIN:
        raise PageError(
            "This visit cannot be begun",
            f"Its status is {visit['status']}.",
            "Choose a visit that is booked, or book it anew.",
            409,
        )
    try:
        url = begin_from_record(environment, RecordKind.PROVIDER, account, visit_of(visit, intent))
    except NoIntegrationRecord as error:
        raise _nobody_pasted(environment, error.kind) from error
    return redirect(url, 303)


def _nobody_pasted(environment: Environment, kind: RecordKind) -> PageError:
    analysts = [one for one in environment.people.employees() if one.may(Right.INTEGRATIONS)]
    names = ", ".join(f"{one.name} ({one.username})" for one in analysts)
    return PageError(
        "Virtual visits are not set up yet",
        f"The {environment.kind.title} has no {kind} integration record.",
        f"An EHR analyst, here {names}, signs in at {environment.addresses.base}/fdi/ and pastes the {kind} record "
        "from the connector's portal.",
        409,
    )


def _asked_intent() -> Intent:
    text = request.values.get("intent", Intent.BEGIN.value)
    try:
        return Intent(text)
    except ValueError as error:
        raise PageError(
            "Unknown button", f"There is no intent {text}.", "Go back to the schedule."
        ) from error


def _asked_day(environment: Environment) -> date:
    text = request.args.get("day", "")
    try:
        return date.fromisoformat(text) if text else environment.clinic.today()
    except ValueError as error:
        raise PageError(
            "This is no day", f"{text} is no date.", "Write it as 2026-11-25."
        ) from error


def _visit(environment: Environment, appointment_id: str) -> Resource:
    environment.clinic.make_days()
    visit = environment.store.read("Appointment", appointment_id)
    if visit is None or csn_of(visit) is None:
        raise PageError(
            "There is no such visit",
            "It may have been on the schedule before the simulator was reset.",
            "Go back to the schedule.",
            404,
        )
    return visit


def _rows(
    environment: Environment, account: Account, day: date, name: str, *, everyone: bool
) -> list[Row]:
    """The user's own visits, or everyone's; filtered by a part of the patient's name."""
    own = account.fhir_user.split("/")[1]
    rows = [
        _row(environment, visit)
        for visit in environment.clinic.day(day)
        if csn_of(visit) and (everyone or own in actors(visit, "Practitioner"))
    ]
    return [row for row in rows if name.casefold() in row.patient_name.casefold()]


def _row(environment: Environment, visit: Resource) -> Row:
    csn = csn_of(visit) or ""
    patient = environment.store.read("Patient", actors(visit, "Patient")[0]) or {}
    practitioner = environment.store.read("Practitioner", actors(visit, "Practitioner")[0])
    encounter = environment.clinic.encounter(csn) or {}
    return Row(
        appointment_id=visit["id"],
        csn=csn,
        start=environment.local(visit["start"]),
        end=environment.local(visit["end"]),
        status=visit["status"],
        encounter_status=encounter.get("status", ""),
        patient_name=display_name(patient) if patient else "",
        birth_date=patient.get("birthDate", ""),
        practitioner_name=display_name(practitioner) if practitioner else "",
        badges=tuple(_badge(environment, one) for one in environment.connections.badges(csn)),
        is_group=conference_of(visit) is not None,
        is_open=environment.clinic.closed_because(visit) is None,
    )


def _badge(environment: Environment, event: ConnectionEvent) -> str:
    return f"{event.party.value} {event.status.words} {environment.local(event.recorded):%H:%M}"


def _trail(environment: Environment, csn: str) -> list[dict[str, str]]:
    """Accepted write-backs, oldest first, as words."""
    trail = []
    for event in environment.connections.history(csn):
        kind, _, identity = event.who.partition("/")
        person = environment.store.read(kind, identity)
        trail.append(
            {
                "when": f"{environment.local(event.recorded):%d %b %Y %H:%M:%S %Z}",
                "party": event.party.value,
                "who": display_name(person) if person else event.who,
                "status": event.status.words,
                "vendor": event.vendor,
                "vendor_context": event.vendor_context,
            }
        )
    return trail
