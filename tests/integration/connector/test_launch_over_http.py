"""Launches as a browser makes them: cookies, redirects, pages. ehr.md C01-C16, cases 1-25."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from tests.builders.configurations import OTHER_TENANT, TENANT, TEST_BASE, endpoints
from tests.builders.launches import PATIENT_USER, PROVIDER_OBJECT_ID, PROVIDER_USER, appointment
from tests.builders.web import ORIGIN, Site
from tests.builders.world import context_of
from werkzeug.test import TestResponse

from connector.domain.launch import EhrUser, LaunchKind
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import BadAnswer, Denied, TryLater, Untrusted

CLINICIAN = MicrosoftIdentity(
    TENANT, PROVIDER_OBJECT_ID, "adam@contoso.example", frozenset(), is_guest=False
)
PROVIDER, PATIENT = LaunchKind.PROVIDER, LaunchKind.PATIENT
USERS = {PROVIDER: PROVIDER_USER, PATIENT: PATIENT_USER}


def come_back(
    site: Site,
    browser: FlaskClient,
    kind: LaunchKind = PROVIDER,
    user: EhrUser | None = None,
    **more: str,
) -> TestResponse:
    """Press the EHR's button and sign in there; the connector's answer to the callback."""
    begun = site.begin(browser, kind.value, TEST_BASE)
    query = site.answer(begun, user or USERS[kind], context_of(kind) | more)
    return site.get(browser, "/launch/callback", query_string=query)


def with_microsoft(
    site: Site, browser: FlaskClient, away: TestResponse, who: MicrosoftIdentity = CLINICIAN
) -> TestResponse:
    query = site.sign_in.sign_in(away.location, who)
    back = site.get(browser, "/signin/microsoft/callback", query_string=query)
    return site.get(browser, back.location)


def linked(site: Site, browser: FlaskClient) -> None:
    with_microsoft(site, browser, come_back(site, browser))


def refused(site: Site, answer: TestResponse, status: int, reason: str) -> None:
    """The right status, what to do, a reference that stands in the audit trail, no stack trace."""
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert "Traceback" not in page
    lines = [row for row in site.world.rows("audit_event") if row["outcome"] == "refused"]
    assert lines[-1]["reference"] in page
    assert f'"{reason}"' in lines[-1]["facts"]


def test_c04_the_authorize_request_carries_pkce_audience_launch_and_a_short_state(
    site: Site, browser: FlaskClient
) -> None:
    begun = site.begin(browser, "provider", TEST_BASE, launch="launch-token-1")
    asked = {k: v[0] for k, v in parse_qs(urlsplit(begun.location).query).items()}
    assert begun.location.startswith(endpoints().authorization_endpoint + "?")
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["aud"] == TEST_BASE
    assert asked["launch"] == "launch-token-1"
    assert len(asked["state"]) <= 64


def test_c05_a_request_too_long_for_a_query_is_posted_on_where_the_ehr_takes_posts(
    site: Site, browser: FlaskClient
) -> None:
    from tests.builders.configurations import active

    posting = active(id="rev-2", number=2, endpoints=endpoints(authorize_by_post=True))
    site.world.approve(posting)
    page = site.begin(browser, "provider", TEST_BASE, launch="x" * 3000)
    assert page.status_code == 200
    assert f'action="{endpoints().authorization_endpoint}"' in page.get_data(as_text=True)
    # Chromium holds the redirects after a form against form-action: they end in Teams.
    assert "form-action 'self' https:;" in page.headers["Content-Security-Policy"]


def test_c14_the_transaction_cookie_is_partitioned_sealed_and_for_this_host_only(
    site: Site, browser: FlaskClient
) -> None:
    begun = site.begin(browser, "provider", TEST_BASE)
    (cookie,) = begun.headers.getlist("Set-Cookie")
    state = parse_qs(urlsplit(begun.location).query)["state"][0]
    assert cookie.startswith("__Host-launch-")
    for attribute in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert attribute in cookie
    assert state not in cookie


def test_c14_only_the_ehr_of_the_launch_may_frame_it(site: Site, browser: FlaskClient) -> None:
    policy = site.begin(browser, "provider", TEST_BASE).headers["Content-Security-Policy"]
    assert "frame-ancestors https://ehr.contoso.example" in policy
    portal = site.get(browser, "/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in portal


def test_case_24_no_launch_address_is_cached_or_referred(site: Site, browser: FlaskClient) -> None:
    for answer in (site.begin(browser, "provider", TEST_BASE), come_back(site, browser, PATIENT)):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/launch/provider"),
        ("GET", "/launch/callback?state=x"),
        ("GET", "/"),
        ("GET", "/nowhere"),
        ("GET", "/healthz"),
        ("GET", "/.well-known/jwks.json"),
        ("POST", "/graph/notifications?validationToken=abc"),
    ],
)
def test_every_answer_says_once_how_it_is_to_be_treated(
    site: Site, browser: FlaskClient, method: str, path: str
) -> None:
    """Two of a kind may be read either way (ASVS 3.4)."""
    headers = browser.open(path, base_url=ORIGIN, method=method).headers
    for name in (
        "Cache-Control",
        "Content-Security-Policy",
        "Referrer-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
    ):
        assert len(headers.getlist(name)) == 1


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example/api/FHIR/R4",
        TEST_BASE.replace("tst", "prd"),
        TEST_BASE.upper(),
        TEST_BASE.replace("https://", "https://good@"),
        TEST_BASE.replace("/api", ":443/api"),
        TEST_BASE.replace("/R4", "/%52%34"),
        TEST_BASE + "//",
        TEST_BASE + "?x=1",
        "http" + TEST_BASE.removeprefix("https"),
    ],
)
def test_c01_case_04_05_an_unknown_or_look_alike_issuer_is_refused_before_anything_is_sent(
    issuer: str, site: Site, browser: FlaskClient
) -> None:
    answer = site.begin(browser, "provider", issuer)
    refused(site, answer, 400, "issuer_unknown")
    assert site.world.smart.calls == []
    assert not answer.headers.getlist("Set-Cookie")


@pytest.mark.parametrize("query", [{"iss": TEST_BASE}, {"launch": "l"}, {}])
def test_an_address_opened_by_hand_says_where_visits_begin(
    query: dict[str, str], site: Site, browser: FlaskClient
) -> None:
    answer = site.get(browser, "/launch/provider", query_string=query)
    refused(site, answer, 400, "launch_parameter_missing")


def test_a_first_provider_launch_signs_in_once_and_lands_in_teams(
    site: Site, browser: FlaskClient
) -> None:
    landed = with_microsoft(site, browser, come_back(site, browser))
    assert landed.status_code == 303
    assert landed.location == "https://teams.example/l/meetup-join/1"


def test_a_second_provider_launch_in_another_browser_asks_microsoft_nothing(
    site: Site, browser: FlaskClient
) -> None:
    linked(site, browser)
    landed = come_back(site, site.browser())
    assert landed.location == "https://teams.example/l/meetup-join/1"
    assert len(site.sign_in.begun) == 1


def test_visit_status_leads_to_the_live_page_and_not_into_teams(
    site: Site, browser: FlaskClient
) -> None:
    linked(site, browser)
    shown = come_back(site, browser, intent="visit-status")
    assert shown.location == f"/visits/{site.world.visit().id}"
    assert site.get(browser, shown.location).status_code == 200


def test_a_patient_first_waits_and_goes_on_when_the_meeting_exists(
    site: Site, browser: FlaskClient
) -> None:
    waiting = come_back(site, browser, PATIENT)
    visit_id = site.world.visit().id
    assert waiting.location == f"/visits/{visit_id}/wait"
    assert site.get(browser, f"/visits/{visit_id}/status").get_json()["can_join"] is False
    linked(site, site.browser())
    assert site.get(browser, f"/visits/{visit_id}/status").get_json()["can_join"] is True
    joined = site.get(browser, f"/visits/{visit_id}/join")
    assert joined.location == "https://visit.teams.example/route?meeting=1"


def test_c02_case_02_a_callback_without_state_is_refused(site: Site, browser: FlaskClient) -> None:
    refused(site, site.get(browser, "/launch/callback?code=c"), 400, "state_missing")


def test_c02_case_02_a_callback_in_another_browser_is_refused_without_a_token_call(
    site: Site, browser: FlaskClient
) -> None:
    begun = site.begin(browser, "provider", TEST_BASE)
    query = site.answer(begun, PROVIDER_USER, context_of(PROVIDER))
    answer = site.get(site.browser(), "/launch/callback", query_string=query)
    refused(site, answer, 400, "state_foreign")
    assert "redeem_code" not in [method for method, _ in site.world.smart.calls]


def test_c02_case_03_the_back_button_after_a_launch_offers_the_open_visit(
    site: Site, browser: FlaskClient
) -> None:
    linked(site, browser)
    begun = site.begin(browser, "provider", TEST_BASE)
    query = site.answer(begun, PROVIDER_USER, context_of(PROVIDER))
    site.get(browser, "/launch/callback", query_string=query)
    again = site.get(browser, "/launch/callback", query_string=query)
    refused(site, again, 409, "launch_already_used")
    assert f"/visits/{site.world.visit().id}" in again.get_data(as_text=True)
    assert len(site.world.meetings.made) == 1


@pytest.mark.parametrize("place", ["iframe", "frame", "object"])
def test_case_25_a_framed_launch_opens_a_window_of_its_own_and_never_loops(
    place: str, site: Site, browser: FlaskClient
) -> None:
    query = {"iss": TEST_BASE, "launch": "l1"}
    framed = site.get(
        browser, "/launch/patient", query_string=query, headers={"Sec-Fetch-Dest": place}
    )
    page = framed.get_data(as_text=True)
    assert framed.status_code == 200
    assert 'id="open-window"' in page
    assert 'target="_blank"' in page
    assert (
        "frame-ancestors https://ehr.contoso.example" in framed.headers["Content-Security-Policy"]
    )
    assert not framed.headers.getlist("Set-Cookie")


def test_a_framed_refusal_can_be_read_in_the_ehr(site: Site, browser: FlaskClient) -> None:
    begun = site.begin(browser, "provider", TEST_BASE)
    query = site.answer(begun, PROVIDER_USER, context_of(PROVIDER) | {"environment": "production"})
    answer = site.get(browser, "/launch/callback", query_string=query)
    assert answer.status_code == 409
    assert (
        "frame-ancestors https://ehr.contoso.example" in answer.headers["Content-Security-Policy"]
    )


def test_a_browser_keeps_the_passes_of_its_ten_newest_visits(
    site: Site, browser: FlaskClient
) -> None:
    """Cookies grow the header of every request; a server refuses it when it is too long."""
    for number in range(13):
        site.world.book(appointment(appointment_id=f"a{number}", conference_id=f"20000{number}"))
        site.world.clock.advance(timedelta(seconds=1))
        come_back(site, browser, PATIENT, appointment=f"a{number}", sessionId=f"20000{number}")
    visits = [row["id"] for row in site.world.rows("visit")]
    opened = [v for v in visits if site.get(browser, f"/visits/{v}/wait").status_code == 200]
    assert opened == visits[-10:]


def test_case_20_a_launch_older_than_ten_minutes_is_refused(
    site: Site, browser: FlaskClient
) -> None:
    begun = site.begin(browser, "provider", TEST_BASE)
    query = site.answer(begun, PROVIDER_USER, context_of(PROVIDER))
    site.world.clock.advance(timedelta(minutes=11))
    answer = site.get(browser, "/launch/callback", query_string=query)
    refused(site, answer, 400, "launch_expired")


def test_c03_case_07_an_answer_of_another_ehr_is_refused_without_a_token_call(
    site: Site, browser: FlaskClient
) -> None:
    begun = site.begin(browser, "provider", TEST_BASE)
    query = site.answer(begun, PROVIDER_USER, context_of(PROVIDER))
    query["iss"] = "https://other-ehr.example/oauth2"
    answer = site.get(browser, "/launch/callback", query_string=query)
    refused(site, answer, 400, "issuer_mixed_up")
    assert "redeem_code" not in [method for method, _ in site.world.smart.calls]


def test_c13_case_22_html_in_an_ehr_error_is_neither_shown_nor_kept(
    site: Site, browser: FlaskClient
) -> None:
    begun = site.begin(browser, "provider", TEST_BASE)
    asked = parse_qs(urlsplit(begun.location).query)
    query = {
        "state": asked["state"][0],
        "iss": endpoints().issuer,
        "error": "access_denied",
        "error_description": "<script>alert(1)</script>",
    }
    answer = site.get(browser, "/launch/callback", query_string=query)
    refused(site, answer, 403, "ehr_denied")
    assert "alert(1)" not in answer.get_data(as_text=True)
    assert b"alert(1)" not in site.world.stored_bytes()


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (TryLater("timeout", host="ehr.example", maybe_done=True), 503, "ehr_unreachable"),
        (TryLater("http_503", retry_after_seconds=7, maybe_done=True), 503, "ehr_unreachable"),
        (Denied("invalid_client"), 502, "ehr_refused_client"),
        (Denied("invalid_grant"), 403, "ehr_denied"),
        (BadAnswer("too_large"), 502, "ehr_answer_invalid"),
        (BadAnswer("duplicate_key"), 502, "ehr_answer_invalid"),
    ],
)
def test_case_09_to_13_a_failing_token_endpoint_leaves_nothing_half_written(
    fault: Exception, status: int, reason: str, site: Site, browser: FlaskClient
) -> None:
    site.world.smart.faults.fail("redeem_code", fault)
    refused(site, come_back(site, browser), status, reason)
    assert site.world.rows("visit") == []
    assert site.world.rows("redeemed_launch") == []


@pytest.mark.parametrize("code", ["alg", "aud", "exp", "nonce", "signature", "kid"])
def test_case_16_17_an_id_token_that_does_not_verify_is_refused(
    code: str, site: Site, browser: FlaskClient
) -> None:
    site.world.smart.faults.fail("verify_id_token", Untrusted(code))
    refused(site, come_back(site, browser), 403, "id_token_invalid")
    assert site.world.rows("visit") == []


def test_case_06_a_production_record_in_the_test_ehr_is_named(
    site: Site, browser: FlaskClient
) -> None:
    answer = come_back(site, browser, environment="production")
    refused(site, answer, 409, "environment_mismatch")


def test_c10_a_clinician_at_the_patients_door_is_refused(site: Site, browser: FlaskClient) -> None:
    answer = come_back(site, browser, PATIENT, user=PROVIDER_USER)
    refused(site, answer, 403, "wrong_kind_of_user")


def test_c09_a_launch_that_names_no_appointment_is_not_guessed(
    site: Site, browser: FlaskClient
) -> None:
    answer = come_back(site, browser, appointment="", sessionId="")
    refused(site, answer, 400, "appointment_missing")


def test_c11_a_missing_scope_is_named(site: Site, browser: FlaskClient) -> None:
    site.world.appointments.faults.fail("read", Denied("insufficient_scope"))
    refused(site, come_back(site, browser), 403, "permission_missing")


def test_a_cancelled_appointment_opens_no_visit(site: Site, browser: FlaskClient) -> None:
    site.world.book(appointment(status="cancelled"))
    refused(site, come_back(site, browser), 409, "appointment_cancelled")
    assert site.world.rows("visit") == []


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (TryLater("http_429", retry_after_seconds=120), 503, "microsoft_unreachable"),
        (Denied("application_access_policy"), 503, "meeting_policy_missing"),
        (Denied("Authorization_RequestDenied"), 502, "meeting_refused"),
    ],
)
def test_graph_in_trouble_is_a_page_and_the_launch_can_be_repeated(
    fault: Exception, status: int, reason: str, site: Site, browser: FlaskClient
) -> None:
    away = come_back(site, browser)
    site.world.meetings.faults.fail("create_or_get", fault)
    refused(site, with_microsoft(site, browser, away), status, reason)
    assert come_back(site, browser).location == "https://teams.example/l/meetup-join/1"


def test_a_guest_account_is_not_linked(site: Site, browser: FlaskClient) -> None:
    guest = MicrosoftIdentity(TENANT, "guest", "g@x.example", frozenset(), is_guest=True)
    answer = with_microsoft(site, browser, come_back(site, browser), guest)
    refused(site, answer, 403, "account_is_guest")
    assert site.world.rows("ehr_user_link") == []


def test_an_account_of_another_tenant_is_not_linked(site: Site, browser: FlaskClient) -> None:
    away = come_back(site, browser)
    foreign = MicrosoftIdentity(
        OTHER_TENANT, "x", "x@fabrikam.example", frozenset(), is_guest=False
    )
    query = site.sign_in.sign_in(away.location, foreign)
    answer = site.get(browser, "/signin/microsoft/callback", query_string=query)
    assert answer.status_code == 403
    assert site.world.rows("ehr_user_link") == []


def test_a_launchs_sign_in_begins_no_portal_session(site: Site, browser: FlaskClient) -> None:
    """On a shared workstation the next person must not find themselves in the portal."""
    linked(site, browser)
    assert 'id="sign-in"' in site.get(browser, "/").get_data(as_text=True)


def test_a_pending_launch_is_worthless_after_ten_minutes(site: Site, browser: FlaskClient) -> None:
    away = come_back(site, browser)
    query = site.sign_in.sign_in(away.location, CLINICIAN)
    back = site.get(browser, "/signin/microsoft/callback", query_string=query)
    site.world.clock.advance(timedelta(minutes=11))
    refused(site, site.get(browser, back.location), 400, "sign_in_expired")
    assert site.world.rows("ehr_user_link") == []


def test_a_sign_in_made_for_the_portal_completes_no_pending_launch(
    site: Site, browser: FlaskClient
) -> None:
    """A link always follows a sign-in made for it."""
    away = come_back(site, browser)
    pending = parse_qs(urlsplit(away.location).query)
    assert pending
    site.signed_in(browser, CLINICIAN)
    site.get(browser, "/")
    answer = site.get(browser, f"/launch/signed-in?launch={_launch_of(away)}")
    refused(site, answer, 400, "sign_in_expired")
    assert site.world.rows("ehr_user_link") == []


def test_a_sign_in_made_for_one_launch_completes_no_other(site: Site, browser: FlaskClient) -> None:
    """Its cookie under the other launch's name is the first launch's all the same."""
    first, second = (come_back(site, browser) for _ in range(2))
    query = site.sign_in.sign_in(first.location, CLINICIAN)
    site.get(browser, "/signin/microsoft/callback", query_string=query)
    mine, other = (_launch_of(away) for away in (first, second))
    kept = browser.get_cookie(f"__Host-identity-{mine}", domain="connector.example")
    assert kept is not None
    browser.set_cookie(
        f"__Host-identity-{other}", kept.value, domain="connector.example", secure=True
    )

    answer = site.get(browser, f"/launch/signed-in?launch={other}")

    refused(site, answer, 400, "sign_in_expired")
    assert site.world.rows("ehr_user_link") == []


def _launch_of(away: TestResponse) -> str:
    cookie = next(c for c in away.headers.getlist("Set-Cookie") if "pending" in c)
    return cookie.partition("=")[0].rpartition("-")[2]


@pytest.mark.parametrize("path", ["", "/wait", "/status", "/join"])
def test_case_61_a_visit_is_closed_to_a_browser_that_did_not_launch_it(
    path: str, site: Site, browser: FlaskClient
) -> None:
    linked(site, browser)
    answer = site.get(site.browser(), f"/visits/{site.world.visit().id}{path}")
    refused(site, answer, 404, "visit_unknown")


def test_case_61_the_pass_of_one_visit_opens_no_other(site: Site, browser: FlaskClient) -> None:
    come_back(site, browser, PATIENT)
    mine = site.world.visit().id
    name = f"__Host-visit-{mine[-16:]}"
    kept = browser.get_cookie(name, domain="connector.example")
    assert kept is not None
    other = "another-visit-id-0001"
    browser.set_cookie(
        f"__Host-visit-{other[-16:]}", kept.value, domain="connector.example", secure=True
    )
    refused(site, site.get(browser, f"/visits/{other}"), 404, "visit_unknown")


def test_a_body_larger_than_a_form_is_refused(site: Site, browser: FlaskClient) -> None:
    answer = browser.post(
        "/signout", base_url="https://connector.example", data={"x": "y" * 200_000}
    )
    assert answer.status_code == 413


def test_nothing_of_a_person_stands_in_the_database_after_launches(
    site: Site, browser: FlaskClient
) -> None:
    """C16: the context of the token response is full of names; none is kept."""
    from tests.builders.canaries import CANARIES

    linked(site, browser)
    come_back(site, site.browser(), PATIENT)
    stored = site.world.stored_bytes()
    assert [word for word in CANARIES if word.encode() in stored] == []
    assert b"200001234" not in stored, "the conference id is sealed"
    assert b"ePatient1" not in stored, "the patient's FHIR id is sealed"
