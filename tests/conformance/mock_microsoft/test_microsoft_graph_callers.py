"""Tokens, users, error envelope and throttling of Graph: microsoft.md 1.6, 1.7."""

from typing import Any

import jwt
import pytest
from tests.conformance.mock_microsoft.microsoft_desk import ADAM, CONTOSO, FABRIKAM, OTHER_APP, Desk

from simkit.keys import IssuerKey

USERS = "users?$top=1"


def forged(desk: Desk, **changes: Any) -> str:
    """A token like Entra's, signed by its key, with one claim changed."""
    claims = jwt.decode(desk.app_token(), options={"verify_signature": False})
    return desk.world.key.sign({**claims, **changes})


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic abc", "Bearer not.a.jwt"])
def test_a_request_without_usable_token_is_unauthorized(desk: Desk, header: str) -> None:
    answer = desk.browser.get("/v1.0/users", headers={"Authorization": header})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (
        401,
        "InvalidAuthenticationToken",
    )
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://vault.azure.net"},
        {"exp": 1},
        {"nbf": 9_999_999_999},
        {"iss": "https://evil.example/"},
        {"iss": f"https://sts.windows.net/{FABRIKAM}/"},
        {"tid": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_a_token_with_a_wrong_claim_is_unauthorized(desk: Desk, changes: dict[str, Any]) -> None:
    answer = desk.graph("GET", USERS, token=forged(desk, **changes))
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (
        401,
        "InvalidAuthenticationToken",
    )


def test_a_token_of_another_issuer_is_unauthorized(desk: Desk) -> None:
    claims = jwt.decode(desk.app_token(), options={"verify_signature": False})
    token = IssuerKey().sign(claims, headers={"kid": desk.world.key.kid})
    assert desk.graph("GET", USERS, token=token).status_code == 401


def test_a_token_expires_with_the_simulators_clock(desk: Desk) -> None:
    token = desk.app_token()
    assert desk.graph("GET", USERS, token=token).status_code == 200
    desk.sim("POST", "clock", {"advance_seconds": 4000})
    assert desk.graph("GET", USERS, token=token).status_code == 401


def test_every_answer_names_the_request(desk: Desk) -> None:
    headers = {"client-request-id": "mine-1"}
    for path in (USERS, "users/nobody"):
        answer = desk.graph("GET", path, headers=headers)
        assert answer.headers["request-id"]
        assert answer.headers["client-request-id"] == "mine-1"


def test_the_error_envelope_repeats_the_ids(desk: Desk) -> None:
    answer = desk.graph("GET", "users/nobody", headers={"client-request-id": "mine-1"})
    error = answer.get_json()["error"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert error["innerError"]["client-request-id"] == "mine-1"
    assert set(error) == {"code", "message", "innerError"}


@pytest.mark.parametrize(
    "name", [ADAM, "adam.careful@contoso-health.example", "ADAM.Careful@contoso-health.example"]
)
def test_a_user_is_found_by_id_or_sign_in_name(desk: Desk, name: str) -> None:
    user = desk.graph("GET", f"users/{name}").get_json()
    assert (user["id"], user["displayName"]) == (ADAM, "Adam Careful")


def test_whether_an_account_is_a_guest_must_be_selected(desk: Desk) -> None:
    path = "users/sam.okafor_partner-clinic.example%23EXT%23@contoso-health.example"
    assert "userType" not in desk.graph("GET", path).get_json()
    selected = desk.graph("GET", f"{path}?$select=userType,accountEnabled").get_json()
    assert (selected["userType"], selected["accountEnabled"]) == ("Guest", True)


@pytest.mark.parametrize("name", ["jonas.keller@fabrikam-klinik.example", "nobody"])
def test_users_of_another_tenant_do_not_exist(desk: Desk, name: str) -> None:
    answer = desk.graph("GET", f"users/{name}")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (
        404,
        "Request_ResourceNotFound",
    )


@pytest.mark.parametrize(
    "expression",
    [
        "startswith(displayName,'ad')",
        "startswith(surname,'careful') or startswith(mail,'adam.c')",
        "userPrincipalName eq 'adam.careful@contoso-health.example'",
    ],
)
def test_the_directory_is_searched_by_prefix(desk: Desk, expression: str) -> None:
    found = desk.graph("GET", f"users?$filter={expression}&$select=id").get_json()["value"]
    assert found == [{"id": ADAM}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=contains(displayName,'ad')", "Request_UnsupportedQuery"),
        ("$filter=startswith(shoeSize,'4')", "Request_UnsupportedQuery"),
        ("$filter=displayName", "Request_UnsupportedQuery"),
        ("$select=shoeSize", "BadRequest"),
        ("$top=0", "BadRequest"),
        ("$top=many", "BadRequest"),
    ],
)
def test_a_query_that_graph_does_not_know_is_refused(desk: Desk, query: str, code: str) -> None:
    answer = desk.graph("GET", f"users?{query}")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, code)


def test_an_application_of_one_role_reads_users_and_nothing_else(desk: Desk) -> None:
    token = desk.app_token(client_id=OTHER_APP)
    assert desk.graph("GET", USERS, token=token).status_code == 200
    assert desk.graph("GET", "subscriptions", token=token).status_code == 403


@pytest.mark.parametrize(
    ("form", "looks_right"),
    [
        ("seconds", str.isdecimal),
        ("fraction", lambda text: "." in text and float(text) > 0),
        ("date", lambda text: text.endswith("GMT")),
        ("absent", lambda text: text == ""),
    ],
)
def test_throttling_answers_429_in_the_form_asked_for(
    desk: Desk, form: str, looks_right: Any
) -> None:
    """1.7: Retry-After may be fractional, a date, or absent."""
    bucket = {"route": "/v1.0/users*", "rate_per_second": 0.1, "burst": 1, "retry_after": form}
    desk.sim("POST", "throttles", bucket)
    first, second = (desk.graph("GET", USERS) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.get_json()["error"]["code"] == "TooManyRequests"
    assert looks_right(second.headers.get("Retry-After", ""))


def test_a_throttled_route_recovers_with_time_and_others_never_notice(desk: Desk) -> None:
    desk.sim("POST", "throttles", {"route": "/v1.0/users*", "rate_per_second": 0.1, "burst": 1})
    desk.graph("GET", USERS)
    assert desk.graph("GET", "subscriptions").status_code == 200
    desk.sim("POST", "clock", {"advance_seconds": 11})
    assert desk.graph("GET", USERS).status_code == 200


def test_a_path_below_no_version_is_not_found(desk: Desk) -> None:
    token = desk.app_token(CONTOSO)
    answer = desk.browser.get("/v2.0/users", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 404
