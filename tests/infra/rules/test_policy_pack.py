"""The pack as the engine sees it: every rule is there, mandatory, and says what the rule says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2 as wire
from tests.infra.rules.analyzer import RUN, Analyzer, Said, started
from tests.infra.rules.seeds import SEEN_BY_THE_PACK, Seed
from tests.infra.rules.stamp import REGIONS, both, drop, facts, moved, put, stamp
from tests.infra.rules.test_what_is_not_known import planned

from ehr_infra.rules import RULES, UNKNOWN, Resource, check, rule
from policy.adapter import AGREED_TAG

STAMP = stamp()
PACK = Path("infra/policy")


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Analyzer]:
    with started() as running:
        running.configure()
        yield running


@pytest.fixture(scope="module")
def pack(analyzer: Analyzer) -> Analyzer:
    """One that saw the clean stamp."""
    analyzer.register(STAMP)
    return analyzer


def _judged(pack: Analyzer, resources: list[Resource]) -> list[Said]:
    """Only what differs from the clean stamp is registered, and set right again afterwards."""
    changed = [each for each in resources if each not in STAMP]
    names = {each.name for each in changed}
    try:
        return [*pack.register(changed), *pack.finish(resources)]
    finally:
        pack.register([each for each in STAMP if each.name in names])


def test_every_rule_is_listed_and_mandatory(analyzer: Analyzer) -> None:
    alone = {(each.id, wire.POLICY_TYPE_RESOURCE) for each in RULES if each.alone}
    together = {
        (f"{each.id}-stack" if each.alone else each.id, wire.POLICY_TYPE_STACK)
        for each in RULES
        if each.together
    }
    listed = analyzer.policies()
    assert {(each.name, each.policy_type) for each in listed} == alone | together
    assert {each.enforcementLevel for each in listed} == {wire.MANDATORY}
    assert {each.name.removesuffix("-stack") for each in listed} == {each.id for each in RULES}


def test_a_policy_says_what_holds_why_and_for_which_safeguard(analyzer: Analyzer) -> None:
    for each in analyzer.policies():
        meant = rule(each.name.removesuffix("-stack"))
        assert each.description == f"{meant.title} {meant.why}"
        assert each.framework.reference == f"45 CFR {meant.safeguard.section}"


@pytest.mark.parametrize("environment", ["test", "production"])
@pytest.mark.parametrize("geography", REGIONS)
def test_a_clean_stamp_passes(analyzer: Analyzer, geography: str, environment: str) -> None:
    assert analyzer.judge(stamp(geography, environment)) == []


@pytest.mark.parametrize("seed", SEEN_BY_THE_PACK, ids=lambda seed: seed.id)
def test_the_pack_refuses_a_fault_as_the_rule_does(pack: Analyzer, seed: Seed) -> None:
    resources = seed.edit(STAMP)
    said = _judged(pack, resources)
    assert {each.policy.removesuffix("-stack") for each in said} == {seed.rule}
    assert {each.level for each in said} == {wire.MANDATORY}
    assert sorted(each.line for each in said) == sorted(
        f"{finding.resource}: {finding.says}" for finding in check(resources, facts())
    )
    names = {each.urn.rpartition("::")[2] for each in said}
    assert names == {seed.resource}


def _broken(said: list[Said]) -> list[tuple[str, str]]:
    return [(each.policy, each.urn.rpartition("::")[2]) for each in said]


def test_a_first_preview_passes_and_leaves_no_policy_out(pack: Analyzer) -> None:
    assert _judged(pack, planned(STAMP)) == []


def test_missing_logs_are_noticed_in_the_first_preview(pack: Analyzer) -> None:
    said = _judged(pack, drop("logs-of-vault")(planned(STAMP)))
    assert _broken(said) == [("S01", "vault")]


@pytest.mark.parametrize("name", ["web", "server", "nsg-gateway", "gateway", "slow", "vault"])
def test_a_resource_of_which_nothing_is_known_crashes_no_policy(pack: Analyzer, name: str) -> None:
    blind = [
        replace(each, inputs=dict.fromkeys(each.inputs, UNKNOWN)) if each.name == name else each
        for each in STAMP
    ]
    assert _judged(pack, blind) == []


def test_a_value_marked_secret_is_read_and_not_repeated(pack: Analyzer) -> None:
    said = _judged(pack, put("server", "administratorLoginPassword", "hunter2")(STAMP))
    assert _broken(said) == [("R08", "server")]
    assert "hunter2" not in str(said)


COPIED = both(moved("northeurope"), put("server", "backup.geoRedundantBackup", "Enabled"))


def test_a_tag_says_that_a_copy_in_another_country_was_agreed_to(pack: Analyzer) -> None:
    name, value = AGREED_TAG
    assert _judged(pack, both(COPIED, put("server", f"tags.{name}", value))(STAMP)) == []
    said = _judged(pack, both(COPIED, put("server", f"tags.{name}", "no"))(STAMP))
    assert _broken(said) == [("R02", "server")]


def test_the_tag_of_another_resource_says_nothing(pack: Analyzer) -> None:
    name, value = AGREED_TAG
    said = _judged(pack, both(COPIED, put("anchors", f"tags.{name}", value))(STAMP))
    assert _broken(said) == [("R02", "server")]


def test_a_configuration_file_may_say_the_same_and_name_the_region(pack: Analyzer) -> None:
    try:
        pack.configure({"allowCrossCountryBackup": True, "location": "swedencentral"})
        said = _judged(pack, COPIED(STAMP))
    finally:
        pack.configure()
    assert {policy for policy, _ in _broken(said)} == {"S02"}


def test_a_stack_of_another_name_has_no_right_geography_and_is_production() -> None:
    renamed = [
        replace(each, urn=each.urn.replace("emea-test", "emea-staging"))
        for each in stamp(environment="test")
        if each.name in {"server", "web"}
    ]
    with started() as pack:
        pack.configure()
        broken = set(_broken(pack.judge(renamed)))
    assert {("R01", "server"), ("R01", "web"), ("R14", "server")} <= broken


def test_what_was_not_registered_in_this_run_is_judged_by_its_outputs() -> None:
    with started() as pack:
        pack.configure()
        said = pack.finish(both(put("vault", "location", "uksouth"), planned)(STAMP))
    assert _broken(said) == [("S02", "vault")]


def test_loading_the_pack_starts_nothing() -> None:
    command = [sys.executable, "-c", "import policy.__main__, policy.pack; policy.pack.policies()"]
    environment = {"PYTHONPATH": "infra", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_pack_can_be_started_with_and_without_a_language_host() -> None:
    declared = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert declared["runtime"]["name"] == "python"
    assert re.fullmatch(r"\d+\.\d+\.\d+", declared["version"])
    virtual_environment = declared["runtime"]["options"]["virtualenv"]
    assert (PACK / virtual_environment).resolve() == Path(".venv").resolve()
    assert os.access(RUN, os.X_OK)
    assert len(Path(RUN).read_text().splitlines()) <= 3
