"""The overview's view of a tenant: organizations, their environments, and where each one stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from connector.domain.configuration import Revision, RevisionState
from connector.domain.integration_record import IntegrationRecord, in_use
from connector.domain.organization import Environment, EnvironmentKind
from connector.web.state_words import (
    APPROVE,
    CORRECT,
    NOTHING,
    PASTE,
    PROMOTE,
    REVISION_WORDS,
    NextStep,
    Words,
    next_step,
)

_PENDING = frozenset(
    {RevisionState.DRAFT, RevisionState.AWAITING_APPROVAL, RevisionState.CHANGES_REQUESTED}
)
_PASTE_BACK = (
    "The EHR analyst copies the integration records into the EHR and pastes them back here."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One EHR environment with its revisions, newest first; it has at least one.

    `has_production` is whether its organization has entered production.
    """

    environment: Environment
    revisions: Sequence[Revision]
    records: Sequence[IntegrationRecord] = ()
    has_production: bool = True

    @property
    def current(self) -> Revision:
        """What somebody is at work on, else what launches use, else the newest there was."""
        newest = self.revisions[0]
        return newest if newest.state in _PENDING else self.active or newest

    @property
    def active(self) -> Revision | None:
        return next((r for r in self.revisions if r.state is RevisionState.ACTIVE), None)

    @property
    def states(self) -> frozenset[RevisionState]:
        """What the state filter finds it by: where it stands, and Live if it is live."""
        live = {RevisionState.ACTIVE} if self.active else set()
        return frozenset({self.current.state} | live)

    @property
    def words(self) -> Words:
        return REVISION_WORDS[self.current.state]

    @property
    def next(self) -> NextStep:
        """What happens next here, and who does it."""
        state = self.current.state
        if state is RevisionState.AWAITING_APPROVAL:
            return NextStep(next_step(self.current), APPROVE)
        if state is RevisionState.CHANGES_REQUESTED:
            return NextStep(REVISION_WORDS[state].next, CORRECT)
        if state is RevisionState.ACTIVE and not self.verified:
            return NextStep(_PASTE_BACK, PASTE)
        if self.ready_to_promote:
            return NextStep("After a test visit, an administrator promotes it.", PROMOTE)
        return NextStep(REVISION_WORDS[state].next, NOTHING)

    @property
    def verified(self) -> bool:
        """Every record in use came back from the EHR unchanged."""
        return all(r.verified_at for r in in_use(self.records, self.current.settings))

    @property
    def ready_to_promote(self) -> bool:
        """A live test environment whose organization has no production yet."""
        is_test = self.environment.kind is EnvironmentKind.TEST
        return is_test and self.active is not None and not self.has_production

    @property
    def waiting(self) -> bool:
        return self.current.state is RevisionState.AWAITING_APPROVAL


@dataclass(frozen=True, slots=True)
class Organization:
    name: str
    environments: Sequence[Standing]


@dataclass(frozen=True, slots=True)
class Filter:
    """What somebody looks for: a part of the organization's name, and a state; empty means any."""

    text: str
    state: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filter":
        return cls(query.get("organization", "").strip()[:200], query.get("state", ""))

    @property
    def set(self) -> bool:
        return bool(self.text or self.state)

    def finds(self, standing: Standing) -> bool:
        name = standing.environment.organization_name.casefold()
        return self.text.casefold() in name and (not self.state or self.state in standing.states)


FILTER_STATES = {
    state.value: REVISION_WORDS[state].title
    for state in (
        RevisionState.ACTIVE,
        RevisionState.AWAITING_APPROVAL,
        RevisionState.CHANGES_REQUESTED,
        RevisionState.RETIRED,
    )
}


def organizations(standings: Iterable[Standing], wanted: Filter) -> list[Organization]:
    """What the filter finds, by organization; test stands before production."""
    found = sorted((s for s in standings if wanted.finds(s)), key=_place)
    groups = groupby(found, key=lambda s: s.environment.organization_name)
    return [Organization(name, list(group)) for name, group in groups]


def _place(standing: Standing) -> tuple[str, str, bool]:
    environment = standing.environment
    production = environment.kind is EnvironmentKind.PRODUCTION
    return environment.organization_name.casefold(), environment.organization_name, production
