"""Every finding has words: a cause, a remedy where there is one, who can help, a runbook anchor."""

import ast
import json
import re
from pathlib import Path

import pytest

from connector.domain.findings import Check, Finding, Verdict
from connector.web.finding_causes import SAID, Who
from connector.web.finding_words import ABOUT, finding_as_json, words_of
from connector.web.help_pages import rendered
from connector.web.probe_words import EXPLAINED

RUNBOOK = Path("docs/runbooks/doctor.md").read_text()
EXAMINING = [
    *Path("services/connector/usecases").glob("examin*.py"),
    Path("services/connector/usecases/diagnose.py"),
]


def codes_of_use_cases() -> set[str]:
    """Codes that the use cases write into findings themselves, as literal third arguments."""
    calls = [
        node
        for path in EXAMINING
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
    ]
    third = [call.args[2] for call in calls if len(call.args) > 2]
    return {arg.value for arg in third if isinstance(arg, ast.Constant)}


@pytest.mark.parametrize("check", Check)
def test_a_check_that_passed_asks_nobody_to_do_anything(check: Check) -> None:
    said = words_of(Finding(check, Verdict.OK))
    assert said.title
    assert said.cause.endswith(".")
    assert (said.remedy, said.who) == ("", Who.NOBODY)


@pytest.mark.parametrize("check", Check)
def test_a_code_nobody_foresaw_is_named_with_somebody_to_ask(check: Check) -> None:
    said = words_of(Finding(check, Verdict.FAILED, "http_418"))
    assert "http_418" in said.cause
    assert said.remedy
    assert said.who is ABOUT[check].who


@pytest.mark.parametrize("code", sorted(EXPLAINED))
@pytest.mark.parametrize("check", [Check.ADDRESS, Check.SMART_CONFIGURATION, Check.WEBHOOK])
def test_what_goes_wrong_on_the_way_is_worded_for_every_server(check: Check, code: str) -> None:
    said = words_of(Finding(check, Verdict.FAILED, code))
    assert said.cause == EXPLAINED[code][0]
    assert said.remedy


def test_an_address_of_ours_is_not_put_right_by_the_ehr() -> None:
    ours = words_of(Finding(Check.WEBHOOK, Verdict.FAILED, "certificate_expired"))
    assert (ours.who, "EHR" in ours.remedy) == (Who.OPERATOR, False)


@pytest.mark.parametrize(("check", "code"), SAID)
def test_every_fact_that_words_need_is_filled_in(check: Check, code: str) -> None:
    texts = " ".join(SAID[(check, code)][:2])
    facts = {name: f"<{name}>" for name in re.findall(r"\$([a-z]+)", texts)}
    said = words_of(Finding(check, Verdict.FAILED, code, facts))
    assert "$" not in f"{said.cause}{said.remedy}"
    assert all(value in f"{said.cause}{said.remedy}" for value in facts.values())


def test_a_fact_that_looks_like_a_placeholder_stays_as_it_is() -> None:
    facts = {"scopes": "$scopes ${HOME} $", "check": "no such check"}
    said = words_of(Finding(Check.SCOPES, Verdict.WARNING, "scopes_missing", facts))
    assert said.cause == "The EHR does not list: $scopes ${HOME} $"


def test_a_fact_that_is_missing_breaks_nothing() -> None:
    assert words_of(Finding(Check.WORKER, Verdict.FAILED, "silent")).cause


def test_what_was_not_examined_names_what_comes_first() -> None:
    skipped = Finding(Check.SCOPES, Verdict.SKIPPED, "rests_on", {"check": "address"})
    said = words_of(skipped)
    assert ABOUT[Check.ADDRESS].title in said.cause
    assert said.who is Who.NOBODY


def test_every_code_of_the_use_cases_has_words_of_its_own() -> None:
    worded = {code for _, code in SAID} | {"rests_on", "out_of_time"}
    assert codes_of_use_cases() - worded == set()
    assert len(codes_of_use_cases()) > 12


@pytest.mark.parametrize("check", Check)
def test_every_check_has_a_heading_in_the_runbook_that_its_anchor_leads_to(check: Check) -> None:
    page, _, anchor = words_of(Finding(check, Verdict.OK)).runbook.partition("#")
    assert page == "doctor"
    assert f'<h2 id="{anchor}">' in rendered(RUNBOOK)


@pytest.mark.parametrize(("check", "code"), SAID)
def test_every_worded_code_stands_in_the_runbook_under_its_check(check: Check, code: str) -> None:
    anchor = words_of(Finding(check, Verdict.OK)).runbook.partition("#")[2]
    section = rendered(RUNBOOK).partition(f'<h2 id="{anchor}">')[2].partition("<h2")[0]
    assert f">{code}</code>" in section


def test_a_finding_as_json_is_json_with_its_words() -> None:
    finding = Finding(Check.EHR_CLOCK, Verdict.FAILED, "clock_differs", {"seconds": "-300"})
    told = json.loads(json.dumps(finding_as_json(finding)))
    assert set(told) == {
        *("check", "verdict", "code", "facts"),
        *("title", "cause", "remedy", "who", "runbook"),
    }
    assert (told["check"], told["verdict"], told["who"]) == (
        "ehr_clock",
        "failed",
        "EHR technical contact",
    )
    assert "-300 seconds" in told["cause"]
