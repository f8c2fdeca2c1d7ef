"""What a deployment runs around `pulumi up`: the jobs, the pipeline's `up`, and what is retired afterwards."""

import json
from pathlib import Path

import pytest
from tests.unit.release.recorded_help import unknown_flags
from tests.unit.release.stand_ins import ROOT, StandIns, value_of

STACK = "emea-test"
MIGRATE, SMOKE = "caj-ehr-emea-test-migrate", "caj-ehr-emea-test-smoke"
EXECUTION = "caj-ehr-emea-test-migrate-x1"
APP = "ca-ehr-emea-test-connector"
QUICK = {"SMOKE_PAUSE_SECONDS": "0", "UP_PAUSE_SECONDS": "0"}
TEMPLATE = {
    "containers": [
        {
            "name": "migrate",
            "image": "crehremeatest9cff.azurecr.io/teams-ehr-connector@sha256:" + "a" * 64,
            "imageType": "ContainerImage",
            "args": ["db", "upgrade"],
            "env": [{"name": "CONNECTOR_KEY_VAULT_URL", "value": "https://kv.vault.azure.net"}],
            "resources": {"cpu": 0.5, "memory": "1Gi"},
            "probes": [],
        }
    ],
    "initContainers": [{"name": "keys", "args": ["keys", "init"]}],
}


@pytest.fixture
def stamp(tmp_path: Path) -> StandIns:
    """emea-test, deployed: every job succeeds, three revisions of web are active."""
    stand_ins = StandIns(tmp_path)
    stand_ins.install("az", "pulumi")
    for name, value in {
        "migrateJob": MIGRATE,
        "smokeJob": SMOKE,
        "resourceGroup": "rg-ehr-emea-test",
        "latestRevision": "r111bbbb",
        "appName": APP,
    }.items():
        stand_ins.answer(f"pulumi stack output {name}", value)
    stand_ins.answer("pulumi config get stableRevision", "r000aaaa")
    stand_ins.answer("az containerapp job start", EXECUTION)
    stand_ins.answer("az containerapp job execution show", "Succeeded")
    stand_ins.answer("az containerapp job show", json.dumps(TEMPLATE))
    revisions = (("r111bbbb", 0), ("r000aaaa", 100), ("r999cccc", 0))
    listed = "\n".join(f"{APP}--{suffix}\t{weight}" for suffix, weight in revisions)
    stand_ins.answer("az containerapp revision list", listed)
    return stand_ins


def called(stamp: StandIns, *words: str) -> list[list[str]]:
    return [call for call in stamp.calls if call[: len(words)] == list(words)]


def started(stamp: StandIns) -> list[list[str]]:
    return called(stamp, "az", "containerapp", "job", "start")


def unknown(stamp: StandIns) -> list[str]:
    return [flag for call in stamp.calls for flag in unknown_flags(call)]


def test_the_job_is_started_once_and_its_own_execution_waited_for(stamp: StandIns) -> None:
    done = stamp.run("migrate_stamp.sh", STACK)
    assert (done.returncode, f"{EXECUTION}: Succeeded" in done.stdout) == (0, True)
    (start,) = started(stamp)
    assert (value_of(start, "--name"), "--yaml" in start) == (MIGRATE, False)
    (shown,) = called(stamp, "az", "containerapp", "job", "execution", "show")
    assert value_of(shown, "--job-execution-name") == EXECUTION
    assert unknown(stamp) == []


@pytest.mark.parametrize("status", ["Failed", "Stopped", "Degraded"])
def test_a_migration_that_failed_fails_the_deployment_and_says_where_its_log_is(
    stamp: StandIns, status: str
) -> None:
    stamp.answer("az containerapp job execution show", status)
    done = stamp.run("migrate_stamp.sh", STACK)
    assert (done.returncode, status in done.stderr) == (1, True)
    assert f'ContainerGroupName startswith "{EXECUTION}"' in done.stderr


def test_a_migration_that_never_ends_is_given_up(stamp: StandIns) -> None:
    stamp.answer("az containerapp job execution show", "Running")
    limits = {"JOB_SECONDS": "0", "JOB_POLL_SECONDS": "0"}
    done = stamp.run("migrate_stamp.sh", STACK, **limits)
    assert (done.returncode, "still Running" in done.stderr) == (1, True)


@pytest.mark.parametrize("call", ["pulumi stack output migrateJob", "az containerapp job start"])
def test_nothing_is_waited_for_that_was_not_started(stamp: StandIns, call: str) -> None:
    stamp.answer(call, status=1)
    assert stamp.run("migrate_stamp.sh", STACK).returncode != 0
    assert called(stamp, "az", "containerapp", "job", "execution") == []


def test_an_execution_without_a_name_is_not_waited_for(stamp: StandIns) -> None:
    stamp.answer("az containerapp job start", "")
    done = stamp.run("migrate_stamp.sh", STACK)
    assert (done.returncode, "named no execution" in done.stderr) == (1, True)


def test_another_command_runs_with_the_job_s_image_and_environment_and_nothing_before_it(
    stamp: StandIns,
) -> None:
    done = stamp.run("run_job.sh", STACK, "migrateJob", "keys", "rotate", "--now")
    assert (done.returncode, EXECUTION in done.stdout) == (0, True)
    (container,) = TEMPLATE["containers"]
    kept = {key: container[key] for key in ("name", "image", "env", "resources")}
    expected = {"containers": [kept | {"args": ["keys", "rotate", "--now"]}]}
    assert json.loads(stamp.given_file) == expected
    (start,) = started(stamp)
    assert not Path(value_of(start, "--yaml")).exists()
    assert unknown(stamp) == []


@pytest.mark.parametrize("says", ["", "null", '{"containers": []}'])
def test_without_the_job_s_own_template_no_other_command_is_started(
    stamp: StandIns, says: str
) -> None:
    stamp.answer("az containerapp job show", says)
    assert stamp.run("run_job.sh", STACK, "migrateJob", "keys", "list").returncode != 0
    assert started(stamp) == []


@pytest.mark.parametrize("arguments", [("smokeJob", "x"), ("webJob",), ()])
def test_only_the_migration_job_takes_another_command(
    stamp: StandIns, arguments: tuple[str, ...]
) -> None:
    assert stamp.run("run_job.sh", STACK, *arguments).returncode == 2
    assert stamp.calls == []


def test_the_smoke_test_is_a_job_within_the_network(stamp: StandIns) -> None:
    assert stamp.run("smoke_stamp.sh", STACK).returncode == 0
    assert [value_of(call, "--name") for call in started(stamp)] == [SMOKE]


def test_what_does_not_answer_is_asked_again_and_then_fails_the_deployment(stamp: StandIns) -> None:
    stamp.answer("az containerapp job execution show", "Failed")
    done = stamp.run("smoke_stamp.sh", STACK, **QUICK)
    assert (done.returncode, len(started(stamp))) == (1, 3)
    assert "does not answer" in done.stderr


def test_an_up_is_judged_and_asks_nobody(stamp: StandIns) -> None:
    assert stamp.run("up_stamp.sh", STACK, "--config-file", "x").returncode == 0
    (up,) = called(stamp, "pulumi", "up")
    assert (value_of(up, "--policy-pack"), value_of(up, "--stack")) == ("infra/policy", STACK)
    assert ("--yes" in up, value_of(up, "--config-file")) == (True, "x")
    assert unknown(stamp) == []


@pytest.mark.parametrize(("says", "ups"), [("Code=ServerIsBusy", 2), ("Code=QuotaExceeded", 1)])
def test_only_a_busy_server_is_tried_once_more(stamp: StandIns, says: str, ups: int) -> None:
    stamp.answer("pulumi up", f"error: {says}", status=255)
    done = stamp.run("up_stamp.sh", STACK, **QUICK)
    assert (done.returncode != 0, len(called(stamp, "pulumi", "up"))) == (True, ups)


def test_revisions_that_nobody_needs_are_deactivated(stamp: StandIns) -> None:
    done = stamp.run("retire_revisions.sh", STACK)
    (gone,) = called(stamp, "az", "containerapp", "revision", "deactivate")
    assert (done.returncode, value_of(gone, "--revision")) == (0, f"{APP}--r999cccc")
    assert unknown(stamp) == []


def test_what_takes_traffic_is_never_deactivated(stamp: StandIns) -> None:
    listed = f"{APP}--r111bbbb\t60\n{APP}--r999cccc\t40\n{APP}--r000aaaa\t0"
    stamp.answer("az containerapp revision list", listed)
    assert stamp.run("retire_revisions.sh", STACK).returncode == 0
    assert called(stamp, "az", "containerapp", "revision", "deactivate") == []


@pytest.mark.parametrize("listed", ["", f"{APP}--r999cccc\t0", f"{APP}--r111bbbbb\t0"])
def test_nothing_is_deactivated_where_azure_does_not_know_the_newest(
    stamp: StandIns, listed: str
) -> None:
    stamp.answer("az containerapp revision list", listed)
    assert stamp.run("retire_revisions.sh", STACK).returncode == 1
    assert called(stamp, "az", "containerapp", "revision", "deactivate") == []


SCRIPTS = ["migrate_stamp.sh", "smoke_stamp.sh", "retire_revisions.sh", "prepare_stamp.sh"]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("arguments", [(), ("emea",), ("emea-test", "x"), ("emea-test; id",)])
def test_anything_else_than_a_stack_is_refused(
    stamp: StandIns, script: str, arguments: tuple[str, ...]
) -> None:
    assert stamp.run(script, *arguments).returncode == 2
    assert stamp.calls == []


def test_an_up_of_no_stack_is_refused(stamp: StandIns) -> None:
    assert stamp.run("up_stamp.sh", "--yes").returncode == 2
    assert stamp.calls == []


def test_every_script_can_be_run() -> None:
    unrunnable = [p.name for p in (ROOT / "scripts").glob("*.sh") if not p.stat().st_mode & 0o100]
    assert unrunnable == []
