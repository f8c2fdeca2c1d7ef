"""Ingress: the regional gateway that ends TLS, inspects, and knows web from feed.

Application Gateway, not a global edge: TLS ends inside the geography (infrastructure.md 2.2).
https://learn.microsoft.com/azure/application-gateway/overview-v2
"""

from dataclasses import dataclass
from typing import Any

from pulumi import Output
from pulumi_azure_native import network

from ehr_infra.components.firewall import firewall_policy
from ehr_infra.components.network import ZONES
from ehr_infra.components.service import Foundation, Service
from ehr_infra.site import Component, Site
from ehr_infra.workload import simulator_host

TLS_POLICY = "AppGwSslPolicy20220101S"  # TLS 1.2 and 1.3, forward secrecy only
_CERTIFICATE, _FRONTEND, _PORT = "certificate", "public", "https"
_REQUEST_SECONDS = 30  # a launch makes a few calls of 8 s at most
_FEED_SECONDS = 90  # a heartbeat comes every 15 s
_DRAIN_SECONDS = 45
_FEED_PATHS = ["/feed/*"]
# Not the access log: it keeps query strings, and a launch's say who is seen by whom.
_LOGS = ["ApplicationGatewayFirewallLog", "ApplicationGatewayPerformanceLog"]


@dataclass(frozen=True, slots=True)
class Backend:
    """An app behind the gateway."""

    name: str
    host: Output[str]
    ready_path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class HostName:
    """A host name people use, and the backend that answers it."""

    name: str
    host: str
    backend: str


class Ingress(Component):
    """Gateway with its firewall policy; the certificate is read from the vault by its identity."""

    def __init__(self, site: Site, parent: Any, ground: Foundation, service: Service) -> None:
        super().__init__("Ingress", site, parent)
        self.name = site.names.regional("agw")
        self.backends = self._backends(service)
        self.gateway = network.ApplicationGateway(
            "gateway",
            application_gateway_name=self.name,
            sku=network.ApplicationGatewaySkuArgs(name="WAF_v2", tier="WAF_v2"),
            autoscale_configuration=network.ApplicationGatewayAutoscaleConfigurationArgs(
                min_capacity=2 if site.settings.production else 0,
                max_capacity=site.settings.gateway_capacity,
            ),
            zones=ZONES if site.settings.region.zones else None,
            enable_http2=True,
            # Server-sent events must not wait in a buffer.
            global_configuration=network.ApplicationGatewayGlobalConfigurationArgs(
                enable_request_buffering=True, enable_response_buffering=False
            ),
            firewall_policy=network.SubResourceArgs(id=firewall_policy(site, self).id),
            identity=network.ManagedServiceIdentityArgs(
                type="UserAssigned", user_assigned_identities=[ground.base.people.gateway.id]
            ),
            **self._front(ground),
            **self._back(),
            **self._routes(),
            **site.place,
            opts=site.options(
                self,
                depends_on=[
                    ground.vault.certificate_grant(ground.base.people.gateway),
                    ground.vault.reachable,
                    *ground.environment.reachable,
                ],
            ),
        )
        ground.base.seen.diagnose("gateway", self.gateway, self, categories=_LOGS)

    def _backends(self, service: Service) -> list[Backend]:
        return [
            Backend("connector", service.host("connector"), "/healthz", _REQUEST_SECONDS),
            Backend("feed", service.host("feed"), "/healthz", _FEED_SECONDS),
            *(
                Backend(part, service.host(part), "/sim/clock", _REQUEST_SECONDS)
                for part in service.simulators
            ),
        ]

    def _part(self, collection: str, name: str) -> network.SubResourceArgs:
        """Parts of a gateway name each other by ids that must be built by hand."""
        group = Output.from_input(self.site.group.name)
        subscription = self.site.settings.subscription_id
        return network.SubResourceArgs(
            id=group.apply(
                lambda group_name: (
                    f"/subscriptions/{subscription}/resourceGroups/{group_name}/providers"
                    f"/Microsoft.Network/applicationGateways/{self.name}/{collection}/{name}"
                )
            )
        )

    def _front(self, ground: Foundation) -> dict[str, Any]:
        certificate = self.site.settings.certificate_name
        secret = ground.vault.vault.properties.vault_uri.apply(
            lambda uri: f"{uri}secrets/{certificate}"
        )
        return {
            "gateway_ip_configurations": [
                network.ApplicationGatewayIPConfigurationArgs(
                    name="subnet", subnet=network.SubResourceArgs(id=ground.base.net.gateway.id)
                )
            ],
            "frontend_ip_configurations": [
                network.ApplicationGatewayFrontendIPConfigurationArgs(
                    name=_FRONTEND,
                    public_ip_address=network.SubResourceArgs(id=ground.base.net.public_ip.id),
                )
            ],
            "frontend_ports": [network.ApplicationGatewayFrontendPortArgs(name=_PORT, port=443)],
            "ssl_policy": network.ApplicationGatewaySslPolicyArgs(
                policy_type="Predefined", policy_name=TLS_POLICY
            ),
            # Without a version: a renewed certificate is found within four hours.
            "ssl_certificates": [
                network.ApplicationGatewaySslCertificateArgs(
                    name=_CERTIFICATE, key_vault_secret_id=secret
                )
            ],
        }

    def _back(self) -> dict[str, Any]:
        return {
            "backend_address_pools": [
                network.ApplicationGatewayBackendAddressPoolArgs(
                    name=each.name,
                    backend_addresses=[
                        network.ApplicationGatewayBackendAddressArgs(fqdn=each.host)
                    ],
                )
                for each in self.backends
            ],
            "backend_http_settings_collection": [self._settings(b) for b in self.backends],
            "probes": [self._probe(each) for each in self.backends],
        }

    def _settings(self, backend: Backend) -> Any:
        return network.ApplicationGatewayBackendHttpSettingsArgs(
            name=backend.name,
            port=443,
            protocol="Https",
            cookie_based_affinity="Disabled",
            pick_host_name_from_backend_address=True,
            request_timeout=backend.seconds,
            probe=self._part("probes", backend.name),
            connection_draining=network.ApplicationGatewayConnectionDrainingArgs(
                enabled=True, drain_timeout_in_sec=_DRAIN_SECONDS
            ),
        )

    def _probe(self, backend: Backend) -> Any:
        return network.ApplicationGatewayProbeArgs(
            name=backend.name,
            protocol="Https",
            path=backend.ready_path,
            interval=10,
            timeout=5,
            unhealthy_threshold=3,
            pick_host_name_from_backend_http_settings=True,
            match=network.ApplicationGatewayProbeHealthResponseMatchArgs(status_codes=["200"]),
        )

    def _hosts(self) -> list[HostName]:
        settings = self.site.settings
        extra = [b.name for b in self.backends if b.name not in {"connector", "feed"}]
        return [
            HostName("connector", settings.host_name, "connector"),
            *(HostName(part, simulator_host(settings, part), part) for part in extra),
        ]

    def _routes(self) -> dict[str, Any]:
        hosts = self._hosts()
        return {
            "http_listeners": [self._listener(each) for each in hosts],
            "url_path_maps": [self._feed_beside_web()],
            "request_routing_rules": [
                self._rule(each, 100 + 10 * number) for number, each in enumerate(hosts)
            ],
        }

    def _listener(self, each: HostName) -> Any:
        return network.ApplicationGatewayHttpListenerArgs(
            name=each.name,
            protocol="Https",
            host_name=each.host,
            require_server_name_indication=True,
            frontend_ip_configuration=self._part("frontendIPConfigurations", _FRONTEND),
            frontend_port=self._part("frontendPorts", _PORT),
            ssl_certificate=self._part("sslCertificates", _CERTIFICATE),
        )

    def _feed_beside_web(self) -> Any:
        return network.ApplicationGatewayUrlPathMapArgs(
            name="connector",
            default_backend_address_pool=self._part("backendAddressPools", "connector"),
            default_backend_http_settings=self._part("backendHttpSettingsCollection", "connector"),
            path_rules=[
                network.ApplicationGatewayPathRuleArgs(
                    name="feed",
                    paths=_FEED_PATHS,
                    backend_address_pool=self._part("backendAddressPools", "feed"),
                    backend_http_settings=self._part("backendHttpSettingsCollection", "feed"),
                )
            ],
        )

    def _rule(self, each: HostName, priority: int) -> Any:
        listener = self._part("httpListeners", each.name)
        if each.backend == "connector":
            return network.ApplicationGatewayRequestRoutingRuleArgs(
                name=each.name,
                rule_type="PathBasedRouting",
                priority=priority,
                http_listener=listener,
                url_path_map=self._part("urlPathMaps", "connector"),
            )
        return network.ApplicationGatewayRequestRoutingRuleArgs(
            name=each.name,
            rule_type="Basic",
            priority=priority,
            http_listener=listener,
            backend_address_pool=self._part("backendAddressPools", each.backend),
            backend_http_settings=self._part("backendHttpSettingsCollection", each.backend),
        )
