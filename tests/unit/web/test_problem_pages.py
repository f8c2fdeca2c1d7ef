"""A page for every way something can be refused: title, cause, remedy, number, and no more."""

import pytest
from bs4 import BeautifulSoup
from flask import g
from tests.unit.web.page_reading import faults_of, read
from tests.unit.web.pages_world import ADMIN, PagesWorld

from connector.domain.errors import Reason, Refused
from connector.web.problems import refused
from connector.web.refusals import PROBLEMS

FACTS = {"code": "http_503", "host": "ehr.hospital.example"}


def problem(world: PagesWorld, path: str, err: Refused, *, signed_in: bool = False) -> str:
    with world.app.test_request_context(path, base_url="https://localhost"):
        g.who = ADMIN if signed_in else None
        g.reference = "AB12-CD34"
        return refused(err).get_data(as_text=True)


def launch_problem(world: PagesWorld, reason: Reason, **facts: str) -> BeautifulSoup:
    return read(problem(world, "/launch/provider", Refused(reason, facts=FACTS | facts)))


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_has_a_page_with_cause_remedy_and_number(
    reason: Reason, world: PagesWorld
) -> None:
    html = problem(world, "/launch/provider", Refused(reason))
    page = read(html)
    assert faults_of(html) == []
    assert page.h1.text == PROBLEMS[reason].title
    assert page.select_one("#cause").text
    assert len(page.select_one("#remedy").text) > len("Try again.")
    assert page.select_one("#reference").text == "AB12-CD34"


@pytest.mark.parametrize("reason", Reason)
def test_no_launch_problem_shows_facts_or_links_inside(reason: Reason, world: PagesWorld) -> None:
    page = launch_problem(world, reason)
    assert "ehr.hospital.example" not in page.text
    assert "http_503" not in page.text
    assert [a["href"] for a in page("a")] == ["#main"]


@pytest.mark.parametrize("path", ["/launch/patient", "/visits/x", "/signin/microsoft/callback"])
def test_whoever_is_expected_in_a_visit_is_told_to_call(path: str, world: PagesWorld) -> None:
    page = read(problem(world, path, Refused(Reason.EHR_UNREACHABLE)))
    assert "Call the clinic" in page.select_one("#by-phone").text


def test_a_spent_launch_offers_the_visit_it_opened(world: PagesWorld) -> None:
    page = launch_problem(world, Reason.LAUNCH_ALREADY_USED, visit="visit1")
    assert page.select_one("#open-visit")["href"] == "/visits/visit1"


def test_a_hostile_visit_id_stays_an_address_of_ours(world: PagesWorld) -> None:
    page = launch_problem(world, Reason.LAUNCH_ALREADY_USED, visit='//evil.example/"><b>')
    assert page.select_one("#open-visit")["href"].startswith("/visits/")
    assert page.select_one("b") is None


def test_an_administrator_sees_the_facts_and_a_way_back(world: PagesWorld) -> None:
    err = Refused(Reason.EHR_UNREACHABLE, facts=FACTS)
    page = read(problem(world, "/configurations/new", err, signed_in=True))
    assert "http_503" in page.select_one("#facts").text
    assert page.select_one("#to-overview")["href"] == "/"
    assert page.select_one("#by-phone") is None


def test_a_stranger_in_the_portal_gets_no_way_back(world: PagesWorld) -> None:
    page = read(problem(world, "/approvals/x", Refused(Reason.SIGN_IN_EXPIRED)))
    assert page.select_one("#to-overview") is None


def test_our_own_mistake_shows_its_number_only(world: PagesWorld) -> None:
    world.store.read = None  # type: ignore[method-assign,assignment] # break the store
    answer = world.client().get("/", base_url="https://localhost")
    assert answer.status_code == 500
    assert "NoneType" not in answer.text
    assert read(answer.text).select_one("#reference").text
