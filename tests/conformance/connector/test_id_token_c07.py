"""C07 and C10: what an ID token must be before we believe whom it names.

https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_ehr import CLIENT_ID, JWKS, WiredEhr, verify

from connector.adapters.smart.server import SmartHttp
from connector.domain.launch import EhrUser, FhirUserType
from connector.ports.errors import TryLater, Untrusted

CLINICIAN = EhrUser("eProviderUser1", FhirUserType.PRACTITIONER, "eP1")


def _refusal(smart: SmartHttp, ehr: WiredEhr, token: str) -> str:
    with pytest.raises(Untrusted) as refused:
        verify(smart, ehr, token)
    return refused.value.code


def test_c07_a_token_that_is_right_in_everything_names_its_user(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    assert verify(smart, ehr, ehr.issuer.sign(ehr.claims())) == CLINICIAN


def test_c07_kid_is_optional_if_the_ehr_has_one_key(smart: SmartHttp, ehr: WiredEhr) -> None:
    assert verify(smart, ehr, ehr.issuer.sign(ehr.claims(), kid=None)) == CLINICIAN


@pytest.mark.parametrize("audience", [CLIENT_ID, [CLIENT_ID]])
def test_c07_aud_is_us_alone(smart: SmartHttp, ehr: WiredEhr, audience: object) -> None:
    assert verify(smart, ehr, ehr.issuer.sign(ehr.claims(aud=audience))) == CLINICIAN


def test_c07_aud_may_name_others_if_the_token_was_issued_to_us(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    claims = ehr.claims(aud=["other", CLIENT_ID], azp=CLIENT_ID)
    assert verify(smart, ehr, ehr.issuer.sign(claims)) == CLINICIAN


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iss": None}, "iss"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": 7}, "iss"),
        ({"aud": None}, "aud"),
        ({"aud": "someone-else"}, "aud"),
        ({"aud": ["someone-else"]}, "aud"),
        ({"aud": [CLIENT_ID, "other"]}, "aud"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "aud"),
        ({"aud": {CLIENT_ID: True}}, "aud"),
        ({"aud": []}, "aud"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "nonce-of-another-launch"}, "nonce"),
        ({"nonce": 7}, "nonce"),
        ({"exp": None}, "exp"),
        ({"exp": "4000000000"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": -1}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"nbf": "now"}, "nbf"),
    ],
    ids=str,
)
def test_case_17_a_wrong_claim_is_refused_by_name(
    smart: SmartHttp, ehr: WiredEhr, change: dict[str, Any], code: str
) -> None:
    assert _refusal(smart, ehr, ehr.issuer.sign(ehr.claims(**change))) == code


def test_case_17_iss_of_the_fhir_base_url_is_not_the_oidc_issuer(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    assert _refusal(smart, ehr, ehr.issuer.sign(ehr.claims(iss=ehr.fhir_base_url))) == "iss"


@pytest.mark.parametrize(
    ("claim", "seconds"), [("exp", -59), ("nbf", 60), ("iat", 60), ("iat", -3600)]
)
def test_case_17_sixty_seconds_of_skew_are_tolerated(
    smart: SmartHttp, ehr: WiredEhr, clock: FixedClock, claim: str, seconds: int
) -> None:
    at = int(clock.now().timestamp()) + seconds
    assert verify(smart, ehr, ehr.issuer.sign(ehr.claims(**{claim: at}))) == CLINICIAN


@pytest.mark.parametrize(
    ("claim", "seconds"), [("exp", -60), ("exp", -3600), ("nbf", 61), ("iat", 61), ("iat", 600)]
)
def test_case_17_more_skew_is_refused(
    smart: SmartHttp, ehr: WiredEhr, clock: FixedClock, claim: str, seconds: int
) -> None:
    at = int(clock.now().timestamp()) + seconds
    assert _refusal(smart, ehr, ehr.issuer.sign(ehr.claims(**{claim: at}))) == claim


# --- forgeries (case 16) --------------------------------------------------------------------------


def _part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_case_16_an_unsigned_token_is_refused(
    smart: SmartHttp, ehr: WiredEhr, algorithm: str
) -> None:
    head = _part({"alg": algorithm, "typ": "JWT", "kid": "key-1"})
    assert _refusal(smart, ehr, f"{head}.{_part(ehr.claims())}.") in {
        "algorithm",
        "token_malformed",
    }


def test_case_16_hs256_by_the_public_key_is_refused(smart: SmartHttp, ehr: WiredEhr) -> None:
    signed = f"{_part({'alg': 'HS256', 'kid': 'key-1'})}.{_part(ehr.claims())}"
    mac = hmac.new(ehr.issuer.public_pem(), signed.encode(), hashlib.sha256).digest()
    assert _refusal(smart, ehr, f"{signed}.{_part(mac)}") == "algorithm"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_case_16_another_algorithm_of_the_right_key_is_refused(
    smart: SmartHttp, ehr: WiredEhr, algorithm: str
) -> None:
    token = jwt.encode(ehr.claims(), ehr.issuer.private, algorithm, headers={"kid": "key-1"})
    assert _refusal(smart, ehr, token) == "algorithm"


def test_case_16_a_key_the_token_brings_along_is_refused_and_not_fetched(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    attacker = Issuer("attacker", "key-1")
    ehr.wire.answer("GET", "/attacker", Reply(200, attacker.jwks()))
    for header in (
        {"jku": f"{ehr.wire.url}/attacker"},
        {"x5u": f"{ehr.wire.url}/attacker"},
        {"jwk": attacker.jwk()},
    ):
        assert _refusal(smart, ehr, attacker.sign(ehr.claims(), header)) == "header"
    critical = ehr.issuer.sign(ehr.claims(), {"crit": ["exp"]})
    assert _refusal(smart, ehr, critical) == "token_malformed"
    assert ehr.wire.heard == []


def test_case_16_a_key_of_the_same_kid_is_still_another_key(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    assert _refusal(smart, ehr, Issuer("attacker", "key-1").sign(ehr.claims())) == "signature"


# --- keys (cases 14 and 15) -----------------------------------------------------------------------


def test_case_14_a_key_rotated_a_moment_ago_is_fetched_once_and_trusted(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    verify(smart, ehr, ehr.issuer.sign(ehr.claims()))
    rotated = Issuer("rotated", "key-2")
    ehr.wire.answer("GET", JWKS, Reply(200, rotated.jwks()))
    assert verify(smart, ehr, rotated.sign(ehr.claims())) == CLINICIAN
    assert len(ehr.wire.requests(JWKS)) == 2


def test_case_14_a_flood_of_unknown_keys_is_one_fetch_a_minute(
    smart: SmartHttp, ehr: WiredEhr, clock: FixedClock
) -> None:
    verify(smart, ehr, ehr.issuer.sign(ehr.claims()))
    attacker = Issuer("attacker", "key-9")
    for number in range(50):
        token = attacker.sign(ehr.claims(), kid=f"unknown-{number}")
        assert _refusal(smart, ehr, token) == "key_unknown"
    assert len(ehr.wire.requests(JWKS)) == 2
    clock.advance(timedelta(seconds=60))
    _refusal(smart, ehr, attacker.sign(ehr.claims()))
    assert len(ehr.wire.requests(JWKS)) == 3


@pytest.mark.parametrize("failure", [DROPPED, Reply(503, {}), Reply(200, "<html>")])
def test_case_15_held_keys_serve_until_their_hard_expiry_and_then_nothing_does(
    smart: SmartHttp, ehr: WiredEhr, clock: FixedClock, failure: Reply
) -> None:
    verify(smart, ehr, ehr.issuer.sign(ehr.claims()))
    ehr.wire.answer("GET", JWKS, failure)
    for hours in (1, 10, 23):
        clock.set(FixedClock().now() + timedelta(hours=hours))
        assert verify(smart, ehr, ehr.issuer.sign(ehr.claims())) == CLINICIAN
    clock.set(FixedClock().now() + timedelta(hours=24))
    with pytest.raises(TryLater):
        verify(smart, ehr, ehr.issuer.sign(ehr.claims()))


# --- fhirUser (C10) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "kind", "fhir_id"),
    [
        ("{base}/Practitioner/eP1", FhirUserType.PRACTITIONER, "eP1"),
        ("Practitioner/eP1", FhirUserType.PRACTITIONER, "eP1"),
        ("PractitionerRole/eR.1-2", FhirUserType.PRACTITIONER_ROLE, "eR.1-2"),
        ("{base}/Patient/eT1", FhirUserType.PATIENT, "eT1"),
        ("RelatedPerson/eX1", FhirUserType.RELATED_PERSON, "eX1"),
        ("Person/eX1", FhirUserType.PERSON, "eX1"),
    ],
)
def test_c10_fhir_user_may_be_absolute_or_relative(
    smart: SmartHttp, ehr: WiredEhr, reference: str, kind: FhirUserType, fhir_id: str
) -> None:
    claims = ehr.claims(fhirUser=reference.format(base=ehr.fhir_base_url))
    found = verify(smart, ehr, ehr.issuer.sign(claims))
    assert (found.fhir_type, found.fhir_id) == (kind, fhir_id)


def test_c10_profile_is_the_older_name(smart: SmartHttp, ehr: WiredEhr) -> None:
    claims = ehr.claims(fhirUser=None, profile="Practitioner/eP1")
    assert verify(smart, ehr, ehr.issuer.sign(claims)) == CLINICIAN


@pytest.mark.parametrize(
    "reference",
    [
        None,
        "",
        7,
        ["Practitioner/eP1"],
        "Practitioner",
        "Practitioner/",
        "practitioner/eP1",
        "Organization/eO1",
        "https://elsewhere.example/api/FHIR/R4/Practitioner/eP1",
        "Practitioner/eP1/_history/2",
        "Practitioner/../Patient/eT1",
        "Practitioner/e P1",
        "Practitioner/eP1?x=1",
        "Practitioner/" + "e" * 65,
        "/Practitioner/eP1",
    ],
    ids=repr,
)
def test_c10_a_reference_that_is_no_person_of_this_ehr_is_refused(
    smart: SmartHttp, ehr: WiredEhr, reference: object
) -> None:
    assert _refusal(smart, ehr, ehr.issuer.sign(ehr.claims(fhirUser=reference))) == "fhir_user"
