"""The plugin's RPCs, called as the engine calls them, over gRPC on loopback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status
from pulumi.runtime.rpc import UNKNOWN

from rehearsal.arm.answers import TENANT_ID
from rehearsal.arm.faults import Fault
from rehearsal.arm.simulated import SUBSCRIPTION_ID, SimulatedArm
from rehearsal.arm.types import TYPES
from rehearsal.provider.client import ArmClient
from rehearsal.provider.differences import differences
from rehearsal.provider.install import ARM_URL, SUBSCRIPTION, install
from rehearsal.provider.service import Provider
from rehearsal.provider.values import SECRET, SIGNATURE, from_wire, to_wire

VAULT: dict[str, Any] = {
    "resourceGroupName": "rg",
    "vaultName": "kv-one",
    "location": "swedencentral",
    "properties": {"sku": {"family": "A", "name": "premium"}, "tenantId": "t"},
}
GROUP = {"resourceGroupName": "rg", "location": "swedencentral"}
VAULT_ID = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-one"
)


def urn(short: str, name: str = "it") -> str:
    return f"urn:pulumi:emea-test::kit::kit:Stamp$azure-native:{short}::{name}"


@pytest.fixture
def arm() -> Iterator[SimulatedArm]:
    with SimulatedArm() as simulated:
        yield simulated


@pytest.fixture
def plugin(arm: SimulatedArm) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    server = grpc.server(ThreadPoolExecutor(16))
    provider = Provider(ArmClient(arm.url), SUBSCRIPTION_ID)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None).wait()


def create(plugin: Any, short: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
    request = provider_pb2.CreateRequest(
        urn=urn(short), properties=to_wire(inputs), preview=preview
    )
    return plugin.Create(request)


def check(plugin: Any, short: str, news: dict[str, Any], olds: dict[str, Any] | None = None) -> Any:
    request = provider_pb2.CheckRequest(
        urn=urn(short), news=to_wire(news), olds=to_wire(olds or {}), randomSeed=b"seed"
    )
    return plugin.Check(request)


def diff(plugin: Any, old: dict[str, Any], new: dict[str, Any], *ignored: str) -> Any:
    request = provider_pb2.DiffRequest(
        id=VAULT_ID,
        urn=urn("keyvault:Vault"),
        old_inputs=to_wire(old),
        news=to_wire(new),
        ignoreChanges=ignored,
    )
    return plugin.Diff(request)


def configure(plugin: Any, **variables: str) -> Any:
    named = {f"azure-native:config:{key}": value for key, value in variables.items()}
    return plugin.Configure(provider_pb2.ConfigureRequest(variables=named))


def test_the_handshake_takes_no_secrets(plugin: Any) -> None:
    answer = plugin.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="x"))
    assert not answer.accept_secrets
    assert plugin.GetPluginInfo(Empty()).version == "3.29.0"
    assert configure(plugin).supportsPreview


def test_a_subscription_is_a_guid_and_changing_it_replaces_everything(plugin: Any) -> None:
    wrong = plugin.CheckConfig(provider_pb2.CheckRequest(news=to_wire({"subscriptionId": "mine"})))
    assert [f.property for f in wrong.failures] == ["subscriptionId"]
    request = provider_pb2.DiffRequest(
        old_inputs=to_wire({"subscriptionId": "a"}), news=to_wire({"subscriptionId": "b"})
    )
    assert list(plugin.DiffConfig(request).replaces) == ["subscriptionId"]


def test_only_the_client_configuration_can_be_asked_for(plugin: Any) -> None:
    configure(plugin, subscriptionId=SUBSCRIPTION_ID)
    token = "azure-native:authorization:getClientConfig"
    answer = from_wire(getattr(plugin.Invoke(provider_pb2.InvokeRequest(tok=token)), "return"))
    assert (answer["tenantId"], answer["subscriptionId"]) == (TENANT_ID, SUBSCRIPTION_ID)
    with pytest.raises(grpc.RpcError, match="would ask Azure during a preview"):
        plugin.Invoke(provider_pb2.InvokeRequest(tok="azure-native:keyvault:getVault"))


def test_check_names_what_the_program_did_not(plugin: Any) -> None:
    configure(plugin, location="swedencentral")
    nameless = {key: value for key, value in VAULT.items() if key not in ("vaultName", "location")}
    first = from_wire(check(plugin, "keyvault:Vault", nameless).inputs)
    assert first["vaultName"].startswith("it")
    assert first["location"] == "swedencentral"
    later = from_wire(check(plugin, "keyvault:Vault", nameless, {"vaultName": "kv-old"}).inputs)
    assert later["vaultName"] == "kv-old"


def test_check_makes_up_a_guid_where_only_that_is_a_name(plugin: Any) -> None:
    grant = {"scope": "/subscriptions/s", "principalId": "p", "roleDefinitionId": "r"}
    name = from_wire(check(plugin, "authorization:RoleAssignment", grant).inputs)[
        "roleAssignmentName"
    ]
    assert TYPES["azure-native:authorization:RoleAssignment"].names.admits(name)


def test_check_reports_every_problem_in_words(plugin: Any) -> None:
    found = check(
        plugin, "keyvault:Vault", {**VAULT, "vaultNam": 1, "properties": {"tenantId": "t"}}
    )
    assert [f.reason for f in found.failures] == [
        "properties.sku is required",
        "vaultNam is not known (did you mean vaultName?)",
    ]


def test_check_refuses_a_type_the_simulated_arm_lacks(plugin: Any) -> None:
    (failure,) = check(plugin, "redis:Redis", {}).failures
    assert failure.reason == "the simulated ARM has no resource type azure-native:redis:Redis"


def test_sixteen_checks_at_once_agree(plugin: Any) -> None:
    """Check comes 16 at a time; a schema derived under threads once found an unknown SKU, now and then."""
    work = [
        ("keyvault:Vault", VAULT),
        ("network:NatGateway", {**GROUP, "sku": {"name": "Standard"}}),
    ] * 32
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: check(plugin, *one), work))
    assert [list(one.failures) for one in found] == [[]] * 64


def test_diff_of_nothing_is_none(plugin: Any) -> None:
    answer = diff(plugin, VAULT, {**VAULT, "location": "Sweden Central"})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_diff_tells_where_and_how(plugin: Any) -> None:
    new = {**VAULT, "tags": {"a": "b"}, "properties": {**VAULT["properties"], "tenantId": "u"}}
    answer = diff(plugin, VAULT, new)
    kinds = {
        path: provider_pb2.PropertyDiff.Kind.Name(one.kind)
        for path, one in answer.detailedDiff.items()
    }
    assert kinds == {"tags": "ADD", "properties.tenantId": "UPDATE"}
    assert (list(answer.replaces), list(answer.diffs)) == ([], ["properties", "tags"])


@pytest.mark.parametrize(
    ("change", "replaced"),
    [
        ({"location": "eastus2"}, ["location"]),
        ({"properties": {**VAULT["properties"], "softDeleteRetentionInDays": 7}}, ["properties"]),
    ],
)
def test_a_create_only_change_deletes_before_it_replaces(
    plugin: Any, change: dict[str, Any], replaced: list[str]
) -> None:
    answer = diff(plugin, VAULT, {**VAULT, **change})
    assert list(answer.replaces) == replaced
    assert all(
        "REPLACE" in provider_pb2.PropertyDiff.Kind.Name(d.kind)
        for d in answer.detailedDiff.values()
    )
    assert answer.deleteBeforeReplace


def test_a_new_name_needs_no_deletion_first(plugin: Any) -> None:
    answer = diff(plugin, VAULT, {**VAULT, "vaultName": "kv-two"})
    assert list(answer.replaces) == ["vaultName"]
    assert not answer.deleteBeforeReplace


def test_what_the_program_ignores_is_no_difference(plugin: Any) -> None:
    new = {**VAULT, "tags": {"a": "b"}, "properties": {**VAULT["properties"], "tenantId": "u"}}
    answer = diff(plugin, VAULT, new, "tags", "properties.tenantId")
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_list_items_are_compared_by_place() -> None:
    kind = TYPES["azure-native:network:Subnet"]
    found = differences(kind, {"delegations": ["a", "b"]}, {"delegations": ["a", "c", "d"]}, ())
    assert [(one.path, one.kind) for one in found] == [
        ("delegations[1]", "UPDATE"),
        ("delegations[2]", "ADD"),
    ]


def test_a_previewed_creation_knows_its_inputs_and_nothing_else(plugin: Any) -> None:
    shown = from_wire(create(plugin, "keyvault:Vault", VAULT, preview=True).properties)
    assert shown["location"] == "swedencentral"
    assert shown["properties"]["vaultUri"] == UNKNOWN
    assert shown["name"] == UNKNOWN


def update(
    plugin: Any, short: str, id_: str, olds: dict[str, Any], news: dict[str, Any], *, preview: bool
) -> Any:
    request = provider_pb2.UpdateRequest(
        id=id_, urn=urn(short), olds=to_wire(olds), news=to_wire(news), preview=preview
    )
    return from_wire(plugin.Update(request).properties)


def test_a_previewed_update_keeps_what_the_update_leaves_alone(plugin: Any) -> None:
    olds = {"name": "kv-one", "properties": {"vaultUri": "https://kv-one.vault.azure.net/"}}
    shown = update(plugin, "keyvault:Vault", VAULT_ID, olds, VAULT, preview=True)
    assert shown["properties"]["vaultUri"] == "https://kv-one.vault.azure.net/"


@pytest.mark.parametrize(("suffix", "revision"), [("a", "app--a"), ("b", UNKNOWN)])
def test_a_previewed_template_change_makes_a_revision_nobody_knows_yet(
    plugin: Any, suffix: str, revision: str
) -> None:
    olds = {"template": {"revisionSuffix": "a"}, "latestRevisionName": "app--a"}
    news = {**GROUP, "containerAppName": "app", "template": {"revisionSuffix": suffix}}
    shown = update(plugin, "app:ContainerApp", "x", olds, news, preview=True)
    assert shown["latestRevisionName"] == revision


def test_a_resource_lives_from_create_to_delete(plugin: Any, arm: SimulatedArm) -> None:
    create(plugin, "resources:ResourceGroup", GROUP)
    made = create(plugin, "keyvault:Vault", VAULT)
    assert made.id == VAULT_ID
    assert from_wire(made.properties)["properties"]["vaultUri"] == "https://kv-one.vault.azure.net/"
    tagged = {**VAULT, "tags": {"a": "b"}}
    assert update(plugin, "keyvault:Vault", VAULT_ID, {}, tagged, preview=False)["tags"] == {
        "a": "b"
    }
    arm.tamper(VAULT_ID, "tags.a", "c")
    read = provider_pb2.ReadRequest(id=VAULT_ID, urn=urn("keyvault:Vault"))
    assert from_wire(plugin.Read(read).inputs) == {**VAULT, "tags": {"a": "c"}}
    plugin.Delete(provider_pb2.DeleteRequest(id=VAULT_ID, urn=urn("keyvault:Vault")))
    assert plugin.Read(read).id == ""
    assert arm.soft_deleted_vaults() == ["kv-one"]


def test_what_exists_already_is_not_created_again(plugin: Any) -> None:
    create(plugin, "resources:ResourceGroup", GROUP)
    with pytest.raises(
        grpc.RpcError, match="resources:ResourceGroup it: cannot create already existing resource"
    ):
        create(plugin, "resources:ResourceGroup", GROUP)


def test_a_refusal_names_the_resource_the_code_and_the_reason_in_one_line(plugin: Any) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        create(plugin, "keyvault:Vault", VAULT)
    assert refused.value.details() == (  # type: ignore[attr-defined]
        "keyvault:Vault it: ResourceGroupNotFound: Resource group 'rg' could not be found."
    )


def test_throttling_is_waited_out(plugin: Any, arm: SimulatedArm) -> None:
    arm.faults.add(Fault.throttled("PUT", "*", times=3))
    create(plugin, "resources:ResourceGroup", GROUP)
    assert arm.journal.errors() == ["TooManyRequests"] * 3


def test_throttling_without_end_is_given_up(plugin: Any, arm: SimulatedArm) -> None:
    arm.faults.add(Fault.throttled("PUT", "*", times=99, retry_after_seconds=1))
    with pytest.raises(grpc.RpcError, match="TooManyRequests"):
        create(plugin, "resources:ResourceGroup", GROUP)
    assert len(arm.journal.errors()) == 12


def test_an_internal_error_is_not_tried_again(plugin: Any, arm: SimulatedArm) -> None:
    arm.faults.add(Fault.internal_error("PUT", "*"))
    with pytest.raises(grpc.RpcError, match="InternalServerError"):
        create(plugin, "resources:ResourceGroup", GROUP)
    assert arm.journal.errors() == ["InternalServerError"]


def test_a_failure_after_acceptance_is_a_partial_failure(plugin: Any, arm: SimulatedArm) -> None:
    create(plugin, "resources:ResourceGroup", GROUP)
    arm.faults.add(Fault.fails_after_accepted("*/vaults/*"))
    with pytest.raises(grpc.RpcError) as failed:
        create(plugin, "keyvault:Vault", VAULT)
    trailing = dict(failed.value.trailing_metadata())  # type: ignore[attr-defined]
    left = provider_pb2.ErrorResourceInitFailed()
    Status.FromString(trailing["grpc-status-details-bin"]).details[0].Unpack(left)
    assert left.id == VAULT_ID
    assert left.reasons == [
        "keyvault:Vault it: ProvisioningFailed: The resource was accepted, but could not be provisioned."
    ]
    assert from_wire(left.inputs) == VAULT


def test_a_cancelled_plugin_waits_no_longer(plugin: Any, arm: SimulatedArm) -> None:
    arm.faults.add(Fault.throttled("PUT", "*", times=99, retry_after_seconds=100_000))
    plugin.Cancel(Empty())
    with pytest.raises(grpc.RpcError, match="Cancelled"):
        create(plugin, "resources:ResourceGroup", GROUP)


def test_the_engine_may_ask_for_a_schema_and_mappings(plugin: Any) -> None:
    assert plugin.GetSchema(provider_pb2.GetSchemaRequest()).schema == "{}"
    assert plugin.GetMapping(provider_pb2.GetMappingRequest()).provider == ""
    assert list(plugin.GetMappings(provider_pb2.GetMappingsRequest()).providers) == []
    assert plugin.Attach(plugin_pb2.PluginAttach(address="x")) == Empty()


def test_secrets_are_unwrapped_and_whole_numbers_made_so() -> None:
    wire = Struct()
    wire.update({"a": {SIGNATURE: SECRET, "value": [1, 1.5]}, "b": UNKNOWN})
    assert from_wire(wire) == {"a": [1, 1.5], "b": UNKNOWN}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_installed_plugin_prints_its_port_and_leaves_quietly(
    tmp_path: Path, number: int
) -> None:
    script = install(tmp_path)
    assert script.parent.name == "resource-azure-native-v3.29.0"
    environment = {**os.environ, ARM_URL: "http://127.0.0.1:1", SUBSCRIPTION: SUBSCRIPTION_ID}
    with subprocess.Popen(
        [script, "127.0.0.1:1"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        port = process.stdout.readline()
        assert int(port)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert sys.executable in script.read_text()
