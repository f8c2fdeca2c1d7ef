"""What a subscriber receives: call events, the notification around them, lifecycle notifications.

https://learn.microsoft.com/graph/changenotifications-for-onlinemeeting
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mock_microsoft.entra.claims import sts_issuer
from mock_microsoft.identifiers import new_guid
from mock_microsoft.instants import graph_text
from mock_microsoft.notifications.subscription import Subscription
from mock_microsoft.teams.participants import CallEvent, RosterChange, Visitor

# Application id of Microsoft Graph change tracking, in every validation token.
CHANGE_TRACKING_APP_ID = "0bf30f3b-4a52-48df-9a82-234910c4a086"
VALIDATION_TOKEN_SECONDS = 3600
CALL_EVENT_TYPE = "#microsoft.graph.callevent"


def call_event(event: CallEvent, resource: str, notification_id: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "@odata.type": CALL_EVENT_TYPE,
        "@odata.id": resource,
        "id": notification_id,
        "eventType": event.type.value,
        "eventDateTime": graph_text(event.at),
    }
    if event.changes:
        document["participants@delta"] = [_participant(change) for change in event.changes]
    return document


def _participant(change: RosterChange) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": change.participant_id,
        "isInLobby": change.is_in_lobby,
        "info": {"identity": _identity(change.visitor, change.participant_id)},
    }
    if change.departure:
        document["removedState"] = {"reason": change.departure.value}
    return document


def _identity(visitor: Visitor, participant_id: str) -> dict[str, Any]:
    """A patient in a browser has no Entra object: `guest` with an id of this call only."""
    if visitor.person is None:
        return {"guest": {"id": participant_id, "displayName": visitor.display_name}}
    person = visitor.person
    return {
        "user": {
            "id": person.id,
            "displayName": person.display_name,
            "tenantId": person.tenant.id,
        }
    }


def in_pascal_case(value: Any) -> Any:
    """Property names as a live tenant was seen to send them: `Info.Identity.User.Id`; `@odata` names stay."""
    if isinstance(value, list):
        return [in_pascal_case(item) for item in value]
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: in_pascal_case(item) for key, item in value.items()}
    return value


def plaintext(document: Mapping[str, Any], *, pascal_case: bool) -> bytes:
    return json.dumps(in_pascal_case(document) if pascal_case else document).encode()


def rich_item(
    subscription: Subscription,
    notification_id: str,
    content: Mapping[str, str],
    client_state: str | None,
) -> dict[str, Any]:
    """`value[]` entry with encrypted resource data."""
    return {
        "id": new_guid(),
        "subscriptionId": subscription.id,
        "clientState": client_state,
        "changeType": "updated",
        "tenantId": subscription.tenant_id,
        "organizationId": subscription.tenant_id,
        "resource": subscription.resource,
        "subscriptionExpirationDateTime": graph_text(subscription.expires),
        "resourceData": {
            "@odata.id": subscription.resource,
            "@odata.type": CALL_EVENT_TYPE,
            "id": notification_id,
        },
        "encryptedContent": dict(content),
    }


def lifecycle_item(subscription: Subscription, lifecycle_event: str) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": graph_text(subscription.expires),
        "tenantId": subscription.tenant_id,
        "clientState": subscription.client_state,
        "lifecycleEvent": lifecycle_event,
    }


def validation_claims(
    subscription: Subscription, now: datetime, *, publisher: str, age_seconds: int = 0
) -> dict[str, Any]:
    """Claims that tell a receiver that Graph, and nobody else, sent the batch."""
    issued = int(now.timestamp()) - age_seconds
    return {
        "aud": subscription.app_id,
        "iss": sts_issuer(subscription.tenant_id),
        "iat": issued,
        "nbf": issued,
        "exp": issued + VALIDATION_TOKEN_SECONDS,
        "appid": publisher,
        "appidacr": "2",
        "idp": sts_issuer(subscription.tenant_id),
        "tid": subscription.tenant_id,
        "uti": new_guid(),
        "ver": "1.0",
    }
