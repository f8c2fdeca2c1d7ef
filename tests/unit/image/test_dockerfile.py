"""What must hold of the image and cannot be seen without Docker; `make image-check` does the rest."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from scripts.image.contents import pins
from scripts.image.dockerfile import Stage, read_stages

STAGES = {stage.name: stage for stage in read_stages(Path("Dockerfile"))}
SHIPPED = ("connector", "simulators")
PROJECT = tomllib.loads(Path("pyproject.toml").read_text())
LOCKS = ("requirements.image.lock", "requirements.simulators.lock", "requirements.build.lock")
SECRET = re.compile(r"secret|password|passwd|token|credential|private", re.IGNORECASE)


def ancestry(stage: Stage) -> list[Stage]:
    """The stage and all it stands on."""
    below = STAGES.get(stage.image)
    return [stage, *(ancestry(below) if below else [])]


def runs(stage: Stage) -> str:
    return "\n".join(each.value for part in ancestry(stage) for each in part.all("RUN"))


def required(names: list[str]) -> set[str]:
    return {Requirement(name).name.lower() for name in names}


def test_every_image_from_outside_is_pinned_by_version_and_digest() -> None:
    outside = [stage.image for stage in STAGES.values() if stage.image not in STAGES]
    assert outside
    pinned = re.compile(r"[a-z/.]+:\d+\.\d+\.\d+[a-z-]*@sha256:[0-9a-f]{64}")
    assert [image for image in outside if not pinned.fullmatch(image)] == []


def test_the_python_of_the_image_is_the_one_the_project_is_tested_with() -> None:
    assert STAGES["base"].image.startswith("python:3.11.")


@pytest.mark.parametrize("name", SHIPPED)
def test_it_runs_as_a_numbered_user_without_rights(name: str) -> None:
    user = STAGES[name].last("USER")
    assert user is not None
    assert re.fullmatch(r"[1-9]\d{4,}:[1-9]\d{4,}", user.value)


@pytest.mark.parametrize(
    ("name", "expected"), [("connector", ["connector"]), ("simulators", ["python", "-m"])]
)
def test_signals_reach_the_process_itself(name: str, expected: list[str]) -> None:
    entrypoint = STAGES[name].last("ENTRYPOINT")
    assert entrypoint is not None
    assert entrypoint.exec_form == expected


def test_what_is_built_without_a_target_is_what_production_runs() -> None:
    assert list(STAGES)[-1] == "connector"


def test_the_ports_are_those_of_the_design() -> None:
    exposed = {name: STAGES[name].last("EXPOSE") for name in SHIPPED}
    values = {name: found.value for name, found in exposed.items() if found}
    assert values == {"connector": "8440 8444", "simulators": "8441 8442 8443"}


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_nothing_is_fetched_past_the_locks(stage: Stage) -> None:
    assert stage.all("ADD") == []
    text = runs(stage)
    assert not re.search(r"\b(curl|wget|git clone|apt-get|apk)\b", text)
    installs = re.findall(r"pip[^&\n]* install [^&\n]*", text)
    assert [i for i in installs if "--require-hashes" not in i and "--no-index" not in i] == []


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_no_secret_goes_into_a_layer(stage: Stage) -> None:
    named = [each.value for word in ("ENV", "ARG", "LABEL") for each in stage.all(word)]
    assert [value for value in named if SECRET.search(value)] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_no_installer_and_no_compiler_is_left(name: str) -> None:
    text = runs(STAGES[name])
    assert "pip uninstall" in text
    assert not re.search(r"gcc|build-essential|pip install", text)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_system_s_authorities_are_there_for_the_database(name: str) -> None:
    assert "test -s /etc/ssl/certs/ca-certificates.crt" in runs(STAGES[name])


def test_the_connector_s_image_holds_no_simulator() -> None:
    copied = [each.value for each in STAGES["build"].all("COPY")]
    assert [value for value in copied if "services" in value] == [
        "services/connector services/connector"
    ]


def test_only_what_is_copied_reaches_the_builder() -> None:
    allowed = [
        line.removeprefix("!")
        for line in Path(".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert Path(".dockerignore").read_text().splitlines()[1] == "*"
    sources = {
        source
        for stage in STAGES.values()
        for each in stage.all("COPY")
        if "--from" not in each.value
        for source in each.words[:-1]
    }
    assert {
        s for s in sources if not any(s == a or s.startswith(f"{a}/") for a in allowed)
    } == set()
    assert {
        a for a in allowed if not any(s == a or s.startswith(f"{a}/") for s in sources)
    } == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_that_of_the_lock_the_tests_ran_with(lock: str) -> None:
    tested = pins(Path("requirements.lock"))
    ours = pins(Path(lock))
    assert ours
    assert {name: v for name, v in ours.items() if tested.get(name) != v} == {}


def test_the_image_s_lock_has_what_the_connector_needs_and_nothing_of_the_extras() -> None:
    locked = pins(Path("requirements.image.lock")).keys()
    needed = required(PROJECT["project"]["dependencies"])
    assert needed - locked == set()
    extras = PROJECT["project"]["optional-dependencies"].values()
    foreign = {name for extra in extras for name in required(extra)} - needed
    assert foreign & locked == set()


def test_the_simulators_lock_has_their_extras_and_no_tool_of_developers() -> None:
    locked = pins(Path("requirements.simulators.lock")).keys()
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = {n.replace(".", "-") for e in ("simulators", "sandbox") for n in required(extras[e])}
    assert wanted - locked == set()
    assert (required(extras["dev"]) | required(extras["infra"])) & locked == set()


def test_the_build_backend_is_locked_too() -> None:
    wanted = required(PROJECT["build-system"]["requires"])
    assert pins(Path("requirements.build.lock")).keys() == wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    text = Path(lock).read_text()
    assert text.count("==") == len(re.findall(r"== ?[^\n]*\\\n    --hash=sha256:", text))


def test_a_broken_dockerfile_is_named(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    for text, words in (("RUN x\n", "before the first FROM"), ("FROM a b c\n", "not understood")):
        file.write_text(text)
        with pytest.raises(ValueError, match=words):
            read_stages(file)
