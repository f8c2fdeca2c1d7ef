"""A wrong configuration is refused before any resource, all its problems in one report (check 2)."""

import contextvars
import json
import runpy
from dataclasses import MISSING
from functools import partial
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime import set_all_config

from ehr_infra import program
from ehr_infra.config import KEYS, PROJECT, ConfigurationInvalid, Settings, read
from ehr_infra.geography import REGIONS, Geography
from ehr_infra.program import SUBSCRIPTIONS
from rehearsal.recording import ALL, DIGEST, run, stack_values

LISTED = json.loads(SUBSCRIPTIONS.read_text())


def values_of(stack: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The stack file's values with `changes`; None leaves one out."""
    values = {k: v for k, v in {**stack_values(stack), **changes}.items() if v is not None}
    if "chosenOnce" in values and "chosenOnce" not in changes:
        chosen = {key: values.get(key, "service") for key in values["chosenOnce"]}
        values["chosenOnce"] = chosen
    return values


def settings(stack: str, **changes: Any) -> Settings:
    return read(stack, values_of(stack, changes), LISTED)


def problems(stack: str, **changes: Any) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as refused:
        settings(stack, **changes)
    return refused.value.problems


@pytest.mark.parametrize("stack", ALL)
def test_every_stack_file_of_the_repository_is_accepted(stack: str) -> None:
    assert settings(stack).stack == stack


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"imageTag": "latest"}, "imageTag is no key of this project; did you mean imageDigest?"),
        ({"imageDigest": "latest"}, "imageDigest='latest' is not an image digest sha256:<64 hex>"),
        ({"location": "brazilsouth"}, "lies in geography 'americas', but this stack is for 'emea'"),
        ({"location": "Sweden Central"}, "write swedencentral"),
        ({"location": "westeurope"}, "location westeurope takes no stamp"),
        ({"vnetCidr": "10.0.0.0/24"}, "is not a private IPv4 network of /20 or larger"),
        ({"vnetCidr": "8.0.0.0/16"}, "is not a private IPv4 network of /20 or larger"),
        ({"vnetCidr": "10.41.1.0/16"}, "is not an IPv4 network such as"),
        ({"subscriptionId": "here"}, "is not a GUID"),
        (
            {"subscriptionId": LISTED["apac"][0]},
            "is not listed for emea in infra/stacks/subscriptions.json",
        ),
        ({"minReplicas": 2}, "minReplicas must be >= 3 in production (one per zone)"),
        ({"minReplicas": 5, "maxReplicas": 4}, "maxReplicas 4 is below minReplicas 5"),
        ({"maxReplicas": 200}, "fewer replicas or a larger databaseSku"),
        ({"databaseSku": "Standard_B2ms", "maxReplicas": 6}, "Burstable has none"),
        ({"databaseSku": "Huge"}, "is no PostgreSQL size such as"),
        ({"highAvailability": False}, "highAvailability must be true in production"),
        ({"location": "italynorth", "geoBackup": True}, "italynorth has no paired region"),
        (
            {"location": "northeurope", "geoBackup": True},
            "northeurope (IE) pairs with westeurope (NL), another country",
        ),
        ({"geoBackup": True, "encryption": "customer"}, "choose one of both"),
        ({"location": "ukwest"}, "ukwest has no availability zones, which production needs"),
        ({"simulators": True}, "simulators must be false in production"),
        ({"candidateWeight": 10}, "candidateWeight needs stableRevision"),
        ({"candidateWeight": 101}, "is not a whole number from 0 to 100"),
        ({"stableRevision": "rbcdefgh"}, "stableRevision needs imageDigest"),
        ({"budgetStart": "2026-12-02"}, "is not the first day of a month"),
        ({"alertEmails": []}, "is not a list of at least one e-mail address"),
        ({"hostName": "https://emea.example.org"}, "is not a host name such as"),
        ({"portals": {"europe": "https://x.example"}}, "names europe, which is none of"),
        ({"portals": {"emea": "https://x.example"}}, "but hostName is emea.visits.example.org"),
        ({"ehrClientIds": {"staging": {}}}, "is not client ids such as"),
        ({"owner": None}, "owner is missing"),
        ({"geoBackup": "yes"}, "is neither true nor false"),
        ({"nameSuffix": "toolong"}, "is not a name suffix of at most 4"),
    ],
)
def test_one_wrong_value_is_one_problem_in_words(changes: dict[str, Any], says: str) -> None:
    (only,) = problems("emea-production", **changes)
    assert says in only


CHOSEN = {"location": "swedencentral", "vnetCidr": "10.41.16.0/20", "geoBackup": False}


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("location", "germanywestcentral"),
        ("vnetCidr", "10.41.32.0/20"),
        ("encryption", "customer"),
        ("geoBackup", True),
    ],
)
def test_what_was_chosen_once_is_refused_by_its_name_when_it_changes(key: str, other: Any) -> None:
    chosen = {**CHOSEN, "encryption": "service"}
    changes = {"location": "germanywestcentral"} if key == "geoBackup" else {}
    kept = {**chosen, **changes}
    found = problems("emea-production", **changes, **{key: other}, chosenOnce=kept)
    assert f"{key} was chosen once, as {kept[key]}, and cannot become {other}" in found[-1]


def test_production_without_what_was_chosen_once_is_refused() -> None:
    (only,) = problems("emea-production", chosenOnce={})
    assert "write down location, vnetCidr, geoBackup, encryption" in only


def test_half_of_what_is_chosen_once_is_refused() -> None:
    found = problems("emea-production", chosenOnce={"location": "swedencentral"})
    assert "does not name location, vnetCidr, geoBackup, encryption" in found[0]


def test_a_hosted_sandbox_without_its_image_or_configuration_is_refused() -> None:
    (only,) = problems("emea-test", simulators=True)
    assert "simulatorsImageDigest and simulatorsConfig" in only


@pytest.mark.parametrize("stack", ["emea", "emea-prod", "europe-test", "test-emea", "a-b-c"])
def test_a_stack_of_another_name_is_refused(stack: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="is not named <americas"):
        read(stack, stack_values("emea-test"), LISTED)


def test_ten_wrong_values_are_ten_lines_of_one_report_and_nothing_is_registered() -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        run(
            "emea-production",
            location="brazilsouth",
            imageDigest="v1.2",
            vnetCidr="10.0.0.0/24",
            minReplicas=1,
            hostName="nowhere",
            databaseSku="Standard_Z9",
            budgetStart="soon",
            simulators=True,
            replicas=3,
            owner=None,
        )
    assert len(refused.value.problems) == 11
    assert str(refused.value).startswith("stack configuration is not usable:\n  - ")


def test_a_refused_stack_leaves_the_next_one_of_the_process_alone() -> None:
    with pytest.raises(ConfigurationInvalid):
        run("apac-test", location="swedencentral")
    assert run("apac-test").azure


def test_no_value_of_a_wrong_configuration_hides_another_problem() -> None:
    found = problems("emea-production", location="nowhere", minReplicas=1, simulators=True)
    assert len(found) == 3


def test_the_networks_of_the_six_stamps_do_not_overlap() -> None:
    networks = {stack: settings(stack).vnet_cidr for stack in ALL}
    clashes = [(a, b) for a, b in combinations(ALL, 2) if networks[a].overlaps(networks[b])]
    assert clashes == []
    assert all(isinstance(network, IPv4Network) for network in networks.values())


def test_no_two_stamps_share_a_subscription() -> None:
    listed = [subscription for of in LISTED.values() for subscription in of]
    assert len(listed) == len(set(listed)) == len({settings(s).subscription_id for s in ALL})


def test_the_project_file_declares_every_key_with_its_type_and_default() -> None:
    declared = yaml.safe_load(Path("Pulumi.yaml").read_text())["config"]
    assert list(declared) == list(KEYS)
    kinds = {int: "integer", bool: "boolean", dict: "object", tuple: "array"}
    for key, wanted in KEYS.items():
        assert declared[key]["description"].endswith("."), key
        assert ("default" in declared[key]) == (wanted.default is not MISSING), key
        if "default" in declared[key]:
            given = declared[key]["default"]
            text = given if isinstance(given, str) else json.dumps(given)
            assert wanted.parse(text) == wanted.default, key
            assert declared[key]["type"] == kinds.get(type(wanted.default), "string"), key


def test_every_stack_file_says_why_and_uses_no_default_provider() -> None:
    for stack in ALL:
        text = Path(f"infra/stacks/Pulumi.{stack}.yaml").read_text()
        config = yaml.safe_load(text)["config"]
        assert config["pulumi:disable-default-providers"] == ["azure-native"]
        assert text.count("\n  # ") >= 6
        assert set(config) - {"pulumi:disable-default-providers"} <= {
            f"{PROJECT}:{key}" for key in KEYS
        }


def test_the_region_table_says_what_the_connector_s_says() -> None:
    theirs = json.loads(Path("services/connector/domain/data/regions.json").read_text())["regions"]
    ours = {
        name: {"geography": r.geography.value, "country": r.country, "pair": r.pair}
        for name, r in REGIONS.items()
    }
    assert ours == {
        name: {key: row[key] for key in ("geography", "country", "pair")}
        for name, row in theirs.items()
    }
    assert not any(REGIONS[name].stamp for name, row in theirs.items() if row.get("restricted"))


def test_every_geography_has_regions_with_zones_that_take_a_stamp() -> None:
    fit = {r.geography for r in REGIONS.values() if r.zones and r.stamp}
    assert fit == set(Geography)


def test_a_digest_is_all_that_turns_a_foundation_into_a_service() -> None:
    assert not settings("emea-test").serves
    assert settings("emea-test", imageDigest=DIGEST).serves


def test_the_program_reads_what_the_language_host_puts_into_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`pulumi up` from a shell: nothing is in memory then."""
    values = {f"{PROJECT}:{k}": json.dumps(v) for k, v in stack_values("emea-test").items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({**values, "pulumi:tags": "{}"}))
    found = contextvars.copy_context().run(_configured_by_nobody_else)
    assert set(found) == set(stack_values("emea-test"))


def _configured_by_nobody_else() -> dict[str, Any]:
    set_all_config({})
    return program._configuration()


def test_what_pulumi_runs_is_the_program() -> None:
    as_pulumi_does = partial(runpy.run_path, "infra", run_name="__main__")
    made = run("emea-test", program=as_pulumi_does)
    assert [r.urn for r in made.resources] == [r.urn for r in run("emea-test").resources]
