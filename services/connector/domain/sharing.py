"""Sharing one FHIR base URL between tenants, by consent of both (F30, E12)."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.errors import Reason, Refused

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class GrantState(StrEnum):
    """A grant is offered by the owner of the address and takes effect when the guest accepts it."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({GrantState.OFFERED, GrantState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Grant:
    """One address, its owner's environment, and the tenant that may use it too.

    `offered_by` and `answered_by` are Entra object ids; `answered_by` is who accepted, declined or
    withdrew it last.
    """

    id: str
    fhir_base_url: str
    owner_environment_id: str
    owner_tenant_id: str
    guest_tenant_id: str
    state: GrantState
    offered_at: datetime
    offered_by: str
    answered_at: datetime | None = None
    answered_by: str = ""

    @property
    def tenants(self) -> frozenset[str]:
        """The two it concerns; for everybody else it does not exist."""
        return frozenset({self.owner_tenant_id, self.guest_tenant_id})

    def answered(self, state: GrantState, who: str, at: datetime) -> "Grant":
        """The guest accepts or declines what is offered. Raises: Refused: `STATE_CONFLICT`."""
        return self._moved(frozenset({GrantState.OFFERED}), state, who, at)

    def withdrawn(self, who: str, at: datetime) -> "Grant":
        """Either side ends an offer or a share. Raises: Refused: `STATE_CONFLICT`."""
        return self._moved(OPEN, GrantState.WITHDRAWN, who, at)

    def _moved(
        self, from_: frozenset[GrantState], to: GrantState, who: str, at: datetime
    ) -> "Grant":
        if self.state not in from_:
            raise Refused(Reason.STATE_CONFLICT, facts={"state": self.state.value})
        return replace(self, state=to, answered_at=at, answered_by=who)


def guest_of(owner_tenant_id: str, entered: str) -> str:
    """The stored spelling of a guest's tenant id as somebody typed it.

    Raises:
        Refused: `SHARE_GUEST_INVALID`; fact `why` is `not_an_id` or `own_tenant`.
    """
    guest = entered.strip().lower()
    if not _GUID.fullmatch(guest):
        raise Refused(Reason.SHARE_GUEST_INVALID, facts={"why": "not_an_id"})
    if guest == owner_tenant_id.lower():
        raise Refused(Reason.SHARE_GUEST_INVALID, facts={"why": "own_tenant"})
    return guest
