"""Device code: RFC 8628 and https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code."""

from typing import Any

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ADMIN,
    API_SCOPE,
    CHALLENGE,
    COMMAND_LINE,
    CONNECTOR,
    CONTOSO,
    DISABLED,
    FABRIKAM,
    FABRIKAM_ADMIN,
    PIPELINE,
    SECRET,
    URL,
    Desk,
    page,
)
from werkzeug.test import TestResponse


def refusal(answer: TestResponse) -> tuple[int, str, int]:
    document = answer.get_json()
    return answer.status_code, document["error"], document["error_codes"][0]


PENDING = (400, "authorization_pending", 70016)
UNKNOWN = (400, "bad_verification_code", 70018)


@pytest.fixture
def asked(desk: Desk) -> dict[str, Any]:
    document: dict[str, Any] = desk.device_code().get_json()
    return document


def advance(desk: Desk, seconds: float) -> None:
    assert desk.sim("POST", "clock", {"advance_seconds": seconds}).status_code == 200


def test_the_answer_has_what_the_application_shows_and_polls_with(desk: Desk) -> None:
    """RFC 8628 3.2; Entra sends no verification_uri_complete."""
    answer = desk.device_code()
    document = answer.get_json()
    assert set(document) == {
        "user_code",
        "device_code",
        "verification_uri",
        "expires_in",
        "interval",
        "message",
    }
    assert (document["expires_in"], document["interval"]) == (900, 5)
    assert document["verification_uri"] == f"{URL}/devicelogin"
    assert document["user_code"] in document["message"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_discovery_names_the_endpoint(desk: Desk) -> None:
    """RFC 8628 4"""
    document = desk.browser.get(f"/{CONTOSO}/v2.0/.well-known/openid-configuration").get_json()
    assert document["device_authorization_endpoint"] == f"{URL}/{CONTOSO}/oauth2/v2.0/devicecode"
    assert "urn:ietf:params:oauth:grant-type:device_code" in document["grant_types_supported"]


@pytest.mark.parametrize(
    ("segment", "changes", "expected"),
    [
        ("organizations", {"client_id": "unknown"}, (400, "unauthorized_client", 700016)),
        ("organizations", {"client_id": ""}, (400, "unauthorized_client", 700016)),
        ("organizations", {"scope": ""}, (400, "invalid_request", 90014)),
        ("nobody.example", {}, (400, "invalid_request", 90002)),
        ("organizations", {"scope": "api://unknown/Read"}, (400, "invalid_resource", 500011)),
        (
            "organizations",
            {"scope": f"api://{CONNECTOR}/Configuration.Burn"},
            (400, "invalid_client", 650053),
        ),
        ("organizations", {"scope": f"{API_SCOPE} User.Read"}, (400, "invalid_request", 28000)),
        (
            "organizations",
            {"scope": f"api://{CONNECTOR}/.default {API_SCOPE}"},
            (400, "invalid_scope", 70011),
        ),
    ],
)
def test_a_wrong_request_for_a_code_is_refused(
    desk: Desk, segment: str, changes: dict[str, str], expected: tuple[int, str, int]
) -> None:
    assert refusal(desk.device_code(segment, **changes)) == expected


def test_a_person_who_goes_on_lets_the_application_have_tokens(
    desk: Desk, asked: dict[str, Any]
) -> None:
    assert "You have signed in" in desk.enter(asked["user_code"]).text
    tokens = desk.poll(asked).get_json()
    claims = desk.claims(tokens["access_token"], audience=CONNECTOR)
    assert (claims["oid"], claims["scp"], claims["azp"]) == (
        ADMIN,
        "Configuration.ReadWrite",
        COMMAND_LINE,
    )
    assert desk.claims(tokens["id_token"], audience=COMMAND_LINE)["oid"] == ADMIN
    assert API_SCOPE in tokens["scope"].split()


def test_without_openid_there_is_no_id_token(desk: Desk) -> None:
    asked = desk.device_code(scope=API_SCOPE).get_json()
    desk.enter(asked["user_code"])
    assert "id_token" not in desk.poll(asked).get_json()


@pytest.mark.parametrize("spelling", ["{}", " {} ", "lower", "dashed"])
def test_a_code_is_taken_however_it_is_typed(
    desk: Desk, asked: dict[str, Any], spelling: str
) -> None:
    """RFC 8628 6.1"""
    code = asked["user_code"]
    typed = {"lower": code.lower(), "dashed": f"{code[:4]}-{code[4:]}"}.get(
        spelling, spelling.format(code)
    )
    assert "You have signed in" in desk.enter(typed).text


def test_before_the_person_decides_the_sign_in_is_pending(
    desk: Desk, asked: dict[str, Any]
) -> None:
    """RFC 8628 3.5"""
    assert refusal(desk.poll(asked)) == PENDING
    advance(desk, 5)
    assert refusal(desk.poll(asked)) == PENDING


def test_a_client_that_polls_too_often_is_slowed_down_for_good(
    desk: Desk, asked: dict[str, Any]
) -> None:
    """RFC 8628 3.5: the interval grows by five seconds."""
    assert refusal(desk.poll(asked)) == PENDING
    advance(desk, 1)
    assert refusal(desk.poll(asked)) == (400, "slow_down", 70016)
    advance(desk, 6)
    assert refusal(desk.poll(asked)) == (400, "slow_down", 70016)
    advance(desk, 15)
    assert refusal(desk.poll(asked)) == PENDING


def test_a_code_expires_after_fifteen_minutes(desk: Desk, asked: dict[str, Any]) -> None:
    advance(desk, 901)
    assert refusal(desk.poll(asked)) == (400, "expired_token", 70020)
    assert "AADSTS70020" in desk.enter(asked["user_code"]).text


def test_a_sign_in_that_was_not_fetched_in_time_is_lost(desk: Desk, asked: dict[str, Any]) -> None:
    desk.enter(asked["user_code"])
    advance(desk, 901)
    assert refusal(desk.poll(asked)) == (400, "expired_token", 70020)


@pytest.mark.parametrize("decision", [{"cancel": "1"}])
def test_a_person_who_cancels_declines(
    desk: Desk, asked: dict[str, Any], decision: dict[str, str]
) -> None:
    assert "You declined" in desk.enter(asked["user_code"], decision=decision).text
    assert refusal(desk.poll(asked)) == (400, "authorization_declined", 65004)


def test_a_device_code_works_once(desk: Desk, asked: dict[str, Any]) -> None:
    desk.enter(asked["user_code"])
    assert desk.poll(asked).status_code == 200
    assert refusal(desk.poll(asked)) == (400, "invalid_grant", 54005)


def test_a_user_code_works_once(desk: Desk, asked: dict[str, Any]) -> None:
    desk.enter(asked["user_code"])
    assert "AADSTS70018" in desk.enter(asked["user_code"], ADAM).text


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"device_code": "invented"}, UNKNOWN),
        ({"device_code": ""}, UNKNOWN),
        ({"client_id": PIPELINE, "client_secret": SECRET}, UNKNOWN),
        ({"client_id": "unknown"}, (400, "unauthorized_client", 700016)),
        ({"client_secret": "anything"}, (401, "invalid_client", 700025)),
    ],
)
def test_a_wrong_poll_is_refused(
    desk: Desk, asked: dict[str, Any], form: dict[str, str], expected: tuple[int, str, int]
) -> None:
    desk.enter(asked["user_code"])
    assert refusal(desk.poll(asked, **form)) == expected


def test_a_confidential_client_may_not_use_a_code_without_its_credential(desk: Desk) -> None:
    """AADSTS7000218: "allow public client flows" is off; Entra says so at the token endpoint only."""
    asked = desk.device_code(client_id=CONNECTOR).get_json()
    desk.enter(asked["user_code"])
    assert refusal(desk.poll(asked, client_id=CONNECTOR)) == (401, "invalid_client", 7000218)


def test_a_person_of_another_tenant_cannot_use_a_tenants_code(desk: Desk) -> None:
    asked = desk.device_code(CONTOSO).get_json()
    assert "AADSTS50020" in desk.enter(asked["user_code"], FABRIKAM_ADMIN).text
    assert refusal(desk.poll(asked, CONTOSO)) == PENDING


def test_tokens_are_not_given_at_the_authority_of_another_tenant(
    desk: Desk, asked: dict[str, Any]
) -> None:
    desk.enter(asked["user_code"])
    assert refusal(desk.poll(asked, FABRIKAM)) == (400, "access_denied", 50020)


def test_a_disabled_person_cannot_enter_a_code(desk: Desk, asked: dict[str, Any]) -> None:
    assert "AADSTS50057" in desk.enter(asked["user_code"], DISABLED).text
    assert refusal(desk.poll(asked)) == PENDING


def test_a_person_disabled_before_the_tokens_are_fetched_gets_none(
    desk: Desk, asked: dict[str, Any]
) -> None:
    """What reliability.md 47 needs: the account goes away in the middle of a flow."""
    desk.enter(asked["user_code"])
    desk.sim("POST", f"people/{ADMIN}", {"enabled": False})
    assert refusal(desk.poll(asked)) == (400, "invalid_grant", 50057)


def test_the_page_names_the_application_and_warns(desk: Desk, asked: dict[str, Any]) -> None:
    browser = desk.new_browser()
    entered = browser.post("/devicelogin", data={"user_code": asked["user_code"]})
    browser.post(entered.location, data={"account": ADMIN})
    shown = page(browser.get(entered.location))
    assert shown.h1 is not None
    assert shown.h1.text == "Are you trying to sign in to Connector command line?"
    assert shown.select_one("button#continue")
    assert "admin@contoso-health.example" in shown.text


def test_another_account_can_be_picked(desk: Desk, asked: dict[str, Any]) -> None:
    browser = desk.new_browser()
    entered = browser.post("/devicelogin", data={"user_code": asked["user_code"]})
    browser.post(entered.location, data={"account": ADMIN})
    assert "Pick an account" in browser.get(f"{entered.location}?switch=1").text


def test_going_on_without_signing_in_asks_who_it_is(desk: Desk, asked: dict[str, Any]) -> None:
    path = f"/devicelogin/{asked['user_code']}"
    answer = desk.new_browser().post(path, data={"decision": "continue"})
    assert "Pick an account" in answer.text
    assert refusal(desk.poll(asked)) == PENDING


@pytest.mark.parametrize("typed", ["", "WRONGCODE", "<script>"])
def test_a_code_nobody_gave_out_is_refused_with_the_form_again(desk: Desk, typed: str) -> None:
    answer = desk.enter(typed)
    assert answer.status_code == 400
    problem = page(answer).select_one("#problem[role=alert]")
    assert problem is not None
    assert "AADSTS70018" in problem.text
    assert page(answer).select_one("input#user_code")


def revoke(desk: Desk, client_id: str, state: str) -> None:
    body = {"client_id": client_id, "tenant_id": CONTOSO, "state": state}
    assert desk.sim("POST", "consent", body).status_code == 200


def test_a_person_cannot_consent_for_the_organization(desk: Desk, asked: dict[str, Any]) -> None:
    revoke(desk, COMMAND_LINE, "absent")
    assert "AADSTS90094" in desk.enter(asked["user_code"], ADAM).text
    assert refusal(desk.poll(asked)) == PENDING


def test_an_administrator_who_goes_on_consents(desk: Desk, asked: dict[str, Any]) -> None:
    revoke(desk, COMMAND_LINE, "revoked")
    desk.enter(asked["user_code"], ADMIN)
    assert desk.poll(asked).status_code == 200
    later = desk.device_code().get_json()
    desk.enter(later["user_code"], ADAM)
    assert desk.poll(later).status_code == 200


def test_an_api_nobody_consented_to_is_not_in_the_tenant(desk: Desk, asked: dict[str, Any]) -> None:
    revoke(desk, CONNECTOR, "absent")
    assert "AADSTS500011" in desk.enter(asked["user_code"]).text


def test_consent_revoked_before_the_tokens_are_fetched_counts(
    desk: Desk, asked: dict[str, Any]
) -> None:
    desk.enter(asked["user_code"])
    revoke(desk, COMMAND_LINE, "revoked")
    assert refusal(desk.poll(asked)) == (400, "invalid_grant", 65001)


def test_a_reset_forgets_codes(desk: Desk, asked: dict[str, Any]) -> None:
    desk.sim("POST", "reset")
    assert refusal(desk.poll(asked)) == UNKNOWN


def test_a_public_client_has_no_token_of_its_own(desk: Desk) -> None:
    answer = desk.token(client_id=COMMAND_LINE, client_secret="")
    assert refusal(answer) == (401, "invalid_client", 7000218)


def test_a_code_of_the_other_flow_is_no_device_code(desk: Desk) -> None:
    code = desk.code(code_challenge=CHALLENGE)
    assert refusal(desk.poll({"device_code": code})) == UNKNOWN
