"""Refresh, revocation, introspection (RFC 6749 6, RFC 7009, RFC 7662). Check ids: spec/ehr.md 2.2."""

from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.mock_fhir.ehr_driver import EHR_SCOPE, EhrDriver

PATIENT = "/api/FHIR/R4/Patient/example"


@pytest.fixture
def client(ehr: EhrDriver) -> dict[str, Any]:
    return ehr.register()


@pytest.fixture
def token(ehr: EhrDriver, client: dict[str, Any]) -> dict[str, Any]:
    return ehr.token(client)


def read(ehr: EhrDriver, access_token: str) -> int:
    return ehr.get(PATIENT, headers={"Authorization": f"Bearer {access_token}"}).status_code


def test_s28_refresh_without_scope_keeps_scope_and_context(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    answer = ehr.refresh(client, token["refresh_token"])
    fresh = answer.get_json()
    assert (fresh["scope"], fresh["patient"], fresh["fhirContext"]) == (
        EHR_SCOPE,
        token["patient"],
        token["fhirContext"],
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert read(ehr, fresh["access_token"]) == 200


def test_s29_scope_may_shrink(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    answer = ehr.refresh(client, token["refresh_token"], scope="patient/Appointment.r")
    assert answer.get_json()["scope"] == "patient/Appointment.r"
    assert read(ehr, answer.get_json()["access_token"]) == 403


@pytest.mark.parametrize("scope", ["user/*.rs", "patient/*.cruds", "patient/*.rs system/*.rs"])
def test_s30_scope_must_not_grow(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any], scope: str
) -> None:
    answer = ehr.refresh(client, token["refresh_token"], scope=scope)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
    assert ehr.refresh(client, token["refresh_token"]).status_code == 200


def test_s31_an_unknown_refresh_token_is_refused(ehr: EhrDriver, client: dict[str, Any]) -> None:
    assert ehr.refresh(client, "REFRESH_TOKEN").get_json()["error"] == "invalid_grant"


def test_s32_a_refresh_token_is_bound_to_its_client(ehr: EhrDriver, token: dict[str, Any]) -> None:
    answer = ehr.refresh(ehr.register(), token["refresh_token"])
    assert answer.get_json()["error"] == "invalid_grant"


def test_s53_reuse_of_a_rotated_token_ends_the_family(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    fresh = ehr.refresh(client, token["refresh_token"]).get_json()
    assert fresh["refresh_token"] != token["refresh_token"]
    again = ehr.refresh(client, token["refresh_token"])
    assert again.get_json()["error"] == "invalid_grant"
    assert ehr.refresh(client, fresh["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert read(ehr, fresh["access_token"]) == 401


def test_no_refresh_token_without_offline_or_online_access(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    assert "refresh_token" not in ehr.token(client, scope="launch openid patient/*.rs")


def test_no_refresh_token_when_the_client_is_not_registered_for_it(ehr: EhrDriver) -> None:
    client = ehr.register(grant_types=["authorization_code"])
    assert "refresh_token" not in ehr.token(client)


def test_s39_an_access_token_expires(ehr: EhrDriver, token: dict[str, Any]) -> None:
    assert read(ehr, token["access_token"]) == 200
    ehr.simulator.clock.advance(timedelta(seconds=token["expires_in"]))
    assert read(ehr, token["access_token"]) == 401


def introspected(ehr: EhrDriver, client: dict[str, Any], token: str) -> Any:
    answer = ehr.post("/oauth2/introspect", data={"token": token, "client_id": client["client_id"]})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_s47_s48_a_live_token_is_described_with_context_and_identity(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    found = introspected(ehr, client, token["access_token"])
    assert (found["active"], found["client_id"], found["scope"]) == (
        True,
        client["client_id"],
        EHR_SCOPE,
    )
    assert (found["patient"], found["encounter"]) == (token["patient"], token["encounter"])
    assert (found["iss"], found["sub"]) == (f"{ehr.base}/oauth2", "EMP-1001")
    assert found["fhirUser"] == f"{ehr.fhir}/Practitioner/example"
    assert isinstance(found["exp"], int)


def test_s49_an_unknown_token_is_exactly_inactive(ehr: EhrDriver, client: dict[str, Any]) -> None:
    assert introspected(ehr, client, "invalid") == {"active": False}


def test_introspection_may_be_asked_with_a_bearer_token(
    ehr: EhrDriver, token: dict[str, Any]
) -> None:
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    answer = ehr.post("/oauth2/introspect", data={"token": "x"}, headers=bearer)
    assert answer.get_json() == {"active": False}


def test_introspection_is_refused_to_a_stranger(ehr: EhrDriver, token: dict[str, Any]) -> None:
    answer = ehr.post("/oauth2/introspect", data={"token": token["access_token"]})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("path", ["/oauth2/introspect", "/oauth2/revoke"])
def test_the_token_parameter_is_required(ehr: EhrDriver, client: dict[str, Any], path: str) -> None:
    answer = ehr.post(path, data={"client_id": client["client_id"]})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def revoke(ehr: EhrDriver, client: dict[str, Any], token: str) -> int:
    form = {"token": token, "client_id": client["client_id"]}
    return ehr.post("/oauth2/revoke", data=form).status_code


def test_s54_a_revoked_access_token_is_dead(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    assert revoke(ehr, client, token["access_token"]) == 200
    assert introspected(ehr, client, token["access_token"]) == {"active": False}
    assert read(ehr, token["access_token"]) == 401
    assert ehr.refresh(client, token["refresh_token"]).status_code == 200


def test_a_revoked_refresh_token_takes_the_access_tokens_with_it(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    assert revoke(ehr, client, token["refresh_token"]) == 200
    assert read(ehr, token["access_token"]) == 401
    assert ehr.refresh(client, token["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_revoking_what_is_not_mine_or_unknown_changes_nothing(
    ehr: EhrDriver, client: dict[str, Any], token: dict[str, Any]
) -> None:
    assert revoke(ehr, ehr.register(), token["refresh_token"]) == 200
    assert revoke(ehr, client, "unknown") == 200
    assert read(ehr, token["access_token"]) == 200
