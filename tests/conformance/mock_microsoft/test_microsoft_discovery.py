"""OpenID Connect Discovery 1.0 and microsoft.md section 5 (what msal reads)."""

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import CONTOSO, FABRIKAM, URL, Desk

CONFIGURATION = "v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize("segment", [CONTOSO, "contoso-health.example"])
def test_discovery_names_the_tenant_by_guid_in_the_issuer(desk: Desk, segment: str) -> None:
    document = desk.browser.get(f"/{segment}/{CONFIGURATION}").get_json()
    assert document["issuer"] == f"{URL}/{CONTOSO}/v2.0"


@pytest.mark.parametrize("segment", ["organizations", "common"])
def test_multi_tenant_discovery_publishes_an_issuer_template(desk: Desk, segment: str) -> None:
    document = desk.browser.get(f"/{segment}/{CONFIGURATION}").get_json()
    assert document["issuer"] == f"{URL}/{{tenantid}}/v2.0"


def test_discovery_spells_the_token_endpoint_as_it_was_asked(desk: Desk) -> None:
    document = desk.browser.get(f"/organizations/{CONFIGURATION}").get_json()
    assert document["token_endpoint"] == f"{URL}/organizations/oauth2/v2.0/token"


def test_discovery_says_in_which_region_a_tenant_lives(desk: Desk) -> None:
    document = desk.browser.get(f"/{FABRIKAM}/{CONFIGURATION}").get_json()
    assert document["tenant_region_scope"] == "EU"


@pytest.mark.parametrize("path", [CONFIGURATION, "discovery/v2.0/keys"])
def test_an_unknown_tenant_is_refused_with_90002(desk: Desk, path: str) -> None:
    answer = desk.browser.get(f"/nobody.example/{path}")
    assert (answer.status_code, answer.get_json()["error_codes"]) == (400, [90002])


def test_published_keys_hold_nothing_private(desk: Desk) -> None:
    keys = desk.browser.get("/common/discovery/v2.0/keys").get_json()["keys"]
    assert keys
    assert all(set(key) == {"kty", "n", "e", "kid", "use", "alg"} for key in keys)
