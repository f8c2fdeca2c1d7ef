"""Case 76: other sites frame the portal, send its forms, swap its logins, toss cookies into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.builders.approval_pages import (
    APPROVAL,
    ehr_answer,
    olivia_proved,
    post,
    revision_awaits,
    token_of,
)
from tests.builders.approvals import ID, OLIVIA, stored
from tests.builders.configurations import TEST_BASE, active, an_admin
from tests.builders.web import ORIGIN, Site
from tests.builders.world import World
from werkzeug.test import TestResponse

from connector.domain.configuration import RevisionState

PORTAL = "__Host-portal"
OTHER_PORTAL_PAGES = {"front.overview", "sign_in.elsewhere"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(World(tmp_path))
    revision_awaits(site, TEST_BASE)
    return site


@pytest.fixture
def admin(site: Site) -> FlaskClient:
    return site.signed_in(site.browser(), an_admin())


def signed_in(site: Site, browser: FlaskClient) -> bool:
    return 'id="sign-out"' in site.get(browser, "/").get_data(as_text=True)


def portal_cookie(browser: FlaskClient) -> str:
    cookie = browser.get_cookie(PORTAL, domain="connector.example")
    assert cookie is not None
    return cookie.value


def with_cookies(site: Site, header: str, path: str = "/") -> TestResponse:
    """A request that carries exactly this `Cookie` header."""
    bare = site.app.test_client(use_cookies=False)
    return bare.get(path, base_url=ORIGIN, headers={"Cookie": header})


def portal_paths(site: Site) -> Iterator[str]:
    """Every page of the portal that a browser can be sent to."""
    values = {"environment_id": "env-test", "revision_id": ID, "geography": "emea"}
    closed = {n for n, a in site.app.config["ACCESS"].items() if a in {"portal", "approver"}}
    for rule in site.app.url_map.iter_rules():
        of_portal = rule.endpoint.partition(".")[0] in closed or rule.endpoint in OTHER_PORTAL_PAGES
        if of_portal and "GET" in (rule.methods or set()):
            path = rule.rule
            for argument in rule.arguments:
                path = path.replace(f"<{argument}>", values.get(argument, "x"))
            yield path


# Clickjacking -----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [OLIVIA, an_admin(), None], ids=["approver", "admin", "nobody"])
def test_case_76_no_page_of_the_portal_can_be_framed(site: Site, who: object) -> None:
    browser = site.browser() if who is None else site.signed_in(site.browser(), who)  # type: ignore[arg-type] # two kinds of one column
    paths = list(portal_paths(site))
    assert {"/", "/tenant", "/configurations/new", APPROVAL} <= set(paths)
    for path in paths:
        policy = site.get(browser, path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path


def test_case_76_not_even_the_ehrs_of_visits_frame_the_portal(site: Site) -> None:
    site.world.approve(active(id="rev-live", number=9))
    site.begin(site.browser(), "provider", TEST_BASE)
    assert (
        "frame-ancestors 'none'" in site.get(site.browser(), "/").headers["Content-Security-Policy"]
    )


# Forms of other sites ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://sibling.connector.example"},
    ],
    ids=["another site", "a sibling"],
)
def test_case_76_an_approval_sent_from_another_origin_is_refused_even_with_its_token(
    site: Site, headers: dict[str, str]
) -> None:
    olivia = olivia_proved(site)
    data = {
        "csrf_token": token_of(site, olivia, APPROVAL),
        "digest": stored(site.world).digest(),
    }
    answer = olivia.post(f"{APPROVAL}/approve", base_url=ORIGIN, headers=headers, data=data)
    assert answer.status_code == 400
    assert stored(site.world).state is RevisionState.AWAITING_APPROVAL


def test_case_76_in_a_browser_that_names_no_site_the_token_stops_the_form(site: Site) -> None:
    olivia = olivia_proved(site)
    data = {"digest": stored(site.world).digest()}
    assert olivia.post(f"{APPROVAL}/approve", base_url=ORIGIN, data=data).status_code == 400
    assert stored(site.world).state is RevisionState.AWAITING_APPROVAL


def test_case_76_the_token_of_an_attackers_own_session_is_no_token_here(
    site: Site, admin: FlaskClient
) -> None:
    olivia = olivia_proved(site)
    data = {"csrf_token": token_of(site, admin, "/"), "digest": stored(site.world).digest()}
    assert olivia.post(f"{APPROVAL}/approve", base_url=ORIGIN, data=data).status_code == 400
    assert stored(site.world).state is RevisionState.AWAITING_APPROVAL


@pytest.mark.parametrize("action", ["approve", "return"])
def test_case_76_no_link_approves_or_returns(site: Site, action: str) -> None:
    assert site.get(olivia_proved(site), f"{APPROVAL}/{action}").status_code == 405


def test_case_76_another_site_signs_nobody_out(site: Site, admin: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert admin.post("/signout", base_url=ORIGIN, headers=headers).status_code == 400
    assert signed_in(site, admin)


# Logins of somebody else ------------------------------------------------------------------------


def test_case_76_an_attackers_microsoft_answer_signs_nobody_in(
    site: Site, browser: FlaskClient
) -> None:
    away = site.get(site.browser(), "/signin/microsoft")
    query = site.sign_in.sign_in(away.location, an_admin())
    answer = site.get(browser, "/signin/microsoft/callback", query_string=query)
    assert answer.status_code == 400
    assert not signed_in(site, browser)


def test_case_76_an_attackers_answer_does_not_end_a_sign_in_of_ones_own(
    site: Site, browser: FlaskClient
) -> None:
    """Login CSRF while a sign-in is under way: its cookie is of another state."""
    own = site.get(browser, "/signin/microsoft")
    attackers = site.get(site.browser(), "/signin/microsoft")
    theirs = site.sign_in.sign_in(attackers.location, an_admin())
    assert site.get(browser, "/signin/microsoft/callback", query_string=theirs).status_code == 400

    mine = site.sign_in.sign_in(own.location, OLIVIA)
    assert site.get(browser, "/signin/microsoft/callback", query_string=mine).status_code == 303
    assert OLIVIA.sign_in_name in site.get(browser, "/").get_data(as_text=True)


def test_case_76_an_attackers_ehr_answer_stamps_nothing_in_the_approvers_browser(
    site: Site,
) -> None:
    elsewhere = site.signed_in(site.browser(), OLIVIA)
    query = ehr_answer(site, elsewhere)
    olivia = site.signed_in(site.browser(), OLIVIA)
    answer = site.get(olivia, "/approvals/ehr/callback", query_string=query)
    assert answer.status_code == 400
    assert stored(site.world).ehr_signed_in_at is None


# Fixation over the two logins -------------------------------------------------------------------


def test_case_76_a_planted_session_is_not_the_one_that_gets_signed_in(
    site: Site, browser: FlaskClient
) -> None:
    with browser.session_transaction(base_url=ORIGIN) as planted:
        planted["csrf_token"] = "known-to-the-attacker"
    before = portal_cookie(browser)

    site.signed_in(browser, OLIVIA)

    assert portal_cookie(browser) != before
    with browser.session_transaction(base_url=ORIGIN) as fresh:
        assert "csrf_token" not in fresh
    page = with_cookies(site, f"{PORTAL}={before}").get_data(as_text=True)
    assert 'id="sign-in"' in page


def test_case_76_a_second_microsoft_login_ends_the_first_with_all_it_held(
    site: Site, admin: FlaskClient
) -> None:
    token = token_of(site, admin, "/")
    site.signed_in(admin, OLIVIA)
    assert an_admin().sign_in_name not in site.get(admin, "/").get_data(as_text=True)
    answer = admin.post("/signout", base_url=ORIGIN, data={"csrf_token": token})
    assert answer.status_code == 400


def test_case_76_an_ehr_login_begun_by_the_approver_is_not_ended_by_the_next_person(
    site: Site, browser: FlaskClient
) -> None:
    site.signed_in(browser, OLIVIA)
    query = ehr_answer(site, browser)
    site.signed_in(browser, an_admin())
    answer = site.get(browser, "/approvals/ehr/callback", query_string=query)
    assert answer.status_code == 403
    assert stored(site.world).ehr_signed_in_at is None


def test_case_76_the_ehr_login_changes_neither_who_is_signed_in_nor_for_how_long(
    site: Site, browser: FlaskClient
) -> None:
    site.signed_in(browser, OLIVIA)
    with browser.session_transaction(base_url=ORIGIN) as before:
        kept = {name: before[name] for name in ("who", "began_at", "vouched_at")}
    query = ehr_answer(site, browser)
    site.get(browser, "/approvals/ehr/callback", query_string=query)
    with browser.session_transaction(base_url=ORIGIN) as after:
        assert {name: after[name] for name in kept} == kept


# Cookies of a sibling site ----------------------------------------------------------------------


def test_case_76_every_cookie_is_one_no_sibling_can_set(site: Site) -> None:
    """`__Host-`: Secure, for this host only, for every path; and out of reach of scripts."""
    browser = site.browser()
    answers = [site.get(browser, "/signin/microsoft")]
    query = site.sign_in.sign_in(answers[0].location, OLIVIA)
    answers.append(site.get(browser, "/signin/microsoft/callback", query_string=query))
    answers.append(site.get(browser, f"{APPROVAL}/ehr"))
    site.world.approve(active(id="rev-live", number=9))
    answers.append(site.begin(site.browser(), "provider", TEST_BASE))

    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]

    assert len(cookies) >= 5
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-")
        assert {"secure", "httponly", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)


@pytest.mark.parametrize(
    "header",
    [
        "{name}={tossed}; {name}={own}",
        "{name}={own}; {name}={tossed}",
        "__host-portal={tossed}; {name}={own}",
    ],
    ids=["tossed first", "tossed last", "another spelling"],
)
def test_case_76_of_two_sessions_none_is_believed(
    site: Site, admin: FlaskClient, header: str
) -> None:
    tossed = portal_cookie(site.signed_in(site.browser(), OLIVIA))
    cookies = header.format(name=PORTAL, tossed=tossed, own=portal_cookie(admin))
    assert 'id="sign-in"' in with_cookies(site, cookies).get_data(as_text=True)


@pytest.mark.parametrize("name", ["portal", "session", "__Secure-portal", "\xa0__Host-portal"])
def test_case_76_a_session_under_a_name_a_sibling_can_set_is_none(site: Site, name: str) -> None:
    tossed = portal_cookie(site.signed_in(site.browser(), OLIVIA))
    assert 'id="sign-in"' in with_cookies(site, f"{name}={tossed}").get_data(as_text=True)


def test_case_76_a_tossed_sign_in_cookie_does_not_make_an_attackers_answer_ones_own(
    site: Site, browser: FlaskClient
) -> None:
    """Both the attacker's and the browser's own of the name: neither is believed."""
    away = site.get(browser, "/signin/microsoft")
    (own,) = [c.partition(";")[0] for c in away.headers.getlist("Set-Cookie")]
    query = site.sign_in.sign_in(away.location, an_admin())
    answer = site.app.test_client(use_cookies=False).get(
        "/signin/microsoft/callback",
        base_url=ORIGIN,
        query_string=query,
        headers={"Cookie": f"{own}; {own}"},
    )
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers or PORTAL not in answer.headers["Set-Cookie"]


def test_case_76_cookies_that_are_no_text_are_no_error(site: Site) -> None:
    assert with_cookies(site, "bad=\x85\xff; other=1").status_code == 200


def test_the_form_of_the_page_itself_is_accepted(site: Site) -> None:
    """What all of the above is measured against."""
    olivia = olivia_proved(site)
    digest = stored(site.world).digest()
    assert post(site, olivia, f"{APPROVAL}/approve", APPROVAL, digest=digest).status_code == 303
    assert stored(site.world).state is RevisionState.ACTIVE
