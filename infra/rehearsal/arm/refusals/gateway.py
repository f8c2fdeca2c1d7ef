"""The application gateway: a subnet of its own, and certificates its identity may read."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rehearsal.arm.errors import bad_request
from rehearsal.arm.world import Resource, World, Write, value_at

MANAGER_PORTS = "65200-65535"
MANAGERS = ("GatewayManager", "Internet", "*")
SECRET_READERS = (
    "4633458b-17de-408a-b874-0445c86b69e6",  # Key Vault Secrets User
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",  # Key Vault Secrets Officer
    "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",  # Key Vault Certificate User
    "00482a5a-887f-4fb3-b363-3b7fe8e74483",  # Key Vault Administrator
)


def subnet_is_its_own(write: Write) -> None:
    """Nothing but application gateways may stand in a gateway's subnet."""
    for configuration in write.value("gatewayIPConfigurations") or ():
        subnet = (configuration.get("subnet") or {}).get("id", "")
        others = [
            one for one in write.world.referrers(subnet) if one.kind.token != write.kind.token
        ]
        if others:
            raise bad_request(
                "ApplicationGatewaySubnetCannotBeUsedByOtherResources",  # named here
                f"Subnet {subnet} cannot be used for application gateway {write.name} since it holds {others[0].arm_id}.",
            )


def gateway_manager_gets_in(write: Write) -> None:
    """https://learn.microsoft.com/azure/application-gateway/configuration-infrastructure#network-security-groups"""
    for configuration in write.value("gatewayIPConfigurations") or ():
        subnet_id = (configuration.get("subnet") or {}).get("id", "")
        subnet = write.world.get(subnet_id)
        guard = (
            write.world.get(value_at(subnet.body, "networkSecurityGroup.id") or "")
            if subnet
            else None
        )
        if guard and not any(_admits_manager(one) for one in guard.body.get("securityRules") or ()):
            raise bad_request(
                "ApplicationGatewaySubnetInboundTrafficBlockedByNetworkSecurityGroup",
                f"Network security group {guard.arm_id} blocks incoming internet traffic on ports {MANAGER_PORTS} to subnet "
                f"{subnet_id}, associated with Application Gateway {write.arm_id}. This is not permitted for Application "
                "Gateways that have V2 Sku.",
            )


def certificates_can_be_read(write: Write) -> None:
    for certificate in write.value("sslCertificates") or ():
        secret = certificate.get("keyVaultSecretId")
        if not secret:
            continue
        vault = vault_of(write.world, secret)
        kept = vault and f"{vault.arm_id}{urlsplit(secret).path}"
        if kept not in {one.arm_id for one in write.world.of("keyvault:Secret")}:
            raise bad_request(
                "ApplicationGatewayKeyVaultSecretNotFound",  # named here
                f"'{write.arm_id}': there is no secret {urlsplit(secret).path} in {urlsplit(secret).hostname}.",
            )
        readable = any(
            write.world.has_role(identity, str(kept), SECRET_READERS)
            for identity in write.identities()
        )
        if not readable:
            raise bad_request(
                "ApplicationGatewayKeyVaultSecretException",
                f"Problem occurred while accessing and validating KeyVault Secrets associated with Application Gateway "
                f"'{write.arm_id}': no identity of the gateway may read secrets of {urlsplit(secret).hostname}.",
            )


def _admits_manager(rule: Mapping[str, Any]) -> bool:
    ports = {rule.get("destinationPortRange"), *(rule.get("destinationPortRanges") or ())}
    lets_in = (rule.get("direction"), rule.get("access")) == ("Inbound", "Allow")
    return (
        lets_in
        and rule.get("sourceAddressPrefix") in MANAGERS
        and bool(ports & {MANAGER_PORTS, "*"})
    )


def vault_of(world: World, uri: str) -> Resource | None:
    """The vault behind the address of a secret or a key."""
    name = (urlsplit(uri).hostname or "").removesuffix(".vault.azure.net")
    return next(
        (one for one in world.of("keyvault:Vault") if one.name.lower() == name.lower()), None
    )
