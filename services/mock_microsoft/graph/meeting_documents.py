"""JSON of an onlineMeeting, and the drafts read from requests.

https://learn.microsoft.com/graph/api/onlinemeeting-createorget
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mock_microsoft.directory import Person
from mock_microsoft.graph.errors import BadRequest
from mock_microsoft.graph.fields import default_properties, merged_properties
from mock_microsoft.instants import graph_instant, graph_text
from mock_microsoft.teams.lobby import LobbyScope
from mock_microsoft.teams.meeting import Meeting
from mock_microsoft.teams.store import MeetingDraft

DEFAULT_DURATION = timedelta(hours=1)
# Enum members added after the sentinel are hidden from clients that do not ask for them:
# https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations
_LATE_MEMBERS = frozenset(
    {LobbyScope.INVITED.value, LobbyScope.ORGANIZATION_EXCLUDING_GUESTS.value}
)
UNKNOWN_FUTURE_VALUE = "unknownFutureValue"

_LEGACY_AUTO_ADMITTED = {
    LobbyScope.EVERYONE.value: "Everyone",
    LobbyScope.ORGANIZATION.value: "EveryoneInCompany",
    LobbyScope.ORGANIZATION_AND_FEDERATED.value: "EveryoneInSameAndFederatedCompany",
    LobbyScope.ORGANIZER.value: "OrganizerOnly",
}


def draft_from(organizer: Person, given: Mapping[str, Any], now: datetime) -> MeetingDraft:
    starts, ends = meeting_times(given, now)
    return MeetingDraft(
        organizer=organizer,
        starts=starts,
        ends=ends,
        properties=merged_properties(default_properties(), given),
        external_id=given.get("externalId"),
    )


def meeting_times(given: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """Start defaults to now and end to an hour later; BadRequest for an end alone or before the start."""
    if "endDateTime" in given and "startDateTime" not in given:
        raise BadRequest("startDateTime and endDateTime must be given together.")
    starts = graph_instant(given["startDateTime"]) if "startDateTime" in given else now
    ends = (
        graph_instant(given["endDateTime"]) if "endDateTime" in given else starts + DEFAULT_DURATION
    )
    if ends < starts:
        raise BadRequest("endDateTime must not be before startDateTime.")
    return starts, ends


def apply_update(meeting: Meeting, given: Mapping[str, Any]) -> None:
    """Changes of a PATCH; start and end come together or not at all."""
    if ("startDateTime" in given) != ("endDateTime" in given):
        raise BadRequest("startDateTime and endDateTime must be given together.")
    if "startDateTime" in given:
        meeting.starts, meeting.ends = meeting_times(given, meeting.starts)
    meeting.properties = merged_properties(meeting.properties, given)


def meeting_document(
    meeting: Meeting, context_url: str, *, show_late_members: bool
) -> dict[str, Any]:
    shown = {k: v for k, v in meeting.properties.items() if k != "attendees"}
    lobby = shown["lobbyBypassSettings"]
    if lobby["scope"] in _LATE_MEMBERS and not show_late_members:
        shown["lobbyBypassSettings"] = {**lobby, "scope": UNKNOWN_FUTURE_VALUE}
    return {
        "@odata.context": context_url,
        "id": meeting.id,
        "creationDateTime": graph_text(meeting.created),
        "startDateTime": graph_text(meeting.starts),
        "endDateTime": graph_text(meeting.ends),
        "joinWebUrl": meeting.join_web_url,
        "isBroadcast": False,
        "autoAdmittedUsers": _LEGACY_AUTO_ADMITTED.get(lobby["scope"], UNKNOWN_FUTURE_VALUE),
        "videoTeleconferenceId": None,
        "externalId": meeting.external_id,
        **shown,
        "participants": {
            "organizer": _organizer(meeting.organizer),
            "attendees": meeting.properties["attendees"],
        },
        "joinMeetingIdSettings": {
            "isPasscodeRequired": False,
            "joinMeetingId": meeting.join_meeting_id,
            "passcode": None,
        },
        "audioConferencing": None,
        "chatInfo": {
            "threadId": meeting.thread_id,
            "messageId": "0",
            "replyChainMessageId": None,
        },
    }


def _organizer(person: Person) -> dict[str, Any]:
    return {
        "upn": person.user_principal_name,
        "role": "presenter",
        "identity": {
            "user": {
                "id": person.id,
                "displayName": None,
                "tenantId": person.tenant.id,
                "identityProvider": "AAD",
            }
        },
    }
