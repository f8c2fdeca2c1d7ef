"""Authorization endpoint: RFC 6749 4.1, RFC 7636, OpenID Connect Core 3.1.2 and microsoft.md 4.1."""

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ADMIN,
    CONTOSO,
    DISABLED,
    JONAS,
    REDIRECT_URI,
    Desk,
    answer_of,
    page,
)


def test_the_picker_lists_the_people_of_the_tenant_only(desk: Desk) -> None:
    text = desk.authorize().text
    assert "adam.careful@contoso-health.example" in text
    assert "fabrikam" not in text


def test_the_picker_of_organizations_lists_every_tenant(desk: Desk) -> None:
    assert "jonas.keller@fabrikam-klinik.example" in desk.authorize(tenant="organizations").text


def test_every_button_and_field_of_the_picker_has_a_name_and_an_id(desk: Desk) -> None:
    controls = page(desk.authorize()).select("button, input")
    assert len(controls) > 10
    assert [c for c in controls if not c.get("id") or not c.get("name")] == []


def test_a_hinted_person_comes_first(desk: Desk) -> None:
    picker = page(desk.authorize(login_hint="eric.vandenbroek@contoso-health.example"))
    assert "eric.vandenbroek" in str(picker.select_one("button[name=account]"))


def test_picking_an_account_returns_a_code_with_the_state(desk: Desk) -> None:
    answer = answer_of(desk.choose({"account": ADAM}))
    assert answer["state"] == "state-1"
    assert answer["code"]


def test_another_account_can_be_typed(desk: Desk) -> None:
    answer = desk.choose({"sign_in_name": "Admin@Contoso-Health.example"})
    assert "code" in answer_of(answer)


def test_form_post_sends_the_code_in_a_form_that_works_without_javascript(desk: Desk) -> None:
    form = page(desk.choose({"account": ADAM}, response_mode="form_post")).select_one("form")
    assert form is not None
    assert form["action"] == REDIRECT_URI
    assert form.select_one("input[name=code]") is not None
    assert form.select_one("button#continue") is not None


def test_the_second_sign_in_of_a_browser_is_silent(desk: Desk) -> None:
    desk.choose({"account": ADAM})
    assert "code" in answer_of(desk.authorize())


def test_another_browser_is_asked(desk: Desk) -> None:
    desk.choose({"account": ADAM})
    assert desk.authorize(desk.new_browser()).status_code == 200


@pytest.mark.parametrize("prompt", ["select_account", "login", "consent"])
def test_a_prompt_asks_although_a_session_exists(desk: Desk, prompt: str) -> None:
    desk.choose({"account": ADAM})
    assert "Pick an account" in desk.authorize(prompt=prompt).text


def test_a_hint_at_another_person_asks_although_a_session_exists(desk: Desk) -> None:
    desk.choose({"account": ADAM})
    answer = desk.authorize(login_hint="admin@contoso-health.example")
    assert "Pick an account" in answer.text


def test_a_session_of_another_tenant_is_not_used(desk: Desk) -> None:
    desk.choose({"account": JONAS}, tenant="organizations")
    assert "Pick an account" in desk.authorize(tenant=CONTOSO).text


def test_signing_out_ends_the_session(desk: Desk) -> None:
    desk.choose({"account": ADAM})
    desk.browser.get("/common/oauth2/v2.0/logout")
    assert "Pick an account" in desk.authorize().text


def test_signing_out_goes_on_only_to_a_registered_origin(desk: Desk) -> None:
    known = desk.browser.get(
        "/common/oauth2/v2.0/logout?post_logout_redirect_uri=https://connector.test/bye"
    )
    foreign = desk.browser.get(
        "/common/oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.example/"
    )
    assert known.location == "https://connector.test/bye"
    assert foreign.location is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": REDIRECT_URI + "/"}, "AADSTS50011"),
        ({"redirect_uri": None}, "AADSTS50011"),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS700016"),
    ],
)
def test_a_refusal_is_not_redirected_before_the_redirect_uri_is_known(
    desk: Desk, changes: dict[str, str | None], code: str
) -> None:
    answer = desk.authorize(**changes)
    assert answer.status_code == 400
    assert answer.location is None
    assert code in answer.text


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type", "AADSTS700054"),
        ({"code_challenge": None}, "invalid_request", "AADSTS9002325"),
        ({"code_challenge_method": "plain"}, "invalid_request", "AADSTS9002325"),
        ({"code_challenge": "short"}, "invalid_request", "AADSTS9002325"),
        ({"scope": "profile"}, "invalid_scope", "AADSTS70011"),
        ({"response_mode": "fragment"}, "invalid_request", "AADSTS90014"),
        ({"prompt": "whatever"}, "invalid_request", "AADSTS90014"),
        ({"prompt": "none"}, "login_required", "AADSTS50058"),
    ],
)
def test_a_wrong_request_is_refused_at_the_redirect_uri_with_its_state(
    desk: Desk, changes: dict[str, str | None], error: str, code: str
) -> None:
    answer = answer_of(desk.authorize(**changes))
    assert (answer["error"], answer["state"]) == (error, "state-1")
    assert answer["error_description"].startswith(code)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"account": DISABLED}, "AADSTS50057"),
        ({"account": JONAS}, "AADSTS50020"),
        ({"sign_in_name": "nobody@contoso-health.example"}, "AADSTS50034"),
        ({}, "AADSTS50034"),
    ],
)
def test_an_account_that_cannot_sign_in_is_told_why_and_may_pick_again(
    desk: Desk, form: dict[str, str], code: str
) -> None:
    answer = desk.choose(form)
    assert answer.status_code == 400
    assert code in answer.text
    assert page(answer).select_one("#accounts") is not None


def test_cancelling_goes_back_with_access_denied(desk: Desk) -> None:
    assert answer_of(desk.choose({"cancel": "1"}))["error"] == "access_denied"


def test_an_unknown_tenant_gets_a_page(desk: Desk) -> None:
    answer = desk.authorize(tenant="nobody.example")
    assert answer.status_code == 400
    assert "AADSTS90002" in answer.text


def consent_parameters(**changes: str) -> dict[str, str]:
    parameters = {"client_id": "3f0d5d2c-7c1e-4a55-9a52-6f1d3f4a0a11", "redirect_uri": REDIRECT_URI}
    return {**parameters, "scope": "https://graph.microsoft.com/.default", "state": "s", **changes}


def test_an_administrator_consents_for_the_tenant(desk: Desk) -> None:
    """microsoft.md 4.3"""
    where = "/organizations/v2.0/adminconsent"
    query = consent_parameters()
    desk.browser.post(
        where, query_string=query, data={"account": "fab71ca0-0000-4000-8000-000000000001"}
    )
    answer = answer_of(desk.browser.post(where, query_string=query, data={"decision": "accept"}))
    assert (answer["admin_consent"], answer["tenant"]) == (
        "True",
        "fab71ca0-0000-4000-8000-00000000c0de",
    )
    assert desk.token(answer["tenant"]).status_code == 200


def test_declined_consent_is_admin_consent_true_with_an_error(desk: Desk) -> None:
    """microsoft.md 4.3: admin_consent=True is present on failure too."""
    where = f"/{CONTOSO}/v2.0/adminconsent"
    query = consent_parameters()
    desk.browser.post(where, query_string=query, data={"account": ADMIN})
    answer = answer_of(desk.browser.post(where, query_string=query, data={"decision": "cancel"}))
    assert (answer["admin_consent"], answer["error"]) == ("True", "consent_required")


def test_consent_of_someone_who_is_no_administrator_is_refused(desk: Desk) -> None:
    where = f"/{CONTOSO}/v2.0/adminconsent"
    query = consent_parameters()
    shown = desk.browser.post(where, query_string=query, data={"account": ADAM})
    forced = desk.browser.post(where, query_string=query, data={"decision": "accept"})
    assert page(shown).select_one("#accept") is None
    assert "AADSTS90094" in forced.text


@pytest.mark.parametrize(
    ("segment", "changes", "code"),
    [
        ("common", {}, "AADSTS50059"),
        (CONTOSO, {"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        (CONTOSO, {"scope": "openid"}, "AADSTS70011"),
        (CONTOSO, {"client_id": "unknown"}, "AADSTS700016"),
    ],
)
def test_a_wrong_consent_request_is_refused_on_a_page(
    desk: Desk, segment: str, changes: dict[str, str], code: str
) -> None:
    answer = desk.browser.get(
        f"/{segment}/v2.0/adminconsent", query_string=consent_parameters(**changes)
    )
    assert answer.status_code == 400
    assert code in answer.text
