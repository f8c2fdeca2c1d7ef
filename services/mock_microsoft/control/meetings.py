"""`/sim/meetings`: look into meetings, and act in them as the pages do.

| request | does |
|---|---|
| `GET meetings?external_id=` | all, or those of one external id |
| `GET meetings/{id}` | one, with participants and attendance |
| `POST meetings/{id}/participants` `{"as": "user", "user_id": oid or UPN}` or `{"as": "guest", "display_name": …}` | join |
| `POST meetings/{id}/participants/{pid}/{admit,deny,leave,rejoin}` | leave takes `{"reason": "left"}` or `"inactive"` |
| `POST meetings/{id}/end` | end for everybody |
| `POST meetings/end` | end every call that is on |
| `GET ledger?offset=&limit=` | rows of `columns`, one a meeting ever made: how often each party entered and left the call |
"""

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request

from mock_microsoft.control.plane import control_blueprint, posted_object, text_of
from mock_microsoft.instants import graph_text
from mock_microsoft.teams.lobby import Standing
from mock_microsoft.teams.meeting import Meeting, NotAllowed
from mock_microsoft.teams.participants import Departure, Participant, Visitor
from mock_microsoft.world import World, current_world
from simkit.paging import page_asked

blueprint = control_blueprint("sim_meetings", __name__)

_REASONS = {"left": Departure.LEFT, "inactive": Departure.INACTIVE}


@blueprint.errorhandler(NotAllowed)
def conflict(error: NotAllowed) -> tuple[Response, int]:
    return jsonify({"error": "conflict", "message": str(error)}), 409


@blueprint.get("/meetings")
def list_meetings() -> Response:
    wanted = request.args.get("external_id")
    meetings = current_world().meetings.all()
    return jsonify(
        {"meetings": [_document(m) for m in meetings if wanted in (None, m.external_id)]}
    )


@blueprint.get("/ledger")
def ledger() -> Response:
    page = page_asked(request.args)
    made = current_world().meetings.made(page.offset, page.limit)
    return jsonify(page.answer(_LEDGER, [_ledger_row(meeting) for meeting in made]))


@blueprint.get("/meetings/<meeting_id>")
def read(meeting_id: str) -> Response:
    return jsonify(_document(_meeting(meeting_id)))


@blueprint.post("/meetings/<meeting_id>/participants")
def join(meeting_id: str) -> tuple[Response, int]:
    world = current_world()
    participant = world.meetings.join(_meeting(meeting_id), _visitor(world, posted_object()))
    return jsonify(_participant(participant)), 201


@blueprint.post("/meetings/<meeting_id>/participants/<participant_id>/<action>")
def act(meeting_id: str, participant_id: str, action: str) -> Response:
    meeting = _meeting(meeting_id)
    participant = meeting.participant(participant_id)
    if participant is None:
        raise LookupError("no such participant")
    if action not in _ACTIONS:
        raise ValueError(f"the action must be one of: {', '.join(_ACTIONS)}")
    return jsonify(_participant(_ACTIONS[action](current_world(), meeting, participant)))


@blueprint.post("/meetings/<meeting_id>/end")
def end(meeting_id: str) -> Response:
    meeting = _meeting(meeting_id)
    current_world().meetings.end(meeting)
    return jsonify(_document(meeting))


@blueprint.post("/meetings/end")
def end_all() -> tuple[str, int]:
    meetings = current_world().meetings
    for meeting in meetings.all():
        meetings.end(meeting)
    return "", 204


_LEDGER = (
    "thread_id",
    "external_id",
    "provider_joined",
    "provider_left",
    "patient_joined",
    "patient_left",
)


def _ledger_row(meeting: Meeting) -> list[str | int]:
    """Time in the lobby is no stay. Who has no account is the patient, everybody else a provider."""
    providers = [p for p in meeting.participants if p.standing is not Standing.ANONYMOUS]
    patients = [p for p in meeting.participants if p.standing is Standing.ANONYMOUS]
    counts = (*_entered_and_left(providers), *_entered_and_left(patients))
    return [meeting.thread_id, meeting.external_id or "", *counts]


def _entered_and_left(participants: list[Participant]) -> tuple[int, int]:
    stays = [stay for one in participants for stay in one.intervals]
    return len(stays), sum(1 for stay in stays if stay.left is not None)


def _admit(world: World, meeting: Meeting, participant: Participant) -> Participant:
    world.meetings.admit(meeting, participant)
    return participant


def _deny(world: World, meeting: Meeting, participant: Participant) -> Participant:
    world.meetings.deny(meeting, participant)
    return participant


def _leave(world: World, meeting: Meeting, participant: Participant) -> Participant:
    reason = posted_object().get("reason", "left")
    if reason not in _REASONS:
        raise ValueError(f'"reason" must be one of: {", ".join(_REASONS)}')
    world.meetings.leave(meeting, participant, _REASONS[reason])
    return participant


def _rejoin(world: World, meeting: Meeting, participant: Participant) -> Participant:
    return world.meetings.join(meeting, participant.visitor, participant.person_key)


_ACTIONS: dict[str, Callable[[World, Meeting, Participant], Participant]] = {
    "admit": _admit,
    "deny": _deny,
    "leave": _leave,
    "rejoin": _rejoin,
}


def _meeting(meeting_id: str) -> Meeting:
    meeting = current_world().meetings.find(meeting_id)
    if meeting is None:
        raise LookupError("no such meeting; GET /sim/meetings lists them")
    return meeting


def _visitor(world: World, document: dict[str, Any]) -> Visitor:
    if document.get("as") == "guest":
        return Visitor(text_of(document, "display_name"))
    if document.get("as") != "user":
        raise ValueError('say {"as": "user", "user_id": …} or {"as": "guest", "display_name": …}')
    person = world.directory.person(text_of(document, "user_id"))
    if person is None:
        raise LookupError("no such person; GET /sim/people lists them")
    return Visitor(person.display_name, person)


def _document(meeting: Meeting) -> dict[str, Any]:
    return {
        "id": meeting.id,
        "thread_id": meeting.thread_id,
        "external_id": meeting.external_id,
        "join_web_url": meeting.join_web_url,
        "organizer_id": meeting.organizer.id,
        "tenant_id": meeting.organizer.tenant.id,
        "lobby_scope": meeting.properties["lobbyBypassSettings"]["scope"],
        "meeting_chat": meeting.properties["allowMeetingChat"],
        "call_started": graph_text(meeting.call_started) if meeting.call_started else None,
        "participants": [_participant(participant) for participant in meeting.participants],
        "attendance_reports": [report.id for report in meeting.reports],
    }


def _participant(participant: Participant) -> dict[str, Any]:
    person = participant.visitor.person
    return {
        "id": participant.id,
        "display_name": participant.visitor.display_name,
        "user_id": person.id if person else None,
        "standing": participant.standing.value,
        "state": participant.presence.value,
        "page": f"/teams/seat/{participant.seat}",
    }
