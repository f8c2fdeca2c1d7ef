"""Token endpoint: RFC 6749, RFC 7523, RFC 7636 and microsoft.md 4.1 to 4.5."""

import base64
import hashlib
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ADMIN,
    ALL_ROLES,
    ASSERTION_TYPE,
    CLIENT_KEYS,
    CONNECTOR,
    CONTOSO,
    FABRIKAM,
    GUEST,
    OTHER_APP,
    URL,
    Desk,
    assertion,
    make_key_pair,
)
from werkzeug.test import TestResponse


def refusal(answer: TestResponse) -> tuple[int, str, int]:
    document = answer.get_json()
    return answer.status_code, document["error"], document["error_codes"][0]


def id_token_claims(desk: Desk, account: str = ADAM) -> dict[str, Any]:
    tokens = desk.redeem(desk.code(account)).get_json()
    return desk.claims(tokens["id_token"], audience=CONNECTOR)


def test_the_id_token_carries_the_claims_the_connector_reads(desk: Desk) -> None:
    """microsoft.md 4.4"""
    claims = id_token_claims(desk)
    expected = {
        "tid": CONTOSO,
        "oid": ADAM,
        "preferred_username": "adam.careful@contoso-health.example",
        "name": "Adam Careful",
        "acct": 0,
        "ver": "2.0",
        "nonce": "nonce-1",
        "iss": f"{URL}/{CONTOSO}/v2.0",
        "aud": CONNECTOR,
        "tenant_region_scope": "NA",
        "tenant_ctry": "US",
    }
    assert {name: claims.get(name) for name in expected} == expected


def test_only_an_administrator_has_the_role_in_wids(desk: Desk) -> None:
    role = "62e90394-69f5-4237-9190-012177145e10"
    assert role in id_token_claims(desk, ADMIN)["wids"]
    assert role not in id_token_claims(desk, ADAM)["wids"]


def test_a_guest_is_marked_by_acct_and_a_foreign_identity_provider(desk: Desk) -> None:
    claims = id_token_claims(desk, GUEST)
    assert claims["acct"] == 1
    assert claims["idp"] != claims["iss"]


def test_client_info_names_user_and_tenant(desk: Desk) -> None:
    encoded = desk.redeem(desk.code()).get_json()["client_info"]
    assert json.loads(base64.urlsafe_b64decode(encoded + "==")) == {"uid": ADAM, "utid": CONTOSO}


def test_a_code_works_once(desk: Desk) -> None:
    """RFC 6749 4.1.2"""
    code = desk.code()
    assert desk.redeem(code).status_code == 200
    assert refusal(desk.redeem(code)) == (400, "invalid_grant", 54005)


def test_a_code_expires_after_ten_minutes(desk: Desk) -> None:
    code = desk.code()
    desk.sim("POST", "clock", {"advance_seconds": 601})
    assert refusal(desk.redeem(code)) == (400, "invalid_grant", 70008)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            {"code_verifier": "another-verifier-of-more-than-forty-three-characters"},
            (400, "invalid_grant", 501481),
        ),
        ({"code_verifier": ""}, (400, "invalid_grant", 501481)),
        ({"redirect_uri": "https://evil.example/"}, (400, "invalid_grant", 70000)),
        ({"code": "0.invented"}, (400, "invalid_grant", 70000)),
        ({"client_id": OTHER_APP}, (400, "invalid_grant", 70000)),
        ({"client_secret": ""}, (401, "invalid_client", 7000218)),
        ({"client_secret": "guessed"}, (401, "invalid_client", 7000215)),
        ({"tenant": FABRIKAM}, (400, "access_denied", 50020)),
    ],
)
def test_a_wrong_redemption_is_refused(
    desk: Desk, form: dict[str, str], expected: tuple[int, str, int]
) -> None:
    assert refusal(desk.redeem(form.pop("code", None) or desk.code(), **form)) == expected


def test_an_access_token_of_a_person_is_not_accepted_by_graph(desk: Desk) -> None:
    token = desk.redeem(desk.code()).get_json()["access_token"]
    assert desk.graph("GET", "users", token=token).status_code == 403


@pytest.mark.parametrize("resource", ["https://graph.microsoft.com", URL])
def test_an_application_gets_its_consented_roles(desk: Desk, resource: str) -> None:
    answer = desk.token(scope=f"{resource}/.default")
    claims = desk.claims(answer.get_json()["access_token"], audience=resource)
    assert (claims["roles"], claims["tid"], claims["appid"]) == (
        list(ALL_ROLES),
        CONTOSO,
        CONNECTOR,
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_tenant_that_never_consented_does_not_know_the_application(desk: Desk) -> None:
    assert refusal(desk.token(FABRIKAM)) == (400, "unauthorized_client", 700016)


def test_after_revoked_consent_a_token_has_no_roles(desk: Desk) -> None:
    body = {"client_id": CONNECTOR, "tenant_id": CONTOSO, "state": "revoked"}
    desk.sim("POST", "consent", body)
    token = desk.app_token()
    assert "roles" not in desk.claims(token, audience="https://graph.microsoft.com")
    assert desk.graph("GET", "users", token=token).status_code == 403


@pytest.mark.parametrize(
    ("tenant", "form", "expected"),
    [
        ("organizations", {}, (400, "invalid_request", 50059)),
        ("nobody.example", {}, (400, "invalid_request", 90002)),
        (
            CONTOSO,
            {"scope": "https://graph.microsoft.com/User.Read"},
            (400, "invalid_scope", 70011),
        ),
        (
            CONTOSO,
            {"scope": "openid https://graph.microsoft.com/.default"},
            (400, "invalid_scope", 70011),
        ),
        (CONTOSO, {"scope": "https://unknown.example/.default"}, (400, "invalid_resource", 500011)),
        (CONTOSO, {"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        (CONTOSO, {"client_id": "unknown"}, (400, "unauthorized_client", 700016)),
        (CONTOSO, {"client_secret": "guessed"}, (401, "invalid_client", 7000215)),
    ],
)
def test_a_wrong_client_credentials_request_is_refused(
    desk: Desk, tenant: str, form: dict[str, str], expected: tuple[int, str, int]
) -> None:
    assert refusal(desk.token(tenant, **form)) == expected


def test_a_token_request_must_be_a_form(desk: Desk) -> None:
    answer = desk.browser.post(
        f"/{CONTOSO}/oauth2/v2.0/token", json={"grant_type": "client_credentials"}
    )
    assert refusal(answer) == (400, "invalid_request", 90014)


def with_assertion(desk: Desk, value: str, **form: str) -> TestResponse:
    given = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": value, **form}
    return desk.token(client_secret="", **given)


def test_a_certificate_assertion_is_accepted_with_padding_and_float_exp(desk: Desk) -> None:
    """microsoft.md 4.2: what msal sends."""
    assert with_assertion(desk, assertion()).status_code == 200


def test_an_rs256_assertion_with_a_sha1_thumbprint_is_accepted(desk: Desk) -> None:
    digest = CLIENT_KEYS.certificate.fingerprint(hashes.SHA1())  # noqa: S303 - x5t is SHA-1
    x5t = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (
        with_assertion(desk, assertion(headers={"x5t": x5t}, algorithm="RS256")).status_code == 200
    )


def test_an_assertion_may_be_used_again(desk: Desk) -> None:
    """Section 5: msal reuses one for about ten minutes."""
    value = assertion()
    assert [with_assertion(desk, value).status_code for _ in range(2)] == [200, 200]


STRANGER = make_key_pair()


@pytest.mark.parametrize(
    "value",
    [
        assertion(aud="https://evil.example/token"),
        assertion(aud=f"{URL}/{FABRIKAM}/oauth2/v2.0/token"),
        assertion(iss=OTHER_APP),
        assertion(sub=OTHER_APP),
        assertion(exp=time.time() - 3600),
        assertion(exp="soon"),
        assertion(nbf=time.time() + 3600),
        assertion(jti=None),
        assertion(headers={}),
        assertion(headers={"x5t#S256": "AAAA"}),
        assertion(STRANGER),
        assertion(STRANGER, headers=jwt.get_unverified_header(assertion())),
        jwt.encode({"iss": CONNECTOR}, hashlib.sha256(b"x").hexdigest(), headers=jwt.get_unverified_header(assertion()) | {"alg": "HS256"}, algorithm="HS256"),
        "not.a.jwt",
    ],
    ids=["aud", "aud-of-other-tenant", "iss", "sub", "expired", "exp-text", "not-yet", "no-jti", "no-thumbprint",
         "unknown-thumbprint", "stranger", "stolen-thumbprint", "hs256", "garbage"],
)  # fmt: skip
def test_a_wrong_assertion_is_refused(desk: Desk, value: str) -> None:
    assert refusal(with_assertion(desk, value)) == (401, "invalid_client", 700027)


def test_a_wrong_assertion_type_is_refused(desk: Desk) -> None:
    answer = with_assertion(desk, assertion(), client_assertion_type="urn:other")
    assert refusal(answer) == (401, "invalid_client", 700027)


def test_an_application_without_certificate_cannot_use_an_assertion(desk: Desk) -> None:
    answer = with_assertion(desk, assertion(), client_id=OTHER_APP)
    assert refusal(answer) == (401, "invalid_client", 700027)


@pytest.mark.parametrize(
    ("mode", "caught_as"),
    [
        ("bad-signature", jwt.InvalidSignatureError),
        ("wrong-aud", jwt.InvalidAudienceError),
        ("wrong-iss", jwt.InvalidIssuerError),
        ("expired", jwt.ExpiredSignatureError),
        ("alg-none", jwt.InvalidAlgorithmError),
    ],
)
def test_a_forged_id_token_fails_exactly_the_check_it_is_for(
    desk: Desk, mode: str, caught_as: type[jwt.InvalidTokenError]
) -> None:
    """microsoft.md 4.5"""
    desk.sim("POST", "forged-id-tokens", {"mode": mode})
    token = desk.redeem(desk.code()).get_json()["id_token"]
    with pytest.raises(caught_as):
        desk.claims(token, audience=CONNECTOR, issuer=f"{URL}/{CONTOSO}/v2.0")


def test_a_forged_nonce_differs_and_the_next_token_is_honest_again(desk: Desk) -> None:
    desk.sim("POST", "forged-id-tokens", {"mode": "wrong-nonce"})
    assert id_token_claims(desk)["nonce"] != "nonce-1"
    assert id_token_claims(desk)["nonce"] == "nonce-1"
