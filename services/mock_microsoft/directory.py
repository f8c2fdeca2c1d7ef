"""Tenants and people of the sandbox. Synthetic; the clinicians are named after HL7's example Practitioners.

Role template ids: https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class DirectoryRole(StrEnum):
    GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
    TEAMS_ADMINISTRATOR = "69091246-20e8-4a56-aa4d-066075b2a7a8"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    tenant: Tenant
    display_name: str
    user_principal_name: str
    job_title: str
    roles: tuple[DirectoryRole, ...] = ()
    account_kind: AccountKind = AccountKind.MEMBER
    enabled: bool = True
    home_domain: str | None = None  # of a guest: where the account lives

    @property
    def mail(self) -> str:
        if self.home_domain is None:
            return self.user_principal_name
        local = self.user_principal_name.split("_", 1)[0]
        return f"{local}@{self.home_domain}"

    def is_global_administrator(self) -> bool:
        return DirectoryRole.GLOBAL_ADMINISTRATOR in self.roles


CONTOSO = Tenant(
    id="c0a70500-0000-4000-8000-00000000c0de",
    name="Contoso Health",
    domain="contoso-health.example",
    region_scope="NA",
    country="US",
)
FABRIKAM = Tenant(
    id="fab71ca0-0000-4000-8000-00000000c0de",
    name="Fabrikam Klinik",
    domain="fabrikam-klinik.example",
    region_scope="EU",
    country="DE",
)

_CLINICIANS = (
    ("0004", "Adam Careful", "adam.careful", "Physician"),
    ("0005", "Eric van den Broek", "eric.vandenbroek", "Cardiologist"),
    ("0006", "Carla Espinosa", "carla.espinosa", "Physician"),
    ("0007", "Luigi Maas", "luigi.maas", "Physician"),
    ("0008", "Juri van Gelder", "juri.vangelder", "Physiotherapist"),
)


def _contoso_id(number: str) -> str:
    return f"c0a70500-0000-4000-8000-00000000{number}"


def _fabrikam_id(number: str) -> str:
    return f"fab71ca0-0000-4000-8000-00000000{number}"


def _contoso_people() -> tuple[Person, ...]:
    clinicians = tuple(
        Person(
            id=_contoso_id(number),
            tenant=CONTOSO,
            display_name=name,
            user_principal_name=f"{local}@{CONTOSO.domain}",
            job_title=title,
        )
        for number, name, local, title in _CLINICIANS
    )
    return (
        Person(
            id=_contoso_id("0001"),
            tenant=CONTOSO,
            display_name="Morgan Reyes",
            user_principal_name=f"admin@{CONTOSO.domain}",
            job_title="Microsoft 365 administrator",
            roles=(DirectoryRole.GLOBAL_ADMINISTRATOR,),
        ),
        Person(
            id=_contoso_id("0002"),
            tenant=CONTOSO,
            display_name="Priya Raman",
            user_principal_name=f"teams.admin@{CONTOSO.domain}",
            job_title="Teams administrator",
            roles=(DirectoryRole.TEAMS_ADMINISTRATOR,),
        ),
        Person(
            id=_contoso_id("0003"),
            tenant=CONTOSO,
            display_name="Dana Whitfield",
            user_principal_name=f"analyst@{CONTOSO.domain}",
            job_title="EHR analyst",
        ),
        *clinicians,
        Person(
            id=_contoso_id("0009"),
            tenant=CONTOSO,
            display_name="Sam Okafor (guest)",
            user_principal_name=f"sam.okafor_partner-clinic.example#EXT#@{CONTOSO.domain}",
            job_title="Visiting clinician",
            account_kind=AccountKind.GUEST,
            home_domain="partner-clinic.example",
        ),
        Person(
            id=_contoso_id("0010"),
            tenant=CONTOSO,
            display_name="Robin Former (disabled)",
            user_principal_name=f"robin.former@{CONTOSO.domain}",
            job_title="Former physician",
            enabled=False,
        ),
    )


def _fabrikam_people() -> tuple[Person, ...]:
    return (
        Person(
            id=_fabrikam_id("0001"),
            tenant=FABRIKAM,
            display_name="Greta Brandt",
            user_principal_name=f"admin@{FABRIKAM.domain}",
            job_title="Microsoft 365 administrator",
            roles=(DirectoryRole.GLOBAL_ADMINISTRATOR,),
        ),
        Person(
            id=_fabrikam_id("0002"),
            tenant=FABRIKAM,
            display_name="Jonas Keller",
            user_principal_name=f"jonas.keller@{FABRIKAM.domain}",
            job_title="Physician",
        ),
    )


class Directory:
    """Look-ups by what the protocols carry; sign-in names compare without case."""

    def __init__(self, tenants: Iterable[Tenant], people: Iterable[Person]) -> None:
        self.tenants = tuple(tenants)
        self.people = tuple(people)

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


def sandbox_directory() -> Directory:
    return Directory((CONTOSO, FABRIKAM), (*_contoso_people(), *_fabrikam_people()))
