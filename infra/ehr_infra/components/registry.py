"""Registry: the stamp's own images, so that no start depends on anybody else's registry."""

from typing import Any

from pulumi import Output
from pulumi_azure_native import containerregistry

from ehr_infra.components.base import Base
from ehr_infra.site import Component, Site

CONNECTOR_REPOSITORY = "teams-ehr-connector"
SIMULATORS_REPOSITORY = "teams-ehr-simulators"


class Registry(Component):
    """Premium: private endpoint, zones, no admin user, nothing that takes an image away by itself."""

    def __init__(self, site: Site, parent: Any, base: Base) -> None:
        super().__init__("Registry", site, parent)
        self.registry = containerregistry.Registry(
            "registry",
            registry_name=site.names.registry,
            sku=containerregistry.SkuArgs(name="Premium"),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            public_network_access="Disabled",
            network_rule_bypass_options="AzureServices",
            zone_redundancy="Enabled" if site.settings.region.zones else "Disabled",
            policies=containerregistry.PoliciesArgs(
                export_policy=containerregistry.ExportPolicyArgs(status="disabled"),
            ),
            **site.place,
            opts=site.keeping(self),
        )
        people = base.people
        pulling = {"app": people.app, "migrate": people.migrate}
        if people.sandbox:
            pulling["sandbox"] = people.sandbox
        self.grants = [
            self.grant("AcrPull", name, identity.principal_id, self.registry.id, "registry")
            for name, identity in pulling.items()
        ]
        self.reachable = base.net.private_endpoint("registry", self.registry, self)
        base.seen.diagnose("registry", self.registry, self)

    def image(self, repository: str, digest: str | None) -> Output[str]:
        """By digest, never by tag (rule R13)."""
        return Output.concat(self.registry.login_server, f"/{repository}@{digest}")
