"""Delivery faults a tester asks for: what the network or an attacker may do to a notification."""

import threading
from dataclasses import dataclass
from enum import StrEnum


class DeliveryFault(StrEnum):
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DROP = "drop"
    WRONG_CLIENT_STATE = "wrong-client-state"
    BAD_SIGNATURE = "bad-signature"
    WRONG_APPID = "wrong-appid"
    EXPIRED_VALIDATION = "expired-validation-token"
    PASCAL_CASE = "pascal-case"


@dataclass(slots=True)
class Order:
    """`times` None: until cleared. `subscription_id` None: any subscription."""

    fault: DeliveryFault
    times: int | None
    subscription_id: str | None

    def covers(self, subscription_id: str) -> bool:
        return self.times != 0 and self.subscription_id in (None, subscription_id)


class DeliveryFaults:
    """Each notification takes one turn of every order that covers it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Order] = []

    def order(self, order: Order) -> None:
        with self._lock:
            self._orders.append(order)

    def take(self, subscription_id: str) -> frozenset[DeliveryFault]:
        with self._lock:
            covering = [order for order in self._orders if order.covers(subscription_id)]
            for order in covering:
                order.times = None if order.times is None else order.times - 1
            self._orders = [order for order in self._orders if order.times != 0]
            return frozenset(order.fault for order in covering)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def listed(self) -> list[dict[str, str | int | None]]:
        with self._lock:
            return [
                {"fault": o.fault.value, "times": o.times, "subscription_id": o.subscription_id}
                for o in self._orders
            ]
