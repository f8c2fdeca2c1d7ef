"""The real msal asks for tokens of the connector's API over TLS: device code for people, certificate for pipelines."""

import time
from collections.abc import Iterator
from typing import Any

import msal
import pytest
import requests
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ADMIN,
    API,
    API_SCOPE,
    CLIENT_KEYS,
    COMMAND_LINE,
    CONNECTOR,
    CONTOSO,
    FABRIKAM,
    NORTHWIND,
    PIPELINE,
    Desk,
)

Served = tuple[Desk, str]


@pytest.fixture
def session(certificates: Any) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = certificates.ca_file
        yield session


def command_line(url: str, session: requests.Session, segment: str = CONTOSO) -> Any:
    return msal.PublicClientApplication(
        COMMAND_LINE,
        authority=f"{url}/{segment}",
        instance_discovery=False,
        http_client=session,
    )


def pipeline(url: str, session: requests.Session, tenant: str = CONTOSO) -> Any:
    """One PEM text with key and certificate serves as both, as the sandbox's pipeline.pem does."""
    pem = CLIENT_KEYS.private_pem + CLIENT_KEYS.pem
    return msal.ConfidentialClientApplication(
        PIPELINE,
        client_credential={"private_key": pem, "public_certificate": pem},
        authority=f"{url}/{tenant}",
        instance_discovery=False,
        http_client=session,
    )


def enter_code(
    session: requests.Session, flow: dict[str, Any], account: str, **decision: str
) -> str:
    """In a browser of its own, by forms alone; the text of the last page."""
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, session.verify
        entered = browser.post(flow["verification_uri"], data={"user_code": flow["user_code"]})
        browser.post(entered.url, data={"account": account})
        return browser.post(entered.url, data=decision or {"decision": "continue"}).text


def poll_once(app: Any, flow: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = app.acquire_token_by_device_flow(
        flow, exit_condition=lambda _flow: True
    )
    return answer


@pytest.mark.parametrize("segment", [CONTOSO, "contoso-health.example", "organizations"])
def test_a_person_gets_a_token_for_the_api_with_a_device_code(
    served: Served, session: requests.Session, segment: str
) -> None:
    desk, url = served
    app = command_line(url, session, segment)
    flow = app.initiate_device_flow([API_SCOPE])
    assert (flow["verification_uri"], flow["interval"]) == (f"{url}/devicelogin", 5)
    assert "You have signed in to Connector command line" in enter_code(session, flow, ADMIN)
    tokens = app.acquire_token_by_device_flow(flow)
    claims = desk.claims(tokens["access_token"], audience=CONNECTOR, issuer=f"{url}/{CONTOSO}/v2.0")
    assert (claims["oid"], claims["scp"], claims["azp"], claims["azpacr"]) == (
        ADMIN,
        "Configuration.ReadWrite",
        COMMAND_LINE,
        "0",
    )
    assert tokens["id_token_claims"]["oid"] == ADMIN


def test_msal_finds_its_token_again_without_asking(
    served: Served, session: requests.Session
) -> None:
    app = command_line(served[1], session)
    flow = app.initiate_device_flow([API_SCOPE])
    enter_code(session, flow, ADAM)
    tokens = app.acquire_token_by_device_flow(flow)
    (account,) = app.get_accounts()
    again = app.acquire_token_silent([API_SCOPE], account)
    assert again["access_token"] == tokens["access_token"]


def test_msal_waits_while_the_person_has_not_decided(
    served: Served, session: requests.Session
) -> None:
    desk, url = served
    app = command_line(url, session)
    flow = app.initiate_device_flow([API_SCOPE])
    assert poll_once(app, flow)["error"] == "authorization_pending"
    desk.sim("POST", "clock", {"advance_seconds": 5})
    flow["latest_attempt_at"] = time.time() - 5  # msal warns a caller that does not wait
    assert poll_once(app, flow)["error"] == "authorization_pending"
    enter_code(session, flow, ADMIN)
    flow["latest_attempt_at"] = time.time() - 5
    assert "access_token" in poll_once(app, flow)


def test_msal_slows_down_when_told_to(served: Served, session: requests.Session) -> None:
    app = command_line(served[1], session)
    flow = app.initiate_device_flow([API_SCOPE])
    poll_once(app, flow)
    flow["latest_attempt_at"] = 0
    assert poll_once(app, flow)["error"] == "slow_down"
    assert flow["interval"] == 10


def test_msal_reports_what_the_person_declined(served: Served, session: requests.Session) -> None:
    app = command_line(served[1], session)
    flow = app.initiate_device_flow([API_SCOPE])
    enter_code(session, flow, ADMIN, cancel="1")
    assert app.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_msal_reports_an_expired_code(served: Served, session: requests.Session) -> None:
    desk, url = served
    app = command_line(url, session)
    flow = app.initiate_device_flow([API_SCOPE])
    desk.sim("POST", "clock", {"advance_seconds": 901})
    assert app.acquire_token_by_device_flow(flow)["error"] == "expired_token"


@pytest.mark.parametrize(
    ("scope", "code"),
    [("api://unknown/Read", 500011), (f"{API}/Configuration.Burn", 650053)],
)
def test_msal_reports_a_scope_that_does_not_exist(
    served: Served, session: requests.Session, scope: str, code: int
) -> None:
    flow = command_line(served[1], session).initiate_device_flow([scope])
    assert flow["error_codes"] == [code]
    assert "user_code" not in flow


def test_a_pipeline_gets_a_token_for_the_api_with_its_certificate(
    served: Served, session: requests.Session
) -> None:
    desk, url = served
    for tenant in (CONTOSO, NORTHWIND):
        tokens = pipeline(url, session, tenant).acquire_token_for_client([f"{API}/.default"])
        claims = desk.claims(
            tokens["access_token"], audience=CONNECTOR, issuer=f"{url}/{tenant}/v2.0"
        )
        assert (claims["idtyp"], claims["roles"], claims["azpacr"], claims["azp"]) == (
            "app",
            ["Connector.Admin"],
            "2",
            PIPELINE,
        )


def test_a_pipeline_without_consent_in_the_tenant_gets_none(
    served: Served, session: requests.Session
) -> None:
    answer = pipeline(served[1], session, FABRIKAM).acquire_token_for_client([f"{API}/.default"])
    assert (answer["error"], answer["error_codes"]) == ("unauthorized_client", [700016])
