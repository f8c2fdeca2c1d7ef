"""What every component of a stamp shares: where it goes, what it is called, how it is protected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import ComponentResource, Input, Output, ResourceOptions
from pulumi_azure_native import Provider, authorization, resources

from ehr_infra.config import Settings
from ehr_infra.naming import Names

# Built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Crypto Officer": "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Handed down from the stamp to its components."""

    settings: Settings
    names: Names
    tags: Mapping[str, str]
    provider: Provider
    tenant_id: Output[str]
    group: resources.ResourceGroup

    @property
    def place(self) -> dict[str, Any]:
        """The arguments every regional resource of the group takes."""
        return {
            "resource_group_name": self.group.name,
            "location": self.settings.location,
            "tags": dict(self.tags),
        }

    def options(self, parent: ComponentResource, **more: Any) -> ResourceOptions:
        return ResourceOptions(parent=parent, **more)

    def keeping(self, parent: ComponentResource, **more: Any) -> ResourceOptions:
        """For what holds data: production can neither delete nor replace it (rule R14)."""
        kept = self.settings.production
        return ResourceOptions(parent=parent, protect=kept, retain_on_delete=kept, **more)

    def fixed(self, parent: ComponentResource, **more: Any) -> ResourceOptions:
        """For what others have written down, or what cannot be changed: production never replaces it."""
        return ResourceOptions(parent=parent, protect=self.settings.production, **more)

    def role(self, name: str) -> str:
        subscription = f"/subscriptions/{self.settings.subscription_id}"
        return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[name]}"


class Component(ComponentResource):
    """A part of the stamp; children inherit its provider."""

    def __init__(self, kind: str, site: Site, parent: ComponentResource | None) -> None:
        options = ResourceOptions(parent=parent, providers=[site.provider])
        super().__init__(f"ehr:stamp:{kind}", kind.lower(), None, options)
        self.site = site

    def grant(
        self, role: str, principal: str, principal_id: Input[str], scope: Input[str], on: str
    ) -> authorization.RoleAssignment:
        """Let a managed identity do what `role` may on `scope`.

        `principal_type` is given so that ARM does not look for an identity made a moment ago.
        """
        name = f"{principal}-{role.lower().replace(' ', '-')}-{on}"
        return authorization.RoleAssignment(
            name,
            role_assignment_name=self.site.names.grant(on, role, principal),
            principal_id=principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=self.site.role(role),
            scope=scope,
            opts=self.site.options(self),
        )
