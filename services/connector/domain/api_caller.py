"""Who calls the API, and what their access token lets them do (docs/api.md)."""

from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.errors import Reason, Refused
from connector.domain.organization import (
    ROLES_THAT_MAY_CONFIGURE,
    MicrosoftIdentity,
    may_configure,
)

SCOPE = "Configuration.ReadWrite"
# What an application with the role Connector.Admin may do is what this directory role lets people do.
ACTS_AS = "e300d9e7-4a2b-4295-9eff-f1c78b36cc98"


class AppRole(StrEnum):
    """App roles of the connector's registration, for applications; people have directory roles."""

    ADMIN = "Connector.Admin"
    READER = "Connector.Reader"


class Needs(StrEnum):
    """What an operation of the API asks of its caller before it begins."""

    READ = "read"
    CHANGE = "change"


_ROLES_FOR = {
    Needs.READ: (AppRole.ADMIN, AppRole.READER),
    Needs.CHANGE: (AppRole.ADMIN,),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """`granted` are the scopes of a person's token, the app roles of an application's.

    An application's `identity` is its service principal; it can be no approver.
    """

    identity: MicrosoftIdentity
    is_application: bool
    granted: frozenset[str]

    @classmethod
    def person(cls, identity: MicrosoftIdentity, scopes: frozenset[str]) -> "Caller":
        return cls(identity, is_application=False, granted=scopes)

    @classmethod
    def application(cls, principal: MicrosoftIdentity, roles: frozenset[str]) -> "Caller":
        """Directory roles it may hold in Entra count for nothing here."""
        acts_as = frozenset({ACTS_AS}) if AppRole.ADMIN in roles else frozenset()
        identity = replace(principal, directory_roles=acts_as)
        return cls(identity, is_application=True, granted=roles)

    def require(self, needs: Needs) -> None:
        """Raises: Refused: `SCOPE_MISSING`, `ROLE_MISSING`; a fact names what is missing."""
        if not self.is_application and SCOPE not in self.granted:
            raise Refused(Reason.SCOPE_MISSING, facts={"scope": SCOPE})
        if not self._may(needs):
            raise Refused(Reason.ROLE_MISSING, facts={"one_of": ", ".join(self._roles(needs))})

    def _may(self, needs: Needs) -> bool:
        """Members of the tenant may look, as in the portal; guests may not."""
        if may_configure(self.identity):
            return True
        looks = AppRole.READER in self.granted if self.is_application else self._is_member
        return looks and needs is Needs.READ

    @property
    def _is_member(self) -> bool:
        return not self.identity.is_guest

    def _roles(self, needs: Needs) -> list[str]:
        if self.is_application:
            return [role.value for role in _ROLES_FOR[needs]]
        return sorted(ROLES_THAT_MAY_CONFIGURE.values())
