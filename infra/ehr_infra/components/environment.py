"""Environment: where the containers run, reachable from the gateway's network alone."""

from typing import Any

from pulumi import Output, ResourceOptions
from pulumi_azure_native import app, privatedns

from ehr_infra.components.base import Base
from ehr_infra.components.network import Network
from ehr_infra.site import Component, Site

WORKLOAD_PROFILE = "Consumption"
# Not every log there may be: requests' addresses carry launches' parameters.
_LOGS = ["ContainerAppConsoleLogs", "ContainerAppSystemLogs"]


class Environment(Component):
    """Internal, zone redundant, encrypted between its parts; its domain resolves in our network."""

    def __init__(self, site: Site, parent: Any, base: Base) -> None:
        super().__init__("Environment", site, parent)
        self.environment = app.ManagedEnvironment(
            "environment",
            environment_name=site.names.regional("cae"),
            vnet_configuration=app.VnetConfigurationArgs(
                infrastructure_subnet_id=base.net.apps.id, internal=True
            ),
            zone_redundant=site.settings.region.zones,
            public_network_access="Disabled",
            workload_profiles=[
                app.WorkloadProfileArgs(
                    name=WORKLOAD_PROFILE, workload_profile_type=WORKLOAD_PROFILE
                )
            ],
            # "log-analytics" would put the workspace's shared key into the state.
            app_logs_configuration=app.AppLogsConfigurationArgs(destination="azure-monitor"),
            peer_traffic_configuration=app.ManagedEnvironmentPeerTrafficConfigurationArgs(
                encryption=app.ManagedEnvironmentEncryptionArgs(enabled=True)
            ),
            **site.place,
            opts=site.fixed(self, depends_on=[base.net.gateway]),
        )
        base.seen.diagnose("environment", self.environment, self, categories=_LOGS)
        self.reachable = self._publish(base.net)

    def _publish(self, net: Network) -> list[Any]:
        """What must be there before the gateway looks the apps up."""
        zone, link = net.private_zone("environment", self.environment.default_domain, self)
        record = privatedns.PrivateRecordSet(
            "record-environment",
            resource_group_name=self.site.group.name,
            private_zone_name=zone.name,
            relative_record_set_name="*",
            record_type="A",
            ttl=300,
            a_records=[privatedns.ARecordArgs(ipv4_address=self.environment.static_ip)],
            opts=ResourceOptions(parent=self),
        )
        return [record, link]

    def host(self, app_name: str) -> Output[str]:
        """Where an app of this environment answers."""
        return Output.concat(app_name, ".", self.environment.default_domain)
