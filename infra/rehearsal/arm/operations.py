"""Asynchronous operations: accepted now, finished later, one writer at a time per scope.

https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rehearsal.arm.errors import ArmError
from rehearsal.arm.ids import arm_type

LONGEST_RETRY_AFTER = 10


@dataclass(slots=True, kw_only=True)
class Operation:
    """One accepted request.

    Attributes:
        number: tells its status address.
        writer_scope: id of the resource that admits no other write until it is done.
        ready_at: when it is done, on the manager's clock.
        finish: what then happens to the resource.
        failure: why it fails; None when it succeeds.
    """

    number: int
    writer_scope: str
    ready_at: float
    finish: Callable[[], None]
    failure: ArmError | None = None
    done: bool = False

    def status(self) -> dict[str, object]:
        """The body of its status address."""
        if not self.done:
            return {"status": "InProgress"}
        return (
            {"status": "Failed", **self.failure.body()} if self.failure else {"status": "Succeeded"}
        )


class Operations:
    """What is going on. Not locked: its owner serves one request at a time."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []

    def start(self, writer_scope: str, ready_at: float, finish: Callable[[], None]) -> Operation:
        operation = Operation(
            number=len(self._operations) + 1,
            writer_scope=writer_scope.lower(),
            ready_at=ready_at,
            finish=finish,
        )
        self._operations.append(operation)
        return operation

    def settle(self, now: float) -> None:
        """Finishes what is due."""
        for operation in list(self._running()):
            if operation.ready_at <= now:
                operation.done = True
                operation.finish()

    def find(self, number: int) -> Operation | None:
        return self._operations[number - 1] if 0 < number <= len(self._operations) else None

    def refuse_second_writer(self, arm_id: str, writer_scope: str) -> None:
        """Raises ARM's or the resource provider's word for "someone else is at it".

        Raises:
            ArmError: an operation runs in this scope.
        """
        running = next(
            (one for one in self._running() if one.writer_scope == writer_scope.lower()), None
        )
        if running:
            raise _busy(arm_id, running)

    def _running(self) -> Iterator[Operation]:
        return (one for one in self._operations if not one.done)


def _busy(arm_id: str, running: Operation) -> ArmError:
    kind = arm_type(arm_id)
    if kind.startswith("Microsoft.DBforPostgreSQL/"):
        message = "Cannot complete operation while server is busy processing another operation. Try again later."
        return ArmError(409, "ServerIsBusy", message, retry_after=LONGEST_RETRY_AFTER)
    if kind == "Microsoft.App/managedEnvironments":
        message = (
            "Cannot modify Container Apps environment because another operation is in progress."
        )
        return ArmError(
            409, "ManagedEnvironmentOperationInProgress", message, retry_after=LONGEST_RETRY_AFTER
        )
    message = f"Another operation on this or dependent resource is in progress. Operation {running.number}."
    return ArmError(429, "AnotherOperationInProgress", message, retry_after=LONGEST_RETRY_AFTER)
