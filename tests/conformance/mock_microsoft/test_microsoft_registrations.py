"""The configuration file: registrations that contradict each other are refused before anything starts."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.conformance.mock_microsoft.microsoft_desk import (
    API,
    CLIENT_KEYS,
    COMMAND_LINE,
    CONNECTOR,
    make_key_pair,
)

from mock_microsoft.apps import Apps, read_certificates
from mock_microsoft.config import Configuration

Json = dict[str, Any]


def configured(*apps: Json, **changes: Any) -> Configuration:
    document = {"public_url": "https://microsoft.test", "apps": list(apps), **changes}
    return Configuration.model_validate(document)


def api(**changes: Any) -> Json:
    exposed = {"identifier_uri": API, "scopes": ["Read"], "app_roles": ["Admin"]}
    return {"client_id": CONNECTOR, "name": "API", "exposed_api": exposed, **changes}


def client(**permission: Any) -> Json:
    permissions = [{"api": CONNECTOR, **permission}]
    return {"client_id": COMMAND_LINE, "name": "Client", "api_permissions": permissions}


def test_permissions_that_an_api_exposes_are_taken() -> None:
    config = configured(api(), client(scopes=["Read"], app_roles=["Admin"]))
    connector, command_line = config.apps
    assert command_line.permission_for(connector).scopes == ("Read",)
    assert connector.permission_for(connector).scopes == ()


@pytest.mark.parametrize(
    ("apps", "told"),
    [
        ((api(), client(scopes=["Write"])), "exposes no Write"),
        ((api(), client(app_roles=["Read", "Owner"])), "exposes no Owner"),
        ((client(scopes=["Read"]),), "no application"),
        ((api(exposed_api=None), client(scopes=["Read"])), "no application"),
        ((api(client_id="connector"),), "must be a GUID"),
        ((api(is_public="yes"),), "is_public"),
    ],
)
def test_a_contradiction_is_refused_by_name(apps: tuple[Json, ...], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        configured(*apps)


@pytest.mark.parametrize("seconds", [0, -5])
def test_an_interval_below_one_second_is_refused(seconds: int) -> None:
    with pytest.raises(ValidationError, match="device_code_interval_seconds"):
        configured(device_code_interval_seconds=seconds)


def test_an_application_may_have_several_certificates() -> None:
    pem = CLIENT_KEYS.pem + make_key_pair().pem
    apps = Apps(configured(api(certificate_pem=pem)).apps)
    assert len(apps.certificates(apps.registrations[0])) == 2


@pytest.mark.parametrize("pem", ["", "-----BEGIN CERTIFICATE-----\n", "no certificate"])
def test_what_is_no_certificate_is_refused(pem: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)pem|certificate|unable"):
        read_certificates(pem)


@pytest.mark.parametrize("name", [API, API.upper(), CONNECTOR])
def test_an_api_is_known_by_uri_and_by_client_id(name: str) -> None:
    found = Apps(configured(api()).apps).api(name)
    assert found is not None
    assert found.client_id == CONNECTOR


@pytest.mark.parametrize("name", ["", "api://", COMMAND_LINE, f"{API}/Read"])
def test_nothing_else_names_an_api(name: str) -> None:
    assert Apps(configured(api(), client(scopes=["Read"])).apps).api(name) is None
