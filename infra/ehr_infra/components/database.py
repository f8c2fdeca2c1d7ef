"""Database: PostgreSQL that knows no password, keeps 35 days and never leaves its place.

What cannot be changed once it was made (`CREATE_ONLY`) is refused for production rather than
replaced: its protection stops the engine (infrastructure.md 2.4).
"""

from typing import Any

from pulumi import ResourceOptions
from pulumi_azure_native import authorization, dbforpostgresql

from ehr_infra import capacity
from ehr_infra.components.base import Base
from ehr_infra.components.identity import Identities
from ehr_infra.components.vault import Vault
from ehr_infra.site import Component, Site

VERSION = "16"
DATABASE = "connector"
# Statement texts may carry what must not be logged: ddl and role changes only.
CONFIGURATIONS = {
    "require_secure_transport": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "log_disconnections": "on",
    "azure.extensions": "pgaudit",
    "shared_preload_libraries": "pg_stat_statements,pgaudit",
    "pgaudit.log": "ddl,role",
    # An error's detail repeats the row it is about.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# Azure moves these after a failover, and lets the storage grow; a difference is no drift.
_MOVED_BY_AZURE = [
    "availabilityZone",
    "highAvailability.standbyAvailabilityZone",
    "storage.storageSizeGB",
]


class Database(Component):
    """Server, database, the migration job as its administrator, private endpoint, lock."""

    def __init__(self, site: Site, parent: Any, base: Base, vault: Vault) -> None:
        super().__init__("Database", site, parent)
        self.server = self._server(base.people, vault)
        self.administrator = self._administrator(base.people)
        last: Any = self.administrator
        for name, value in CONFIGURATIONS.items():
            last = self._configuration(name, value, last)
        self.database = dbforpostgresql.Database(
            "database",
            resource_group_name=site.group.name,
            server_name=self.server.name,
            database_name=DATABASE,
            charset="UTF8",
            collation="en_US.utf8",
            opts=site.keeping(self, depends_on=[last]),
        )
        self.reachable = base.net.private_endpoint(
            "postgresqlServer", self.server, self, self.database
        )
        base.seen.diagnose("database", self.server, self)
        if site.settings.production:
            self._lock()

    def _server(self, people: Identities, vault: Vault) -> dbforpostgresql.Server:
        settings = self.site.settings
        encryption, after = self._encryption(people, vault)
        return dbforpostgresql.Server(
            "server",
            server_name=self.site.names.database_server,
            version=VERSION,
            create_mode="Default",
            sku=dbforpostgresql.SkuArgs(
                name=settings.database_sku, tier=capacity.tier(settings.database_sku) or ""
            ),
            storage=dbforpostgresql.StorageArgs(
                storage_size_gb=settings.database_storage_gb, auto_grow="Enabled"
            ),
            backup=dbforpostgresql.BackupArgs(
                backup_retention_days=settings.backup_retention_days,
                geo_redundant_backup="Enabled" if settings.geo_backup else "Disabled",
            ),
            high_availability=dbforpostgresql.HighAvailabilityArgs(
                mode="ZoneRedundant" if settings.high_availability else "Disabled"
            ),
            auth_config=dbforpostgresql.AuthConfigArgs(
                active_directory_auth="Enabled",
                password_auth="Disabled",  # noqa: S106 - there is none
                tenant_id=self.site.tenant_id,
            ),
            network=dbforpostgresql.NetworkArgs(public_network_access="Disabled"),
            maintenance_window=dbforpostgresql.MaintenanceWindowArgs(
                custom_window="Enabled", day_of_week=0, start_hour=2, start_minute=0
            ),
            **encryption,
            **self._place(),
            opts=self.site.keeping(self, depends_on=after, ignore_changes=_MOVED_BY_AZURE),
        )

    def _place(self) -> dict[str, Any]:
        """A pair in another country is allowed by who is responsible: it stands on the server."""
        place = self.site.place
        if self.site.settings.allow_cross_country_backup:
            place["tags"] = {**place["tags"], "crossCountryBackup": "allowed"}
        return place

    def _encryption(self, people: Identities, vault: Vault) -> tuple[dict[str, Any], list[Any]]:
        if self.site.settings.encryption == "service":
            return {"data_encryption": dbforpostgresql.DataEncryptionArgs(type="SystemManaged")}, []
        identity = people.of_encryption()
        key, grant = vault.encryption_key(identity)
        return {
            "data_encryption": dbforpostgresql.DataEncryptionArgs(
                type="AzureKeyVault",
                primary_key_uri=key.key_uri,
                primary_user_assigned_identity_id=identity.id,
            ),
            "identity": dbforpostgresql.UserAssignedIdentityArgs(
                type="UserAssigned",
                user_assigned_identities=identity.id.apply(
                    lambda id_: {id_: dbforpostgresql.UserIdentityArgs()}
                ),
            ),
        }, [grant]

    def _administrator(self, people: Identities) -> dbforpostgresql.AdministratorsMicrosoftEntra:
        return dbforpostgresql.AdministratorsMicrosoftEntra(
            "administrator",
            resource_group_name=self.site.group.name,
            server_name=self.server.name,
            object_id=people.migrate.principal_id,
            principal_name=people.name_of("migrate"),
            principal_type="servicePrincipal",
            tenant_id=self.site.tenant_id,
            opts=self.site.options(self),
        )

    def _configuration(self, name: str, value: str, after: Any) -> dbforpostgresql.Configuration:
        """One after the other: the server takes one change at a time."""
        return dbforpostgresql.Configuration(
            f"configuration-{name}",
            resource_group_name=self.site.group.name,
            server_name=self.server.name,
            configuration_name=name,
            value=value,
            source="user-override",
            opts=self.site.options(self, depends_on=[after]),
        )

    def _lock(self) -> None:
        authorization.ManagementLockByScope(
            "lock",
            lock_name="keep",
            level="CanNotDelete",
            scope=self.server.id,
            notes="Holds approved configurations and the audit trail; see the runbook before removing.",
            opts=ResourceOptions(parent=self, depends_on=[self.database]),
        )
