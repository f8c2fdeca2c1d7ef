"""The repository's program under the real CLI and the pack: as it is, and with a fault for every policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pulumi
from pulumi import automation
from pulumi._types import input_type_to_dict, is_input_type
from pulumi.automation.events import EngineEvent, PolicyEvent
from pulumi_azure_native import keyvault, storage
from tests.infra.rules.stamp import DIGEST, Edit, both, option, put, variable

from ehr_infra.config import PROJECT
from ehr_infra.program import deploy
from ehr_infra.rules import Resource
from rehearsal.arm.simulated import SimulatedArm
from rehearsal.life_cycle.engine import Outcome, configure, label
from rehearsal.life_cycle.stage import PACK
from rehearsal.recording import stack_values
from rehearsal.workspace import REPOSITORY, rehearsal_stack, standing_plugin

STACK = "emea-production"
_OWN = "crehremeaprod50c2.azurecr.io"
_ABROAD = "northeurope"  # of the same geography; its pair is westeurope
_IMAGE = "template.containers.0.image"
_OPEN = {
    "name": "open",
    "priority": 300,
    "direction": "Inbound",
    "access": "Allow",
    "protocol": "Tcp",
    "sourceAddressPrefix": "Internet",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "5432",
}


class Fault(NamedTuple):
    """What the policy says of whom once `edit` was made.

    Edits name inputs as the SDK's classes hold them: the first step in Python's way, the rest in Azure's.
    """

    policy: str
    edit: Edit
    who: str
    says: str


def _nothing(resources: list[Resource]) -> list[Resource]:
    return resources


_VAULT, _SERVER = "keyvault:Vault vault", "dbforpostgresql:Server server"
_ACCOUNT = "storage:StorageAccount anchors"
_REGISTRY, _CONNECTOR = "containerregistry:Registry registry", "app:ContainerApp app-connector"
FAULTS = (
    Fault(
        "R01",
        put("ip-egress", "location", "eastus2"),
        "network:PublicIPAddress ip-egress",
        "eastus2 lies in americas",
    ),
    Fault(
        "R02",
        both(
            put("server", "location", _ABROAD),
            put("server", "backup.geoRedundantBackup", "Enabled"),
        ),
        _SERVER,
        "backup.geoRedundantBackup is Enabled but",
    ),
    Fault(
        "R03",
        both(put("anchors", "location", _ABROAD), put("anchors", "sku.name", "Standard_GRS")),
        _ACCOUNT,
        "sku.name Standard_GRS replicates but",
    ),
    Fault(
        "R04",
        put("server", "network.publicNetworkAccess", "Enabled"),
        _SERVER,
        "network.publicNetworkAccess is 'Enabled'",
    ),
    Fault(
        "R05",
        put("registry", "public_network_access", "Enabled"),
        _REGISTRY,
        "publicNetworkAccess is 'Enabled'",
    ),
    Fault(
        "R06",
        put("vault", "properties.enablePurgeProtection", False),
        _VAULT,
        "enablePurgeProtection is False",
    ),
    Fault(
        "R07",
        put("vault", "properties.enableRbacAuthorization", False),
        _VAULT,
        "enableRbacAuthorization is False",
    ),
    Fault(
        "R08",
        put("server", "auth_config.passwordAuth", "Enabled"),
        _SERVER,
        "authConfig.passwordAuth is 'Enabled'",
    ),
    Fault(
        "R09",
        put("configuration-require_secure_transport", "value", "off"),
        "dbforpostgresql:Configuration configuration-require_secure_transport",
        "require_secure_transport is 'off'",
    ),
    Fault(
        "R10",
        variable("app-feed", "DB_PASSWORD", "hunter2"),
        "app:ContainerApp app-feed",
        "DB_PASSWORD holds a secret",
    ),
    Fault(
        "R11",
        put("environment", "zone_redundant", False),
        "app:ManagedEnvironment environment",
        "zoneRedundant is False",
    ),
    Fault(
        "R12",
        put("app-connector", "template.scale.minReplicas", 2),
        _CONNECTOR,
        "template.scale.minReplicas is 2",
    ),
    Fault(
        "R12-stack",
        put("app-connector", "template.scale.maxReplicas", 99),
        _SERVER,
        "connections at full scale",
    ),
    Fault(
        "R13",
        put("job-smoke", _IMAGE, f"{_OWN}/teams-ehr-connector:1.2"),
        "app:Job job-smoke",
        "is not named by digest",
    ),
    Fault(
        "R13-stack",
        put("job-migrate", _IMAGE, f"theirs.azurecr.io/connector@{DIGEST}"),
        "app:Job job-migrate",
        "image comes from theirs.azurecr.io",
    ),
    # The engine does not show the pack retain_on_delete: tests/infra/rules/test_each_rule.py does.
    Fault(
        "R14",
        option("database", protect=False),
        "dbforpostgresql:Database database",
        "protect is off",
    ),
    Fault("R15", put("nat", "tags.owner", ""), "network:NatGateway nat", "tags lack owner"),
    Fault(
        "R16", put("registry", "admin_user_enabled", True), _REGISTRY, "adminUserEnabled is True"
    ),
    Fault(
        "R17",
        put("nsg-endpoints", "security_rules.+", _OPEN),
        "network:NetworkSecurityGroup nsg-endpoints",
        "rule open lets the internet in",
    ),
    Fault(
        "R18",
        put("insights", "disable_local_auth", False),
        "applicationinsights:Component insights",
        "disableLocalAuth is False",
    ),
    Fault(
        "R19",
        variable("app-worker", "CONNECTOR_GRAPH_URL", "https://graph.example.org"),
        "app:ContainerApp app-worker",
        "CONNECTOR_GRAPH_URL is not Microsoft's",
    ),
    Fault(
        "R20",
        put("firewall", "policy_settings.mode", "Detection"),
        "network:WebApplicationFirewallPolicy firewall",
        "policySettings.mode is 'Detection'",
    ),
    Fault(
        "S01",
        put("diagnostics-vault", "logs.0.enabled", False),
        _VAULT,
        "no diagnostic setting sends its logs",
    ),
    # R02 and R03 take a region whose pair is in another country, so what they are about has moved.
    Fault("S02", _nothing, _SERVER, "location is northeurope, the stamp is in swedencentral"),
    Fault("S02", _nothing, _ACCOUNT, "location is northeurope, the stamp is in swedencentral"),
    Fault(
        "S03",
        put("alert-database-down", "actions", []),
        "monitor:MetricAlert alert-database-down",
        "the alert tells nobody",
    ),
    # Two more, which no edit makes: `_strays` registers them.
    Fault("S04", _nothing, "keyvault:Secret stray", "keyvault:Secret is not on the list"),
    Fault(
        "S04",
        _nothing,
        "pulumi:providers:pulumi default",
        "pulumi:providers:pulumi is not on the list",
    ),
)


@dataclass(slots=True)
class Seeder:
    """Makes the faults while the program registers its resources, then registers the strays."""

    registered: dict[str, Any] = field(default_factory=dict)

    def program(self) -> None:
        pulumi.runtime.register_stack_transformation(self._seed)
        deploy()
        self._account()
        self._strays()

    def _seed(
        self, args: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_.startswith("ehr:"):  # a component may have the name of what it is made of
            return None
        self.registered[args.name] = args.resource
        inputs = {key: _plain(value) for key, value in args.props.items()}
        before = Resource(args.type_, args.name, inputs, protect=bool(args.opts.protect))
        after = before
        for fault in FAULTS:
            (after,) = fault.edit([after])
        if after is before:
            return None
        unprotected = before.protect and not after.protect
        more = pulumi.ResourceOptions(protect=False) if unprotected else None
        return pulumi.ResourceTransformationResult(
            dict(after.inputs), pulumi.ResourceOptions.merge(args.opts, more)
        )

    def _account(self) -> None:
        """The stamp has none; without a fault the pack would be content with this one."""
        group = self.registered["group"]
        storage.StorageAccount(
            "anchors",
            account_name="anchors",
            resource_group_name=group.name,
            location=group.location,
            tags=group.tags,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_ZRS"),
            public_network_access="Disabled",
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            minimum_tls_version="TLS1_2",
            opts=pulumi.ResourceOptions(provider=self.registered["arm"], protect=True),
        )

    def _strays(self) -> None:
        """A secret of the vault, whose value would lie in the state, and another stack's outputs."""
        keyvault.Secret(
            "stray",
            secret_name="stray",
            vault_name=self.registered["vault"].name,
            resource_group_name=self.registered["group"].name,
            properties=keyvault.SecretPropertiesArgs(value="hunter2"),
            opts=pulumi.ResourceOptions(provider=self.registered["arm"]),
        )
        pulumi.StackReference(f"organization/{PROJECT}/{STACK}")


def _plain(value: Any) -> Any:
    """The SDK's argument classes as maps, which the edits can read; Outputs stay what they are."""
    if is_input_type(type(value)):
        return {key: _plain(each) for key, each in input_type_to_dict(value).items()}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


class Said(NamedTuple):
    """A violation: the message is the policy's description and a line about `who`."""

    policy: str
    level: str
    who: str
    message: str


class Seen(NamedTuple):
    """What came of a preview."""

    failed: bool
    said: list[Said]
    errors: list[str]  # what else the engine complained of


def story() -> tuple[Seen, Seen, list[str]]:
    """The preview of the program as it is, that with the faults, and what was written to ARM."""
    with (
        SimulatedArm(stack_values(STACK)["subscriptionId"]) as arm,
        rehearsal_stack(
            arm,
            project_file=REPOSITORY / "Pulumi.yaml",
            stack_files=REPOSITORY / "infra" / "stacks",
            stack_name=STACK,
            program=deploy,
        ) as stack,
        standing_plugin(stack),
    ):
        configure(stack, {"imageDigest": DIGEST}, PROJECT)
        clean = _preview(stack, deploy)
        faulty = _preview(stack, Seeder().program)
        return clean, faulty, [one.path for one in arm.journal.writes()]


def _preview(stack: automation.Stack, program: Callable[[], None]) -> Seen:
    events: list[EngineEvent] = []
    failed = False
    try:
        stack.preview(program=program, policy_packs=[PACK], on_event=events.append)
    except automation.CommandError:
        failed = True
    outcome = Outcome()
    for event in events:
        outcome.hear(event)
    said = [_said(event.policy_event) for event in events if event.policy_event]
    return Seen(failed, said, outcome.errors)


def _said(told: PolicyEvent) -> Said:
    level = str(getattr(told.enforcement_level, "value", told.enforcement_level))
    return Said(told.policy_name, level, label(told.resource_urn or ""), told.message)
