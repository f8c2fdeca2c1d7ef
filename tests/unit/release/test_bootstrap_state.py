from pathlib import Path

import pytest
from tests.unit.release.recorded_help import unknown_flags
from tests.unit.release.stand_ins import StandIns, value_of

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
PRINCIPAL = "99999999-2222-3333-4444-555555555555"
GIVEN = (
    *("--geography", "emea", "--environment", "test"),
    *("--region", "swedencentral", "--subscription", SUBSCRIPTION),
)
SCRIPT = "bootstrap_state.sh"


@pytest.fixture
def azure(tmp_path: Path) -> StandIns:
    """Signed in to the right subscription, where nothing was made yet."""
    stand_ins = StandIns(tmp_path)
    stand_ins.install("az")
    stand_ins.answer("az account show", SUBSCRIPTION)
    stand_ins.answer("az ad signed-in-user show", PRINCIPAL)
    stand_ins.answer("az keyvault show", status=3)
    return stand_ins


def made(azure: StandIns, *words: str) -> list[list[str]]:
    return [call for call in azure.calls if call[1 : 1 + len(words)] == list(words)]


def test_state_and_key_are_made_and_the_lines_to_use_them_printed(azure: StandIns) -> None:
    done = azure.run(SCRIPT, *GIVEN)
    assert (done.returncode, done.stderr.count("…")) == (0, 8)
    backend = "azblob://pulumi-state-test?storage_account=stehrpulumiemea"
    assert f"PULUMI_BACKEND_URL='{backend}'" in done.stdout
    provider = "azurekeyvault://kv-ehr-pulumi-emea.vault.azure.net/keys/pulumi-test"
    assert f"pulumi stack init emea-test --secrets-provider='{provider}'" in done.stdout
    assert "production" not in done.stdout


def test_the_account_takes_no_keys_no_anonymous_reader_and_leaves_no_geography(
    azure: StandIns,
) -> None:
    azure.run(SCRIPT, *GIVEN)
    (account,) = made(azure, "storage", "account", "create")
    flags = {
        "--sku": "Standard_ZRS",
        "--min-tls-version": "TLS1_2",
        "--allow-blob-public-access": "false",
        "--allow-shared-key-access": "false",
        "--location": "swedencentral",
        "--subscription": SUBSCRIPTION,
    }
    assert {flag: value_of(account, flag) for flag in flags} == flags


def test_old_versions_and_deleted_states_can_be_brought_back(azure: StandIns) -> None:
    azure.run(SCRIPT, *GIVEN)
    (properties,) = made(azure, "storage", "account", "blob-service-properties", "update")
    assert value_of(properties, "--enable-versioning") == "true"
    assert value_of(properties, "--enable-delete-retention") == "true"
    (vault,) = made(azure, "keyvault", "create")
    assert value_of(vault, "--enable-purge-protection") == "true"
    assert value_of(vault, "--enable-rbac-authorization") == "true"


@pytest.mark.parametrize("environment", ["test", "production"])
def test_the_two_roles_reach_no_further_than_the_environment_s_container_and_key(
    azure: StandIns, environment: str
) -> None:
    """Whoever may write test's state, a pushed branch for one, cannot write production's."""
    azure.run(SCRIPT, *GIVEN, "--environment", environment)
    granted = {
        value_of(c, "--role"): value_of(c, "--scope").split("/providers/")[1]
        for c in made(azure, "role", "assignment", "create")
    }
    assert granted == {
        "Storage Blob Data Contributor": "Microsoft.Storage/storageAccounts/stehrpulumiemea"
        f"/blobServices/default/containers/pulumi-state-{environment}",
        "Key Vault Crypto User": "Microsoft.KeyVault/vaults/kv-ehr-pulumi-emea"
        f"/keys/pulumi-{environment}",
    }


def test_a_pipeline_is_granted_by_its_object_id_and_nobody_is_looked_up(azure: StandIns) -> None:
    pipeline = ("--principal", PRINCIPAL.upper(), "--principal-type", "ServicePrincipal")
    azure.run(SCRIPT, *GIVEN, *pipeline)
    assert made(azure, "ad") == []
    assert {
        (value_of(c, "--assignee-object-id"), value_of(c, "--assignee-principal-type"))
        for c in made(azure, "role")
    } == {(PRINCIPAL.upper(), "ServicePrincipal")}


def test_a_vault_that_is_there_is_left_alone(azure: StandIns) -> None:
    azure.answer("az keyvault show", "{}")
    assert azure.run(SCRIPT, *GIVEN).returncode == 0
    assert made(azure, "keyvault", "create") == []


def test_a_dry_run_prints_every_command_and_runs_none_that_changes(azure: StandIns) -> None:
    done = azure.run(SCRIPT, *GIVEN, "--dry-run")
    assert {tuple(call[1:3]) for call in azure.calls} == {
        ("account", "show"),
        ("ad", "signed-in-user"),
        ("keyvault", "show"),
    }
    printed = [line for line in done.stdout.splitlines() if line.startswith("az ")]
    assert len(printed) == 8


def test_every_flag_is_one_that_az_knows(azure: StandIns) -> None:
    azure.run(SCRIPT, *GIVEN)
    assert [flag for call in azure.calls for flag in unknown_flags(call)] == []


def test_another_subscription_is_refused_before_anything_is_made(azure: StandIns) -> None:
    azure.answer("az account show", "00000000-0000-0000-0000-000000000000")
    done = azure.run(SCRIPT, *GIVEN)
    assert (done.returncode, len(azure.calls)) == (1, 1)
    assert "az account set" in done.stderr


def test_who_is_not_signed_in_is_told_how(azure: StandIns) -> None:
    azure.answer("az account show", status=1)
    done = azure.run(SCRIPT, *GIVEN)
    assert (done.returncode, "az login" in done.stderr) == (1, True)


def test_a_pipeline_without_principal_is_asked_for_it(azure: StandIns) -> None:
    azure.answer("az ad signed-in-user show", status=1)
    done = azure.run(SCRIPT, *GIVEN)
    assert (done.returncode, "--principal" in done.stderr) == (1, True)
    assert made(azure, "group") == []


@pytest.mark.parametrize("step", ["group create", "storage account create", "rest", "role assign"])
def test_the_first_failure_ends_it(azure: StandIns, step: str) -> None:
    azure.answer(f"az {step}", status=1)
    done = azure.run(SCRIPT, *GIVEN)
    assert done.returncode != 0
    assert azure.calls[-1][1] == step.split(maxsplit=1)[0]
    assert "PULUMI_BACKEND_URL" not in done.stdout


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"--geography": "europe"}, "--geography is"),
        ({"--environment": "staging"}, "--environment is"),
        ({"--geography": "apac"}, "lies in geography emea, not apac"),
        ({"--region": "eastus2"}, "lies in geography americas"),
        ({"--region": "atlantis"}, "is no region"),
        ({"--region": "westus"}, "geography"),
        ({"--region": "germanynorth"}, "no availability zones"),
        ({"--subscription": "my-subscription"}, "not a subscription id"),
        ({"--principal": "jane@example.org"}, "not an object id"),
        ({"--principal-type": "Robot"}, "--principal-type is"),
        ({"--storage-account": "Not_Allowed"}, "storage account"),
        ({"--vault": "-x"}, "vault"),
        ({"--vault": "a" * 25}, "vault"),
        ({"--regoin": "x"}, "unknown argument"),
    ],
)
def test_wrong_arguments_end_it_before_az_is_called(
    azure: StandIns, changed: dict[str, str], words: str
) -> None:
    given = dict(zip(GIVEN[::2], GIVEN[1::2], strict=True)) | changed
    done = azure.run(SCRIPT, *[word for pair in given.items() for word in pair])
    assert (done.returncode, azure.calls) == (2, [])
    assert words in done.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("--geography",), ("--region", ""), (*GIVEN[:2], *GIVEN[4:])]
)
def test_missing_arguments_end_it(azure: StandIns, arguments: tuple[str, ...]) -> None:
    assert azure.run(SCRIPT, *arguments).returncode == 2
