"""Two tenants agree on one FHIR base URL in the portal and launch from it (F30, cases 41 and 74)."""

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from tests.builders.approvals import OLIVIA
from tests.builders.configurations import (
    OTHER_TENANT,
    TENANT,
    TEST_BASE,
    an_admin,
    approver,
    identity,
)
from tests.builders.launches import PATIENT_USER, PROVIDER_USER
from tests.builders.sharing import (
    THIRD_TENANT,
    entered,
    guest_admin,
    guest_approver,
    offered,
    records_of,
    register,
    stranger,
)
from tests.builders.web import ORIGIN, Site
from tests.builders.world import context_of
from tests.unit.web.page_reading import faults_of
from werkzeug.test import TestResponse

from connector.domain.audit import Event
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import MicrosoftIdentity
from connector.web.probe_words import EXPLAINED, explanation


@pytest.fixture(autouse=True)
def _tenants(site: Site) -> None:
    register(site.world, OTHER_TENANT, THIRD_TENANT)


def at_the_portal(site: Site, who: MicrosoftIdentity) -> FlaskClient:
    return site.signed_in(site.browser(), who)


def post(
    site: Site, browser: FlaskClient, path: str, page: str = "/shares", **form: str
) -> TestResponse:
    """Send a form that stands on `page`."""
    stands = BeautifulSoup(site.get(browser, page).get_data(as_text=True), "html.parser")
    token = stands.select_one("input[name=csrf_token]")
    assert token is not None
    return browser.post(path, base_url=ORIGIN, data={"csrf_token": token["value"], **form})


def shares(site: Site, browser: FlaskClient) -> BeautifulSoup:
    return BeautifulSoup(site.get(browser, "/shares").get_data(as_text=True), "html.parser")


def offer(site: Site, browser: FlaskClient, guest: str = OTHER_TENANT) -> str:
    """Fill in the form; the id of the offer that stands on the page then."""
    sent = post(site, browser, "/shares", environment="env-test", tenant=guest)
    assert sent.status_code == 303
    card = shares(site, browser).select_one("article.made")
    assert card is not None
    return str(card["id"]).removeprefix("grant-")


def answer(site: Site, browser: FlaskClient, grant_id: str, word: str) -> int:
    path = f"/shares/{grant_id}/answer"
    return post(site, browser, path, answer=word).status_code


def test_two_tenants_agree_configure_approve_and_launch_each_into_their_own(site: Site) -> None:
    """The whole of E12 without a ticket: every step is somebody's click."""
    grant_id = offer(site, at_the_portal(site, an_admin()))
    guest = at_the_portal(site, guest_admin())
    assert answer(site, guest, grant_id, "accept") == 303

    _enter_and_approve(site, guest)

    theirs = records_of(site.world, _environment_of_guest(site))["patient", False]
    landed = [_patient_launch(site, record) for record in (None, theirs, "record-of-nobody")]
    assert landed == [303, 303, 409]
    assert [row["tenant_id"] for row in site.world.rows("visit")] == [TENANT, OTHER_TENANT]


def _enter_and_approve(site: Site, guest: FlaskClient) -> None:
    site.world.directory.add(OTHER_TENANT, approver())
    revision = site.world.enter_configuration(guest_admin(), entered(), "ref")
    analyst = at_the_portal(site, guest_approver())
    page = f"/approvals/{revision.id}"
    site.get(analyst, page)
    away = site.get(analyst, f"{page}/ehr")
    query = site.world.smart.sign_in(away.location, PROVIDER_USER)
    site.get(analyst, "/approvals/ehr/callback", query_string=query)
    approved = post(site, analyst, f"{page}/approve", page, digest=revision.digest())
    assert approved.status_code == 303
    assert site.get(guest, f"/configurations/{revision.environment_id}").status_code == 200


def _environment_of_guest(site: Site) -> str:
    rows = site.world.rows("ehr_environment")
    return str(next(row["id"] for row in rows if row["tenant_id"] == OTHER_TENANT))


def _patient_launch(site: Site, record_id: str | None) -> int:
    browser = site.browser()
    begun = site.begin(browser, "patient", TEST_BASE)
    named = {"recordId": record_id} if record_id else {}
    query = site.answer(begun, PATIENT_USER, context_of(LaunchKind.PATIENT) | named)
    return site.get(browser, "/launch/callback", query_string=query).status_code


def test_the_page_says_who_must_act_next_on_either_side(site: Site) -> None:
    owner, guest = at_the_portal(site, an_admin()), at_the_portal(site, guest_admin())
    grant_id = offer(site, owner)

    received = shares(site, guest).select_one("article.received")
    made = shares(site, owner).select_one("article.made")

    assert received is not None
    assert made is not None
    assert TEST_BASE in received.text
    assert TENANT in received.text
    assert "You accept or decline it." in received.text
    assert OTHER_TENANT in made.text
    assert "Their administrator accepts." in made.text
    assert received.select_one(f"#accept-{grant_id}") is not None
    assert made.select_one(f"#accept-{grant_id}") is None


def test_what_was_withdrawn_by_the_guest_is_told_to_the_owner_and_offered_again(
    site: Site,
) -> None:
    owner, guest = at_the_portal(site, an_admin()), at_the_portal(site, guest_admin())
    grant_id = offer(site, owner)
    answer(site, guest, grant_id, "accept")

    sent = post(site, guest, f"/shares/{grant_id}/withdraw")

    assert sent.status_code == 303
    assert "Withdrawn" in shares(site, owner).text
    assert offer(site, owner) != ""


def test_case_74_a_third_tenant_sees_and_changes_nothing(site: Site) -> None:
    grant_id = offered(site.world).id
    third = at_the_portal(site, stranger())

    page = shares(site, third)
    statuses = [
        answer(site, third, grant_id, "accept"),
        post(site, third, f"/shares/{grant_id}/withdraw").status_code,
        post(site, third, "/shares", environment="env-test", tenant=OTHER_TENANT).status_code,
    ]

    assert page.select("article") == []
    assert TEST_BASE not in page.text
    assert statuses == [404, 404, 404]
    refused = [r for r in site.world.rows("audit_event") if r["event"] == Event.SHARE_REFUSED]
    assert {row["tenant_id"] for row in refused} == {THIRD_TENANT}


def test_the_owner_cannot_accept_for_the_guest(site: Site) -> None:
    owner = at_the_portal(site, an_admin())
    grant_id = offer(site, owner)
    assert answer(site, owner, grant_id, "accept") == 404


def test_a_member_looks_and_finds_no_button(site: Site) -> None:
    offered(site.world)
    page = shares(site, at_the_portal(site, identity()))
    assert len(page.select("article.made")) == 1
    assert page.select("main form") == []


def test_the_approver_is_refused_the_administrators_forms(site: Site) -> None:
    browser = at_the_portal(site, OLIVIA)
    sent = post(site, browser, "/shares", environment="env-test", tenant=OTHER_TENANT)
    assert sent.status_code == 403


@pytest.mark.parametrize("guest", ["<script>alert(1)</script>", TENANT, ""])
def test_a_wrong_tenant_id_keeps_what_was_typed_and_says_why(site: Site, guest: str) -> None:
    browser = at_the_portal(site, an_admin())

    sent = post(site, browser, "/shares", environment="env-test", tenant=guest)

    page = BeautifulSoup(sent.get_data(as_text=True), "html.parser")
    field = page.select_one("#tenant")
    assert sent.status_code == 422
    assert field is not None
    assert field["value"] == guest
    assert page.select_one("#refused h2") is not None
    assert site.world.rows("share_grant") == []


def test_an_answer_that_is_none_is_a_bad_request(site: Site) -> None:
    browser = at_the_portal(site, guest_admin())
    assert answer(site, browser, offered(site.world).id, "maybe") == 400


def test_nobody_sees_shares_without_signing_in(site: Site) -> None:
    away = site.get(site.browser(), "/shares")
    assert (away.status_code, away.location) == (302, "/signin/microsoft?next=/shares")


def test_a_tenant_without_an_approved_environment_is_told_what_comes_first(site: Site) -> None:
    page = shares(site, at_the_portal(site, guest_admin()))
    assert page.select_one("#nothing-to-offer") is not None
    assert page.select_one("#none-received") is not None
    assert page.select_one("#offer-share") is None


def test_the_page_keeps_the_promises_of_every_page(site: Site) -> None:
    """With every state on it, for the one who may change things and for the one who may not."""
    world, owner, guest = site.world, an_admin(), guest_admin()
    for word in (True, False):
        world.answer_share(guest, offered(world).id, word, "ref")
        if word:
            world.withdraw_share(owner, offered(world).id, "ref")
    offered(world)
    faults = [
        faults_of(site.get(at_the_portal(site, who), "/shares").get_data(as_text=True))
        for who in (owner, guest, identity(), stranger())
    ]
    assert faults == [[]] * 4


def test_a_refused_form_keeps_them_too(site: Site) -> None:
    browser = at_the_portal(site, an_admin())
    sent = post(site, browser, "/shares", environment="env-test", tenant="x")
    assert faults_of(sent.get_data(as_text=True)) == []


@pytest.mark.parametrize("why", ["same_ehr", "host_reads_alike"])
def test_a_look_alike_address_has_words_of_its_own_and_names_nobody(why: str) -> None:
    cause, remedy = explanation(Refused(Reason.URL_LOOKS_LIKE_ANOTHER, facts={"why": why}))
    assert (cause, remedy) == EXPLAINED[why]
    assert "tenant" not in (cause + remedy).lower()
