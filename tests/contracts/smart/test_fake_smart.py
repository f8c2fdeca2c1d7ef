"""`FakeSmart` refuses what an EHR refuses of us, so that use cases cannot pass by accident."""

from urllib.parse import urlencode

import pytest
from tests.fakes.smart import PRACTITIONER, FakeSmart

from connector.domain.configuration import SmartEndpoints
from connector.ports.errors import Denied, TryLater, Untrusted

BASE = "https://ehr.example/interconnect/api/FHIR/R4"
CALLBACK = "https://connector.example/launch/callback"
# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def fake() -> FakeSmart:
    return FakeSmart()


@pytest.fixture
def endpoints(fake: FakeSmart) -> SmartEndpoints:
    return fake.add_ehr(BASE)


@pytest.fixture
def code(fake: FakeSmart, endpoints: SmartEndpoints) -> str:
    asked = {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": CALLBACK,
        "scope": "openid fhirUser",
        "state": "the-state",
        "nonce": "the-nonce",
        "aud": BASE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    query = fake.sign_in(
        f"{endpoints.authorization_endpoint}?{urlencode(asked)}", PRACTITIONER, {"csn": "1"}
    )
    assert (query["state"], query["iss"]) == ("the-state", endpoints.issuer)
    return query["code"]


def _redeem(fake: FakeSmart, endpoints: SmartEndpoints, code: str, **changes: str) -> str:
    asked = {"client_id": "client", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answer = fake.redeem_code(endpoints, code=code, **(asked | changes))
    assert answer.context == {"csn": "1"}
    assert answer.scopes == {"openid", "fhirUser"}
    return answer.unverified_id_token


def test_a_code_gives_the_person_who_signed_in(
    fake: FakeSmart, endpoints: SmartEndpoints, code: str
) -> None:
    found = fake.verify_id_token(
        endpoints,
        client_id="client",
        fhir_base_url=BASE,
        nonce="the-nonce",
        unverified_id_token=_redeem(fake, endpoints, code),
    )
    assert found == PRACTITIONER


def test_a_code_is_good_once(fake: FakeSmart, endpoints: SmartEndpoints, code: str) -> None:
    _redeem(fake, endpoints, code)
    with pytest.raises(Denied, match="invalid_grant"):
        _redeem(fake, endpoints, code)


@pytest.mark.parametrize(
    "change",
    [{"code_verifier": "other"}, {"client_id": "other"}, {"redirect_uri": "https://other"}],
    ids=str,
)
def test_a_code_is_bound_to_who_asked_for_it(
    fake: FakeSmart, endpoints: SmartEndpoints, code: str, change: dict[str, str]
) -> None:
    with pytest.raises(Denied, match="invalid_grant"):
        _redeem(fake, endpoints, code, **change)


@pytest.mark.parametrize("change", [{"nonce": "other"}, {"client_id": "other"}], ids=str)
def test_an_id_token_is_bound_to_its_launch(
    fake: FakeSmart, endpoints: SmartEndpoints, code: str, change: dict[str, str]
) -> None:
    token = _redeem(fake, endpoints, code)
    asked = {"client_id": "client", "nonce": "the-nonce", "unverified_id_token": token}
    with pytest.raises(Untrusted):
        fake.verify_id_token(endpoints, fhir_base_url=BASE, **(asked | change))


def test_an_id_token_of_another_ehr_or_of_nobody_is_untrusted(
    fake: FakeSmart, endpoints: SmartEndpoints, code: str
) -> None:
    token = _redeem(fake, endpoints, code)
    other = fake.add_ehr("https://other.example/api/FHIR/R4")
    asked = {"client_id": "client", "nonce": "the-nonce", "fhir_base_url": BASE}
    with pytest.raises(Untrusted, match="issuer"):
        fake.verify_id_token(other, unverified_id_token=token, **asked)
    with pytest.raises(Untrusted, match="signature"):
        fake.verify_id_token(endpoints, unverified_id_token="forged", **asked)


def test_an_unknown_ehr_cannot_be_reached(fake: FakeSmart) -> None:
    with pytest.raises(TryLater):
        fake.discover("https://nobody.example/R4")


def test_a_planned_fault_is_raised_as_often_as_planned(
    fake: FakeSmart, endpoints: SmartEndpoints
) -> None:
    fake.faults.fail("discover", TryLater("timeout"), times=2)
    for _ in range(2):
        with pytest.raises(TryLater, match="timeout"):
            fake.discover(BASE)
    assert fake.discover(BASE) == endpoints
    fake.faults.fail("discover", Denied("pkce_missing"), times=None)
    for _ in range(3):
        with pytest.raises(Denied):
            fake.discover(BASE)
    fake.faults.clear()
    assert fake.discover(BASE) == endpoints
