"""The page of one participant, from the lobby to the end; it refreshes itself and works without JavaScript.

Its address is the secret: whoever has it acts as this participant.
"""

from collections.abc import Callable

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from mock_microsoft.entra.pages import redirect_to
from mock_microsoft.teams.meeting import Meeting, NotAllowed
from mock_microsoft.teams.participants import Participant, Presence
from mock_microsoft.world import current_world

blueprint = Blueprint("teams_seat", __name__, url_prefix="/teams/seat/<seat>")

_TEMPLATES = {
    Presence.LOBBY: "microsoft/lobby.html",
    Presence.IN_CALL: "microsoft/call.html",
    Presence.LEFT: "microsoft/call_over.html",
    Presence.DENIED: "microsoft/call_over.html",
    Presence.ENDED: "microsoft/call_over.html",
}
_OVER = {
    Presence.LEFT: ("You left the meeting", "You can join again while the meeting goes on."),
    Presence.DENIED: (
        "You were not let in",
        "The care team declined your request to join. If you expected to be let in, call them.",
    ),
    Presence.ENDED: ("The meeting has ended", "You can close this page."),
}


@blueprint.get("")
def show(seat: str) -> Response:
    return _page(*_seated(seat))


@blueprint.post("/admit")
def admit(seat: str) -> Response:
    meeting, me = _seated(seat)
    return _decide(
        meeting, me, lambda: current_world().meetings.admit(meeting, _chosen(meeting), me)
    )


@blueprint.post("/deny")
def deny(seat: str) -> Response:
    meeting, me = _seated(seat)
    return _decide(
        meeting, me, lambda: current_world().meetings.deny(meeting, _chosen(meeting), me)
    )


@blueprint.post("/leave")
def leave(seat: str) -> Response:
    meeting, me = _seated(seat)
    current_world().meetings.leave(meeting, me)
    return _back(me)


@blueprint.post("/end")
def end(seat: str) -> Response:
    meeting, me = _seated(seat)
    return _decide(meeting, me, lambda: current_world().meetings.end(meeting, me))


@blueprint.post("/rejoin")
def rejoin(seat: str) -> Response:
    """A new stay of the same person; the lobby settings apply again."""
    meeting, me = _seated(seat)
    world = current_world()
    if world.meetings.find(meeting.id) is None:
        abort(404, "This meeting was deleted.")
    again = world.meetings.join(meeting, me.visitor, me.person_key)
    return _back(again)


def _seated(seat: str) -> tuple[Meeting, Participant]:
    found = current_world().meetings.seat(seat)
    if found is None:
        abort(404, "This page is no longer valid. Open the link of the meeting again.")
    return found


def _chosen(meeting: Meeting) -> Participant:
    participant = meeting.participant(request.form.get("participant", ""))
    if participant is None:
        raise NotAllowed("This person is no longer waiting in the lobby.")
    return participant


def _decide(meeting: Meeting, me: Participant, action: Callable[[], None]) -> Response:
    try:
        action()
    except NotAllowed as refused:
        return _page(meeting, me, str(refused))
    return _back(me)


def _back(participant: Participant) -> Response:
    return redirect_to(url_for("teams_seat.show", seat=participant.seat))


def _page(meeting: Meeting, me: Participant, problem: str = "") -> Response:
    title, advice = _OVER.get(me.presence, ("", ""))
    present = meeting.present()
    page = render_template(
        _TEMPLATES[me.presence],
        meeting=meeting,
        me=me,
        in_call=[p for p in present if p.presence is Presence.IN_CALL],
        waiting=[p for p in present if p.presence is Presence.LOBBY],
        title=title,
        advice=advice,
        problem=problem,
    )
    return make_response(page, 409 if problem else 200)
