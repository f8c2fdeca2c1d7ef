"""Identities: who the stamp is, with no password anywhere (infrastructure.md 2.4, 2.5)."""

from typing import Any

from pulumi_azure_native import managedidentity

from ehr_infra.site import Component, Site


class Identities(Component):
    """`app` runs, `migrate` owns the tables and the secrets' names, `gateway` reads a certificate."""

    def __init__(self, site: Site, parent: Any) -> None:
        super().__init__("Identities", site, parent)
        self.app = self._identity("app")
        self.migrate = self._identity("migrate")
        self.gateway = self._identity("gateway")
        # The simulated outside pulls its image and may do nothing else: anybody can reach it.
        self.sandbox = self._identity("sandbox") if site.settings.simulators else None

    def _identity(self, part: str) -> managedidentity.UserAssignedIdentity:
        return managedidentity.UserAssignedIdentity(
            f"id-{part}",
            resource_name_=self.name_of(part),
            **self.site.place,
            opts=self.site.options(self),
        )

    def name_of(self, part: str) -> str:
        """Also the role's name in PostgreSQL."""
        return self.site.names.regional("id", part)

    def of_encryption(self) -> managedidentity.UserAssignedIdentity:
        """Who the database is to the vault when a key of the customer encrypts it."""
        return self._identity("encryption")
