"""prepare_stamp.sh: keys and tables by the new image, and no app touched."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.unit.release.recorded_help import unknown_flags
from tests.unit.release.stand_ins import ROOT, StandIns, value_of

STACK = "emea-test"
FILE = ROOT / f"infra/stacks/Pulumi.{STACK}.yaml"
OLD, NEW = ("sha256:" + letter * 64 for letter in "ab")
APP, JOB = "ca-ehr-emea-test-connector", "caj-ehr-emea-test-migrate"
FOUNDATION = {
    "registryServer": "crehremeatest9cff.azurecr.io",
    "resourceGroup": "rg-ehr-emea-test",
    "databaseHost": "psql-ehr-emea-test-9cff.postgres.database.azure.com",
}
SERVICE = {**FOUNDATION, "imageDigest": OLD, "migrateJob": JOB, "appName": APP}


@pytest.fixture
def stamp(tmp_path: Path) -> StandIns:
    """emea-test runs OLD, its stack file wants NEW; the job succeeds."""
    stand_ins = StandIns(tmp_path)
    stand_ins.install("az", "pulumi")
    stand_ins.answer("pulumi stack output migrateJob", JOB)
    stand_ins.answer("pulumi stack output resourceGroup", "rg-ehr-emea-test")
    stand_ins.answer("pulumi config get imageDigest", NEW)
    stand_ins.answer("pulumi config get stableRevision", "r000aaaa")
    stand_ins.answer("az containerapp job start", "x1")
    stand_ins.answer("az containerapp job show", f"crehremeatest9cff.azurecr.io/connector@{OLD}")
    stand_ins.answer("az containerapp job execution show", "Succeeded")
    stand_ins.answer("az containerapp revision list", "true")
    has(stand_ins, SERVICE)
    return stand_ins


def has(stamp: StandIns, outputs: dict[str, Any]) -> None:
    stamp.answer("pulumi stack output --json", json.dumps(outputs))


def prepared(stamp: StandIns) -> CompletedProcess[str]:
    before = FILE.read_bytes()
    done = stamp.run("prepare_stamp.sh", STACK)
    assert FILE.read_bytes() == before
    assert [flag for call in stamp.calls for flag in unknown_flags(call)] == []
    return done


def called(stamp: StandIns, *words: str) -> list[list[str]]:
    return [call for call in stamp.calls if call[: len(words)] == list(words)]


def values_set(stamp: StandIns) -> dict[str, str]:
    return {call[3]: call[4] for call in called(stamp, "pulumi", "config", "set")}


def test_the_job_gets_the_new_image_and_the_apps_are_left_out(stamp: StandIns) -> None:
    assert prepared(stamp).returncode == 0
    assert values_set(stamp) == {"migrateDigest": NEW, "imageDigest": OLD}
    (up,) = called(stamp, "pulumi", "up")
    left_out = [word for word in up if word.startswith("**::")]
    assert left_out == ["**::app-connector", "**::app-feed", "**::app-worker"]
    assert value_of(up, "--policy-pack") == "infra/policy"


def test_a_copy_of_the_stack_file_is_changed_used_and_removed(stamp: StandIns) -> None:
    prepared(stamp)
    (up,) = called(stamp, "pulumi", "up")
    copies = {value_of(c, "--config-file") for c in [up, *called(stamp, "pulumi", "config", "set")]}
    (copy,) = copies
    assert not Path(copy).exists()
    assert stamp.given_file == FILE.read_text()


def test_a_stamp_that_runs_nothing_gets_the_job_alone(stamp: StandIns) -> None:
    has(stamp, FOUNDATION)
    stamp.answer("pulumi config get stableRevision", "")
    assert prepared(stamp).returncode == 0
    assert values_set(stamp) == {"migrateDigest": NEW}
    removed = {call[3] for call in called(stamp, "pulumi", "config", "rm")}
    assert removed == {"imageDigest", "stableRevision", "candidateWeight"}
    (up,) = called(stamp, "pulumi", "up")
    assert "--exclude" not in up


def test_the_job_runs_after_it_got_its_image(stamp: StandIns) -> None:
    prepared(stamp)
    order = [call[1] if call[0] == "pulumi" else call[3] for call in stamp.calls]
    assert order.index("up") < order.index("start")


def test_a_job_that_has_the_image_is_run_again_and_nothing_is_deployed(stamp: StandIns) -> None:
    """As after an `up` that failed midway: some apps may run what no output tells yet."""
    stamp.answer("az containerapp job show", f"crehremeatest9cff.azurecr.io/connector@{NEW}")
    assert prepared(stamp).returncode == 0
    assert called(stamp, "pulumi", "up") == []
    assert len(called(stamp, "az", "containerapp", "job", "start")) == 1


@pytest.mark.parametrize(("waiting", "restarts"), [("shared_preload_libraries", 1), ("", 0)])
def test_a_new_server_is_restarted_for_a_parameter_that_waits(
    stamp: StandIns, waiting: str, restarts: int
) -> None:
    has(stamp, FOUNDATION)
    stamp.answer("az rest", waiting)
    prepared(stamp)
    restarted = called(stamp, "az", "postgres", "flexible-server", "restart")
    assert [value_of(call, "--name") for call in restarted] == ["psql-ehr-emea-test-9cff"][
        :restarts
    ]


def test_the_server_of_a_stamp_that_runs_is_never_restarted(stamp: StandIns) -> None:
    stamp.answer("az rest", "shared_preload_libraries")
    prepared(stamp)
    assert called(stamp, "az", "postgres") == []


@pytest.mark.parametrize(("active", "activations"), [("true", 0), ("false", 1)])
def test_a_stable_revision_that_was_retired_comes_back(
    stamp: StandIns, active: str, activations: int
) -> None:
    stamp.answer("az containerapp revision list", active)
    assert prepared(stamp).returncode == 0
    activated = called(stamp, "az", "containerapp", "revision", "activate")
    assert [value_of(c, "--revision") for c in activated] == [f"{APP}--r000aaaa"][:activations]


def test_a_stable_revision_that_is_gone_is_said_before_traffic_goes_to_it(stamp: StandIns) -> None:
    stamp.answer("az containerapp revision list", "")
    done = prepared(stamp)
    assert (done.returncode, "raise release" in done.stderr) == (1, True)


@pytest.mark.parametrize("says", ["", "latest", "sha256:abc"])
def test_a_file_without_a_digest_has_nothing_to_prepare(stamp: StandIns, says: str) -> None:
    stamp.answer("pulumi config get imageDigest", says)
    done = prepared(stamp)
    assert (done.returncode, "nothing to prepare" in done.stderr) == (1, True)
    assert called(stamp, "pulumi", "up") == []


def test_outputs_that_cannot_be_read_are_not_those_of_a_new_stamp(stamp: StandIns) -> None:
    """Else an expired sign-in would deploy a stamp without its apps."""
    stamp.answer("pulumi stack output --json", status=255)
    done = prepared(stamp)
    assert (done.returncode, "did not tell" in done.stderr) == (1, True)
    assert called(stamp, "pulumi", "up") == []


def test_without_a_foundation_there_is_nothing_to_bring_the_image_to(stamp: StandIns) -> None:
    has(stamp, {})
    done = prepared(stamp)
    assert (done.returncode, "no foundation yet" in done.stderr) == (1, True)
    assert called(stamp, "pulumi", "up") == []


@pytest.mark.parametrize("call", ["pulumi config set", "pulumi up", "az containerapp job show"])
def test_the_first_failure_ends_it_before_the_job_runs(stamp: StandIns, call: str) -> None:
    stamp.answer(call, status=1)
    before = called(stamp, "az", "containerapp", "job", "start")
    assert prepared(stamp).returncode != 0
    assert called(stamp, "az", "containerapp", "job", "start") == before == []


def test_a_migration_that_failed_ends_it(stamp: StandIns) -> None:
    stamp.answer("az containerapp job execution show", "Failed")
    assert prepared(stamp).returncode == 1
