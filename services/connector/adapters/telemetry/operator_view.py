"""The Telemetry port: structlog for events, Prometheus for numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from connector.adapters.telemetry import metrics, upstream
from connector.ports.telemetry import Took


@dataclass(frozen=True, slots=True)
class OperatorView:
    metrics_directory: Path | None
    _log: Any = field(default_factory=structlog.get_logger)

    def started(self, geography: str) -> None:
        self._log.info("process.start", geography=geography)

    def begin_request(self) -> None:
        upstream.start()

    def waited_seconds(self) -> float:
        return upstream.waited_seconds()

    def request_finished(
        self,
        *,
        route: str,
        method: str,
        status: int,
        took: Took,
        reference: str,
        shed: str = "",
    ) -> None:
        metrics.QUEUE_SECONDS.observe(took.queue_seconds)
        if shed:
            metrics.SHED.labels(shed).inc()
        self._log.info(
            "http.request.finish",
            route=route,
            method=method,
            status=status,
            duration_ms=round(took.seconds * 1000, 1),
            own_ms=round((took.seconds - upstream.waited_seconds()) * 1000, 1),
            queue_ms=round(took.queue_seconds * 1000, 1),
            reference=reference,
            **({"outcome": "shed", "kind": shed} if shed else {}),
        )

    def launch_step(self, *, step: str, outcome: str, own_seconds: float) -> None:
        metrics.LAUNCH_STEPS.labels(step, outcome).inc()
        metrics.LAUNCH_OWN_SECONDS.labels(step).observe(own_seconds)

    def refused(self, *, reason: str, reference: str) -> None:
        self._log.warning("http.request.refuse", reason=reason, reference=reference)

    def unexpected(self, *, place: str, reference: str) -> None:
        metrics.WORKER_ERRORS.labels(place).inc()
        self._log.error("process.error.catch", loop=place, reference=reference, exc_info=True)

    def notification(self, outcome: str) -> None:
        metrics.NOTIFICATIONS.labels(outcome).inc()

    def write_back(self, outcome: str) -> None:
        metrics.WRITE_BACKS.labels(outcome).inc()

    def outbox(self, state: str, count: int) -> None:
        metrics.OUTBOX.labels(state).set(count)

    def inbox(self, waiting: int) -> None:
        metrics.INBOX.set(waiting)

    def attendance_awaited(self, visits: int) -> None:
        metrics.ATTENDANCE_AWAITED.set(visits)

    def outbox_oldest(self, seconds: float) -> None:
        metrics.OUTBOX_OLDEST_SECONDS.set(seconds)

    def exposition(self) -> bytes:
        return metrics.exposition(self.metrics_directory)
