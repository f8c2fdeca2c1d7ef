"""`/sim/subscriptions`, `/sim/deliveries`, `/sim/delivery-faults`.

| request | does |
|---|---|
| `GET subscriptions` | live ones |
| `POST subscriptions/{id}/silence` `{"silent": true}` | it stays listed and renewable, and delivers nothing |
| `POST subscriptions/{id}/reauthorization` | send `reauthorizationRequired`; unanswered, deliveries are lost after 30 minutes |
| `GET deliveries?subscription_id=` | every delivery with its attempts and outcome |
| `POST delivery-faults` `{"fault": "duplicate", "times": 1, "subscription_id": null}` | for the next notifications; `DELETE` clears |
"""

from typing import Any

from flask import Response, jsonify, request

from mock_microsoft.control.plane import choice_of, control_blueprint, posted_object, times_of
from mock_microsoft.instants import graph_text
from mock_microsoft.notifications.delivery import Delivery
from mock_microsoft.notifications.sabotage import DeliveryFault, Order
from mock_microsoft.notifications.subscription import Subscription
from mock_microsoft.world import current_world

blueprint = control_blueprint("sim_notifications", __name__)


@blueprint.get("/subscriptions")
def list_subscriptions() -> Response:
    world = current_world()
    live = world.subscriptions.live(world.clock.now())
    return jsonify({"subscriptions": [_subscription_document(one) for one in live]})


@blueprint.post("/subscriptions/<subscription_id>/silence")
def silence(subscription_id: str) -> Response:
    subscription = _subscription(subscription_id)
    subscription.is_silent = posted_object().get("silent", True) is not False
    return jsonify(_subscription_document(subscription))


@blueprint.post("/subscriptions/<subscription_id>/reauthorization")
def reauthorization(subscription_id: str) -> Response:
    subscription = _subscription(subscription_id)
    current_world().publisher.ask_for_reauthorization(subscription)
    return jsonify(_subscription_document(subscription))


@blueprint.get("/deliveries")
def deliveries() -> Response:
    wanted = request.args.get("subscription_id")
    found = current_world().deliveries.deliveries()
    return jsonify(
        {"deliveries": [_delivery(d) for d in found if wanted in (None, d.subscription_id)]}
    )


@blueprint.get("/delivery-faults")
def list_faults() -> Response:
    return jsonify({"delivery_faults": current_world().publisher.faults.listed()})


@blueprint.post("/delivery-faults")
def order_fault() -> Response:
    document = posted_object()
    fault = choice_of(document, "fault", DeliveryFault)
    subscription_id = document.get("subscription_id")
    if subscription_id is not None:
        _subscription(str(subscription_id))
    current_world().publisher.faults.order(Order(fault, times_of(document), subscription_id))
    return list_faults()


@blueprint.delete("/delivery-faults")
def clear_faults() -> Response:
    current_world().publisher.faults.clear()
    return list_faults()


def _subscription(subscription_id: str) -> Subscription:
    world = current_world()
    found = world.subscriptions.find(subscription_id, world.clock.now())
    if found is None:
        raise LookupError("no such subscription; GET /sim/subscriptions lists them")
    return found


def _subscription_document(subscription: Subscription) -> dict[str, Any]:
    deadline = subscription.reauthorize_by
    return {
        "id": subscription.id,
        "client_id": subscription.app_id,
        "tenant_id": subscription.tenant_id,
        "join_web_url": subscription.join_web_url,
        "notification_url": subscription.notification_url,
        "expires": graph_text(subscription.expires),
        "silent": subscription.is_silent,
        "reauthorize_by": graph_text(deadline) if deadline else None,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "subscription_id": delivery.subscription_id,
        "kind": delivery.kind,
        "url": delivery.url,
        "outcome": delivery.outcome.value,
        "due": graph_text(delivery.due),
        "attempts": [{"at": graph_text(a.at), "status": a.status} for a in delivery.attempts],
    }
