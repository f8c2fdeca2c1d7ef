"""Open dynamic client registration: https://www.rfc-editor.org/rfc/rfc7591"""

from typing import Any

import pytest
from tests.conformance.mock_fhir.ehr_driver import CALLBACK, EhrDriver


def test_rfc7591_3_2_1_the_answer_holds_everything_registered(ehr: EhrDriver) -> None:
    answer = ehr.post(
        "/oauth2/register",
        json={
            "client_name": "A",
            "redirect_uris": [CALLBACK],
            "initiate_login_uri": "https://app.example/go",
        },
    )
    body = answer.get_json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert body["token_endpoint_auth_method"] == "client_secret_basic"
    assert (body["redirect_uris"], body["launch_uris"]) == ([CALLBACK], ["https://app.example/go"])
    assert body["client_secret"]
    assert body["client_secret_expires_at"] == 0
    assert isinstance(body["client_id_issued_at"], int)


def test_a_public_client_gets_no_secret(ehr: EhrDriver) -> None:
    assert "client_secret" not in ehr.register(token_endpoint_auth_method="none")


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": ["http://app.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/cb#part"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["app.example:/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_client_metadata"),
        ({"redirect_uris": CALLBACK}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        (
            {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example/jwks"},
            "invalid_client_metadata",
        ),
        (
            {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "RSA", "d": "x"}]}},
            "invalid_client_metadata",
        ),
        ({"scope": "openid nonsense"}, "invalid_client_metadata"),
        ({"scope": "patient/Patient.sr"}, "invalid_client_metadata"),
        ({"launch_uris": ["http://app.example/launch"]}, "invalid_client_metadata"),
    ],
)  # fmt: skip
def test_rfc7591_3_2_2_wrong_metadata_is_refused(
    ehr: EhrDriver, metadata: dict[str, Any], error: str
) -> None:
    answer = ehr.post("/oauth2/register", json={"redirect_uris": [CALLBACK], **metadata})
    assert (answer.status_code, answer.get_json()["error"]) == (400, error)


@pytest.mark.parametrize("body", ["", "[]", "{"])
def test_a_body_that_is_no_object_is_refused(ehr: EhrDriver, body: str) -> None:
    answer = ehr.post("/oauth2/register", data=body)
    assert answer.get_json()["error"] == "invalid_client_metadata"


def test_loopback_http_may_be_registered(ehr: EhrDriver) -> None:
    client = ehr.register(redirect_uris=["http://127.0.0.1:5000/cb"])
    assert client["redirect_uris"] == ["http://127.0.0.1:5000/cb"]
