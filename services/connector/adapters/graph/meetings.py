"""The Teams meeting of a visit: made once, held to our settings (flows 1 and 2).

https://learn.microsoft.com/graph/api/onlinemeeting-createorget
"""

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connector.adapters.graph.client import V1, GraphClient
from connector.adapters.graph.instants import graph_text
from connector.domain.visit import Meeting
from connector.domain.visit_settings import Lobby
from connector.ports.errors import BadAnswer, OutsideError

# Whatever is written here shows in calendars, invitations and reports of the customer's tenant.
NEUTRAL_SUBJECT = "Virtual visit"
# Who walks in: `organization` lets staff in and holds patients in the lobby, `organizer` holds
# everybody but the one the meeting belongs to.
# https://learn.microsoft.com/graph/api/resources/lobbybypasssettings
LOBBY_SCOPES: Mapping[Lobby, str] = {
    Lobby.PATIENTS: "organization",
    Lobby.EVERYBODY: "organizer",
}

OPTIONAL_DEADLINE_SECONDS = 3.0
_PLAIN_HTTPS_URL = re.compile(r"https://[!-~]+")


class GraphMeetings:
    """Implements `ports.microsoft.Meetings`."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph

    def create_or_get(
        self,
        *,
        tenant_id: str,
        organizer_id: str,
        external_id: str,
        start: datetime | None,
        end: datetime | None,
        lobby: Lobby,
    ) -> Meeting:
        meetings = _meetings_of(organizer_id)
        asked = {
            "externalId": external_id,
            "subject": NEUTRAL_SUBJECT,
            **_times(start, end),
        }
        made = self._graph.ask(tenant_id, "POST", f"{meetings}/createOrGet", body=asked)
        meeting_id, join_url = _text(made, "id"), _url(made, "joinWebUrl")
        wanted = meeting_settings(lobby)
        if any(made.get(name) != value for name, value in wanted.items()):
            path = f"{meetings}/{quote(meeting_id, safe='')}"
            self._graph.ask(tenant_id, "PATCH", path, body=wanted)
        return Meeting(meeting_id, join_url)

    def patient_join_url(self, tenant_id: str, organizer_id: str, meeting_id: str) -> str | None:
        """https://learn.microsoft.com/graph/api/virtualappointment-getvirtualappointmentjoinweburl"""
        meeting = f"{_meetings_of(organizer_id)}/{quote(meeting_id, safe='')}"
        path = f"{meeting}/getVirtualAppointmentJoinWebUrl"
        with contextlib.suppress(OutsideError):
            found = self._graph.ask(
                tenant_id, "GET", path, deadline_seconds=OPTIONAL_DEADLINE_SECONDS
            )
            return _url(found, "value")
        return None


def _meetings_of(organizer_id: str) -> str:
    return f"{V1}/users/{quote(organizer_id, safe='')}/onlineMeetings"


def meeting_settings(lobby: Lobby) -> dict[str, Any]:
    """What createOrGet does not take; chat ends with the meeting."""
    return {
        "lobbyBypassSettings": {"scope": LOBBY_SCOPES[lobby], "isDialInBypassEnabled": False},
        "allowedPresenters": "organization",
        "allowMeetingChat": "limited",
    }


def _times(start: datetime | None, end: datetime | None) -> dict[str, str]:
    """Graph refuses an end without a start, and an end before it."""
    if start is None:
        return {}
    if end is None or end <= start:
        return {"startDateTime": graph_text(start)}
    return {"startDateTime": graph_text(start), "endDateTime": graph_text(end)}


def _text(meeting: Mapping[str, Any], field: str) -> str:
    value = meeting.get(field)
    if not isinstance(value, str) or not value:
        raise BadAnswer(field)
    return value


def _url(meeting: Mapping[str, Any], field: str) -> str:
    """A URL people are redirected to: https, and nothing that ends a header."""
    value = _text(meeting, field)
    if not _PLAIN_HTTPS_URL.fullmatch(value):
        raise BadAnswer(field)
    return value
