"""Network: nothing reaches the stamp but HTTPS at the gateway, everything leaves by one address."""

from typing import Any, NamedTuple

from pulumi import ResourceOptions
from pulumi_azure_native import network, privatedns

from ehr_infra.naming import Addresses
from ehr_infra.site import Component, Site

PRIVATE_ZONES = {
    "postgresqlServer": "privatelink.postgres.database.azure.com",
    "vault": "privatelink.vaultcore.azure.net",
    "registry": "privatelink.azurecr.io",
}
ZONES = ["1", "2", "3"]
_INTERNET, _ANYWHERE = "Internet", "*"


def _rule(priority: int, name: str, source: str, to: str, ports: list[str], **other: str) -> Any:
    return network.SecurityRuleArgs(
        name=name,
        priority=priority,
        direction="Inbound",
        access=other.get("access", "Allow"),
        protocol=other.get("protocol", "Tcp"),
        source_address_prefix=source,
        source_port_range=_ANYWHERE,
        destination_address_prefix=to,
        **_ports(ports),
    )


def _ports(ports: list[str]) -> dict[str, Any]:
    """ARM takes the wildcard in the singular property only."""
    if ports == [_ANYWHERE]:
        return {"destination_port_range": _ANYWHERE}
    return {"destination_port_ranges": ports}


def _nothing_else(to: str) -> Any:
    return _rule(4000, "nothing-else", _ANYWHERE, to, [_ANYWHERE], access="Deny", protocol="*")


class PrivateZone(NamedTuple):
    """A name resolves in our network once both are there."""

    zone: privatedns.PrivateZone
    link: privatedns.VirtualNetworkLink


class Network(Component):
    """Virtual network with three subnets, the way out, the public address, private DNS."""

    def __init__(self, site: Site, parent: Any) -> None:
        super().__init__("Network", site, parent)
        self.plan = Addresses.of(site.settings.vnet_cidr)
        self.public_ip = self._address("gateway")
        self.egress_ip = self._address("egress")
        self.vnet = network.VirtualNetwork(
            "vnet",
            virtual_network_name=site.names.regional("vnet"),
            address_space=network.AddressSpaceArgs(address_prefixes=[str(self.plan.network)]),
            **site.place,
            # Subnets are resources of their own; listed here too they would be fought over.
            opts=site.fixed(self, ignore_changes=["subnets"]),
        )
        self.apps, self.endpoints, self.gateway = self._subnets()
        self.zones = {
            group: self.private_zone(group.lower(), zone) for group, zone in PRIVATE_ZONES.items()
        }

    def _address(self, part: str) -> network.PublicIPAddress:
        """Hospitals have it in their DNS and in their EHR's allow-list."""
        return network.PublicIPAddress(
            f"ip-{part}",
            public_ip_address_name=self.site.names.regional("pip", part),
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=ZONES if self.site.settings.region.zones else None,
            **self.site.place,
            opts=self.site.fixed(self),
        )

    def _subnets(self) -> tuple[network.Subnet, network.Subnet, network.Subnet]:
        """One after the other: ARM takes one write a virtual network at a time."""
        plan = self.plan
        way_out = network.NatGateway(
            "nat",
            nat_gateway_name=self.site.names.regional("ng"),
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=self.egress_ip.id)],
            **self.site.place,
            opts=self.site.options(self),
        )
        apps = self._subnet(
            "apps",
            plan.apps,
            self._apps_rules(),
            after=self.vnet,
            delegations=[
                network.DelegationArgs(
                    name="environment", service_name="Microsoft.App/environments"
                )
            ],
            nat_gateway=network.SubResourceArgs(id=way_out.id),
        )
        endpoints = self._subnet(
            "endpoints",
            plan.endpoints,
            self._endpoints_rules(),
            after=apps,
            private_endpoint_network_policies="NetworkSecurityGroupEnabled",
        )
        gateway = self._subnet("gateway", plan.gateway, self._gateway_rules(), after=endpoints)
        return apps, endpoints, gateway

    def _subnet(self, part: str, prefix: Any, rules: list[Any], *, after: Any, **more: Any) -> Any:
        security = network.NetworkSecurityGroup(
            f"nsg-{part}",
            network_security_group_name=self.site.names.regional("nsg", part),
            security_rules=rules,
            **self.site.place,
            opts=self.site.options(self),
        )
        return network.Subnet(
            f"snet-{part}",
            resource_group_name=self.site.group.name,
            virtual_network_name=self.vnet.name,
            subnet_name=f"snet-{part}",
            address_prefix=str(prefix),
            network_security_group=network.NetworkSecurityGroupArgs(id=security.id),
            default_outbound_access=False,
            **more,
            opts=self.site.fixed(self, depends_on=[after]),
        )

    def _apps_rules(self) -> list[Any]:
        """What an internal environment needs, and nobody but the gateway.

        https://learn.microsoft.com/azure/container-apps/firewall-integration
        """
        apps, gateway = str(self.plan.apps), str(self.plan.gateway)
        return [
            _rule(100, "gateway", gateway, apps, ["443", "31443"]),
            _rule(110, "health-probes", "AzureLoadBalancer", apps, ["30000-32767"]),
            _rule(120, "within", apps, apps, [_ANYWHERE], protocol="*"),
            _nothing_else(apps),
        ]

    def _endpoints_rules(self) -> list[Any]:
        apps, gateway, here = map(str, (self.plan.apps, self.plan.gateway, self.plan.endpoints))
        return [
            _rule(100, "apps", apps, here, ["443", "5432", "6432"]),
            _rule(110, "gateway-certificate", gateway, here, ["443"]),
            _nothing_else(here),
        ]

    def _gateway_rules(self) -> list[Any]:
        """https://learn.microsoft.com/azure/application-gateway/configuration-infrastructure"""
        here = str(self.plan.gateway)
        return [
            _rule(100, "https", _INTERNET, here, ["443"]),
            _rule(110, "gateway-manager", "GatewayManager", _ANYWHERE, ["65200-65535"]),
            _rule(120, "health-probes", "AzureLoadBalancer", _ANYWHERE, [_ANYWHERE], protocol="*"),
            _nothing_else(here),
        ]

    def private_zone(self, part: str, name: Any, parent: Any = None) -> PrivateZone:
        """A DNS zone only this network sees."""
        options = ResourceOptions(parent=parent or self)
        where = {"resource_group_name": self.site.group.name, "tags": dict(self.site.tags)}
        zone = privatedns.PrivateZone(
            f"zone-{part}", private_zone_name=name, location="global", **where, opts=options
        )
        link = privatedns.VirtualNetworkLink(
            f"link-{part}",
            private_zone_name=zone.name,
            virtual_network_link_name=self.site.names.regional("link", part),
            virtual_network=privatedns.SubResourceArgs(id=self.vnet.id),
            registration_enabled=False,
            location="global",
            **where,
            opts=options,
        )
        return PrivateZone(zone, link)

    def private_endpoint(
        self, group: str, target: Any, parent: Any, *after: Any
    ) -> network.PrivateDnsZoneGroup:
        """The only way to `target`; its public name resolves here once the zone group is there."""
        part = group.lower()
        endpoint = network.PrivateEndpoint(
            f"endpoint-{part}",
            private_endpoint_name=self.site.names.regional("pep", part),
            custom_network_interface_name=self.site.names.regional("nic", part),
            subnet=network.SubnetArgs(id=self.endpoints.id),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name=part, private_link_service_id=target.id, group_ids=[group]
                )
            ],
            **self.site.place,
            # The endpoint's own writes go to the network too: after the last subnet.
            opts=ResourceOptions(parent=parent, depends_on=[self.gateway, *after]),
        )
        zone = self.zones[group]
        return network.PrivateDnsZoneGroup(
            f"names-{part}",
            resource_group_name=self.site.group.name,
            private_endpoint_name=endpoint.name,
            private_dns_zone_group_name="default",
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=part, private_dns_zone_id=zone.zone.id)
            ],
            opts=ResourceOptions(parent=parent, depends_on=[zone.link]),
        )
