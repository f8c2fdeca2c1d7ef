"""Prometheus metrics of all processes of a host; labels are low-cardinality codes, never people."""

from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 1.0, 2.5, 8.0)

LAUNCH_STEPS = Counter(
    "connector_launch_steps_total", "Launch requests by step and outcome.", ["step", "outcome"]
)
LAUNCH_OWN_SECONDS = Histogram(
    "connector_launch_own_seconds",
    "Own time of a launch request, waits for the EHR and Microsoft excluded.",
    ["step"],
    buckets=_BUCKETS,
)
QUEUE_SECONDS = Histogram(
    "connector_queue_seconds",
    "Time a request of web waited before a thread took it.",
    buckets=_BUCKETS,
)
SHED = Counter("connector_shed_total", "Requests that gave way under load.", ["kind"])
NOTIFICATIONS = Counter("connector_notifications_total", "Posts of Graph.", ["outcome"])
WRITE_BACKS = Counter("connector_write_backs_total", "Write-back attempts.", ["outcome"])
OUTBOX = Gauge(
    "connector_outbox_messages", "Outbox by state.", ["state"], multiprocess_mode="mostrecent"
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "connector_outbox_oldest_seconds",
    "Age of the oldest message that waits to be delivered.",
    multiprocess_mode="mostrecent",
)
INBOX = Gauge(
    "connector_inbox_notifications",
    "Posts of Graph that are stored and not applied yet.",
    multiprocess_mode="mostrecent",
)
ATTENDANCE_AWAITED = Gauge(
    "connector_attendance_awaited",
    "Visits whose call has ended and whose attendance report was not read yet.",
    multiprocess_mode="mostrecent",
)
WORKER_ERRORS = Counter("connector_worker_errors_total", "Unexpected errors by loop.", ["loop"])


def exposition(directory: Path | None) -> bytes:
    """The text format, all processes together when they share a directory."""
    if directory is None:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
    return generate_latest(registry)
