"""Discovery: https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html. Check ids: spec/ehr.md 2.2."""

from urllib.parse import urlsplit

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from tests.conformance.mock_fhir.ehr_driver import CALLBACK, EhrDriver

SMART = "/api/FHIR/R4/.well-known/smart-configuration"
OPENID = (
    "/oauth2/.well-known/openid-configuration",
    "/api/FHIR/R4/.well-known/openid-configuration",
)
# Required by the ONC (g)(10) kit for standalone and EHR launches.
G10_CAPABILITIES = {
    "launch-standalone", "launch-ehr", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-standalone-patient", "context-banner",
    "context-style", "context-ehr-patient", "context-ehr-encounter", "permission-offline", "permission-patient",
    "permission-user", "permission-v1", "permission-v2", "authorize-post",
}  # fmt: skip


def test_s01_smart_configuration_is_json_whatever_is_accepted(ehr: EhrDriver) -> None:
    answer = ehr.get(SMART, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


@pytest.mark.parametrize("path", [SMART, "/api/FHIR/R4/metadata", *OPENID, "/oauth2/jwks"])
def test_s02_s11_discovery_is_readable_from_any_origin(ehr: EhrDriver, path: str) -> None:
    answer = ehr.get(path, headers={"Origin": "https://stranger.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_s03_s04_required_fields_are_present(ehr: EhrDriver) -> None:
    found = ehr.get(SMART).get_json()
    assert {
        "issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "grant_types_supported", "capabilities",
        "code_challenge_methods_supported",
    } <= set(found)  # fmt: skip
    assert "authorization_code" in found["grant_types_supported"]


def test_s05_only_s256_is_offered(ehr: EhrDriver) -> None:
    assert ehr.get(SMART).get_json()["code_challenge_methods_supported"] == ["S256"]


def test_s08_every_address_is_absolute(ehr: EhrDriver) -> None:
    found = ehr.get(SMART).get_json()
    addresses = [value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 6
    assert all(urlsplit(one).scheme == "https" for one in addresses)


def test_s09_capability_words_of_g10_are_present(ehr: EhrDriver) -> None:
    assert set(ehr.get(SMART).get_json()["capabilities"]) >= G10_CAPABILITIES


def test_s10_s57_capability_statement_is_strict_r4_with_oauth_uris(ehr: EhrDriver) -> None:
    answer = ehr.get("/api/FHIR/R4/metadata")
    statement = answer.get_json(force=True)
    CapabilityStatement.model_validate(statement)
    assert (statement["fhirVersion"], statement["kind"], answer.status_code) == (
        "4.0.1",
        "instance",
        200,
    )
    (extension,) = statement["rest"][0]["security"]["extension"]
    found = {one["url"]: one["valueUri"] for one in extension["extension"]}
    smart = ehr.get(SMART).get_json()
    assert found["authorize"] == smart["authorization_endpoint"]
    assert found["token"] == smart["token_endpoint"]


def test_s12_token_endpoint_answers_the_preflight_of_a_registered_origin(ehr: EhrDriver) -> None:
    ehr.register()
    origin = CALLBACK.removesuffix("/callback")
    answer = ehr.call("OPTIONS", "/oauth2/token", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_s12_token_endpoint_allows_no_other_origin(ehr: EhrDriver) -> None:
    answer = ehr.call("OPTIONS", "/oauth2/token", headers={"Origin": "https://stranger.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", OPENID)
def test_s24_s50_openid_configuration_agrees_with_smart(ehr: EhrDriver, path: str) -> None:
    openid, smart = ehr.get(path).get_json(), ehr.get(SMART).get_json()
    assert {"subject_types_supported", "response_types_supported", "authorization_endpoint"} <= set(
        openid
    )
    assert "RS256" in openid["id_token_signing_alg_values_supported"]
    for name in ("issuer", "jwks_uri", "token_endpoint"):
        assert openid[name] == smart[name]


def test_s25_key_set_has_no_private_member(ehr: EhrDriver) -> None:
    (key,) = ehr.get("/oauth2/jwks").get_json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_environments_have_their_own_issuer_and_key(ehr: EhrDriver, production: EhrDriver) -> None:
    assert ehr.get(SMART).get_json()["issuer"] != production.get(SMART).get_json()["issuer"]
    ours, theirs = (one.get("/oauth2/jwks").get_json()["keys"][0] for one in (ehr, production))
    assert ours["n"] != theirs["n"]
