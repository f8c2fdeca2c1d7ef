"""The delivery engine: attempts, time limits and retries of Graph change notifications.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks#receive-notifications: 2xx within 3 s is
delivered; anything else is tried again with growing pauses for 4 h, each retry with 10 s. Pauses run on the simulator's
clock, so that a tester need not wait for them.
"""

import heapq
import itertools
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import requests

from mock_microsoft.notifications.outbound import Webhooks
from simkit.clock import Clock

FIRST_TIMEOUT_SECONDS, RETRY_TIMEOUT_SECONDS = 3.0, 10.0
FIRST_PAUSE = timedelta(seconds=1)
GIVE_UP_AFTER = timedelta(hours=4)
# How long a notification that is to arrive late waits for the one that overtakes it.
REORDER_HOLD = timedelta(seconds=30)
WORKERS = 16
# The simulator's clock may be advanced at any moment; while something waits, workers look this often.
POLL_SECONDS = 0.1
KEPT_DELIVERIES = 5000
SUCCESS_STATUSES = range(200, 300)


class Outcome(StrEnum):
    """`dropped`: by a fault. `lost`: the subscription no longer delivers, and nobody is told. `given-up`: after 4 h."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    LOST = "lost"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Attempt:
    """`status` 0: no answer in time."""

    at: datetime
    status: int


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One POST to one webhook, with all its attempts.

    `validation_token` mints a token for each attempt, since one lives an hour and retries go on for four.
    """

    subscription_id: str
    kind: str
    url: str
    value: list[dict[str, Any]]
    due: datetime
    validation_token: Callable[[], str] | None = None
    outcome: Outcome = Outcome.PENDING
    attempts: list[Attempt] = field(default_factory=list)

    def body(self) -> bytes:
        document: dict[str, Any] = {"value": self.value}
        if self.validation_token:
            document["validationTokens"] = [self.validation_token()]
        return json.dumps(document).encode()

    def timeout_seconds(self) -> float:
        return RETRY_TIMEOUT_SECONDS if self.attempts else FIRST_TIMEOUT_SECONDS

    def record(self, at: datetime, status: int) -> None:
        """Settles the outcome or the time of the next attempt."""
        self.attempts.append(Attempt(at, status))
        self.due = at + FIRST_PAUSE * 2 ** (len(self.attempts) - 1)
        if status in SUCCESS_STATUSES:
            self.outcome = Outcome.DELIVERED
        elif self.due - self.attempts[0].at > GIVE_UP_AFTER:
            self.outcome = Outcome.GIVEN_UP


class DeliveryEngine:
    """A queue for each subscription, at most one request under way in each; threads start with the first delivery.

    A delivery that waits for its next attempt is overtaken by later ones: Graph does not promise any order.
    """

    def __init__(self, clock: Clock, webhooks: Webhooks) -> None:
        self._clock = clock
        self._webhooks = webhooks
        self._changed = threading.Condition()
        self._queues: dict[str, list[Delivery]] = {}
        self._agenda: list[tuple[datetime, int, str]] = []  # a heap: when to look at which queue
        self._appointments = itertools.count()
        self._busy: set[str] = set()
        self._held: dict[str, Delivery] = {}
        self._log: deque[Delivery] = deque(maxlen=KEPT_DELIVERIES)
        self._workers: list[threading.Thread] = []
        self._stopping = False

    def put(self, delivery: Delivery, *, behind_the_next: bool = False) -> None:
        with self._changed:
            self._log.append(delivery)
            if delivery.outcome is not Outcome.PENDING:
                return
            queue = self._queues.setdefault(delivery.subscription_id, [])
            queue.append(delivery)
            if behind_the_next:
                delivery.due += REORDER_HOLD
                self._held[delivery.subscription_id] = delivery
            elif (held := self._held.pop(delivery.subscription_id, None)) and held in queue:
                queue.remove(held)
                queue.append(held)
                held.due = delivery.due
            self._look_at(delivery.subscription_id, delivery.due)
            self._start_workers()
            self._changed.notify()

    def deliveries(self) -> list[Delivery]:
        with self._changed:
            return list(self._log)

    def counts(self) -> dict[str, int]:
        outcomes = [delivery.outcome for delivery in self.deliveries()]
        return {outcome.value: outcomes.count(outcome) for outcome in Outcome}

    def clear(self) -> None:
        """A request under way is finished, and forgotten."""
        with self._changed:
            self._queues.clear()
            self._agenda.clear()
            self._held.clear()
            self._log.clear()

    def stop(self) -> None:
        """Ends the threads after the requests under way, and closes every connection."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()
        self._webhooks.close()

    def _start_workers(self) -> None:
        if self._workers or self._stopping:
            return
        self._workers = [
            threading.Thread(target=self._work, name=f"delivery-{number}", daemon=True)
            for number in range(WORKERS)
        ]
        for worker in self._workers:
            worker.start()

    def _work(self) -> None:
        while delivery := self._next():
            now = self._clock.now()
            status = self._attempt(delivery)
            with self._changed:
                self._settle(delivery, now, status)

    def _next(self) -> Delivery | None:
        """Blocks until a delivery is due; None when the engine stops."""
        with self._changed:
            while not self._stopping:
                delivery = self._take_due()
                if delivery:
                    return delivery
                self._changed.wait(POLL_SECONDS if self._queues else None)
        return None

    def _look_at(self, subscription_id: str, due: datetime) -> None:
        heapq.heappush(self._agenda, (due, next(self._appointments), subscription_id))

    def _take_due(self) -> Delivery | None:
        """An entry whose queue is busy or not due any more is passed over: it gets another one when that changes."""
        now = self._clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            _due, _number, subscription_id = heapq.heappop(self._agenda)
            queue = self._queues.get(subscription_id, [])
            due = [d for d in queue if d.due <= now]
            if due and subscription_id not in self._busy:
                self._busy.add(subscription_id)
                delivery = min(due, key=lambda d: d.due)
                queue.remove(delivery)
                return delivery
        return None

    def _attempt(self, delivery: Delivery) -> int:
        try:
            return self._webhooks.deliver(delivery.url, delivery.body(), delivery.timeout_seconds())
        except requests.RequestException:
            return 0

    def _settle(self, delivery: Delivery, at: datetime, status: int) -> None:
        subscription_id = delivery.subscription_id
        delivery.record(at, status)
        self._busy.discard(subscription_id)
        queue = self._queues.get(subscription_id)
        if queue is None:
            return
        if delivery.outcome is Outcome.PENDING:
            queue.append(delivery)
        if queue:
            self._look_at(subscription_id, min(waiting.due for waiting in queue))
            self._changed.notify()
        else:
            del self._queues[subscription_id]
