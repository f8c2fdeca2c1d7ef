"""Tenants, the people in them, and how both are found.

Role template ids: https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum


class DirectoryRole(StrEnum):
    GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
    TEAMS_ADMINISTRATOR = "69091246-20e8-4a56-aa4d-066075b2a7a8"
    VIRTUAL_VISITS_ADMINISTRATOR = "e300d9e7-4a2b-4295-9eff-f1c78b36cc98"
    APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
    GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"


# Every person's `wids` carries it; it is not a role.
EVERY_USER_WID = "b79fbf4d-3ef9-4689-8143-76b194e85509"


class AccountKind(IntEnum):
    """Values of the optional claim `acct`."""

    MEMBER = 0
    GUEST = 1


@dataclass(frozen=True, slots=True)
class Tenant:
    """`region_scope` and `country` become the claims `tenant_region_scope` and `tenant_ctry`."""

    id: str
    name: str
    domain: str
    region_scope: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Person:
    """The same person by id, whatever was changed about them since the value was taken."""

    id: str
    tenant: Tenant
    display_name: str
    user_principal_name: str
    job_title: str
    roles: tuple[DirectoryRole, ...] = ()
    account_kind: AccountKind = AccountKind.MEMBER
    enabled: bool = True
    home_domain: str | None = None  # of a guest: where the account lives

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Person) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def mail(self) -> str:
        if self.home_domain is None:
            return self.user_principal_name
        local = self.user_principal_name.split("_", 1)[0]
        return f"{local}@{self.home_domain}"

    def is_global_administrator(self) -> bool:
        return DirectoryRole.GLOBAL_ADMINISTRATOR in self.roles


class Directory:
    """Look-ups by what the protocols carry; sign-in names compare without case. Thread-safe.

    Tenants are given; people can be disabled and their directory roles changed, until `restore`.
    """

    def __init__(self, tenants: Iterable[Tenant], people: Iterable[Person]) -> None:
        self.tenants = tuple(tenants)
        self._initial = tuple(people)
        self._lock = threading.Lock()
        self.restore()

    def restore(self) -> None:
        with self._lock:
            self._people = {person.id: person for person in self._initial}

    @property
    def people(self) -> tuple[Person, ...]:
        with self._lock:
            return tuple(self._people.values())

    def set_enabled(self, person: Person, *, enabled: bool) -> None:
        with self._lock:
            self._people[person.id] = replace(self._people[person.id], enabled=enabled)

    def set_role(self, person: Person, role: DirectoryRole, *, assigned: bool) -> None:
        """Assigning twice is once."""
        with self._lock:
            current = self._people[person.id]
            others = tuple(held for held in current.roles if held is not role)
            self._people[person.id] = replace(
                current, roles=(*others, role) if assigned else others
            )

    def tenant(self, id_or_domain: str) -> Tenant | None:
        wanted = id_or_domain.lower()
        return next((t for t in self.tenants if wanted in (t.id, t.domain)), None)

    def people_of(self, tenant: Tenant) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.tenant == tenant)

    def person(self, id_or_sign_in_name: str) -> Person | None:
        wanted = id_or_sign_in_name.strip().lower()
        return next(
            (p for p in self.people if wanted in (p.id, p.user_principal_name.lower(), p.mail)),
            None,
        )

    def person_in(self, tenant: Tenant, id_or_sign_in_name: str) -> Person | None:
        person = self.person(id_or_sign_in_name)
        return person if person and person.tenant == tenant else None
