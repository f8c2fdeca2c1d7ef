"""Authorize: https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html. Check ids: spec/ehr.md 2.2."""

from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.mock_fhir.ehr_driver import CALLBACK, EhrDriver, Pkce


def test_s13_the_ehr_opens_the_app_with_iss_and_launch(ehr: EhrDriver) -> None:
    opened = ehr.launch(ehr.register())
    assert opened["iss"] == ehr.fhir
    assert len(opened["launch"]) >= 22


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_s14_s33_s51_code_comes_back_with_the_exact_state_and_iss(
    ehr: EhrDriver, method: str
) -> None:
    client, pkce = ehr.register(), Pkce()
    asked = ehr.request_for(client, pkce)
    back = ehr.authorize(asked, method)
    assert (back["state"], back["iss"]) == (asked["state"], f"{ehr.base}/oauth2")
    assert ehr.exchange(client, code=back["code"], code_verifier=pkce.verifier).status_code == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"aud": "https://other.example/fhir"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"launch": "INVALID_LAUNCH_PARAM"}, "invalid_request"),
        ({"launch": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "nothing/known"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid fhirUser"}, "invalid_scope"),
        ({"state": None}, "invalid_request"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
    ],
)
def test_s43_s44_s55_a_wrong_request_gives_an_error_and_no_code(
    ehr: EhrDriver, change: dict[str, Any], error: str
) -> None:
    asked = ehr.request_for(ehr.register(), Pkce(), **change)
    back = ehr.authorize(asked)
    assert back["error"] == error
    assert back["error_description"]
    assert back["iss"] == f"{ehr.base}/oauth2"
    assert "code" not in back


def test_rfc6749_3_1_a_parameter_sent_twice_is_refused(ehr: EhrDriver) -> None:
    asked = ehr.request_for(ehr.register(), Pkce())
    answer = ehr.get("/oauth2/authorize", query_string=[*asked.items(), ("scope", "openid")])
    assert "error=invalid_request" in answer.headers["Location"]


def test_aud_may_end_with_a_slash(ehr: EhrDriver) -> None:
    assert "code" in ehr.authorize(ehr.request_for(ehr.register(), Pkce(), aud=f"{ehr.fhir}/"))


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?a=b"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
    ],
)
def test_s41_s46_an_unmatched_redirect_uri_or_client_gets_a_page_and_no_redirect(
    ehr: EhrDriver, change: dict[str, Any]
) -> None:
    asked = ehr.request_for(ehr.register(), Pkce(), **change)
    answer = ehr.get("/oauth2/authorize", query_string=asked)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Location" not in answer.headers
    assert 'id="remedy"' in answer.text


def test_s45_a_launch_token_works_once(ehr: EhrDriver) -> None:
    client, pkce = ehr.register(), Pkce()
    asked = ehr.request_for(client, pkce)
    assert "code" in ehr.authorize(asked)
    assert "invalid_launch_token" in ehr.authorize(asked)["error_description"]


def test_a_launch_token_expires(ehr: EhrDriver) -> None:
    asked = ehr.request_for(ehr.register(), Pkce())
    ehr.simulator.clock.advance(timedelta(minutes=6))
    assert ehr.authorize(asked)["error"] == "invalid_request"


def test_a_launch_token_is_bound_to_the_app_it_was_made_for(ehr: EhrDriver) -> None:
    mine, other = ehr.register(), ehr.register()
    asked = ehr.request_for(other, Pkce(), launch=ehr.launch(mine)["launch"])
    assert ehr.authorize(asked)["error"] == "invalid_request"


def test_a_launch_token_of_test_is_unknown_in_production(
    ehr: EhrDriver, production: EhrDriver
) -> None:
    launch = ehr.launch(ehr.register())["launch"]
    asked = production.request_for(production.register(), Pkce(), launch=launch)
    assert production.authorize(asked)["error"] == "invalid_request"


def test_a_backend_client_cannot_send_people_here(ehr: EhrDriver) -> None:
    client = ehr.register_backend(redirect_uris=[CALLBACK])
    asked = ehr.request_for(client, Pkce(), launch="any")
    assert ehr.authorize(asked)["error"] == "unauthorized_client"


def test_scopes_outside_the_registration_are_left_out(ehr: EhrDriver) -> None:
    client = ehr.register(scope="launch openid patient/Appointment.rs")
    granted = ehr.token(client, scope="launch openid fhirUser patient/Appointment.r patient/*.rs")
    assert granted["scope"] == "launch openid patient/Appointment.r"
