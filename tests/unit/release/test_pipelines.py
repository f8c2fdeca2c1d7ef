"""The pipelines of docs/ci: least rights, no stored secret, one production geography at a time."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FILES = sorted(Path("docs/ci").glob("*.yaml"))
TEXTS = {path.stem: path.read_text() for path in FILES}
DOCUMENTS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {
    f"{name}.{job}": found
    for name, document in DOCUMENTS.items()
    for job, found in document["jobs"].items()
}
ON = True  # YAML 1.1 reads the key `on` so
WRITES = {
    "pull-request.comment": {"pull-requests"},
    "promote.promote": {"contents", "pull-requests"},
}


def steps(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from job["steps"]


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))


def changes(job: dict[str, Any]) -> bool:
    return "up_stamp.sh" in commands(job)


def test_there_is_one_for_each_moment() -> None:
    assert set(DOCUMENTS) == {"pull-request", "image", "release", "promote", "drift"}
    assert all(name in Path("docs/ci/README.md").read_text() for name in DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_job_has_the_rights_it_names_and_no_others(name: str) -> None:
    assert DOCUMENTS[name]["permissions"] == {}
    assert all("permissions" in job for job in DOCUMENTS[name]["jobs"].values())


@pytest.mark.parametrize("name", JOBS)
def test_only_the_comment_and_the_promotion_may_write(name: str) -> None:
    rights = JOBS[name]["permissions"]
    written = {what for what, how in rights.items() if how == "write"} - {"id-token"}
    assert written == WRITES.get(name, set())


@pytest.mark.parametrize("name", JOBS)
def test_who_signs_in_to_azure_says_in_which_environment(name: str) -> None:
    job = JOBS[name]
    signs_in = any("azure/login" in step.get("uses", "") for step in steps(job))
    assert (job["permissions"].get("id-token") == "write") == signs_in
    assert ("environment" in job) == signs_in


@pytest.mark.parametrize("name", TEXTS)
def test_no_secret_is_stored(name: str) -> None:
    assert "secrets." not in TEXTS[name]
    used = set(re.findall(r"vars\.(\w+)", TEXTS[name]))
    ids = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    assert used <= ids | {"PULUMI_BACKEND_URL", "BUILD_REGISTRY", "BUILD_REGISTRY_ID"}


@pytest.mark.parametrize("name", JOBS)
def test_every_action_is_of_a_known_owner_and_a_version(name: str) -> None:
    owners = r"(actions|azure|pulumi|sigstore)/[a-z-]+@v\d+(\.\d+)*"
    used = [step["uses"] for step in steps(JOBS[name]) if "uses" in step]
    assert [one for one in used if not re.fullmatch(owners, one)] == []


@pytest.mark.parametrize("name", JOBS)
def test_no_checkout_leaves_its_token_behind(name: str) -> None:
    found = [step for step in steps(JOBS[name]) if "checkout" in step.get("uses", "")]
    assert [step for step in found if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("name", JOBS)
def test_no_line_of_a_script_is_written_by_an_expression(name: str) -> None:
    assert "${{" not in commands(JOBS[name])


@pytest.mark.parametrize("name", [name for name, job in JOBS.items() if changes(job)])
def test_an_up_is_never_cut_off_and_always_keeps_the_rules(name: str) -> None:
    job = JOBS[name]
    assert job["concurrency"]["cancel-in-progress"] is False
    assert job["concurrency"]["group"].startswith("stack-${{ matrix.geography }}-")
    # scripts/up_stamp.sh is judged by the pack, which tests/unit/release/test_stamp_scripts.py sees to.
    assert "pulumi up" not in commands(job)


def test_only_a_push_to_main_changes_a_stamp() -> None:
    changing = {name.split(".")[0] for name, job in JOBS.items() if changes(job)}
    assert changing == {"release"}
    assert DOCUMENTS["release"][ON].keys() == {"push"}
    assert DOCUMENTS["release"][ON]["push"]["branches"] == ["main"]


def test_production_comes_last_approved_and_one_geography_at_a_time() -> None:
    production = JOBS["release.production"]
    assert set(production["needs"]) == {"test", "load"}
    assert JOBS["release.load"]["needs"] == "test"
    assert JOBS["release.test"]["needs"] == "unit"
    assert production["strategy"]["max-parallel"] == 1
    assert production["strategy"]["fail-fast"] is True
    assert production["environment"] == "${{ matrix.geography }}-production"


@pytest.mark.parametrize("job", ["test", "production"])
def test_a_stamp_is_prepared_deployed_and_asked_in_this_order(job: str) -> None:
    said = commands(JOBS[f"release.{job}"])
    order = ["az acr import", "prepare_stamp", "up_stamp", "smoke_stamp", "retire_revisions"]
    assert sorted(order, key=said.index) == order


@pytest.mark.parametrize("name", JOBS)
def test_every_job_runs_on_a_hosted_runner(name: str) -> None:
    assert JOBS[name]["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("job", ["test", "production"])
def test_whatever_asks_for_new_tokens_follows_a_sign_in(job: str) -> None:
    """The assertion of azure/login lives minutes; the step before each of these is a new one."""
    found = list(steps(JOBS[f"release.{job}"]))
    for number, step in enumerate(found):
        if re.search(r"(prepare|up|smoke)_stamp", step.get("run", "")):
            assert found[number - 1].get("uses") == "azure/login@v3"


@pytest.mark.parametrize("name", JOBS)
def test_whoever_runs_the_program_lets_the_provider_sign_in_by_itself(name: str) -> None:
    job = JOBS[name]
    runs_program = re.search(r"up_stamp|pulumi preview|drift\.sh", commands(job))
    assert (job.get("env", {}).get("ARM_USE_OIDC") == "true") == bool(runs_program)


def test_the_image_is_named_by_its_registry_s_id_which_any_subscription_finds() -> None:
    imports = re.findall(r"az acr import .*?--image", TEXTS["release"], re.DOTALL)
    assert len(imports) == 2
    assert all('--registry "$BUILD_REGISTRY_ID"' in one for one in imports)


def test_a_missing_load_suite_holds_nobody_up() -> None:
    """It comes with the next release; `promote` asks for its result or for a reason."""
    load = [step for step in steps(JOBS["release.load"]) if "make load" in step.get("run", "")]
    assert [step["if"] for step in load] == ["steps.suite.outputs.there"]


def test_nothing_a_branch_can_reach_knows_of_production() -> None:
    """The environments of pull requests have no protection: their identities read test only."""
    assert JOBS["pull-request.preview"]["environment"] == "${{ matrix.geography }}-preview"
    assert "production" not in TEXTS["pull-request"]
    assert "preview" not in JOBS["drift.drift"]["environment"]


def test_a_pull_request_of_a_fork_gets_no_token() -> None:
    document = DOCUMENTS["pull-request"]
    assert document[ON].keys() == {"pull_request"}
    assert "head.repo.full_name == github.repository" in JOBS["pull-request.preview"]["if"]
    assert JOBS["pull-request.preview"]["environment"].endswith("-preview")


def test_all_six_stacks_are_looked_at_every_night() -> None:
    matrix = JOBS["drift.drift"]["strategy"]["matrix"]
    assert len(matrix["geography"]) * len(matrix["environment"]) == 6
    assert "schedule" in DOCUMENTS["drift"][ON]


@pytest.mark.parametrize("name", JOBS)
def test_no_job_runs_for_ever(name: str) -> None:
    assert JOBS[name]["timeout-minutes"] <= 90


def test_every_script_that_is_called_is_there() -> None:
    called = set(re.findall(r"scripts/[a-z_]+\.(?:sh|py)", "".join(TEXTS.values())))
    assert called
    assert [name for name in called if not Path(name).exists()] == []
