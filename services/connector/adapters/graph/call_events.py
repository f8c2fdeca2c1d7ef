"""The decrypted text of a call event, read tolerantly (microsoft.md 3.5).

Live tenants have sent these in PascalCase, the schema and the documentation name two fields
differently, and new event types appear: case is ignored, both names are known, the rest is dropped.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from connector.adapters.graph.instants import instant
from connector.ports.answers import strict_json
from connector.ports.errors import BadAnswer
from connector.ports.microsoft import CallEvent, CallEventType, IdentityKind, RosterLine

_TYPES = {kind.value.lower(): kind for kind in CallEventType}
_IDENTITIES = {k.value.lower(): k for k in IdentityKind if k is not IdentityKind.UNNAMED}


def call_event_of(text: bytes, resource_data: object) -> CallEvent | None:
    """The event, or None if its type is not one we use.

    Args:
        text: decrypted JSON.
        resource_data: of the item around it; its `id` tells repeated deliveries.

    Raises:
        BadAnswer: `code` is the field that is missing or malformed.
    """
    try:
        event = _lower_case(strict_json(text))
    except RecursionError as deep:
        raise BadAnswer("nesting") from deep
    kind = _TYPES.get(str(event.get("eventtype", event.get("calleventtype"))).lower())
    if kind is None:
        return None
    participants = event.get("participants@delta", event.get("participants"))
    return CallEvent(
        key=_key(text, resource_data),
        type=kind,
        at=instant(event.get("eventdatetime"), "eventDateTime"),
        roster=_roster(participants),
    )


def _lower_case(value: Any) -> Any:
    """Keys in lower case, all the way down."""
    if isinstance(value, dict):
        return {name.lower(): _lower_case(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_lower_case(each) for each in value]
    return value


def _key(text: bytes, resource_data: object) -> str:
    named = resource_data.get("id") if isinstance(resource_data, dict) else None
    return named if isinstance(named, str) and named else hashlib.sha256(text).hexdigest()


def _roster(participants: object) -> Sequence[RosterLine]:
    if participants is None:
        return []
    if not isinstance(participants, list):
        raise BadAnswer("participants")
    return [_line(each) for each in participants]


def _line(participant: object) -> RosterLine:
    """Who, where, and nothing else: display names end here."""
    if not isinstance(participant, dict):
        raise BadAnswer("participants")
    participant_id = participant.get("id")
    if not isinstance(participant_id, str) or not participant_id:
        raise BadAnswer("participant_id")
    kind, identity = _identity(participant.get("info"))
    is_user = kind is IdentityKind.USER
    return RosterLine(
        participant_id=participant_id,
        kind=kind,
        object_id=_lower(identity.get("id")) if is_user else None,
        tenant_id=_lower(identity.get("tenantid")) if is_user else None,
        in_lobby=participant.get("isinlobby") is True,
        removed=participant.get("removedstate") is not None,
    )


def _identity(info: object) -> tuple[IdentityKind, dict[str, Any]]:
    """The filled slot among those we know; several or none name nobody (fail closed)."""
    slots = info.get("identity") if isinstance(info, dict) else None
    if not isinstance(slots, dict):
        return IdentityKind.UNNAMED, {}
    filled = [(_IDENTITIES.get(name), each) for name, each in slots.items() if each]
    known = [(kind, each) for kind, each in filled if kind and isinstance(each, dict)]
    return known[0] if len(known) == 1 else (IdentityKind.UNNAMED, {})


def _lower(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and value else None
