"""From what happened in a meeting to what each subscription receives, with the faults a tester asked for."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from mock_microsoft.identifiers import new_guid
from mock_microsoft.notifications.crypto import encrypted_content
from mock_microsoft.notifications.delivery import Delivery, DeliveryEngine, Outcome
from mock_microsoft.notifications.payloads import (
    CHANGE_TRACKING_APP_ID,
    VALIDATION_TOKEN_SECONDS,
    call_event,
    lifecycle_item,
    plaintext,
    rich_item,
    validation_claims,
)
from mock_microsoft.notifications.sabotage import DeliveryFault, DeliveryFaults
from mock_microsoft.notifications.subscription import (
    REAUTHORIZATION_GRACE,
    Subscription,
    Subscriptions,
)
from mock_microsoft.teams.meeting import Meeting
from mock_microsoft.teams.participants import CallEvent
from simkit.clock import Clock
from simkit.keys import IssuerKey

Faults = frozenset[DeliveryFault]


class LifecycleEvent(StrEnum):
    """The others that Graph knows are never sent for this resource."""

    REAUTHORIZATION_REQUIRED = "reauthorizationRequired"


class Publisher:
    def __init__(
        self, subscriptions: Subscriptions, engine: DeliveryEngine, key: IssuerKey, clock: Clock
    ) -> None:
        self._subscriptions = subscriptions
        self._engine = engine
        self._key = key
        self._clock = clock
        self.faults = DeliveryFaults()

    def publish(self, meeting: Meeting, events: Iterable[CallEvent]) -> None:
        """Queues, never waits: callers hold the meetings' lock."""
        for event in events:
            for subscription in self._subscriptions.to_meeting(meeting.join_web_url):
                self._publish_one(subscription, event)

    def ask_for_reauthorization(self, subscription: Subscription) -> None:
        """From then on the subscriber has 30 minutes; later notifications are lost."""
        now = self._clock.now()
        subscription.reauthorize_by = now + REAUTHORIZATION_GRACE
        event = LifecycleEvent.REAUTHORIZATION_REQUIRED.value
        self._engine.put(
            Delivery(
                subscription_id=subscription.id,
                kind=event,
                url=subscription.lifecycle_notification_url or subscription.notification_url,
                value=[lifecycle_item(subscription, event)],
                due=now,
            )
        )

    def _publish_one(self, subscription: Subscription, event: CallEvent) -> None:
        now = self._clock.now()
        faults = self.faults.take(subscription.id)
        item = self._item(subscription, event, faults)
        copies = 2 if DeliveryFault.DUPLICATE in faults else 1
        for _ in range(copies):
            self._engine.put(
                self._delivery(subscription, event, item, faults, now),
                behind_the_next=DeliveryFault.REORDER in faults,
            )

    def _delivery(
        self,
        subscription: Subscription,
        event: CallEvent,
        item: dict[str, Any],
        faults: Faults,
        now: datetime,
    ) -> Delivery:
        return Delivery(
            subscription_id=subscription.id,
            kind=event.type.value,
            url=subscription.notification_url,
            value=[item],
            due=now,
            validation_token=lambda: self._validation_token(subscription, faults),
            outcome=_outcome_at_once(subscription, faults, now),
        )

    def _item(self, subscription: Subscription, event: CallEvent, faults: Faults) -> dict[str, Any]:
        notification_id = new_guid()
        document = call_event(event, subscription.resource, notification_id)
        content = encrypted_content(
            plaintext(document, pascal_case=DeliveryFault.PASCAL_CASE in faults),
            subscription.certificate,
            break_signature=DeliveryFault.BAD_SIGNATURE in faults,
        )
        is_forged = DeliveryFault.WRONG_CLIENT_STATE in faults
        client_state = new_guid() if is_forged else subscription.client_state
        return rich_item(subscription, notification_id, content, client_state)

    def _validation_token(self, subscription: Subscription, faults: Faults) -> str:
        is_forged = DeliveryFault.WRONG_APPID in faults
        is_old = DeliveryFault.EXPIRED_VALIDATION in faults
        claims = validation_claims(
            subscription,
            self._clock.now(),
            publisher=new_guid() if is_forged else CHANGE_TRACKING_APP_ID,
            age_seconds=2 * VALIDATION_TOKEN_SECONDS if is_old else 0,
        )
        return self._key.sign(claims)


def _outcome_at_once(subscription: Subscription, faults: Faults, now: datetime) -> Outcome:
    if not subscription.delivers(now):
        return Outcome.LOST
    return Outcome.DROPPED if DeliveryFault.DROP in faults else Outcome.PENDING
