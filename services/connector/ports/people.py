"""What is stored of one person: what an erasure deletes and an answer to their request lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EhrAccount:
    """A user of an EHR environment, by the EHR's unique ID."""

    environment_id: str
    ehr_user_id: str


@dataclass(frozen=True, slots=True)
class MicrosoftAccount:
    """A member of a tenant, by Entra object id."""

    tenant_id: str
    object_id: str


Person = EhrAccount | MicrosoftAccount


@dataclass(frozen=True, slots=True)
class Link:
    """One EHR user and the Microsoft account they signed in with."""

    ehr: EhrAccount
    microsoft: MicrosoftAccount
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Mentions:
    """Ids of the rows that name a Microsoft account and are deleted in their own time (docs/data.md).

    `tenants_confirmed`: it said where the tenant's data belongs, or that licences are there.
    `api_answers`: idempotency keys it chose, of the last day.
    """

    visits: Sequence[str]
    revisions_to_approve: Sequence[str]
    records_verified: Sequence[str]
    shares: Sequence[str]
    tenants_confirmed: Sequence[str]
    api_answers: Sequence[str]


class People(Protocol):
    def links(self, person: Person) -> Sequence[Link]: ...

    def erase_links(self, person: Person) -> int:
        """How many there were."""
        ...

    def mentions(self, account: MicrosoftAccount) -> Mentions: ...
