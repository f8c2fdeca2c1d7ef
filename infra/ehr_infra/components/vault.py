"""Vault: keys that sign and never leave it, secrets that operators and the migration job put there.

Pulumi makes the vault, its keys and its grants; no secret value passes through it.
"""

from collections.abc import Mapping
from typing import Any

from pulumi import Output
from pulumi_azure_native import keyvault

from ehr_infra.components.base import Base
from ehr_infra.site import Component, Site

SOFT_DELETE_DAYS = 90
# The connector's client-assertion keys, one for each algorithm EHRs ask for (ehr.md).
_ASSERTION_KEYS: Mapping[str, Mapping[str, Any]] = {
    "client-assertion-rs384": {"kty": "RSA-HSM", "key_size": 3072},
    "client-assertion-es384": {"kty": "EC-HSM", "curve_name": "P-384"},
}


class Vault(Component):
    """Key Vault on roles alone, reached by its private endpoint alone."""

    def __init__(self, site: Site, parent: Any, base: Base) -> None:
        super().__init__("Vault", site, parent)
        self.vault = keyvault.Vault(
            "vault",
            vault_name=site.names.vault,
            properties=self._properties(),
            **site.place,
            opts=site.keeping(self),
        )
        people = base.people
        self.grants = [
            self._grant("Key Vault Secrets User", "app", people.app),
            self._grant("Key Vault Secrets Officer", "migrate", people.migrate),
        ]
        for name, kind in _ASSERTION_KEYS.items():
            key = self._key(name, ["sign", "verify"], **kind)
            self.grants += [
                self._key_grant("Key Vault Crypto User", "app", people.app, key, name),
                self._key_grant("Key Vault Crypto Officer", "migrate", people.migrate, key, name),
            ]
        self.reachable = base.net.private_endpoint("vault", self.vault, self)
        base.seen.diagnose("vault", self.vault, self)

    def _properties(self) -> keyvault.VaultPropertiesArgs:
        return keyvault.VaultPropertiesArgs(
            tenant_id=self.site.tenant_id,
            sku=keyvault.SkuArgs(family="A", name="premium"),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=SOFT_DELETE_DAYS,
            enable_purge_protection=True,
            public_network_access="Disabled",
            network_acls=keyvault.NetworkRuleSetArgs(default_action="Deny", bypass="AzureServices"),
        )

    def _key(self, name: str, operations: list[Any], **kind: Any) -> keyvault.Key:
        return keyvault.Key(
            f"key-{name}",
            resource_group_name=self.site.group.name,
            vault_name=self.vault.name,
            key_name=name,
            properties=keyvault.KeyPropertiesArgs(
                key_ops=operations, attributes=keyvault.KeyAttributesArgs(enabled=True), **kind
            ),
            tags=dict(self.site.tags),
            opts=self.site.keeping(self),
        )

    def _grant(self, role: str, name: str, identity: Any) -> Any:
        return self.grant(role, name, identity.principal_id, self.vault.id, "vault")

    def _key_grant(self, role: str, name: str, identity: Any, key: keyvault.Key, on: str) -> Any:
        """Sign, or for the job rotate, with this key; not with the database's."""
        return self.grant(role, name, identity.principal_id, key.id, on)

    def certificate_grant(self, gateway: Any) -> Any:
        """The gateway reads its certificate and no other secret."""
        name = self.site.settings.certificate_name
        scope = Output.concat(self.vault.id, "/secrets/", name)
        return self.grant("Key Vault Secrets User", "gateway", gateway.principal_id, scope, name)

    def encryption_key(self, identity: Any) -> tuple[keyvault.Key, Any]:
        """The customer's key of the database, and the grant to use it."""
        key = self._key("database", ["wrapKey", "unwrapKey"], kty="RSA-HSM", key_size=3072)
        role = "Key Vault Crypto Service Encryption User"
        return key, self._grant(role, "encryption", identity)
