"""Token buckets for routes, off until a tester sets one.

https://learn.microsoft.com/graph/throttling. Microsoft publishes no rate for online meetings, so there is no default.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from math import ceil

from simkit.clock import Clock


class RetryAfter(StrEnum):
    """Form of the header; Graph was seen to send fractions and, behind proxies, dates."""

    SECONDS = "seconds"
    FRACTION = "fraction"
    DATE = "date"
    ABSENT = "absent"


@dataclass(slots=True, kw_only=True)
class Bucket:
    """`route` is a glob over the path; `burst` requests at once, then `rate_per_second`."""

    route: str
    rate_per_second: float
    burst: int
    retry_after: RetryAfter
    tokens: float
    refilled: datetime

    def wait_seconds(self, now: datetime) -> float:
        """Takes a token and answers 0, or says how long until there is one."""
        gained = (now - self.refilled).total_seconds() * self.rate_per_second
        self.tokens = min(float(self.burst), self.tokens + max(gained, 0.0))
        self.refilled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate_per_second


class Throttles:
    """Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: list[Bucket] = []

    def set(self, route: str, rate_per_second: float, burst: int, retry_after: RetryAfter) -> None:
        """Raises ValueError for a rate or burst that would let nothing through."""
        if rate_per_second <= 0 or burst < 1:
            raise ValueError("rate_per_second must be above 0 and burst at least 1")
        bucket = Bucket(
            route=route,
            rate_per_second=rate_per_second,
            burst=burst,
            retry_after=retry_after,
            tokens=float(burst),
            refilled=self._clock.now(),
        )
        with self._lock:
            self._buckets = [b for b in self._buckets if b.route != route] + [bucket]

    def refusal(self, path: str) -> dict[str, str] | None:
        """Headers of a 429, or None when the request may pass."""
        now = self._clock.now()
        with self._lock:
            for bucket in self._buckets:
                if fnmatchcase(path, bucket.route) and (wait := bucket.wait_seconds(now)):
                    return _headers(bucket.retry_after, wait, now)
        return None

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()

    def listed(self) -> list[dict[str, str | float]]:
        with self._lock:
            return [
                {
                    "route": bucket.route,
                    "rate_per_second": bucket.rate_per_second,
                    "burst": bucket.burst,
                    "retry_after": bucket.retry_after.value,
                }
                for bucket in self._buckets
            ]


def _headers(form: RetryAfter, wait_seconds: float, now: datetime) -> dict[str, str]:
    whole = ceil(wait_seconds)
    texts = {
        RetryAfter.SECONDS: str(whole),
        RetryAfter.FRACTION: f"{wait_seconds:.3f}",
        RetryAfter.DATE: format_datetime(now + timedelta(seconds=whole), usegmt=True),
    }
    return {"Retry-After": texts[form]} if form in texts else {}
