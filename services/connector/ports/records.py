"""Integration records: what was issued for an EHR environment, and what came back unchanged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.integration_record import IntegrationRecord


class Records(Protocol):
    def add(self, record: IntegrationRecord) -> None:
        """Raises: StorageConflict: the environment has one of this kind and group."""
        ...

    def of(self, environment_id: str) -> Sequence[IntegrationRecord]:
        """Clinicians' before patients', single visits' before groups'."""
        ...

    def find(self, record_id: str) -> IntegrationRecord | None:
        """Whichever tenant's it is."""
        ...

    def mark_verified(self, record_id: str, who: str, at: datetime) -> None:
        """`who` is an Entra object id."""
        ...

    def forget_verification(self, environment_id: str) -> None:
        """The records say something else now: each must be compared again."""
        ...
