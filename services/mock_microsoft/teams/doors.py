"""How people reach a meeting: the join link of staff, the browser join link of a patient.

https://learn.microsoft.com/graph/api/virtualappointment-getvirtualappointmentjoinweburl: a patient needs no account
and no installed application.
"""

from collections.abc import Callable

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from mock_microsoft.entra.authority import resolve_authority
from mock_microsoft.entra.authorization import chosen_person
from mock_microsoft.entra.errors import EntraError
from mock_microsoft.entra.pages import account_picker, picked_account, redirect_to
from mock_microsoft.teams.meeting import Meeting
from mock_microsoft.teams.participants import Visitor
from mock_microsoft.web_addresses import local_path
from mock_microsoft.world import current_world

MAX_NAME_CHARACTERS = 60

blueprint = Blueprint("teams_doors", __name__)


@blueprint.get("/l/meetup-join/<path:thread_id>/0")
def staff_door(thread_id: str) -> Response:
    return _staff_page(_meeting_at(thread_id))


@blueprint.post("/l/meetup-join/<path:thread_id>/0")
def staff_joins(thread_id: str) -> Response:
    """The signed-in person, or a guest by name."""
    meeting = _meeting_at(thread_id)
    if "join_as_guest" in request.form:
        return _join_by_name(meeting, lambda problem: _staff_page(meeting, problem))
    person = current_world().sessions.current()
    if person is None:
        return _staff_page(
            meeting, "You are no longer signed in. Sign in again, or join as a guest."
        )
    return _take_seat(meeting, Visitor(person.display_name, person))


@blueprint.get("/webrtc-svc/api/route")
def patient_door() -> Response:
    return _patient_page(_meeting_of_query())


@blueprint.post("/webrtc-svc/api/route")
def patient_joins() -> Response:
    meeting = _meeting_of_query()
    return _join_by_name(meeting, lambda problem: _patient_page(meeting, problem))


@blueprint.get("/signin")
def sign_in() -> Response:
    """Sign-in for the Teams pages themselves; `return_to` is a path on this host."""
    return account_picker(current_world().directory.people, target="Microsoft Teams")


@blueprint.post("/signin")
def choose_account() -> Response:
    world = current_world()
    target = local_path(request.args.get("return_to", "/"))
    if "cancel" in request.form:
        return redirect_to(target)
    try:
        person = chosen_person(resolve_authority(world.directory, "common"), picked_account())
    except EntraError as error:
        people = world.directory.people
        return account_picker(people, target="Microsoft Teams", problem=error)
    return world.sessions.begin(person, redirect_to(target))


def _meeting_at(thread_id: str) -> Meeting:
    meeting = current_world().meetings.by_thread(thread_id)
    if meeting is None:
        abort(
            404,
            "This meeting does not exist, or it was deleted. Start the visit again from where you got this link.",
        )
    return meeting


def _meeting_of_query() -> Meeting:
    meeting = _meeting_at(request.args.get("convId", ""))
    if meeting.organizer.tenant.id != request.args.get("tid"):
        abort(
            404,
            "This link belongs to another organization. Start the visit again from where you got it.",
        )
    return meeting


def _staff_page(meeting: Meeting, problem: str = "") -> Response:
    here = meeting.join_web_url.removeprefix(current_world().config.public_url)
    page = render_template(
        "microsoft/staff_door.html",
        meeting=meeting,
        person=current_world().sessions.current(),
        problem=problem,
        sign_in_url=url_for("teams_doors.sign_in", return_to=here),
    )
    return make_response(page, 400 if problem else 200)


def _patient_page(meeting: Meeting, problem: str = "") -> Response:
    page = render_template("microsoft/patient_door.html", meeting=meeting, problem=problem)
    return make_response(page, 400 if problem else 200)


def _join_by_name(meeting: Meeting, ask_again: Callable[[str], Response]) -> Response:
    name = " ".join(request.form.get("display_name", "").split())
    if not name:
        return ask_again("Enter the name that the others in the visit should see.")
    if len(name) > MAX_NAME_CHARACTERS:
        return ask_again(f"Shorten the name to at most {MAX_NAME_CHARACTERS} characters.")
    return _take_seat(meeting, Visitor(name))


def _take_seat(meeting: Meeting, visitor: Visitor) -> Response:
    participant = current_world().meetings.join(meeting, visitor)
    return redirect_to(url_for("teams_seat.show", seat=participant.seat))
