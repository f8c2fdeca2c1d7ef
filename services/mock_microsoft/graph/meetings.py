"""Online meetings of a user, and the join URL for a patient's browser.

https://learn.microsoft.com/graph/api/resources/onlinemeeting and .../api/virtualappointment-getvirtualappointmentjoinweburl
"""

import re
from typing import Any
from urllib.parse import quote

from flask import Response, jsonify, request

from mock_microsoft.directory import Person
from mock_microsoft.graph.access import (
    READ_MEETINGS,
    READ_VIRTUAL_APPOINTMENT,
    WRITE_MEETINGS,
    require_organizer,
)
from mock_microsoft.graph.errors import BadRequest, NotFound
from mock_microsoft.graph.fields import (
    CREATE_FIELDS,
    CREATE_OR_GET_FIELDS,
    UPDATE_FIELDS,
    checked_fields,
)
from mock_microsoft.graph.meeting_documents import apply_update, draft_from, meeting_document
from mock_microsoft.graph.versions import context_of, graph_blueprint
from mock_microsoft.teams.meeting import Meeting
from mock_microsoft.world import current_world

CREATED, OK = 201, 200
INCLUDE_LATE_MEMBERS = "include-unknown-enum-members"
_BY_JOIN_WEB_URL = re.compile(r"joinweburl eq '([^']*)'", re.IGNORECASE)
_BY_JOIN_MEETING_ID = re.compile(r"joinmeetingidsettings/joinmeetingid eq '(\d*)'", re.IGNORECASE)

blueprint = graph_blueprint("graph_meetings", __name__)


@blueprint.post("/users/<user_id>/onlineMeetings")
def create(user_id: str) -> tuple[Response, int]:
    organizer = require_organizer(user_id, WRITE_MEETINGS)
    world = current_world()
    given = checked_fields(_body(), CREATE_FIELDS)
    meeting = world.meetings.create(draft_from(organizer, given, world.clock.now()))
    return _answer(meeting), CREATED


@blueprint.post("/users/<user_id>/onlineMeetings/createOrGet")
def create_or_get(user_id: str) -> tuple[Response, int]:
    """An existing meeting comes back unchanged, whatever else the body says."""
    organizer = require_organizer(user_id, WRITE_MEETINGS)
    world = current_world()
    given = checked_fields(_body(), CREATE_OR_GET_FIELDS)
    if not given.get("externalId"):
        raise BadRequest("externalId is required.")
    meeting, is_new = world.meetings.create_or_get(draft_from(organizer, given, world.clock.now()))
    return _answer(meeting), CREATED if is_new else OK


@blueprint.get("/users/<user_id>/onlineMeetings")
def find(user_id: str) -> Response:
    organizer = require_organizer(user_id, READ_MEETINGS)
    meeting = _filtered(request.args.get("$filter", ""))
    found = [meeting] if meeting and meeting.organizer == organizer else []
    documents = [_document(one) for one in found]
    for document in documents:
        del document["@odata.context"]
    context = context_of(f"users('{organizer.id}')/onlineMeetings")
    return jsonify({"@odata.context": context, "value": documents})


@blueprint.get("/users/<user_id>/onlineMeetings/<meeting_id>")
def read(user_id: str, meeting_id: str) -> Response:
    return _answer(owned_meeting(require_organizer(user_id, READ_MEETINGS), meeting_id))


@blueprint.patch("/users/<user_id>/onlineMeetings/<meeting_id>")
def update(user_id: str, meeting_id: str) -> Response:
    meeting = owned_meeting(require_organizer(user_id, WRITE_MEETINGS), meeting_id)
    given = checked_fields(_body(), UPDATE_FIELDS)
    current_world().meetings.update(meeting, lambda one: apply_update(one, given))
    return _answer(meeting)


@blueprint.delete("/users/<user_id>/onlineMeetings/<meeting_id>")
def delete(user_id: str, meeting_id: str) -> tuple[str, int]:
    meeting = owned_meeting(require_organizer(user_id, WRITE_MEETINGS), meeting_id)
    current_world().meetings.delete(meeting)
    return "", 204


@blueprint.get("/users/<user_id>/onlineMeetings/<meeting_id>/getVirtualAppointmentJoinWebUrl")
@blueprint.get("/users/<user_id>/onlineMeetings/<meeting_id>/getVirtualAppointmentJoinWebUrl()")
def virtual_appointment_join_web_url(user_id: str, meeting_id: str) -> Response:
    organizer = require_organizer(user_id, READ_VIRTUAL_APPOINTMENT)
    meeting = owned_meeting(organizer, meeting_id)
    url = (
        f"{current_world().config.public_url}/webrtc-svc/api/route?tid={organizer.tenant.id}"
        f"&convId={quote(meeting.thread_id, safe=':@')}&oid={organizer.id}&browserJoin=True"
    )
    return jsonify({"@odata.context": context_of("Edm.String"), "value": url})


def owned_meeting(organizer: Person, meeting_id: str) -> Meeting:
    meeting = current_world().meetings.find(meeting_id)
    if meeting is None or meeting.organizer != organizer:
        raise NotFound("The meeting was not found.")
    return meeting


def _filtered(expression: str) -> Meeting | None:
    """Graph knows two filters and needs one of them."""
    meetings = current_world().meetings
    if by_url := _BY_JOIN_WEB_URL.fullmatch(expression):
        url = by_url.group(1)
        if "/l/meetup-join/" not in url:
            raise BadRequest("1026: An error has occurred.")
        return meetings.by_join_web_url(url)
    if by_number := _BY_JOIN_MEETING_ID.fullmatch(expression):
        return meetings.by_join_meeting_id(by_number.group(1))
    raise BadRequest(
        "$filter must be JoinWebUrl eq '…' or joinMeetingIdSettings/joinMeetingId eq '…'."
    )


def _body() -> Any:
    return request.get_json(silent=True)


def _document(meeting: Meeting) -> dict[str, Any]:
    return meeting_document(
        meeting,
        context_of(f"users('{meeting.organizer.id}')/onlineMeetings/$entity"),
        show_late_members=INCLUDE_LATE_MEMBERS in request.headers.get("Prefer", ""),
    )


def _answer(meeting: Meeting) -> Response:
    return jsonify(_document(meeting))
