"""Grants: one FHIR base URL for several tenants, by consent of both (F30)."""

from collections.abc import Sequence
from typing import Protocol

from connector.domain.lookalike import LiveAddress
from connector.domain.sharing import Grant, GrantState


class Grants(Protocol):
    def add(self, grant: Grant) -> None: ...

    def find(self, grant_id: str) -> Grant | None: ...

    def of_tenant(self, tenant_id: str) -> Sequence[Grant]:
        """Offered by it or to it, newest first."""
        ...

    def accepted(self, fhir_base_url: str, guest_tenant_id: str) -> Grant | None:
        """In effect now: accepted, and its owner's environment still holds the address."""
        ...

    def save(self, grant: Grant, expected: GrantState) -> bool:
        """Store it if its state is still `expected`; False if somebody else was faster."""
        ...

    def live_elsewhere(self, tenant_id: str) -> Sequence[LiveAddress]:
        """Addresses other tenants' environments launch from, each by its owner."""
        ...

    def claims(self, grant_id: str) -> Sequence[str]:
        """Ids of the revisions that launch under it."""
        ...

    def drop_claims(self, grant_id: str) -> Sequence[str]:
        """Whoever launched under it launches no more; ids of their revisions in use until now."""
        ...
