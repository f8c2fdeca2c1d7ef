"""Every rule notices its faults and nobody else's; a clean stamp breaks none."""

import pytest
from tests.infra.rules.seeds import ALL, Seed
from tests.infra.rules.stamp import (
    REGIONS,
    Edit,
    add,
    both,
    drop,
    facts,
    moved,
    put,
    stamp,
    variable,
)

from ehr_infra.rules import RULES, Safeguard, as_markdown, check, rule

BOTH = pytest.mark.parametrize("environment", ["test", "production"])


@BOTH
@pytest.mark.parametrize("geography", REGIONS)
def test_a_clean_stamp_breaks_no_rule(geography: str, environment: str) -> None:
    known = facts(geography, environment, location=REGIONS[geography])
    assert check(stamp(geography, environment), known) == []


@pytest.mark.parametrize("seed", ALL, ids=lambda seed: seed.id)
def test_a_fault_is_noticed_by_its_rule_alone_and_in_one_line(seed: Seed) -> None:
    findings = check(seed.edit(stamp()), facts())
    assert {(each.rule, each.resource) for each in findings} == {(seed.rule, seed.resource)}
    assert seed.says in findings[0].says
    assert "\n" not in findings[0].says


def test_every_rule_has_a_fault() -> None:
    assert {seed.rule for seed in ALL} == {each.id for each in RULES}


def test_no_line_repeats_a_secret() -> None:
    faults = [
        variable("web", "DB_PASSWORD", "hunter2"),
        put("server", "administratorLoginPassword", "hunter2"),
        put("web", "configuration.secrets", [{"name": "graph", "value": "hunter2"}]),
        put(
            "environment",
            "appLogsConfiguration.logAnalyticsConfiguration",
            {"sharedKey": "hunter2"},
        ),
    ]
    findings = check(both(*faults)(stamp()), facts())
    assert len(findings) == len(faults)
    assert "hunter2" not in str(findings)


@pytest.mark.parametrize(
    "allowed",
    [
        put("anchors", "sku.name", "Standard_GRS"),
        put("server", "backup.geoRedundantBackup", "Enabled"),
        put("gateway", "sslPolicy", {"policyType": "CustomV2", "minProtocolVersion": "TLSv1_3"}),
        put("gateway", "frontendPorts.0", {"name": "https", "port": 443}),
        put("web", "configuration.ingress", None),
        put("vault", "location", "Sweden Central"),
        put("on-call", "location", "SwedenCentral"),
        put("nsg-gateway", "securityRules.1.sourceAddressPrefix", "203.0.113.0/24"),
        put("nsg-apps", "securityRules.0.sourceAddressPrefixes", ["AzureLoadBalancer"]),
        variable("web", "SECRETS_URI", "https://kv.vault.azure.net/"),
        variable("web", "TOKEN_LIFETIME_SECONDS", "300"),
        variable("web", "CONNECTOR_GRAPH_URL", "https://graph.microsoft.com/"),
        variable("web", "CONNECTOR_TRUSTED_PRIVATE_HOSTS", ""),
        put("web", "configuration.secrets", [{"name": "tls", "keyVaultUrl": "https://kv"}]),
        put("registry", "adminUserEnabled", None),
        add("ehr:network:Network", "network"),
        add("azure-native:privatedns:PrivateZone", "zone-database"),
    ],
)
def test_what_is_as_good_is_not_refused(allowed: Edit) -> None:
    assert check(allowed(stamp()), facts()) == []


def test_a_copy_in_another_country_of_the_geography_can_be_agreed_to() -> None:
    copied = both(
        moved("northeurope"),
        put("server", "backup.geoRedundantBackup", "Enabled"),
        put("anchors", "sku.name", "Standard_GZRS"),
    )(stamp())
    assert {each.rule for each in check(copied, facts())} == {"R02", "R03"}
    assert check(copied, facts(allow_cross_country_backup=True)) == []


def test_no_agreement_makes_a_pair_where_there_is_none() -> None:
    alone = both(moved("italynorth"), put("server", "backup.geoRedundantBackup", "Enabled"))
    found = check(alone(stamp()), facts(allow_cross_country_backup=True))
    assert [each.rule for each in found] == ["R02"]


def test_a_stamp_in_the_wrong_region_of_its_geography_is_noticed_by_its_stack_file() -> None:
    strays = check(moved("uksouth")(stamp()), facts(location="swedencentral"))
    assert {each.rule for each in strays} == {"S02"}
    assert check(moved("uksouth")(stamp()), facts()) == []


@pytest.mark.parametrize(
    ("rule_id", "fault"),
    [
        ("R11", put("environment", "zoneRedundant", False)),
        ("R12", put("web", "template.scale.minReplicas", 1.0)),
        ("R17", put("environment", "vnetConfiguration.internal", False)),
        ("R19", variable("web", "CONNECTOR_GRAPH_URL", "https://mock-microsoft.local")),
        ("S03", put("on-call", "emailReceivers", [])),
    ],
)
def test_what_test_may_save_production_may_not(rule_id: str, fault: Edit) -> None:
    assert check(fault(stamp(environment="test")), facts(environment="test")) == []
    assert [each.rule for each in check(fault(stamp()), facts())] == [rule_id]


def test_an_environment_of_another_name_is_judged_as_production() -> None:
    unprotected = stamp(environment="test")
    found = {each.rule for each in check(unprotected, facts(environment="staging"))}
    assert {"R14", "R19"} <= found


def test_production_without_any_action_group_is_told_for_the_stack() -> None:
    silent = both(drop("on-call"), drop("database-down"), drop("slow"), drop("lock-removed"))
    assert [(each.rule, each.resource) for each in check(silent(stamp()), facts())] == [
        ("S03", "emea-production")
    ]


def test_alerts_of_a_stamp_without_action_group_tell_nobody_in_test_either() -> None:
    found = check(drop("on-call")(stamp(environment="test")), facts(environment="test"))
    assert [each.rule for each in found] == ["S03"] * 3


def test_a_simulator_takes_no_connection_of_the_database() -> None:
    many = put("mock-fhir", "template.scale.maxReplicas", 300.0)
    assert check(many(stamp(environment="test")), facts(environment="test")) == []


def test_a_stamp_without_registry_runs_no_image() -> None:
    found = check(both(drop("registry"), drop("logs-of-registry"))(stamp()), facts())
    assert {(each.rule, each.resource) for each in found} == {
        ("R13", name) for name in ("web", "worker", "feed", "migrate")
    }


def test_a_rule_is_found_by_its_id_and_no_other() -> None:
    assert rule("R09").safeguard is Safeguard.TRANSMISSION
    with pytest.raises(KeyError):
        rule("R99")


def test_the_table_has_every_rule_and_its_paragraph_of_the_security_rule() -> None:
    lines = as_markdown().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [each.id for each in RULES]
    assert "| audit (164.312(b)) |" in as_markdown()
    assert {each.safeguard for each in RULES} == set(Safeguard)
