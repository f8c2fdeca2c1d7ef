"""First path segment of every Entra URL: one tenant (GUID or domain), `organizations` or `common`."""

from dataclasses import dataclass

from mock_microsoft.directory import Directory, Person, Tenant
from mock_microsoft.entra.errors import Aadsts, EntraError

MULTI_TENANT_SEGMENTS = frozenset({"organizations", "common"})


@dataclass(frozen=True, slots=True)
class Authority:
    """`tenant` is None where people of every tenant may sign in."""

    segment: str
    tenant: Tenant | None
    directory: Directory

    def people(self) -> tuple[Person, ...]:
        return self.directory.people_of(self.tenant) if self.tenant else self.directory.people

    def admits(self, person: Person) -> bool:
        return self.tenant is None or person.tenant == self.tenant

    @property
    def issuer_segment(self) -> str:
        """Multi-tenant discovery publishes the issuer as a template, as Entra does."""
        return self.tenant.id if self.tenant else "{tenantid}"


def resolve_authority(directory: Directory, segment: str) -> Authority:
    """Raises EntraError 90002 for a tenant nobody knows."""
    if segment in MULTI_TENANT_SEGMENTS:
        return Authority(segment, None, directory)
    tenant = directory.tenant(segment)
    if tenant is None:
        raise EntraError(Aadsts.TENANT_UNKNOWN, f"Tenant '{segment}'.")
    return Authority(segment, tenant, directory)
