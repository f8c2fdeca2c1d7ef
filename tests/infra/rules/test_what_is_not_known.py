"""Before anything is created much is UNKNOWN: that breaks no rule, crashes none, and hides little."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.infra.rules.stamp import add, drop, facts, put, stamp

from ehr_infra.geography import REGIONS
from ehr_infra.rules import UNKNOWN, Resource, check

STAMP = stamp()
GEOGRAPHIES = ("americas", "emea", "apac")


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if path:
        yield path
    if isinstance(value, Mapping):
        for key, each in value.items():
            if "." not in key:
                yield from _paths(each, (*path, key))
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _paths(each, (*path, str(index)))


PLACES = [(each.name, ".".join(path)) for each in STAMP for path in _paths(each.inputs)]
JUNK = st.sampled_from([None, "", "x", 0.0, 7.5, True, [], {}, ["x"], [None], {"x": 1}, [[]], [{}]])


def test_no_single_unknown_value_breaks_a_rule() -> None:
    broken = [
        (name, path, findings)
        for name, path in PLACES
        if (findings := check(put(name, path, UNKNOWN)(STAMP), facts()))
    ]
    assert broken == []


@given(st.lists(st.sampled_from(PLACES), max_size=20))
def test_nor_do_many(places: list[tuple[str, str]]) -> None:
    resources = STAMP
    for name, path in sorted(places, key=lambda place: -place[1].count(".")):
        resources = put(name, path, UNKNOWN)(resources)
    assert check(resources, facts()) == []


@example(("web", "template.scale.minReplicas"), ["x"])
@example(("web", "template.scale.maxReplicas"), "x")
@given(st.sampled_from(PLACES), JUNK)
def test_no_value_of_another_shape_crashes_a_rule(place: tuple[str, str], junk: Any) -> None:
    name, path = place
    for finding in check(put(name, path, junk)(STAMP), facts()):
        assert finding.says
        assert "\n" not in finding.says


@given(
    st.sampled_from(GEOGRAPHIES),
    st.sampled_from(sorted(REGIONS)),
    st.sampled_from([each.name for each in STAMP if "location" in each.inputs]),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.integers(0, 40),
)
def test_a_region_outside_the_geography_is_refused_however_it_is_spelt(
    geography: str, region: str, name: str, upper: list[bool], blank: int
) -> None:
    letters = [c.upper() if up else c for c, up in zip(region, upper, strict=False)]
    spelt = "".join([*letters[:blank], " ", *letters[blank:]])
    resources = put(name, "location", spelt)(stamp(geography))
    refused = {each.resource for each in check(resources, facts(geography)) if each.rule == "R01"}
    assert refused == ({name} if REGIONS[region].geography != geography else set())


def planned(resources: list[Resource]) -> list[Resource]:
    """As the engine shows them in the first preview: no id is known, what it is made from is."""
    urns = {each.name: each.urn for each in resources}
    logs = {f"logs-of-{name}": name for name in urns}

    def plan(each: Resource) -> Resource:
        if each.name in logs and logs[each.name] in urns:
            origins = {
                "resourceUri": frozenset({urns[logs[each.name]]}),
                "workspaceId": frozenset({urns["workspace"]}),
            }
            unknown = {"resourceUri": UNKNOWN, "workspaceId": UNKNOWN}
            return replace(each, inputs={**each.inputs, **unknown}, origins=origins)
        if "actions" in each.inputs:
            origins = {"actions": frozenset({urns["on-call"]})}
            return replace(each, inputs={**each.inputs, "actions": UNKNOWN}, origins=origins)
        return each

    return [plan(each) for each in resources]


def test_a_first_preview_breaks_no_rule() -> None:
    assert check(planned(STAMP), facts()) == []


@pytest.mark.parametrize("name", ["vault", "registry", "server", "environment", "gateway"])
def test_missing_logs_are_noticed_in_the_first_preview(name: str) -> None:
    found = check(drop(f"logs-of-{name}")(planned(STAMP)), facts())
    assert [(each.rule, each.resource) for each in found] == [("S01", name)]


def test_an_alert_for_another_action_group_is_noticed_in_the_first_preview() -> None:
    theirs = {"actions": frozenset({"urn:pulumi:other"})}
    stray = [replace(r, origins=theirs) if r.name == "slow" else r for r in planned(STAMP)]
    assert [(each.rule, each.resource) for each in check(stray, facts())] == [("S03", "slow")]


def test_where_nobody_can_tell_what_an_id_is_made_from_nobody_is_blamed() -> None:
    blind = [replace(each, origins={}) for each in planned(STAMP)]
    assert check(blind, facts()) == []


def test_a_fault_beside_unknown_values_is_noticed() -> None:
    hidden = put("server", "network", {"publicNetworkAccess": "Enabled", "x": UNKNOWN})(
        planned(STAMP)
    )
    assert [each.rule for each in check(hidden, facts())] == ["R04"]


def test_a_type_nobody_decided_on_is_refused_though_nothing_of_it_is_known() -> None:
    unknown = add("azure-native:redis:Redis", "cache", location=UNKNOWN, tags=UNKNOWN)
    assert [each.rule for each in check(unknown(STAMP), facts())] == ["S04"]
