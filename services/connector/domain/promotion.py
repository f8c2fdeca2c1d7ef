"""Carrying a configuration from test to production: what is asked, what must be true first (flow 5)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from connector.domain.configuration import Change, EhrClients, Revision
from connector.domain.organization import Environment

_PART_DIGITS = 16


class Readiness(StrEnum):
    """What a promotion looks at, in the order it is shown."""

    TEST_APPROVED = "test_approved"
    TEST_VISITS = "test_visits"
    RECORDS_VERIFIED = "records_verified"
    PRODUCTION_PROBED = "production_probed"
    ADDRESS_FREE = "address_free"
    CLIENTS_OF_PRODUCTION = "clients_of_production"
    APPROVER_KNOWN = "approver_known"
    LICENCE_CONFIRMED = "licence_confirmed"
    NOTHING_PENDING = "nothing_pending"


# Told, not held against it: what waits for approval in production is replaced.
_WARNINGS = frozenset({Readiness.NOTHING_PENDING})


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """What only the admin knows: production's address, its approver, its client ids."""

    test_environment_id: str
    fhir_base_url: str
    approver_sign_in_name: str
    clients: EhrClients


@dataclass(frozen=True, slots=True)
class Item:
    """One finding. `facts` are ids we minted, counts, codes and host names, by name."""

    readiness: Readiness
    ready: bool
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        return not self.ready and self.readiness not in _WARNINGS


@dataclass(frozen=True, slots=True)
class Plan:
    """What a promotion would do as things stand now.

    `source` is test's active revision (its newest, if none is), `target` production's active one,
    `proposed` what production would get: None while the EHR or the approver is not found.
    `newest_number` is that of production's newest revision, 0 without one. `applied` is the
    production revision that says all this already: waiting for its approver, or live.
    """

    request: PromotionRequest
    test: Environment
    source: Revision
    target: Revision | None
    proposed: Revision | None
    newest_number: int
    changes: Sequence[Change]
    items: Sequence[Item]
    applied: Revision | None = None

    @property
    def blockers(self) -> Sequence[Item]:
        return [item for item in self.items if item.blocks]

    @property
    def digest(self) -> str:
        """One hash for each part that a plan stands on, so that a stale plan can say which changed."""
        return "-".join(self._hashes().values())

    def changed_since(self, digest: str) -> list[str]:
        """Names of the parts an earlier plan's digest has otherwise."""
        mine = self._hashes()
        theirs = dict(zip(mine, digest.split("-"), strict=False))
        return [name for name, part in mine.items() if theirs.get(name) != part]

    def _hashes(self) -> dict[str, str]:
        """Facts are left out: one more test visit makes no plan stale."""
        parts: dict[str, object] = {
            "request": asdict(self.request),
            "test": [self.source.id, self.source.state, self.source.digest()],
            "production": [self.newest_number, self.target and self.target.id],
            "outside": self.proposed
            and [asdict(self.proposed.endpoints), asdict(self.proposed.approver)],
            "readiness": {i.readiness: not i.blocks for i in self.items},
        }
        return {name: _hash(part) for name, part in parts.items()}


def _hash(part: object) -> str:
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:_PART_DIGITS]
