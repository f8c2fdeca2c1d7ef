"""What the program registers for each stack, looked at as the engine would get it (infrastructure.md 7)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.infra.test_stack_configuration import settings

from ehr_infra.naming import tags
from ehr_infra.workload import FEED_PORT, WEB_PORT
from rehearsal.arm.types import TYPES
from rehearsal.recording import ALL, CLIENT_CONFIG, DIGEST, Registered, Run, recorded, run
from rehearsal.schema import check

CANARIES = ("hunter2", "BEGIN PRIVATE KEY", "AccountKey=")
SERVICE = {"app:ContainerApp", "app:Job", "network:ApplicationGateway"}
NEXT = f"sha256:{'b' * 64}"
HOLDS_DATA = (
    "resources:ResourceGroup",
    "operationalinsights:Workspace",
    "keyvault:Vault",
    "keyvault:Key",
    "containerregistry:Registry",
    "dbforpostgresql:Server",
    "dbforpostgresql:Database",
)
SANDBOX: dict[str, Any] = {
    "simulators": True,
    "simulatorsImageDigest": DIGEST,
    "simulatorsConfig": {"ehr": {"a": 1}, "mychart": {"b": 2}, "microsoft": {"c": 3}},
}


def urns(found: list[Registered]) -> set[str]:
    return {r.urn for r in found}


def named(made: Run, kind: str, name: str) -> Registered:
    return made.one(kind, name)


def reaches(made: Run, start: Registered, goal: str) -> bool:
    """Whether `start` waits for `goal`, directly or by others it waits for."""
    by_urn = {r.urn: r for r in made.resources}
    seen: set[str] = set()
    waiting = [start.urn]
    while waiting:
        urn = waiting.pop()
        if urn == goal:
            return True
        if urn not in seen and urn in by_urn:
            seen.add(urn)
            waiting += by_urn[urn].dependencies
    return False


def env(app: Registered) -> dict[str, str]:
    container = app.inputs["template"]["containers"][0]
    return {e["name"]: e.get("value", "") for e in container.get("env", [])}


@pytest.mark.parametrize("stack", ALL)
def test_every_registered_input_is_one_the_sdk_knows(stack: str) -> None:
    found = {r.name: check(r.type, r.inputs) for r in recorded(stack).azure}
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("stack", ALL)
def test_the_only_question_to_azure_is_who_we_are(stack: str) -> None:
    assert set(recorded(stack).calls) == {CLIENT_CONFIG}


@pytest.mark.parametrize("stack", ALL)
def test_nothing_uses_a_default_provider_or_another_stack(stack: str) -> None:
    made = recorded(stack)
    (provider,) = [r for r in made.resources if r.type == "pulumi:providers:azure-native"]
    assert provider.inputs["subscriptionId"] == settings(stack).subscription_id
    assert {r.provider.rpartition("::")[0] for r in made.azure} == {provider.urn}
    assert [r for r in made.resources if r.type == "pulumi:pulumi:StackReference"] == []


def test_no_two_stamps_share_a_name_where_names_are_shared_by_all() -> None:
    kinds = {
        "keyvault:Vault": "vaultName",
        "containerregistry:Registry": "registryName",
        "dbforpostgresql:Server": "serverName",
        "resources:ResourceGroup": "resourceGroupName",
    }
    names = [recorded(s).one(k).inputs[n] for s in ALL for k, n in kinds.items()]
    assert len(names) == len(set(names)) == 24


@pytest.mark.parametrize("stack", ALL)
def test_every_name_is_one_azure_takes(stack: str) -> None:
    wrong = [
        (r.name, r.inputs[kind.name_input])
        for r in recorded(stack).azure
        if (kind := TYPES[r.type]).name_input in r.inputs
        and not kind.names.admits(r.inputs[kind.name_input])
    ]
    assert wrong == []


def test_the_longest_names_a_geography_and_a_suffix_make_still_fit() -> None:
    made = run("americas-production", nameSuffix="abcd", imageDigest=DIGEST)
    for kind in ("keyvault:Vault", "containerregistry:Registry", "dbforpostgresql:Server"):
        name = made.one(kind).inputs[TYPES[f"azure-native:{kind}"].name_input]
        assert name.endswith("abcd")
        assert TYPES[f"azure-native:{kind}"].names.admits(name)


@pytest.mark.pulumi  # for its time, not for the engine
def test_all_six_stacks_fit_in_300_mb() -> None:
    """In a process of its own, by the kernel's mark: getrusage remembers the process it was forked from."""
    program = (
        "import pathlib, re; from rehearsal.recording import ALL, recorded; "
        "[recorded(stack) for stack in ALL]; "
        "status = pathlib.Path('/proc/self/status').read_text(); "
        "print(int(re.search('VmHWM:\\\\s+([0-9]+)', status)[1]) // 1024)"
    )
    environment = {**os.environ, "PYTHONPATH": "infra"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 300


@pytest.mark.parametrize("stack", ALL)
def test_without_a_digest_only_the_foundation_is_made(stack: str) -> None:
    kinds = {r.type.removeprefix("azure-native:") for r in run(stack).azure}
    assert kinds & SERVICE == set()
    assert {"dbforpostgresql:Server", "app:ManagedEnvironment", "keyvault:Vault"} <= kinds


def test_ahead_of_the_first_image_only_the_job_that_prepares_the_database_is_made() -> None:
    made = run("emea-test", migrateDigest=DIGEST)
    foundation = urns(run("emea-test").resources)
    new = [r for r in made.azure if r.urn not in foundation]
    assert [r.name for r in new] == ["job-migrate"]
    assert set(made.outputs) - set(run("emea-test").outputs) == {"migrateJob"}


def test_ahead_of_a_release_the_job_has_the_next_image_and_the_apps_the_old_one() -> None:
    made = run("emea-test", imageDigest=DIGEST, migrateDigest=NEXT)
    images = {
        r.name: r.inputs["template"]["containers"][0]["image"].rpartition("@")[2]
        for kind in ("app:ContainerApp", "app:Job")
        for r in made.of(kind)
    }
    assert images.pop("job-migrate") == NEXT
    assert set(images.values()) == {DIGEST}


def test_what_runs_waits_for_its_grants_its_image_s_registry_and_the_database() -> None:
    made = recorded("emea-production")
    grants = [r for r in made.of("authorization:RoleAssignment") if r.name.startswith("app-")]
    pull = named(made, "authorization:RoleAssignment", "app-acrpull-registry")
    for app in made.of("app:ContainerApp"):
        assert urns(grants) | {pull.urn} <= app.dependencies
        assert reaches(made, app, made.one("dbforpostgresql:Database").urn)
    job = named(made, "app:Job", "job-migrate")
    assert reaches(made, job, made.one("dbforpostgresql:AdministratorsMicrosoftEntra").urn)


def test_every_image_is_named_by_its_digest_in_the_stamp_s_own_registry() -> None:
    made = recorded("apac-production")
    registry = made.one("containerregistry:Registry").inputs["registryName"]
    templates = [
        r.inputs["template"] for kind in ("app:ContainerApp", "app:Job") for r in made.of(kind)
    ]
    images = {
        c["image"] for t in templates for c in [*t["containers"], *t.get("initContainers", [])]
    }
    assert images == {f"{registry}.azurecr.io/teams-ehr-connector@{DIGEST}"}


@pytest.mark.parametrize("stack", ALL)
def test_production_protects_and_keeps_what_holds_data_and_test_does_not(stack: str) -> None:
    made = recorded(stack)
    held = [r for kind in HOLDS_DATA for r in made.of(kind)]
    production = stack.endswith("production")
    assert {(r.protect, r.retain_on_delete) for r in held} == {(production, production)}
    assert len(made.of("authorization:ManagementLockByScope")) == int(production)


FIXED = (
    "network:VirtualNetwork",
    "network:Subnet",
    "network:PublicIPAddress",
    "app:ManagedEnvironment",
)


@pytest.mark.parametrize("stack", ALL)
def test_production_never_replaces_what_others_wrote_down_or_what_cannot_change(stack: str) -> None:
    made = recorded(stack)
    kept = {r.protect for kind in FIXED for r in made.of(kind)}
    assert kept == {stack.endswith("production")}


@pytest.mark.parametrize("stack", ALL)
def test_subnets_and_database_settings_are_written_one_after_the_other(stack: str) -> None:
    made = recorded(stack)
    vnet = made.one("network:VirtualNetwork").urn
    order = [made.one("network:Subnet", f"snet-{n}") for n in ("apps", "endpoints", "gateway")]
    for before, after in zip([vnet, *[s.urn for s in order]], order, strict=False):
        assert before in after.dependencies
    changes = [
        *made.of("dbforpostgresql:AdministratorsMicrosoftEntra"),
        *made.of("dbforpostgresql:Configuration"),
    ]
    waits = {c.urn: urns([o for o in changes if o.urn in c.dependencies]) for c in changes}
    assert sorted(len(w) for w in waits.values()) == [0, *[1] * (len(changes) - 1)]
    assert len(set().union(*waits.values())) == len(changes) - 1


def test_the_network_s_subnets_and_the_standby_s_zone_are_left_to_azure() -> None:
    made = recorded("emea-production")
    assert made.one("network:VirtualNetwork").ignore_changes == ("subnets",)
    assert "availabilityZone" in made.one("dbforpostgresql:Server").ignore_changes


def test_the_first_release_gives_all_requests_to_the_newest_revision() -> None:
    app = named(recorded("emea-test"), "app:ContainerApp", "app-connector")
    assert app.inputs["configuration"]["ingress"]["traffic"] == [
        {"latestRevision": True, "weight": 100}
    ]


@pytest.mark.parametrize("weight", [0, 10, 100])
def test_a_candidate_takes_its_weight_and_the_stable_revision_the_rest(weight: int) -> None:
    made = run("emea-test", imageDigest=DIGEST, stableRevision="r0cd1234", candidateWeight=weight)
    traffic = named(made, "app:ContainerApp", "app-connector").inputs["configuration"]["ingress"][
        "traffic"
    ]
    assert [(t["label"], t["weight"]) for t in traffic] == [
        ("stable", 100 - weight),
        ("candidate", weight),
    ]
    assert traffic[0]["revisionName"] == "ca-ehr-emea-test-connector--r0cd1234"
    assert traffic[1]["revisionName"].endswith(f"--{made.outputs['latestRevision']}")


def test_a_candidate_that_became_stable_takes_everything() -> None:
    newest = recorded("emea-test").outputs["latestRevision"]
    made = run("emea-test", imageDigest=DIGEST, stableRevision=newest, candidateWeight=40)
    (only,) = named(made, "app:ContainerApp", "app-connector").inputs["configuration"]["ingress"][
        "traffic"
    ]
    assert (only["label"], only["weight"]) == ("stable", 100)


def test_a_revision_s_suffix_changes_exactly_when_its_template_does() -> None:
    def suffix(**changes: Any) -> str:
        return str(run("emea-test", **{"imageDigest": DIGEST, **changes}).outputs["latestRevision"])

    first = suffix()
    same = {
        suffix(stableRevision="r0cd1234", candidateWeight=10),
        suffix(monthlyBudget=9, alertEmails=["other@example.org"]),
    }
    other = [
        suffix(release=2),
        suffix(imageDigest=NEXT),
        suffix(maxReplicas=2),
        suffix(logLevel="DEBUG"),
    ]
    assert same == {first}
    assert len({first, *other}) == 5
    assert re.fullmatch(r"r[0-9a-f]{7}", first)


@pytest.mark.parametrize("stack", ALL)
def test_no_secret_value_is_registered_or_put_out(stack: str) -> None:
    made = recorded(stack)
    everything = json.dumps(
        [dict(r.inputs) for r in made.resources] + [dict(made.outputs)], default=str
    )
    assert [c for c in CANARIES if c in everything] == []
    for app in [*made.of("app:ContainerApp"), *made.of("app:Job")]:
        assert app.inputs["configuration"].get("secrets") is None
        literal = [n for n in env(app) if re.search("SECRET|PASSWORD|TOKEN|CREDENTIAL", n)]
        assert literal == []
    assert "administratorLoginPassword" not in made.one("dbforpostgresql:Server").inputs


def test_the_database_address_carries_a_role_and_no_password() -> None:
    made = recorded("emea-production")
    web = env(named(made, "app:ContainerApp", "app-connector"))
    job = env(named(made, "app:Job", "job-migrate"))
    assert web["CONNECTOR_DATABASE_URL"].startswith(
        "postgresql+psycopg://id-ehr-emea-prod-app@psql-ehr-emea-prod-"
    )
    assert web["CONNECTOR_DATABASE_URL"].endswith(
        "/connector?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"
    )
    assert "//id-ehr-emea-prod-migrate@" in job["CONNECTOR_DATABASE_URL"]
    assert job["CONNECTOR_DATABASE_APP_ROLE"] == "id-ehr-emea-prod-app"


def test_one_region_holds_everything_that_has_one() -> None:
    for stack in ALL:
        places = {r.inputs["location"] for r in recorded(stack).azure if "location" in r.inputs}
        assert places == {settings(stack).location, "global"}


def test_what_can_be_tagged_carries_every_tag() -> None:
    for stack in ALL:
        wanted = tags(settings(stack)).items()
        tagged = [r for r in recorded(stack).azure if "tags" in r.inputs]
        assert len(tagged) > 50
        assert [r.name for r in tagged if not wanted <= dict(r.inputs["tags"]).items()] == []


def test_the_gateway_sends_the_feed_s_paths_to_the_feed_and_all_else_to_web() -> None:
    made = recorded("emea-test")
    gateway = made.one("network:ApplicationGateway").inputs
    (paths,) = gateway["urlPathMaps"]
    (rule,) = paths["pathRules"]
    assert rule["paths"] == ["/feed/*"]
    assert rule["backendAddressPool"]["id"].endswith("/backendAddressPools/feed")
    assert paths["defaultBackendAddressPool"]["id"].endswith("/backendAddressPools/connector")
    pools = {p["name"]: p["backendAddresses"][0]["fqdn"] for p in gateway["backendAddressPools"]}
    assert pools["feed"].startswith("ca-ehr-emea-test-feed.")
    assert gateway["globalConfiguration"]["enableResponseBuffering"] is False


def test_every_part_the_gateway_names_is_a_part_it_has() -> None:
    gateway = (
        run("emea-test", imageDigest=DIGEST, **SANDBOX).one("network:ApplicationGateway").inputs
    )
    text = json.dumps(gateway)
    for collection, name in re.findall(r"applicationGateways/[^/]+/(\w+)/(\w+)", text):
        assert name in {part["name"] for part in gateway[collection]}, collection


def test_container_ports_are_the_ones_the_processes_listen_on() -> None:
    made = recorded("emea-test")
    ports = {
        r.name: r.inputs["configuration"]["ingress"]["targetPort"]
        for r in made.of("app:ContainerApp")
        if "ingress" in r.inputs["configuration"]
    }
    assert ports == {"app-connector": WEB_PORT, "app-feed": FEED_PORT}
    web = env(named(made, "app:ContainerApp", "app-connector"))
    assert web["CONNECTOR_BIND"] == f"0.0.0.0:{WEB_PORT}"
    assert web["CONNECTOR_FEED_BIND"] == f"0.0.0.0:{FEED_PORT}"


def test_a_test_stamp_may_host_the_sandbox_and_then_speaks_to_its_own_microsoft() -> None:
    made = run("emea-test", imageDigest=DIGEST, **SANDBOX)
    parts = {r.name for r in made.of("app:ContainerApp")}
    assert {"app-ehr", "app-mychart", "app-microsoft"} <= parts
    web = env(named(made, "app:ContainerApp", "app-connector"))
    assert web["CONNECTOR_GRAPH_URL"] == "https://emea-test-microsoft.visits.example.org"
    assert web["CONNECTOR_ATTENDANCE_AFTER_SECONDS"] == "2"
    listeners = made.one("network:ApplicationGateway").inputs["httpListeners"]
    assert "emea-test-ehr.visits.example.org" in {each["hostName"] for each in listeners}


def test_the_simulated_outside_may_pull_its_image_and_nothing_else() -> None:
    made = run("emea-test", imageDigest=DIGEST, **SANDBOX)
    grants = [r for r in made.of("authorization:RoleAssignment") if "sandbox" in r.name]
    assert [r.name for r in grants] == ["sandbox-acrpull-registry"]
    for part in ("ehr", "mychart", "microsoft"):
        (identity,) = named(made, "app:ContainerApp", f"app-{part}").inputs["identity"][
            "userAssignedIdentities"
        ]
        assert identity.endswith("/id-ehr-emea-test-sandbox")


def test_the_gateway_reads_one_secret_and_nobody_s_role_covers_every_key() -> None:
    made = recorded("emea-production")
    scopes = {r.name: r.inputs["scope"] for r in made.of("authorization:RoleAssignment")}
    (gateway,) = [scope for name, scope in scopes.items() if name.startswith("gateway-")]
    assert gateway.endswith("/secrets/visits-example-org")
    assert all("/keys/client-assertion-" in s for n, s in scopes.items() if "crypto" in n)


def test_no_log_that_keeps_a_launch_s_parameters_is_collected() -> None:
    collected = {
        r.name: {each.get("category") for each in r.inputs["logs"]}
        for r in recorded("emea-production").of("monitor:DiagnosticSetting")
    }
    assert "ApplicationGatewayAccessLog" not in collected["diagnostics-gateway"]
    assert collected["diagnostics-environment"] == {
        "ContainerAppConsoleLogs",
        "ContainerAppSystemLogs",
    }
    assert None not in collected["diagnostics-gateway"]


def test_a_wildcard_of_ports_stands_in_the_singular_property_which_alone_takes_it() -> None:
    for group in recorded("emea-test").of("network:NetworkSecurityGroup"):
        for rule in group.inputs["securityRules"]:
            assert "*" not in rule.get("destinationPortRanges", [])
            assert ("destinationPortRange" in rule) != ("destinationPortRanges" in rule)


def test_a_stamp_without_a_sandbox_is_told_no_other_microsoft() -> None:
    web = env(named(recorded("emea-test"), "app:ContainerApp", "app-connector"))
    assert [name for name in web if name.endswith(("GRAPH_URL", "LOGIN_URL"))] == []


def test_a_key_of_the_customer_encrypts_the_database_by_an_identity_of_its_own() -> None:
    chosen = {"location": "swedencentral", "vnetCidr": "10.41.16.0/20", "geoBackup": False}
    made = run(
        "emea-production", encryption="customer", chosenOnce={**chosen, "encryption": "customer"}
    )
    server = made.one("dbforpostgresql:Server")
    assert server.inputs["dataEncryption"]["type"] == "AzureKeyVault"
    assert (
        "id-ehr-emea-prod-encryption"
        in server.inputs["dataEncryption"]["primaryUserAssignedIdentityId"]
    )
    grant = "encryption-key-vault-crypto-service-encryption-user-vault"
    assert named(made, "authorization:RoleAssignment", grant).urn in server.dependencies


def test_a_server_restored_under_another_name_is_a_matter_of_configuration() -> None:
    made = run("emea-production", serverName="psql-restored")
    assert made.one("dbforpostgresql:Server").inputs["serverName"] == "psql-restored"


@pytest.mark.parametrize("stack", ALL)
def test_a_preview_before_anything_exists_needs_nothing_azure_would_have_to_say(stack: str) -> None:
    before, after = run(stack, preview=True, imageDigest=DIGEST), recorded(stack)
    assert urns(before.resources) == urns(after.resources)


def test_every_alert_reaches_somebody_and_leads_to_a_page_that_exists() -> None:
    made = recorded("emea-production")
    page = Path("docs/runbooks/stamp.md").read_text()
    kinds = ("monitor:MetricAlert", "monitor:ScheduledQueryRule", "monitor:ActivityLogAlert")
    alerts = [r for kind in kinds for r in made.of(kind)]
    assert len(alerts) >= 18
    group = "/actionGroups/ag-ehr-emea-prod"
    for alert in alerts:
        assert group in json.dumps(alert.inputs["actions"])
        (anchor,) = re.findall(r"/stamp\.md#([a-z-]+)$", alert.inputs["description"])
        assert f"## `{anchor}`" in page, anchor


def test_outputs_say_what_people_and_scripts_need_next() -> None:
    foundation, whole = run("emea-test").outputs, recorded("emea-test").outputs
    assert {"publicIp", "egressIp", "registryServer", "vaultUri", "databaseHost"} <= set(foundation)
    assert set(whole) - set(foundation) == {
        "appName",
        "candidateUrl",
        "imageDigest",
        "latestRevision",
        "migrateJob",
        "smokeJob",
    }
