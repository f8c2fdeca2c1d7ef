"""Token endpoint and ID token. https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html, check ids: spec/ehr.md 2.2."""

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from tests.conformance.mock_fhir.ehr_driver import CALLBACK, EHR_SCOPE, EhrDriver, Pkce


@pytest.fixture
def client(ehr: EhrDriver) -> dict[str, Any]:
    return ehr.register()


def claims_of(ehr: EhrDriver, token: dict[str, Any], audience: str) -> dict[str, Any]:
    """Verified as OpenID Connect Core 3.1.3.7 says."""
    keys = jwt.PyJWKSet.from_dict(ehr.get("/oauth2/jwks").get_json())
    header = jwt.get_unverified_header(token["id_token"])
    claims: dict[str, Any] = jwt.decode(
        token["id_token"],
        keys[header["kid"]],
        algorithms=["RS256"],
        audience=audience,
        issuer=f"{ehr.base}/oauth2",
    )
    return claims


def test_s15_s16_body_and_headers_of_the_answer(ehr: EhrDriver, client: dict[str, Any]) -> None:
    pkce = Pkce()
    code = ehr.code(client, pkce)
    answer = ehr.exchange(client, code=code, code_verifier=pkce.verifier)
    body = answer.get_json()
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert body["token_type"].lower() == "bearer"
    assert body["expires_in"] == 3600
    assert isinstance(body["access_token"], str)


def test_s17_everything_asked_and_registered_is_granted(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    assert ehr.token(client)["scope"] == EHR_SCOPE


def test_s18_s20_patient_and_encounter_of_the_context_can_be_read(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    token = ehr.token(client)
    bearer = {"Authorization": f"Bearer {token['access_token']}", "Origin": "https://app.example"}
    patient = ehr.get(f"/api/FHIR/R4/Patient/{token['patient']}", headers=bearer)
    encounter = ehr.get(f"/api/FHIR/R4/Encounter/{token['encounter']}", headers=bearer)
    assert (patient.status_code, encounter.status_code) == (200, 200)
    assert patient.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_s21_s22_banner_is_boolean_and_style_is_json(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    token = ehr.token(client)
    assert token["need_patient_banner"] is True
    assert "color_background" in ehr.get(token["smart_style_url"]).get_json()


def test_s23_fhir_context_names_the_appointment(ehr: EhrDriver, client: dict[str, Any]) -> None:
    visit = ehr.open_visit()
    launch = ehr.launch(client, appointment=visit["appointment"])["launch"]
    token = ehr.token(client, launch=launch)
    assert token["fhirContext"] == [{"reference": f"Appointment/{visit['appointment']}"}]
    assert (token["patient"], token["encounter"]) == (visit["patient"], visit["encounter"])


def test_s25_s26_s27_id_token_names_the_clinician(ehr: EhrDriver, client: dict[str, Any]) -> None:
    token = ehr.token(client)
    claims = claims_of(ehr, token, client["client_id"])
    assert (claims["sub"], claims["nonce"]) == ("EMP-1001", "n-1")
    assert claims["fhirUser"] == f"{ehr.fhir}/Practitioner/example"
    assert claims["exp"] - claims["iat"] == 300
    bearer = ehr.bearer("user/Practitioner.rs")
    assert ehr.get(claims["fhirUser"], headers=bearer).get_json(force=True)["id"] == "example"


def test_s27_a_parent_acts_as_related_person_of_the_child(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    token = ehr.token(client, launch=ehr.launch(client, patient="infant-twin-1")["launch"])
    claims = claims_of(ehr, token, client["client_id"])
    assert (claims["sub"], token["patient"]) == ("WPR-1004", "infant-twin-1")
    assert claims["fhirUser"] == f"{ehr.fhir}/RelatedPerson/related-leia"


def test_fhir_user_is_left_out_when_not_asked_for(ehr: EhrDriver, client: dict[str, Any]) -> None:
    token = ehr.token(client, scope="launch openid")
    assert "fhirUser" not in claims_of(ehr, token, client["client_id"])


def test_profile_adds_the_user_name(ehr: EhrDriver, client: dict[str, Any]) -> None:
    token = ehr.token(client, scope="launch openid profile")
    assert claims_of(ehr, token, client["client_id"])["preferred_username"] == "ACAREFUL"


def test_no_id_token_without_openid(ehr: EhrDriver, client: dict[str, Any]) -> None:
    assert "id_token" not in ehr.token(client, scope="launch fhirUser patient/*.rs")


@pytest.mark.parametrize(
    "verifier",
    [None, "", "w" * 43, "challenge"],
    ids=["S40a none", "S40b blank", "S40c wrong", "S40d the challenge itself"],
)
def test_s40_a_code_needs_its_verifier(
    ehr: EhrDriver, client: dict[str, Any], verifier: str | None
) -> None:
    pkce = Pkce()
    code = ehr.code(client, pkce)
    sent = pkce.challenge if verifier == "challenge" else verifier
    answer = ehr.exchange(client, code=code, code_verifier=sent)
    assert answer.status_code == 400
    assert answer.get_json()["error"] in ("invalid_grant", "invalid_request")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": "BAD_CODE"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": "https://app.example/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
    ],
)
def test_s40e_s40f_s70_a_wrong_exchange_is_refused(
    ehr: EhrDriver, client: dict[str, Any], change: dict[str, Any], error: str
) -> None:
    pkce = Pkce()
    form = {"code": ehr.code(client, pkce), "code_verifier": pkce.verifier, **change}
    answer = ehr.exchange(client, **form)
    assert (answer.status_code, answer.get_json()["error"]) == (400, error)


def test_s41_an_unknown_client_is_refused(ehr: EhrDriver, client: dict[str, Any]) -> None:
    pkce = Pkce()
    code = ehr.code(client, pkce)
    answer = ehr.exchange({"client_id": "BAD"}, code=code, code_verifier=pkce.verifier)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_s42_a_code_is_bound_to_its_client(ehr: EhrDriver, client: dict[str, Any]) -> None:
    pkce = Pkce()
    code = ehr.code(client, pkce)
    answer = ehr.exchange(ehr.register(), code=code, code_verifier=pkce.verifier)
    assert answer.get_json()["error"] == "invalid_grant"


def test_s52_the_second_use_of_a_code_kills_the_first_tokens(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    pkce = Pkce()
    form = {"code": ehr.code(client, pkce), "code_verifier": pkce.verifier}
    first = ehr.exchange(client, **form).get_json()
    again = ehr.exchange(client, **form)
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert again.get_json()["error"] == "invalid_grant"
    assert ehr.get(f"/api/FHIR/R4/Patient/{first['patient']}", headers=bearer).status_code == 401
    assert ehr.refresh(client, first["refresh_token"]).status_code == 400


def test_a_code_lives_a_minute(ehr: EhrDriver, client: dict[str, Any]) -> None:
    pkce = Pkce()
    code = ehr.code(client, pkce)
    ehr.simulator.clock.advance(timedelta(seconds=60))
    answer = ehr.exchange(client, code=code, code_verifier=pkce.verifier)
    assert answer.get_json()["error"] == "invalid_grant"


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def exchange_basic(ehr: EhrDriver, client: dict[str, Any], headers: dict[str, str]) -> Any:
    pkce = Pkce()
    form = {
        "grant_type": "authorization_code",
        "code": ehr.code(client, pkce),
        "redirect_uri": CALLBACK,
        "code_verifier": pkce.verifier,
    }
    return ehr.post("/oauth2/token", data=form, headers=headers)


def percent_encoded(text: str) -> str:
    """As openid-client v6 sends it: `-` and `_` too."""
    return quote(text, safe="").replace("-", "%2D").replace("_", "%5F")


def test_s56_basic_is_accepted_raw_and_form_encoded(ehr: EhrDriver) -> None:
    client = ehr.register(token_endpoint_auth_method="client_secret_basic")
    pair = (client["client_id"], client["client_secret"])
    raw = exchange_basic(ehr, client, basic(*pair))
    encoded = exchange_basic(ehr, client, basic(*(percent_encoded(one) for one in pair)))
    assert (raw.status_code, encoded.status_code) == (200, 200)


def test_a_wrong_basic_secret_is_challenged(ehr: EhrDriver) -> None:
    client = ehr.register(token_endpoint_auth_method="client_secret_basic")
    answer = exchange_basic(ehr, client, basic(client["client_id"], "wrong"))
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_client_must_use_its_registered_method(ehr: EhrDriver) -> None:
    client, pkce = ehr.register(token_endpoint_auth_method="client_secret_basic"), Pkce()
    code = ehr.code(client, pkce)
    form = {"code": code, "code_verifier": pkce.verifier}
    posted = ehr.exchange(client, **form, client_secret=client["client_secret"])
    as_public = ehr.exchange(client, **form)
    assert [one.get_json()["error"] for one in (posted, as_public)] == ["invalid_client"] * 2


def test_two_ways_of_authentication_at_once_are_refused(ehr: EhrDriver) -> None:
    client = ehr.register(token_endpoint_auth_method="client_secret_post")
    headers = basic(client["client_id"], client["client_secret"])
    form = {"grant_type": "refresh_token", "client_secret": client["client_secret"]}
    answer = ehr.post("/oauth2/token", data=form, headers=headers)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_client_secret_post_works(ehr: EhrDriver) -> None:
    client, pkce = ehr.register(token_endpoint_auth_method="client_secret_post"), Pkce()
    code = ehr.code(client, pkce)
    answer = ehr.exchange(
        client, code=code, code_verifier=pkce.verifier, client_secret=client["client_secret"]
    )
    assert answer.status_code == 200
