"""The stamp: everything of one geography and environment, sharing nothing with another one.

Foundation first. What runs comes with the first image digest, since the image must lie in the
registry that the foundation makes (infrastructure.md 2.6).
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_azure_native import Provider, authorization, resources

from ehr_infra.components.alerts import Alerts
from ehr_infra.components.base import Base
from ehr_infra.components.database import DATABASE, Database
from ehr_infra.components.environment import Environment
from ehr_infra.components.guard import Guard
from ehr_infra.components.identity import Identities
from ehr_infra.components.ingress import Ingress
from ehr_infra.components.network import Network
from ehr_infra.components.observability import Observability
from ehr_infra.components.registry import Registry
from ehr_infra.components.service import Foundation, Preparation, Service
from ehr_infra.components.vault import Vault
from ehr_infra.config import Settings
from ehr_infra.naming import Names, tags
from ehr_infra.site import Site


class Stamp(ComponentResource):
    """Attributes `outputs`: what people and scripts need to know afterwards."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("ehr:stamp:Stamp", settings.stack)
        self.settings = settings
        self.site = self._site()
        site = self.site
        Guard(site, self)
        base = Base(Network(site, self), Observability(site, self), Identities(site, self))
        vault = Vault(site, self, base)
        self.ground = Foundation(
            base=base,
            vault=vault,
            registry=Registry(site, self, base),
            database=Database(site, self, base, vault),
            environment=Environment(site, self, base),
        )
        self.alerts = Alerts(site, self)
        self.alerts.watch_foundation(self.ground)
        self.job = Preparation(site, self, self.ground).job if settings.job_digest else None
        self.service = self._service() if settings.serves else None
        self.outputs = self._outputs()
        self.register_outputs(dict(self.outputs))

    def _site(self) -> Site:
        """An explicit provider: nothing lands in whatever subscription a shell points at."""
        settings = self.settings
        provider = Provider(
            "arm",
            subscription_id=settings.subscription_id,
            location=settings.location,
            opts=ResourceOptions(parent=self),
        )
        client = authorization.get_client_config_output(
            opts=pulumi.InvokeOutputOptions(provider=provider)
        )
        names, labels = Names.of(settings), tags(settings)
        group = resources.ResourceGroup(
            "group",
            resource_group_name=names.regional("rg"),
            location=settings.location,
            tags=dict(labels),
            opts=ResourceOptions(
                parent=self,
                provider=provider,
                protect=settings.production,
                retain_on_delete=settings.production,
            ),
        )
        return Site(settings, names, labels, provider, client.tenant_id, group)

    def _service(self) -> Service:
        service = Service(self.site, self, self.ground)
        ingress = Ingress(self.site, self, self.ground, service)
        self.alerts.watch_service(service, ingress, self.ground.base.seen)
        return service

    def _outputs(self) -> Mapping[str, Any]:
        settings, service, ground = self.settings, self.service, self.ground
        return {
            "resourceGroup": self.site.group.name,
            "hostName": settings.host_name,
            "publicIp": ground.base.net.public_ip.ip_address,
            "egressIp": ground.base.net.egress_ip.ip_address,
            "environmentDomain": ground.environment.environment.default_domain,
            "databaseHost": ground.database.server.fully_qualified_domain_name,
            "databaseName": DATABASE,
            "vaultUri": ground.vault.vault.properties.vault_uri,
            "registryServer": ground.registry.registry.login_server,
            **({"migrateJob": self.job.name} if self.job else {}),
            **(self._of_service(service) if service else {}),
        }

    def _of_service(self, service: Service) -> dict[str, Any]:
        return {
            "imageDigest": self.settings.image_digest,
            "appName": service.web.name,
            "smokeJob": service.smoke.name,
            "latestRevision": service.revision,
            "candidateUrl": Output.concat("https://", service.candidate_host),
        }
