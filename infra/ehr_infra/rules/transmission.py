"""R09, R17, R20: how traffic gets in, and that it is encrypted all the way."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from ehr_infra.rules import arm
from ehr_infra.rules.model import UNKNOWN, Facts, Resource
from ehr_infra.rules.reading import (
    Wanted,
    at,
    certain,
    differs,
    each_of,
    in_production,
    items,
    known_text,
    wanted,
)

_READABLE = "what patients and clinicians send could be read or changed on the way"
_PARAMETERS = {
    "require_secure_transport": ("on",),
    "ssl_min_protocol_version": ("TLSv1.2", "TLSv1.3"),
}
# No other predefined policy refuses CBC ciphers and TLS 1.1; a custom one must take TLS 1.3 only.
_GATEWAY_POLICIES = ("AppGwSslPolicy20220101S",)
_EVERYBODY = {"*", "internet", "any"}
_WIDEST_KNOWN_NETWORK = 8  # a prefix shorter than that is no customer's network
_WEB_PORTS = (443, 80)


def _parameters(resource: Resource, _facts: Facts) -> Iterator[str]:
    accepted = _PARAMETERS.get(known_text(at(resource.inputs, "configurationName")))
    value = at(resource.inputs, "value")
    if resource.type == arm.PARAMETER and accepted and differs(value, *accepted):
        name = resource.inputs["configurationName"]
        yield f"{name} is {value!r}: {_READABLE}; set it to {accepted[0]!r}"


def _gateway_policy(resource: Resource, _facts: Facts) -> Iterator[str]:
    if resource.type != arm.GATEWAY:
        return
    chosen = [at(resource.inputs, "sslPolicy")]
    chosen += [at(each, "sslPolicy") for each in items(at(resource.inputs, "sslProfiles"))]
    for policy in chosen:
        if certain(policy) and not _strong(policy):
            yield (
                f"sslPolicy {at(policy, 'policyName')} accepts weak TLS: {_READABLE}; "
                f"set it to Predefined {_GATEWAY_POLICIES[0]}"
            )


def _strong(policy: Any) -> bool:
    kind = known_text(at(policy, "policyType"))
    if kind == "predefined":
        return not differs(at(policy, "policyName"), *_GATEWAY_POLICIES)
    return kind == "customv2" and not differs(at(policy, "minProtocolVersion"), "TLSv1_3")


def _gateway_listeners(resource: Resource, _facts: Facts) -> Iterator[str]:
    if resource.type != arm.GATEWAY:
        return
    for listener in items(at(resource.inputs, "httpListeners")):
        if known_text(at(listener, "protocol")) == "http" and not _only_redirects(
            resource, at(listener, "name")
        ):
            yield (
                f"listener {at(listener, 'name')} serves plain HTTP: {_READABLE}; "
                "let it redirect to the HTTPS listener or remove it"
            )
    for backend in items(at(resource.inputs, "backendHttpSettingsCollection")):
        if differs(at(backend, "protocol"), "Https"):
            yield (
                f"backend settings {at(backend, 'name')} speak plain HTTP: {_READABLE} behind the "
                "gateway; set protocol to 'Https'"
            )


def _only_redirects(gateway: Resource, listener: Any) -> bool:
    """All rules known to be the listener's redirect; if none is known, one that may be its does."""
    rules = items(at(gateway.inputs, "requestRoutingRules"))
    its = [rule for rule in rules if _is_of(rule, listener)]
    if its:
        return all(_redirects(rule) for rule in its)
    return any(_redirects(rule) for rule in rules if _is_of(rule, listener) is None)


def _is_of(rule: Any, listener: Any) -> bool | None:
    identifier = at(rule, "httpListener.id")
    if identifier is UNKNOWN or listener is UNKNOWN:
        return None
    return known_text(identifier).endswith(f"/httplisteners/{known_text(listener)}")


def _redirects(rule: Any) -> bool:
    if rule is UNKNOWN:
        return True
    served = (at(rule, "backendAddressPool"), at(rule, "urlPathMap"))
    return served == (None, None) and at(rule, "redirectConfiguration") is not None


encrypted = each_of(
    wanted(
        Wanted(arm.STORAGE, "minimumTlsVersion", ("TLS1_2", "TLS1_3"), _READABLE),
        Wanted(arm.STORAGE, "enableHttpsTrafficOnly", (True, None), _READABLE),
        Wanted(arm.APP, "configuration.ingress.allowInsecure", (False, None), _READABLE),
        Wanted(arm.ENVIRONMENT, "peerTrafficConfiguration.encryption.enabled", (True,), _READABLE),
    ),
    _parameters,
    _gateway_policy,
    _gateway_listeners,
)


def _security_group(resource: Resource, _facts: Facts) -> Iterator[str]:
    if resource.type != arm.SECURITY_GROUP:
        return
    rules = items(at(resource.inputs, "securityRules"))
    before_gateway = any(_may_be_from(rule, "gatewaymanager") for rule in rules)
    for rule in rules:
        if _lets_everybody_in(rule) and not (before_gateway and _only_https(rule)):
            yield (
                f"rule {at(rule, 'name')} lets the internet in: everything but the gateway's 443 "
                "must be reached through it; name the source or remove the rule"
            )


def _lets_everybody_in(rule: Any) -> bool:
    if known_text(at(rule, "direction")) != "inbound" or known_text(at(rule, "access")) != "allow":
        return False
    return any(_everybody(each) for each in _either(rule, "sourceAddressPrefix", "es"))


def _everybody(prefix: Any) -> bool:
    text = known_text(prefix)
    if text in _EVERYBODY:
        return True
    try:
        network = ip_network(text, strict=False)
    except ValueError:  # a service tag: names some of Azure's addresses
        return False
    return network.prefixlen < _WIDEST_KNOWN_NETWORK


def _may_be_from(rule: Any, tag: str) -> bool:
    return any(not differs(each, tag) for each in _either(rule, "sourceAddressPrefix", "es"))


def _only_https(rule: Any) -> bool:
    ports = _either(rule, "destinationPortRange", "s")
    return bool(ports) and all(not differs(each, "443") for each in ports)


def _either(rule: Any, single: str, plural: str) -> Sequence[Any]:
    """The values of an input that ARM has once for one value and once for several."""
    one = at(rule, single)
    return [*([] if one is None else [one]), *items(at(rule, single + plural))]


def _gateway_ports(resource: Resource, _facts: Facts) -> Iterator[str]:
    if resource.type != arm.GATEWAY:
        return
    for port in items(at(resource.inputs, "frontendPorts")):
        if differs(at(port, "port"), *_WEB_PORTS):
            yield (
                f"the gateway listens on {at(port, 'port')}: nothing but HTTPS is meant to be "
                "reachable from the internet; remove the port"
            )


closed_to_the_internet = each_of(
    _security_group,
    _gateway_ports,
    in_production(
        wanted(
            Wanted(
                arm.ENVIRONMENT,
                "vnetConfiguration.internal",
                (True,),
                "the apps answer the internet beside the gateway and its firewall",
            )
        )
    ),
)


def _gateway_has_policy(resource: Resource, _facts: Facts) -> Iterator[str]:
    policy = at(resource.inputs, "firewallPolicy")
    if resource.type == arm.GATEWAY and policy is not UNKNOWN and not isinstance(policy, Mapping):
        yield "firewallPolicy is unset: requests reach the portal unfiltered; set its id"


_UNFILTERED = "attacks on the portal are let through"

firewall_prevents = each_of(
    wanted(
        Wanted(arm.FIREWALL, "policySettings.mode", ("Prevention",), f"{_UNFILTERED}, only logged"),
        Wanted(arm.FIREWALL, "policySettings.state", ("Enabled",), _UNFILTERED),
        Wanted(arm.GATEWAY, "sku.tier", ("WAF_v2",), _UNFILTERED),
    ),
    _gateway_has_policy,
)
