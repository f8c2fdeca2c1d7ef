"""The real msal against the simulator over TLS: microsoft.md sections 4.1, 4.2 and 5."""

from collections.abc import Iterator
from typing import Any

import msal
import pytest
import requests
from bs4 import BeautifulSoup
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ALL_ROLES,
    CLIENT_KEYS,
    CONNECTOR,
    CONTOSO,
    FABRIKAM,
    REDIRECT_URI,
    SECRET,
    Desk,
)

CERTIFICATE = {"private_key": CLIENT_KEYS.private_pem, "public_certificate": CLIENT_KEYS.pem}
Served = tuple[Desk, str]


@pytest.fixture
def session(certificates: Any) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = certificates.ca_file
        yield session


def client(url: str, segment: str, session: requests.Session, credential: Any = CERTIFICATE) -> Any:
    return msal.ConfidentialClientApplication(
        CONNECTOR,
        client_credential=credential,
        authority=f"{url}/{segment}",
        instance_discovery=False,
        http_client=session,
    )


def sign_in(app: Any, session: requests.Session, account: str, **options: Any) -> dict[str, Any]:
    """Through the picker, as a browser does."""
    flow = app.initiate_auth_code_flow(
        [], redirect_uri=REDIRECT_URI, response_mode="form_post", **options
    )
    answer = picked(session, flow["auth_uri"], account)
    tokens: dict[str, Any] = app.acquire_token_by_auth_code_flow(flow, answer)
    return tokens


def picked(session: requests.Session, auth_uri: str, account: str) -> dict[str, str]:
    """What the form of response_mode=form_post would send to the client."""
    answer = session.post(auth_uri, data={"account": account})
    fields = BeautifulSoup(answer.text, "html.parser").select("form#form-post input")
    return {str(field["name"]): str(field["value"]) for field in fields}


@pytest.mark.parametrize("segment", [CONTOSO, "contoso-health.example", "organizations"])
def test_a_person_signs_in_with_code_pkce_and_certificate(
    served: Served, session: requests.Session, segment: str
) -> None:
    desk, url = served
    tokens = sign_in(client(url, segment, session), session, ADAM)
    claims = desk.claims(tokens["id_token"], audience=CONNECTOR, issuer=f"{url}/{CONTOSO}/v2.0")
    assert (claims["oid"], tokens["id_token_claims"]["oid"]) == (ADAM, ADAM)


def test_the_account_is_named_by_user_and_tenant(served: Served, session: requests.Session) -> None:
    app = client(served[1], "organizations", session)
    sign_in(app, session, ADAM)
    (account,) = app.get_accounts()
    assert account["home_account_id"] == f"{ADAM}.{CONTOSO}"


def test_a_forged_nonce_is_what_msal_catches(served: Served, session: requests.Session) -> None:
    desk, url = served
    desk.sim("POST", "forged-id-tokens", {"mode": "wrong-nonce"})
    with pytest.raises(RuntimeError, match="nonce"):
        sign_in(client(url, CONTOSO, session), session, ADAM)


@pytest.mark.parametrize("mode", ["bad-signature", "wrong-iss", "wrong-aud", "expired"])
def test_other_forgeries_pass_msal_so_the_connector_must_check(
    served: Served, session: requests.Session, mode: str
) -> None:
    """Design consequence 7; should msal change, this test says so."""
    desk, url = served
    desk.sim("POST", "forged-id-tokens", {"mode": mode})
    assert "id_token" in sign_in(client(url, CONTOSO, session), session, ADAM)


@pytest.mark.parametrize("credential", [CERTIFICATE, SECRET], ids=["certificate", "secret"])
@pytest.mark.parametrize("scope", ["https://graph.microsoft.com/.default", "{url}/.default"])
def test_an_application_acquires_a_token_and_calls_graph(
    served: Served, session: requests.Session, credential: Any, scope: str
) -> None:
    _desk, url = served
    tokens = client(url, CONTOSO, session, credential).acquire_token_for_client(
        [scope.format(url=url)]
    )
    answer = session.post(
        f"{url}/v1.0/users/{ADAM}/onlineMeetings/createOrGet",
        json={"externalId": "visit-1"},
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )
    assert answer.status_code == 201
    assert answer.json()["joinWebUrl"].startswith(f"{url}/l/meetup-join/")


def test_the_join_link_opens_over_tls_with_its_escapes(
    served: Served, session: requests.Session
) -> None:
    desk, url = served
    tokens = client(url, CONTOSO, session).acquire_token_for_client([f"{url}/.default"])
    assert desk.claims(tokens["access_token"], audience=url)["roles"] == list(ALL_ROLES)
    meeting = desk.meeting()
    assert session.get(meeting["joinWebUrl"]).status_code == 200


def test_a_wrong_secret_is_an_error_document(served: Served, session: requests.Session) -> None:
    app = client(served[1], CONTOSO, session, "guessed")
    answer = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])


def test_a_tenant_without_consent_is_an_error_document(
    served: Served, session: requests.Session
) -> None:
    app = client(served[1], FABRIKAM, session)
    answer = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert (answer["error"], answer["error_codes"]) == ("unauthorized_client", [700016])


def test_an_unknown_tenant_fails_at_discovery(served: Served, session: requests.Session) -> None:
    with pytest.raises(ValueError, match="authority"):
        client(served[1], "nobody.example", session)


def test_a_second_use_of_a_code_is_refused(served: Served, session: requests.Session) -> None:
    app = client(served[1], CONTOSO, session)
    flow = app.initiate_auth_code_flow([], redirect_uri=REDIRECT_URI, response_mode="form_post")
    answer = picked(session, flow["auth_uri"], ADAM)
    assert "id_token" in app.acquire_token_by_auth_code_flow(flow, answer)
    fresh = client(served[1], CONTOSO, session)
    assert fresh.acquire_token_by_auth_code_flow(flow, answer)["error_codes"] == [54005]
