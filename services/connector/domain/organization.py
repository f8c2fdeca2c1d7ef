"""Who owns a configuration: tenant, organization, EHR environment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography


class EnvironmentKind(StrEnum):
    """The two EHR environments every organization sets up, test first."""

    TEST = "test"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer. `geography_confirmed_by` and `licence_confirmed_by` are Entra object ids of admins.

    `country` is what Entra said when it was registered, empty if it said nothing.
    """

    id: str
    geography: Geography
    country: str
    registered_at: datetime
    geography_confirmed_by: str
    licence_confirmed_at: datetime | None = None
    licence_confirmed_by: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """One EHR environment of one organization of one Microsoft Entra tenant."""

    id: str
    tenant_id: str
    organization_id: str
    organization_name: str
    kind: EnvironmentKind
    time_zone: str


@dataclass(frozen=True, slots=True)
class MicrosoftIdentity:
    """A person as Entra vouches for them: key is (`tenant_id`, `object_id`); the rest is display.

    `directory_roles` are role template ids from the `wids` claim. `country` (ISO 3166-1 alpha-2) and
    `region_scope` say where Entra keeps the tenant; empty where its token does not.
    """

    tenant_id: str
    object_id: str
    sign_in_name: str
    directory_roles: frozenset[str]
    is_guest: bool
    country: str = ""
    region_scope: str = ""


# Role template ids are the same in every tenant (microsoft.md 4.4).
ROLES_THAT_MAY_CONFIGURE = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "69091246-20e8-4a56-aa4d-066075b2a7a8": "Teams Administrator",
    "e300d9e7-4a2b-4295-9eff-f1c78b36cc98": "Virtual Visits Administrator",
}


def may_configure(identity: MicrosoftIdentity) -> bool:
    """Global, Teams and Virtual Visits administrators change configurations; guests never do."""
    return not identity.is_guest and bool(identity.directory_roles & set(ROLES_THAT_MAY_CONFIGURE))


def require_admin(identity: MicrosoftIdentity) -> None:
    """Who may look need not be one who may change (E8, F29).

    Raises:
        Refused: `ROLE_MISSING`; fact `one_of` names the roles.
    """
    if not may_configure(identity):
        names = ", ".join(sorted(ROLES_THAT_MAY_CONFIGURE.values()))
        raise Refused(Reason.ROLE_MISSING, facts={"one_of": names})
