"""What operators see. Nothing that identifies a person may pass: names of methods are the events."""

from typing import NamedTuple, Protocol


class Took(NamedTuple):
    """Seconds of a request: until it was answered, and before that until a thread took it."""

    seconds: float
    queue_seconds: float


class Telemetry(Protocol):
    def begin_request(self) -> None:
        """Start the stopwatch of calls to the outside for this request."""
        ...

    def waited_seconds(self) -> float:
        """Seconds this request has waited for the EHR and Microsoft."""
        ...

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
        """`shed` is the kind of request that gave way under load, empty for all others."""
        ...

    def launch_step(self, *, step: str, outcome: str, own_seconds: float) -> None: ...

    def refused(self, *, reason: str, reference: str) -> None: ...

    def unexpected(self, *, place: str, reference: str) -> None:
        """Call inside `except`: logs type and place of the error, never its message."""
        ...

    def notification(self, outcome: str) -> None: ...

    def write_back(self, outcome: str) -> None: ...

    def outbox(self, state: str, count: int) -> None: ...

    def inbox(self, waiting: int) -> None: ...

    def attendance_awaited(self, visits: int) -> None: ...

    def outbox_oldest(self, seconds: float) -> None: ...

    def exposition(self) -> bytes:
        """All metrics of this host in Prometheus' text format."""
        ...
