"""The page Your tenant and the page that points elsewhere keep the promises of all pages."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.builders.configurations import NOON, TENANT, an_admin, identity, tenant
from tests.builders.web import Site
from tests.builders.world import World
from tests.unit.web.page_reading import faults_of, read

from connector.domain.geography import Geography
from connector.domain.organization import MicrosoftIdentity

SILENT = an_admin(country="", region_scope="")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(World(tmp_path))


def page(site: Site, who: MicrosoftIdentity, path: str = "/tenant") -> str:
    return site.get(site.signed_in(site.browser(), who), path).get_data(as_text=True)


def register(site: Site, *, licence: bool = False) -> None:
    with site.world.store.write() as tx:
        tx.configurations.register_tenant(tenant())
        if licence:
            tx.configurations.confirm_licence(TENANT, "oid-licence", NOON + timedelta(days=1))


@pytest.mark.parametrize("who", [an_admin(), SILENT, identity()], ids=["admin", "silent", "reader"])
@pytest.mark.parametrize("state", ["new", "confirmed", "licensed"])
def test_the_page_keeps_its_promises(site: Site, who: MicrosoftIdentity, state: str) -> None:
    if state != "new":
        register(site, licence=state == "licensed")
    assert faults_of(page(site, who)) == []


def test_the_page_that_points_elsewhere_keeps_its_promises(site: Site) -> None:
    html = site.get(site.browser(), "/signin/microsoft/elsewhere/emea").get_data(as_text=True)
    assert faults_of(html) == []
    assert "Call the clinic" not in html


def test_what_microsoft_says_is_chosen_already(site: Site) -> None:
    html = read(page(site, an_admin()))
    assert "Americas, country US" in html.select_one("#microsoft-says").text  # type: ignore[union-attr] # or it fails
    chosen = html.select("#geography-choice option[selected]")
    assert [option["value"] for option in chosen] == ["americas"]


def test_where_microsoft_says_nothing_nothing_is_chosen(site: Site) -> None:
    html = read(page(site, SILENT))
    options = [option["value"] for option in html.select("#geography-choice option")]
    assert options == ["", *Geography]
    assert html.select("#geography-choice option[selected]") == []


def test_licences_are_asked_for_after_the_geography(site: Site) -> None:
    assert read(page(site, an_admin())).select_one("#confirm-licence") is None
    register(site)
    assert read(page(site, an_admin())).select_one("#confirm-licence") is not None


def test_whoever_was_sent_here_is_told_what_comes_first(site: Site) -> None:
    sent = site.get(site.signed_in(site.browser(), an_admin()), "/configurations/new")
    assert len(read(page(site, an_admin(), sent.location)).select(".notice")) == 1
    register(site)
    assert read(page(site, an_admin(), sent.location)).select(".notice") == []


def test_what_is_confirmed_says_who_and_when_and_is_not_asked_again(site: Site) -> None:
    register(site, licence=True)
    html = read(page(site, an_admin()))
    assert html.select("form[action^='/tenant']") == []
    assert tenant().geography_confirmed_by in html.select_one("#confirmed").text  # type: ignore[union-attr] # or it fails
    assert "oid-licence" in html.select_one("#licence-confirmed").text  # type: ignore[union-attr] # or it fails


def test_somebody_without_the_role_looks_and_is_told_which_role(site: Site) -> None:
    html = page(site, identity())
    assert "Virtual Visits Administrator" in html
    assert read(html).select("form[action^='/tenant']") == []


def test_a_stranger_signs_in_first(site: Site) -> None:
    answer = site.get(site.browser(), "/tenant")
    assert (answer.status_code, answer.location) == (302, "/signin/microsoft?next=/tenant")
