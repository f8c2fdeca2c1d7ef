"""The overview's view of a tenant: organizations, their environments, and where each one stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from connector.domain.configuration import Revision, RevisionState
from connector.domain.organization import Environment, EnvironmentKind
from connector.web.state_words import REVISION_WORDS, Words, next_step


@dataclass(frozen=True, slots=True)
class Standing:
    """One EHR environment with its revisions, newest first; it has at least one."""

    environment: Environment
    revisions: Sequence[Revision]

    @property
    def newest(self) -> Revision:
        return self.revisions[0]

    @property
    def active(self) -> Revision | None:
        return next((r for r in self.revisions if r.state is RevisionState.ACTIVE), None)

    @property
    def states(self) -> frozenset[RevisionState]:
        """What the state filter finds it by: the newest revision's state, and Live if it is live."""
        live = {RevisionState.ACTIVE} if self.active else set()
        return frozenset({self.newest.state} | live)

    @property
    def words(self) -> Words:
        return REVISION_WORDS[self.newest.state]

    @property
    def next(self) -> str:
        return next_step(self.newest)

    @property
    def waiting(self) -> bool:
        return self.newest.state is RevisionState.AWAITING_APPROVAL


@dataclass(frozen=True, slots=True)
class Organization:
    name: str
    environments: Sequence[Standing]

    @property
    def ready_for_production(self) -> Standing | None:
        """The live test environment, while production has not been entered."""
        kinds = {s.environment.kind: s for s in self.environments}
        test = kinds.get(EnvironmentKind.TEST)
        wanted = EnvironmentKind.PRODUCTION not in kinds
        return test if wanted and test and test.active else None


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
