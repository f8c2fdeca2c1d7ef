"""Access tokens for an API of a registered application, version 2.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import time
from typing import Any

import jwt
import pytest
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ADMIN,
    API,
    API_SCOPE,
    ASSERTION_TYPE,
    CONNECTOR,
    CONTOSO,
    FABRIKAM,
    GUEST,
    NORTHWIND,
    NORTHWIND_ADMIN,
    OTHER_APP,
    PIPELINE,
    URL,
    Desk,
    assertion,
    make_key_pair,
)
from werkzeug.test import TestResponse

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
Json = dict[str, Any]


def refusal(answer: TestResponse) -> tuple[int, str, int]:
    document = answer.get_json()
    return answer.status_code, document["error"], document["error_codes"][0]


def pipeline_token(desk: Desk, tenant: str = CONTOSO, **form: str) -> TestResponse:
    return desk.token(tenant, **{"client_id": PIPELINE, "scope": f"{API}/.default", **form})


def pipeline_claims(desk: Desk, tenant: str = CONTOSO, **form: str) -> Json:
    return desk.claims(
        pipeline_token(desk, tenant, **form).get_json()["access_token"], audience=CONNECTOR
    )


def person_tokens(desk: Desk, account: str = ADMIN, scope: str = API_SCOPE) -> Json:
    code = desk.code(account, scope=f"openid {scope}")
    tokens: Json = desk.redeem(code, tenant="organizations").get_json()
    return tokens


def person_claims(desk: Desk, account: str = ADMIN) -> Json:
    return desk.claims(person_tokens(desk, account)["access_token"], audience=CONNECTOR)


def test_an_applications_token_carries_what_the_api_checks(desk: Desk) -> None:
    claims = pipeline_claims(desk)
    expected = {
        "aud": CONNECTOR,
        "iss": f"{URL}/{CONTOSO}/v2.0",
        "ver": "2.0",
        "idtyp": "app",
        "roles": ["Connector.Admin"],
        "azp": PIPELINE,
        "azpacr": "1",
        "tid": CONTOSO,
        "sub": claims["oid"],
        "tenant_ctry": "US",
        "tenant_region_scope": "NA",
    }
    assert {name: claims.get(name) for name in expected} == expected
    assert claims["nbf"] == claims["iat"] < time.time() + 1 < claims["exp"]
    assert not {"scp", "wids", "preferred_username", "appid"} & claims.keys()


def test_the_service_principal_is_another_one_in_each_tenant(desk: Desk) -> None:
    here, there = pipeline_claims(desk), pipeline_claims(desk, NORTHWIND)
    assert here["oid"] != there["oid"]
    assert there["iss"] == f"{URL}/{NORTHWIND}/v2.0"


def test_the_resource_may_be_named_by_client_id(desk: Desk) -> None:
    assert pipeline_claims(desk, scope=f"{CONNECTOR}/.default")["aud"] == CONNECTOR


def test_a_certificate_shows_in_azpacr(desk: Desk) -> None:
    value = assertion(iss=PIPELINE, sub=PIPELINE)
    form = {"client_assertion": value, "client_assertion_type": ASSERTION_TYPE}
    assert pipeline_claims(desk, client_secret="", **form)["azpacr"] == "2"


def test_without_a_granted_role_the_claim_is_missing(desk: Desk) -> None:
    assert "roles" not in pipeline_claims(desk, client_id=OTHER_APP)
    body = {"client_id": PIPELINE, "tenant_id": CONTOSO, "state": "revoked"}
    desk.sim("POST", "consent", body)
    assert "roles" not in pipeline_claims(desk)


def test_roles_of_graph_and_of_the_api_stay_apart(desk: Desk) -> None:
    graph = desk.claims(desk.app_token(client_id=PIPELINE), audience="https://graph.microsoft.com")
    assert "roles" not in graph


@pytest.mark.parametrize(
    ("tenant", "form", "expected"),
    [
        (CONTOSO, {"scope": API_SCOPE}, (400, "invalid_scope", 70011)),
        (CONTOSO, {"scope": f"{API}/.default openid"}, (400, "invalid_scope", 70011)),
        (CONTOSO, {"scope": ".default"}, (400, "invalid_resource", 500011)),
        (CONTOSO, {"scope": "api://unknown/.default"}, (400, "invalid_resource", 500011)),
        (CONTOSO, {"scope": f"api://{PIPELINE}/.default"}, (400, "invalid_resource", 500011)),
        (CONTOSO, {"client_secret": "guessed"}, (401, "invalid_client", 7000215)),
        (CONTOSO, {"client_secret": ""}, (401, "invalid_client", 7000218)),
        (FABRIKAM, {}, (400, "unauthorized_client", 700016)),
        ("organizations", {}, (400, "invalid_request", 50059)),
    ],
)
def test_a_wrong_request_for_the_api_is_refused(
    desk: Desk, tenant: str, form: dict[str, str], expected: tuple[int, str, int]
) -> None:
    assert refusal(pipeline_token(desk, tenant, **form)) == expected


def test_a_tenant_without_the_connector_does_not_know_its_api(desk: Desk) -> None:
    body = {"client_id": PIPELINE, "tenant_id": FABRIKAM, "state": "granted"}
    desk.sim("POST", "consent", body)
    assert refusal(pipeline_token(desk, FABRIKAM)) == (400, "invalid_resource", 500011)


def test_a_persons_token_carries_who_they_are_and_what_they_allowed(desk: Desk) -> None:
    claims = person_claims(desk)
    expected = {
        "aud": CONNECTOR,
        "iss": f"{URL}/{CONTOSO}/v2.0",
        "ver": "2.0",
        "scp": "Configuration.ReadWrite",
        "azp": CONNECTOR,
        "azpacr": "1",
        "oid": ADMIN,
        "tid": CONTOSO,
        "preferred_username": "admin@contoso-health.example",
        "acct": 0,
        "tenant_ctry": "US",
        "tenant_region_scope": "NA",
    }
    assert {name: claims.get(name) for name in expected} == expected
    assert GLOBAL_ADMINISTRATOR in claims["wids"]
    assert not {"roles", "idtyp", "idp"} & claims.keys()


def test_a_guest_is_marked_in_access_tokens_too(desk: Desk) -> None:
    claims = person_claims(desk, GUEST)
    assert (claims["acct"], claims["idp"] != claims["iss"]) == (1, True)


def test_default_stands_for_every_scope_the_tenant_consented_to(desk: Desk) -> None:
    tokens = person_tokens(desk, scope=f"{API}/.default")
    claims = desk.claims(tokens["access_token"], audience=CONNECTOR)
    assert claims["scp"] == "Configuration.ReadWrite"
    assert tokens["scope"] == f"openid {API_SCOPE}"


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        (f"openid {API_SCOPE} User.Read", "invalid_request"),
        ("openid api://unknown/Read", "invalid_resource"),
        (f"openid {API}/Configuration.Burn", "invalid_client"),
    ],
)
def test_a_wrong_scope_is_refused_before_anyone_signs_in(
    desk: Desk, scope: str, error: str
) -> None:
    answer = desk.authorize(scope=scope)
    assert answer.status_code == 303
    assert f"error={error}" in answer.location


def test_a_scope_without_consent_is_refused_at_redemption(desk: Desk) -> None:
    """65001: the second application has no permission for the connector's API."""
    code = desk.code(ADMIN, client_id=OTHER_APP, scope=f"openid {API_SCOPE}")
    answer = desk.redeem(code, client_id=OTHER_APP)
    assert refusal(answer) == (400, "invalid_grant", 65001)


def test_app_roles_of_a_person_are_in_both_tokens(desk: Desk) -> None:
    """An ID token of the API's own application looks much like an access token: it has `aud` and `roles`, but no `scp`."""
    body = {"client_id": CONNECTOR, "user_id": ADAM, "role": "Connector.Reader"}
    desk.sim("POST", "app-roles", body)
    tokens = person_tokens(desk, ADAM)
    access, identity = (
        desk.claims(tokens[name], audience=CONNECTOR) for name in ("access_token", "id_token")
    )
    assert access["roles"] == identity["roles"] == ["Connector.Reader"]
    assert "scp" not in identity
    desk.sim("POST", "app-roles", {**body, "assigned": False})
    assert "roles" not in person_claims(desk, ADAM)


def test_a_directory_role_given_or_taken_shows_in_the_next_token(desk: Desk) -> None:
    desk.sim("POST", "directory-roles", {"user_id": ADAM, "role": "GLOBAL_READER"})
    assert GLOBAL_READER in person_claims(desk, ADAM)["wids"]
    body = {"user_id": ADMIN, "role": GLOBAL_ADMINISTRATOR, "assigned": False}
    desk.sim("POST", "directory-roles", body)
    assert GLOBAL_ADMINISTRATOR not in person_claims(desk)["wids"]
    desk.sim("POST", "reset")
    assert GLOBAL_ADMINISTRATOR in person_claims(desk)["wids"]


def test_a_person_disabled_between_code_and_token_gets_none(desk: Desk) -> None:
    """What reliability.md 47 needs: the account goes away in the middle of a flow."""
    code = desk.code(ADAM)
    desk.sim("POST", f"people/{ADAM}", {"enabled": False})
    assert refusal(desk.redeem(code)) == (400, "invalid_grant", 50057)


def test_a_person_disabled_after_signing_in_is_signed_in_no_more(desk: Desk) -> None:
    desk.choose({"account": ADAM})
    assert desk.authorize().status_code == 303
    desk.sim("POST", f"people/{ADAM}", {"enabled": False})
    assert "Pick an account" in desk.authorize().text
    desk.sim("POST", f"people/{ADAM}", {"enabled": True})
    assert desk.authorize().status_code == 303


@pytest.mark.parametrize("withheld", [["tenant_ctry", "tenant_region_scope"], ["acct", "wids"]])
def test_an_older_manifest_leaves_optional_claims_out(desk: Desk, withheld: list[str]) -> None:
    desk.sim("POST", "optional-claims", {"tenant_id": CONTOSO, "withheld": withheld})
    tokens = person_tokens(desk)
    for name in ("access_token", "id_token"):
        assert not set(withheld) & desk.claims(tokens[name], audience=CONNECTOR).keys()
    assert set(withheld) <= person_claims(desk, NORTHWIND_ADMIN).keys()
    desk.sim("POST", "optional-claims", {"tenant_id": CONTOSO, "withheld": []})
    assert set(withheld) <= person_claims(desk).keys()


@pytest.mark.parametrize(
    ("mode", "caught_as"),
    [
        ("bad-signature", jwt.InvalidSignatureError),
        ("wrong-aud", jwt.InvalidAudienceError),
        ("wrong-iss", jwt.InvalidIssuerError),
        ("expired", jwt.ExpiredSignatureError),
        ("not-yet-valid", jwt.ImmatureSignatureError),
        ("alg-none", jwt.InvalidAlgorithmError),
        ("other-tenant", jwt.InvalidIssuerError),
    ],
)
@pytest.mark.parametrize("get_token", [pipeline_token, person_tokens], ids=["app", "person"])
def test_a_forged_access_token_fails_exactly_the_check_it_is_for(
    desk: Desk, mode: str, caught_as: type[jwt.InvalidTokenError], get_token: Any
) -> None:
    desk.sim("POST", "forged-access-tokens", {"mode": mode})
    answer = get_token(desk)
    tokens = answer if isinstance(answer, dict) else answer.get_json()
    with pytest.raises(caught_as):
        desk.claims(tokens["access_token"], audience=CONNECTOR, issuer=f"{URL}/{CONTOSO}/v2.0")


def test_a_foreign_tenant_id_does_not_fit_the_issuer(desk: Desk) -> None:
    desk.sim("POST", "forged-access-tokens", {"mode": "foreign-tid"})
    claims = pipeline_claims(desk)
    assert claims["iss"] == f"{URL}/{CONTOSO}/v2.0"
    assert claims["tid"] != CONTOSO


def test_a_version_1_token_says_so_and_has_the_older_names(desk: Desk) -> None:
    desk.sim("POST", "forged-access-tokens", {"mode": "v1"})
    claims = desk.claims(pipeline_token(desk).get_json()["access_token"], audience=API)
    assert (claims["ver"], claims["iss"]) == ("1.0", f"https://sts.windows.net/{CONTOSO}/")
    assert claims["appid"] == PIPELINE
    assert "azp" not in claims


def test_a_token_without_permission_names_neither_scope_nor_role(desk: Desk) -> None:
    desk.sim("POST", "forged-access-tokens", {"mode": "no-permission", "times": 2})
    assert "roles" not in pipeline_claims(desk)
    assert "scp" not in person_claims(desk)
    assert "scp" in person_claims(desk)


def test_tokens_for_graph_are_never_forged(desk: Desk) -> None:
    desk.sim("POST", "forged-access-tokens", {"mode": "expired"})
    assert desk.graph("GET", "users").status_code == 200
    assert desk.sim("GET", "state").get_json()["forged_access_tokens"] == ["expired"]


def test_a_token_for_the_api_is_not_accepted_by_graph(desk: Desk) -> None:
    token = pipeline_token(desk).get_json()["access_token"]
    assert desk.graph("GET", "users", token=token).status_code == 401


def test_a_second_certificate_proves_the_application_until_reset(desk: Desk) -> None:
    """A key rotation: both certificates work side by side."""
    renewed = make_key_pair()
    form = {"client_assertion_type": ASSERTION_TYPE, "client_secret": ""}
    new, old = assertion(renewed), assertion()
    assert desk.token(client_assertion=new, **form).status_code == 401
    body = {"client_id": CONNECTOR, "certificate_pem": renewed.pem}
    assert len(desk.sim("POST", "certificates", body).get_json()["x5t#S256"]) == 2
    answers = [desk.token(client_assertion=one, **form).status_code for one in (new, old)]
    assert answers == [200, 200]
    desk.sim("POST", "reset")
    assert desk.token(client_assertion=new, **form).status_code == 401
