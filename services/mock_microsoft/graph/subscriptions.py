"""Subscriptions to the call events of a meeting: beta only, application only, one for each application and meeting.

https://learn.microsoft.com/graph/changenotifications-for-onlinemeeting
"""

from typing import Any

from flask import Response, jsonify, request

from mock_microsoft.graph.access import READ_MEETINGS, Caller, require_role
from mock_microsoft.graph.errors import BadRequest, Conflict, NotFound, ValidationFailed
from mock_microsoft.graph.subscription_requests import (
    Document,
    check_create,
    check_update,
    checked_certificate,
    checked_expiration,
    subscribed_join_web_url,
)
from mock_microsoft.graph.versions import BETA, context_of, graph_blueprint, graph_version
from mock_microsoft.identifiers import new_guid
from mock_microsoft.instants import graph_text
from mock_microsoft.notifications.outbound import HandshakeFailed
from mock_microsoft.notifications.subscription import Subscription
from mock_microsoft.world import current_world

CREATED = 201

blueprint = graph_blueprint("graph_subscriptions", __name__)


@blueprint.post("/subscriptions")
def create() -> tuple[Response, int]:
    caller = require_role(READ_MEETINGS)
    if graph_version() != BETA:
        raise BadRequest("The resource meetingCallEvents is supported in beta only.")
    document = check_create(request.get_json(silent=True))
    subscription = _new_subscription(caller, document)
    world = current_world()
    place = (subscription.app_id, subscription.join_web_url)
    if not world.subscriptions.reserve(*place, subscription.id, world.clock.now()):
        raise Conflict("A subscription of this application for this meeting exists already.")
    try:
        _shake_hands(subscription.notification_url, subscription.lifecycle_notification_url)
    except ValidationFailed:
        world.subscriptions.release(*place)
        raise
    world.subscriptions.add(subscription)
    return _answer(subscription), CREATED


@blueprint.get("/subscriptions")
def list_own() -> Response:
    caller = require_role(READ_MEETINGS)
    world = current_world()
    own = world.subscriptions.of_app(caller.app_id, caller.tenant.id, world.clock.now())
    value = [_document(subscription) for subscription in own]
    return jsonify({"@odata.context": context_of("subscriptions"), "value": value})


@blueprint.get("/subscriptions/<subscription_id>")
def read(subscription_id: str) -> Response:
    return _answer(_own_subscription(subscription_id))


@blueprint.patch("/subscriptions/<subscription_id>")
def renew(subscription_id: str) -> Response:
    """All or nothing. A renewal reauthorizes too; a new notification URL is validated first."""
    subscription = _own_subscription(subscription_id)
    document = check_update(request.get_json(silent=True))
    changes = _checked_changes(document)
    if "notification_url" in changes:
        _shake_hands(changes["notification_url"])
    for name, value in changes.items():
        setattr(subscription, name, value)
    subscription.reauthorized()
    return _answer(subscription)


@blueprint.delete("/subscriptions/<subscription_id>")
def delete(subscription_id: str) -> tuple[str, int]:
    current_world().subscriptions.remove(_own_subscription(subscription_id))
    return "", 204


@blueprint.post("/subscriptions/<subscription_id>/reauthorize")
def reauthorize(subscription_id: str) -> tuple[str, int]:
    _own_subscription(subscription_id).reauthorized()
    return "", 204


def _own_subscription(subscription_id: str) -> Subscription:
    caller = require_role(READ_MEETINGS)
    world = current_world()
    found = world.subscriptions.find(subscription_id, world.clock.now())
    if found is None or (found.app_id, found.tenant_id) != (caller.app_id, caller.tenant.id):
        raise NotFound("The subscription was not found.")
    return found


def _new_subscription(caller: Caller, document: Document) -> Subscription:
    world = current_world()
    join_web_url = subscribed_join_web_url(document.get("resource"))
    meeting = world.meetings.by_join_web_url(join_web_url)
    if meeting is None or meeting.organizer.tenant != caller.tenant:
        raise NotFound("The meeting of the resource was not found.")
    return Subscription(
        id=new_guid(),
        app_id=caller.app_id,
        tenant_id=caller.tenant.id,
        creator_id=caller.principal_id,
        resource=document["resource"].removeprefix("/"),
        join_web_url=join_web_url,
        notification_url=document["notificationUrl"],
        lifecycle_notification_url=document.get("lifecycleNotificationUrl"),
        client_state=document.get("clientState"),
        certificate=checked_certificate(document),
        expires=checked_expiration(document["expirationDateTime"], world.clock.now()),
    )


def _checked_changes(document: Document) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "expirationDateTime" in document:
        now = current_world().clock.now()
        changes["expires"] = checked_expiration(document["expirationDateTime"], now)
    if "encryptionCertificate" in document:
        changes["certificate"] = checked_certificate(document)
    if "notificationUrl" in document:
        changes["notification_url"] = document["notificationUrl"]
    return changes


def _shake_hands(*urls: str | None) -> None:
    """While the caller waits; the same URL twice gets two requests."""
    try:
        for url in urls:
            if url:
                current_world().webhooks.shake_hands(url)
    except HandshakeFailed as error:
        raise ValidationFailed(str(error)) from error


def _document(subscription: Subscription) -> dict[str, Any]:
    """The certificate itself is never echoed."""
    return {
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": subscription.app_id,
        "changeType": "updated",
        "clientState": subscription.client_state,
        "notificationUrl": subscription.notification_url,
        "lifecycleNotificationUrl": subscription.lifecycle_notification_url,
        "expirationDateTime": graph_text(subscription.expires),
        "creatorId": subscription.creator_id,
        "includeResourceData": True,
        "encryptionCertificateId": subscription.certificate.id,
        "latestSupportedTlsVersion": "v1_2",
        "notificationUrlAppId": None,
        "notificationQueryOptions": None,
    }


def _answer(subscription: Subscription) -> Response:
    context = context_of("subscriptions/$entity")
    return jsonify({"@odata.context": context, **_document(subscription)})
