"""Fields of an onlineMeeting that a client may set: what each accepts.

https://learn.microsoft.com/graph/api/resources/onlinemeetingbase and .../resources/onlinemeeting
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from mock_microsoft.graph.errors import BadRequest
from mock_microsoft.instants import graph_instant
from mock_microsoft.teams.lobby import LobbyAdmitters, LobbyScope, Presenters

Check = Callable[[Any], bool]
MAX_SUBJECT_CHARACTERS = 255


def _text(limit: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= limit


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _member(values: type[StrEnum] | frozenset[str]) -> Check:
    allowed = values if isinstance(values, frozenset) else frozenset(v.value for v in values)
    return lambda value: isinstance(value, str) and value in allowed


def _object(fields: Mapping[str, Check]) -> Check:
    return lambda value: (
        isinstance(value, dict)
        and all(
            name in fields and fields[name](inner)
            for name, inner in value.items()
            if not name.startswith("@odata")
        )
    )


def _attendees(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and ("upn" in one or "identity" in one) for one in value
    )


def is_instant(value: Any) -> bool:
    try:
        graph_instant(value)
    except (TypeError, ValueError):
        return False
    return True


_CHAT = frozenset({"enabled", "disabled", "limited"})
_PARTICIPANTS = _object({"attendees": _attendees})
_CHAT_INFO = _object({"threadId": _text(400), "messageId": _text(100)})

CREATE_OR_GET_FIELDS: Mapping[str, Check] = {
    "chatInfo": _CHAT_INFO,
    "startDateTime": is_instant,
    "endDateTime": is_instant,
    "externalId": _text(400),
    "participants": _PARTICIPANTS,
    "subject": _text(MAX_SUBJECT_CHARACTERS),
}

UPDATE_FIELDS: Mapping[str, Check] = {
    "startDateTime": is_instant,
    "endDateTime": is_instant,
    "participants": _PARTICIPANTS,
    "subject": _text(MAX_SUBJECT_CHARACTERS),
    "allowAttendeeToEnableCamera": _flag,
    "allowAttendeeToEnableMic": _flag,
    "allowMeetingChat": _member(_CHAT),
    "allowParticipantsToChangeName": _flag,
    "allowRecording": _flag,
    "allowTeamworkReactions": _flag,
    "allowTranscription": _flag,
    "allowedLobbyAdmitters": _member(LobbyAdmitters),
    "allowedPresenters": _member(Presenters),
    "isEntryExitAnnounced": _flag,
    "lobbyBypassSettings": _object({"scope": _member(LobbyScope), "isDialInBypassEnabled": _flag}),
    "recordAutomatically": _flag,
    "shareMeetingChatHistoryDefault": _member(frozenset({"none", "all"})),
    "watermarkProtection": _object(
        {"isEnabledForContentSharing": _flag, "isEnabledForVideo": _flag}
    ),
}

CREATE_FIELDS: Mapping[str, Check] = {
    **UPDATE_FIELDS,
    "chatInfo": _CHAT_INFO,
    "joinMeetingIdSettings": _object({"isPasscodeRequired": _flag}),
}


def default_properties() -> dict[str, Any]:
    """Of a meeting for which nothing was said."""
    return {
        "subject": None,
        "attendees": [],
        "allowAttendeeToEnableCamera": True,
        "allowAttendeeToEnableMic": True,
        "allowMeetingChat": "enabled",
        "allowParticipantsToChangeName": False,
        "allowRecording": True,
        "allowTeamworkReactions": True,
        "allowTranscription": True,
        "allowedLobbyAdmitters": LobbyAdmitters.WITH_PRESENTERS.value,
        "allowedPresenters": Presenters.EVERYONE.value,
        "isEntryExitAnnounced": True,
        "lobbyBypassSettings": {
            "scope": LobbyScope.ORGANIZATION.value,
            "isDialInBypassEnabled": False,
        },
        "recordAutomatically": False,
        "shareMeetingChatHistoryDefault": "none",
        "watermarkProtection": {"isEnabledForContentSharing": False, "isEnabledForVideo": False},
    }


def checked_fields(document: Any, allowed: Mapping[str, Check]) -> dict[str, Any]:
    """The document without OData annotations; BadRequest names the first field that is unknown or wrong."""
    if not isinstance(document, dict):
        raise BadRequest("The request body must be one JSON object.")
    given = {name: value for name, value in document.items() if not name.startswith("@odata")}
    for name, value in given.items():
        if name not in allowed:
            raise BadRequest(f"The property '{name}' does not exist or cannot be set here.")
        if not allowed[name](value):
            raise BadRequest(f"The value of the property '{name}' is not valid.")
    return given


def merged_properties(current: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`participants.attendees` replaces the whole list; objects are merged field by field."""
    merged = dict(current)
    for name, value in given.items():
        if name == "participants":
            merged["attendees"] = value.get("attendees", merged["attendees"])
        elif name in merged:
            old = merged[name]
            merged[name] = {**old, **value} if isinstance(old, dict) else value
    return merged
