"""The signed-in pages: the list of appointments, one appointment, and the start of its virtual visit."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from mock_mychart.access import current_account, refuse_forged_form, require_sign_in
from mock_mychart.ehr import UnknownToEhr
from mock_mychart.environments import current_environment, put_below_environment
from mock_mychart.records import Account, Appointment, Show
from simkit.app import current_simulator

visits = Blueprint("visits", __name__, url_prefix="/<environment>/appointments")
put_below_environment(visits)
visits.before_request(require_sign_in)
visits.before_request(refuse_forged_form)


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; ``patient_id`` empty means every patient of the account."""

    show: Show
    patient_id: str

    @classmethod
    def from_query(cls, account: Account) -> "Filter":
        """Anything unknown in the query falls back to upcoming visits of everybody."""
        show, patient_id = request.args.get("show", ""), request.args.get("patient", "")
        known = patient_id in {patient.id for patient in account.patients}
        return cls(Show(show) if show in set(Show) else Show.UPCOMING, patient_id if known else "")

    def takes(self, appointment: Appointment) -> bool:
        now = current_simulator().clock.now()
        mine = self.patient_id in {"", appointment.patient_id}
        return mine and appointment.shown_under(now) is self.show


@visits.get("")
def list_appointments() -> str:
    account = current_account()
    wanted = Filter.from_query(account)
    found = [one for one in _appointments() if wanted.takes(one)]
    if wanted.show is Show.PAST:
        found.reverse()
    return render_template(
        "mychart/appointments.html", account=account, wanted=wanted, appointments=found
    )


@visits.get("/<appointment_id>")
def show_appointment(appointment_id: str) -> str:
    appointment = next((one for one in _appointments() if one.id == appointment_id), None)
    if appointment is None:
        raise UnknownToEhr("the account has no such appointment")
    return render_template(
        "mychart/appointment.html",
        account=current_account(),
        appointment=appointment,
        offers_begin=appointment.offers_begin(current_simulator().clock.now()),
    )


@visits.post("/<appointment_id>/begin")
def begin_virtual_visit(appointment_id: str) -> Response:
    """The EHR makes the launch URL; the browser follows it with a GET (303, RFC 9700 4.12)."""
    account = current_account()
    launch = current_environment().ehr.launch_url(account.account_id, appointment_id)
    return redirect(launch, 303)


def _appointments() -> list[Appointment]:
    return current_environment().ehr.appointments(current_account().account_id)
