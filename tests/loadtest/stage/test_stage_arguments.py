"""What `python -m loadtest` takes and refuses."""

from pathlib import Path

import pytest
from loadtest.stage.arguments import Arguments, ArgumentsRefused, Fault, Prepared, parse

HOSTED = [
    *("--target", "https://visits.example/", "--feed", "https://feed.example"),
    *("--ehr", "https://ehr.example", "--mychart", "https://mychart.example"),
    *("--microsoft", "https://microsoft.example"),
]


def test_without_anything_the_smoke_scenario_runs_at_home() -> None:
    assert parse([]) == Arguments(
        scenario="smoke",
        seed=1,
        processes=1,
        fault=None,
        remote=None,
        folder=Path("artefacts/load"),
    )


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_is_named(fault: Fault) -> None:
    assert parse(["--fault", fault.value]).fault is fault


def test_a_hosted_sandbox_is_given_by_its_addresses() -> None:
    remote = parse([*HOSTED, "--environment", "production"]).remote
    assert remote is not None
    assert (remote.connector, remote.environment) == ("https://visits.example", "production")
    assert remote.ca_file.exists()


def test_the_environment_at_home_is_test() -> None:
    assert parse([]).environment == "test"
    assert parse([*HOSTED, "--environment", "production"]).environment == "production"


@pytest.mark.parametrize("missing", range(2, len(HOSTED), 2))
def test_a_hosted_sandbox_needs_all_of_them(missing: int) -> None:
    with pytest.raises(ArgumentsRefused, match="needs --feed, --ehr, --mychart and --microsoft"):
        parse(HOSTED[:missing] + HOSTED[missing + 2 :])


def test_prepared_launches_need_a_target_and_nothing_else() -> None:
    found = parse(["--target", "https://visits.example/", "--launches", "l.csv"])
    assert found.remote is None
    assert found.prepared == Prepared(
        connector="https://visits.example", launches=Path("l.csv"), ca_file=found.prepared.ca_file
    )
    assert (found.target, parse(HOSTED).target) == ("https://visits.example",) * 2
    assert parse([]).target == ""


def test_prepared_launches_do_not_go_with_a_sandbox_of_our_own() -> None:
    with pytest.raises(ArgumentsRefused, match="--launches needs --target"):
        parse(["--launches", "l.csv"])


def test_prepared_launches_do_not_go_with_simulators() -> None:
    with pytest.raises(ArgumentsRefused, match="--launches and --feed are two different stamps"):
        parse([*HOSTED, "--launches", "l.csv"])


@pytest.mark.parametrize(
    "wrong",
    [
        ["--processes", "0"],
        ["--processes", "many"],
        ["--seed", "x"],
        ["--fault", "fire"],
        ["--target", "http://visits.example"],
    ],
    ids=" ".join,
)
def test_what_means_nothing_is_refused(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        parse(wrong)
    assert refusal.value.code == 2
    assert wrong[0] in capsys.readouterr().err
