"""`slo.toml`: what it says, and what it may not say."""

import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from loadtest.scenario import SCENARIOS
from loadtest.verdict.slo import FILE, Indicator, SloFile, SloFileRefused

DOCUMENT: dict[str, Any] = tomllib.loads(FILE.read_text())


@pytest.fixture
def document() -> dict[str, Any]:
    return deepcopy(DOCUMENT)


def test_every_scenario_named_there_exists() -> None:
    assert {*DOCUMENT["scenarios"]} <= {file.stem for file in SCENARIOS.glob("*.toml")}


def test_every_indicator_is_limited_somewhere() -> None:
    everywhere = [
        *DOCUMENT["slo"],
        *(more for rules in DOCUMENT["scenarios"].values() for more in rules.get("more", [])),
    ]
    assert {slo["indicator"] for slo in everywhere} == {one.value for one in Indicator}


def test_every_limit_is_explained_in_the_documentation() -> None:
    page = Path("docs/load-testing.md").read_text()
    everywhere = [
        *DOCUMENT["slo"],
        *(more for rules in DOCUMENT["scenarios"].values() for more in rules.get("more", [])),
    ]
    assert {slo["name"] for slo in everywhere} - {*re.findall(r"`([a-z0-9-]+)`", page)} == set()


@pytest.mark.parametrize("name", ["smoke", "overload-3x", "surge-10x", "load", "unheard-of"])
def test_nothing_is_ever_allowed_to_be_lost_or_done_twice(name: str) -> None:
    limits = {s.indicator: s.limit for s in SloFile.read().for_run(name, "at home").slos}
    assert (limits[Indicator.LOST], limits[Indicator.DUPLICATE]) == (0, 0)


def test_smoke_has_head_room_for_a_loaded_machine() -> None:
    limits = {s.name: s for s in SloFile.read().for_run("smoke", "at home").slos}
    assert limits["own-time-p95"].limit == 300
    assert "noisy" in limits["own-time-p95"].why


def test_who_may_be_refused_in_an_overload_is_not_promised_otherwise() -> None:
    promises = SloFile.read().for_run("overload-3x", "at home")
    assert "nobody-refused" not in {slo.name for slo in promises.slos}
    assert promises.waived["nobody-refused"]


def test_a_target_may_be_allowed_to_go_unchecked(document: dict[str, Any], tmp_path: Path) -> None:
    document["unchecked"] = {"targets": ["https://visits.*"]}
    file = SloFile.model_validate(document)
    assert file.for_run("load", "https://visits.example").may_be_unchecked
    assert not file.for_run("load", "https://other.example").may_be_unchecked


def without(key: str) -> Any:
    return lambda document: document.pop(key)


def slo(**changed: Any) -> Any:
    return lambda document: document["slo"][0].update(changed)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without("slo"), "slo: Field required"),
        (without("validity"), "validity: Field required"),
        (slo(indicator="luck"), "indicator"),
        (slo(at_least=1), "needs either at_most or at_least"),
        (slo(at_most=None), "needs either at_most or at_least"),
        (slo(why="because"), "why"),
        (slo(name="Nothing Lost"), "name"),
        (slo(name="nothing-twice"), "the same name"),
        (slo(colour="red"), "colour: Extra inputs"),
        (lambda d: d["validity"].update(fewest_launches=0), "fewest_launches"),
        (lambda d: d["scenarios"].update(x={"without": {"luck": "no"}}), "['luck']"),
        (lambda d: d["scenarios"].update(x={"validity": {"luck": 1}}), "['luck']"),
        (
            lambda d: d["scenarios"].update(x={"limits": {"drained": {"limit": 1}}}),
            "why: Field required",
        ),
    ],
)
def test_what_means_nothing_is_refused_by_name(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, spoil: Any, says: str
) -> None:
    spoil(document)
    monkeypatch.setattr(tomllib, "loads", lambda _text: document)
    with pytest.raises(SloFileRefused, match=re.escape(says)):
        SloFile.read()


@pytest.mark.parametrize("text", ["slo = [", "\xff"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "slo.toml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(SloFileRefused):
        SloFile.read(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SloFileRefused):
        SloFile.read(tmp_path / "slo.toml")
