"""Every rule holds for every stack, and for each rule a fault put into a real stamp is found (check 4)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pulumi.runtime import rpc
from tests.infra.test_stack_configuration import settings
from tests.infra.test_stamp_program import SANDBOX

from ehr_infra.rules import UNKNOWN, Facts, Finding, Resource, check
from rehearsal.recording import ALL, DIGEST, Run, recorded, run


def registered(made: Run) -> list[Resource]:
    return [
        Resource(
            type=r.type,
            name=r.name,
            inputs=_read(r.inputs),
            protect=r.protect,
            retain_on_delete=r.retain_on_delete,
            provider=r.provider,
            urn=r.urn,
        )
        for r in made.resources
    ]


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _read(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_read(each) for each in value]
    return UNKNOWN if value == rpc.UNKNOWN else value


def facts(stack: str) -> Facts:
    of = settings(stack)
    return Facts(of.geography.value, of.environment.value, of.location, stack)


def changed(stack: str, kind: str, change: Mapping[str, Any]) -> list[Finding]:
    """What is found when `change` is laid over the inputs of the first resource of `kind`."""
    stamp = registered(recorded(stack))
    victim = next(i for i, r in enumerate(stamp) if r.type == f"azure-native:{kind}")
    stamp[victim] = replace(stamp[victim], inputs={**stamp[victim].inputs, **change})
    return check(stamp, facts(stack))


@pytest.mark.parametrize("stack", ALL)
def test_a_stamp_breaks_no_rule(stack: str) -> None:
    assert check(registered(recorded(stack)), facts(stack)) == []


@pytest.mark.parametrize("stack", ALL)
def test_a_stamp_breaks_no_rule_while_nothing_of_it_exists(stack: str) -> None:
    assert check(registered(run(stack, preview=True, imageDigest=DIGEST)), facts(stack)) == []


def test_a_hosted_sandbox_breaks_no_rule_in_test_and_one_in_production() -> None:
    stamp = registered(run("emea-test", imageDigest=DIGEST, **SANDBOX))
    assert check(stamp, facts("emea-test")) == []
    rules = {f.rule for f in check(stamp, replace(facts("emea-test"), environment="production"))}
    assert "R19" in rules


@pytest.mark.parametrize(
    ("rule", "kind", "change"),
    [
        ("R01", "keyvault:Vault", {"location": "eastus2"}),
        ("R04", "dbforpostgresql:Server", {"network": {"publicNetworkAccess": "Enabled"}}),
        ("R05", "containerregistry:Registry", {"publicNetworkAccess": "Enabled"}),
        ("R11", "app:ManagedEnvironment", {"zoneRedundant": False}),
        ("R15", "network:VirtualNetwork", {"tags": {}}),
        ("R16", "containerregistry:Registry", {"adminUserEnabled": True}),
        ("R18", "operationalinsights:Workspace", {"features": {"disableLocalAuth": False}}),
        ("R20", "network:WebApplicationFirewallPolicy", {"policySettings": {"mode": "Detection"}}),
        ("S01", "monitor:DiagnosticSetting", {"logs": []}),
        ("S03", "monitor:ActionGroup", {"emailReceivers": []}),
    ],
)
def test_a_fault_put_into_a_real_stamp_is_found(
    rule: str, kind: str, change: dict[str, Any]
) -> None:
    assert {f.rule for f in changed("emea-production", kind, change)} == {rule}
