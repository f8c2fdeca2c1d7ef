"""E1 to E14: the catalogue, the runbook and the refusals say the same; the command refuses what it does not know."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from scripts import errors
from scripts.error_scenarios import shown
from scripts.error_scenarios.catalogue import SCENARIOS, Scenario, chosen
from scripts.error_scenarios.shown import Shown
from scripts.story.person import PageUnexpected, Person

from connector.domain.errors import Reason
from connector.web.help_pages import rendered
from connector.web.refusals import PROBLEMS
from connector.web.state_words import PATIENT_LEFT_BEHIND, PROVIDER_WORDS

NUMBERS = [f"E{number}" for number in range(1, 15)]
RUNBOOKS = Path("docs/runbooks")
TEMPLATES = Path("services/connector/web/templates")
SECTIONS = dict(
    part.partition("\n")[::2]
    for part in (RUNBOOKS / "errors.md").read_text(encoding="utf-8").split("\n## ")[1:]
)
WHOLE = Shown("Title", "Cause.", "Remedy.", "AB12-CD34")


def by_number(scenario: Scenario) -> str:
    return scenario.number


every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=by_number)


def test_every_error_of_the_product_has_one_scenario_and_one_section() -> None:
    assert [scenario.number for scenario in SCENARIOS] == NUMBERS
    assert list(SECTIONS) == NUMBERS


@every_scenario
def test_the_section_names_its_cause_remedy_command_and_where_to_look_it_up(
    scenario: Scenario,
) -> None:
    section = SECTIONS[scenario.number]
    labels = ("Why", "See it", "Remedy", "Look up")
    assert [label for label in labels if f"- **{label}:** " not in section] == []
    assert f"`make errors NAME={scenario.number}`" in section


@every_scenario
def test_the_section_quotes_the_title_of_every_page_somebody_sees(scenario: Scenario) -> None:
    section = SECTIONS[scenario.number]
    assert [title for title in scenario.titles if title not in section] == []


@every_scenario
def test_the_section_leads_to_the_row_of_every_refusal(scenario: Scenario) -> None:
    section = SECTIONS[scenario.number]
    for reason in scenario.reasons:
        assert f"`{reason}`" in section
        linked = re.findall(r"\]\((\w[\w-]*)\.md", section)
        rows = [page for page in linked if f"`{reason}`" in (RUNBOOKS / f"{page}.md").read_text()]
        assert rows, f"{scenario.number} links no page that has {reason}"


@every_scenario
def test_a_title_is_the_connectors_own(scenario: Scenario) -> None:
    """Of the refusals' table, of the words of a visit, of a template, or of the runbook it serves."""
    refusals = {PROBLEMS[Reason(reason)].title for reason in scenario.reasons}
    visits = {words.title for words in (*PROVIDER_WORDS.values(), PATIENT_LEFT_BEHIND)}
    words = Path("services/connector/web/readiness_words.py").read_text()
    pages = "".join(page.read_text() for page in TEMPLATES.glob("*.html")) + words
    others = set(scenario.titles) - refusals - visits
    assert refusals <= set(scenario.titles)
    assert [
        t for t in others if t not in pages and f"**{t}**" not in SECTIONS[scenario.number]
    ] == []


@pytest.mark.parametrize("page", ["errors", "devices"])
def test_every_section_the_page_leads_to_is_served_with_that_anchor(page: str) -> None:
    links = re.findall(r"\]\((?:([\w-]+)\.md)?#([\w-]+)\)", (RUNBOOKS / f"{page}.md").read_text())
    served = {name: rendered((RUNBOOKS / f"{name or page}.md").read_text()) for name, _ in links}
    assert links
    assert [anchor for name, anchor in links if f'id="{anchor}"' not in served[name]] == []


def test_one_scenario_is_chosen_by_its_number_in_any_case() -> None:
    assert [s.number for s in chosen(["e11", "E2"])] == ["E2", "E11"]


def test_all_are_chosen_when_none_is_named() -> None:
    assert chosen([]) == list(SCENARIOS)


@pytest.mark.parametrize("unknown", ["E0", "E15", "4", "E1 ", ""])
def test_an_unknown_number_ends_the_command_before_anything_is_started(
    unknown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert errors.main([unknown]) == 2
    assert "--list" in capsys.readouterr().out


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert errors.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == NUMBERS


def test_a_whole_explanation_lacks_nothing() -> None:
    assert WHOLE.incomplete() == []


@pytest.mark.parametrize(
    ("seen", "missing"),
    [
        (Shown("", "Cause.", "Remedy.", "AB12-CD34"), ["title"]),
        (Shown("Title", "", "Remedy.", "AB12-CD34"), ["cause"]),
        (Shown("Title", "Cause.", "", "AB12-CD34"), ["remedy"]),
        (Shown("Title", "Cause.", "Remedy.", ""), ["reference"]),
        (Shown("Title", "Cause.", "Remedy.", "ab12-cd34"), ["reference"]),
        (Shown("Title", "Cause.", "Remedy.", "AB12-CD345"), ["reference"]),
        (Shown("", "", "", ""), ["title", "cause", "remedy", "reference"]),
    ],
)
def test_what_an_explanation_lacks_is_named(seen: Shown, missing: list[str]) -> None:
    assert seen.incomplete() == missing


def reader_of(html: str) -> Person:
    person = Person(Path("no-authority.pem"))
    person.browser.open_fake_page(html, "https://localhost/page")
    return person


FORM = """<div id="problems"><h2>It is refused</h2><ul><li>FHIR base URL: Nothing answers. Ask them.</li></ul>
<p>Reference number <span id="reference">AB12-CD34</span> <a href="/help/launch#ehr_denied">Why</a>
<a href="/help/launch#ehr_denied">Again</a> <a href="/help">All</a> <a href="https://other.example/#x">Out</a></p></div>"""


def test_a_refused_form_tells_cause_and_remedy_of_its_field() -> None:
    told = shown.refused_form(reader_of(FORM))
    leads_to = ("https://localhost/help/launch#ehr_denied",)
    assert told == Shown("It is refused", "Nothing answers", "Ask them.", "AB12-CD34", leads_to)


@pytest.mark.parametrize(
    "read",
    [
        shown.problem_page,
        shown.refused_form,
        shown.visit_page,
        lambda person: shown.different_record(person, "recordId"),
        lambda person: shown.missing_point(person, "licence_confirmed"),
        lambda person: shown.notice(person, "needs-teams"),
        lambda person: shown.runbook_section(person, "e4"),
    ],
)
def test_another_page_than_expected_is_named_with_its_address(
    read: Callable[[Person], Shown],
) -> None:
    with pytest.raises(PageUnexpected, match="localhost/page"):
        read(reader_of("<h1>Something else</h1>"))


def test_a_point_that_is_ready_is_not_read_as_missing() -> None:
    ready = '<li data-readiness="licence_confirmed" data-ready="yes"><h3>Licences</h3><p>x</p></li>'
    with pytest.raises(PageUnexpected, match="licence_confirmed"):
        shown.missing_point(reader_of(ready), "licence_confirmed")
