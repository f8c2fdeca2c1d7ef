"""Reading the audit trail, and the anchor that is kept where its database cannot reach it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.audit_chain import AnchoredLine, ChainedLine


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line as it was written; `id` orders the trail, `hash` seals it and all before it."""

    id: int
    at: datetime
    event: str
    outcome: str
    reference: str
    tenant_id: str | None
    environment_id: str | None
    actor: str
    facts: Mapping[str, str]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What somebody looks for; what is empty is not asked for.

    `tenant_id` None means every tenant: for operators only. An empty one is nobody's. `since` is included, `until` is not.
    """

    tenant_id: str | None
    event: str = ""
    outcome: str = ""
    environment_id: str = ""
    reference: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None


class AuditLog(Protocol):
    """The trail as it is stored; every method reads a snapshot of its own.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """

    def page(self, wanted: AuditFilter, before_id: int | None, limit: int) -> Sequence[AuditLine]:
        """Newest first, lines older than `before_id` if it is given."""
        ...

    def following(self, wanted: AuditFilter, after_id: int, limit: int) -> Sequence[AuditLine]:
        """Oldest first."""
        ...

    def chain(self) -> Iterator[ChainedLine]:
        """Every line of every tenant, oldest first, in one snapshot."""
        ...

    def is_hash(self, value: str) -> bool:
        """Whether a line has this hash."""
        ...

    def head(self) -> ChainedLine | None:
        """The newest line."""
        ...


class Anchor(Protocol):
    """Append-only memory of what the head of the trail was; whoever owns the database cannot change it.

    Raises:
        AnchorUnavailable: it cannot be read or written now.
    """

    def lines(self) -> Iterator[AnchoredLine | None]:
        """In the order they were added, none if it was never begun; None for one that cannot be read."""
        ...

    def add(self, line: AnchoredLine) -> None:
        """On return it outlives a power cut."""
        ...


class AnchorUnavailable(Exception):
    """The anchor cannot be read or written now."""
