"""C06: our client assertion, at every exchange.

hl7.fhir.uv.smart-app-launch 2.2.0, client-confidential-asymmetric; RFC 7523 section 3.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.system import FixedClock
from tests.fakes.wire import Reply
from tests.fakes.wired_ehr import CLIENT_ID, TOKEN, WiredEhr, redeem

from connector.adapters.smart.server import SmartHttp
from connector.adapters.smart.token_endpoint import TokenEndpoint
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.ids import RandomIds
from connector.adapters.vault.files import FileKeys
from connector.ports.errors import TryLater
from connector.ports.http import Answer


def _assertions(ehr: WiredEhr) -> list[str]:
    return [heard.form["client_assertion"] for heard in ehr.wire.requests(TOKEN)]


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_c06_the_assertion_says_what_the_clause_lists(
    smart: SmartHttp, ehr: WiredEhr, connector_keys: FileKeys, clock: FixedClock, algorithm: str
) -> None:
    redeem(smart, ehr, endpoints=replace(ehr.endpoints, assertion_algorithm=algorithm))
    (assertion,) = _assertions(ehr)
    header = jwt.get_unverified_header(assertion)
    published = {each["kid"]: each for each in connector_keys.assertions.public_keys()["keys"]}
    assert (header["typ"], header["alg"]) == ("JWT", algorithm)
    claims = jwt.decode(
        assertion,
        jwt.PyJWK(published[header["kid"]]),
        algorithms=[algorithm],
        options={"verify_exp": False, "verify_aud": False},
    )
    now = int(clock.now().timestamp())
    assert claims["iss"] == claims["sub"] == CLIENT_ID
    assert claims["aud"] == ehr.endpoints.token_endpoint
    assert type(claims["exp"]) is int
    assert now < claims["exp"] <= now + 300
    assert len(claims["jti"]) >= 16


def test_c06_an_exchange_after_a_failed_one_is_signed_anew(smart: SmartHttp, ehr: WiredEhr) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(503, {}), Reply(200, ehr.token_response()))
    with pytest.raises(TryLater):
        redeem(smart, ehr)
    redeem(smart, ehr)
    first, second = (_claims(each)["jti"] for each in _assertions(ehr))
    assert first != second


def test_c06_backend_services_use_the_same_assertion(smart: SmartHttp, ehr: WiredEhr) -> None:
    smart.backend_token(ehr.endpoints, client_id="backend", scope="system/Appointment.u")
    claims = _claims(_assertions(ehr)[0])
    assert (claims["iss"], claims["aud"]) == ("backend", ehr.endpoints.token_endpoint)


def _claims(assertion: str) -> dict[str, Any]:
    return jwt.decode(assertion, options={"verify_signature": False})


class _Collector:
    """An `Http` that keeps what is posted and lends a token; and a signer that does not sign."""

    def __init__(self) -> None:
        self.identifiers: list[str] = []

    def sign(self, claims: dict[str, Any], algorithm: str) -> str:
        self.identifiers.append(claims["jti"])
        return "unsigned"

    def public_keys(self) -> dict[str, Any]:
        return {"keys": []}

    def send(self, method: str, url: str, **_: Any) -> Answer:
        return Answer(200, {"content-type": "application/json"}, b"{}")


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(threads=st.integers(min_value=2, max_value=16))
def test_case_19_ten_thousand_assertions_under_threads_have_distinct_jti(
    ehr: WiredEhr, threads: int
) -> None:
    """reliability.md case 19: the same `jti` twice is impossible."""
    collector = _Collector()
    endpoint = TokenEndpoint(collector, collector, SystemClock(), RandomIds())
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: endpoint.ask(ehr.endpoints, "client", {}), range(10_000)))
    assert len(set(collector.identifiers)) == len(collector.identifiers) == 10_000


def test_case_18_an_assertion_of_before_a_rotation_still_verifies(tmp_path: Any) -> None:
    """reliability.md case 18: both keys are published while the old one's assertions live."""
    from connector.adapters.vault.directory import Directory
    from connector.adapters.vault.generation import add_assertion_keys, make_keys

    make_keys(Directory(tmp_path / "keys"), SystemClock().now())
    old = FileKeys(tmp_path / "keys", FixedClock()).assertions
    before = {algorithm: old.sign({"a": 1}, algorithm) for algorithm in ("RS384", "ES384")}
    add_assertion_keys(Directory(tmp_path / "keys"))
    rotated = FileKeys(tmp_path / "keys", FixedClock()).assertions
    published = {each["kid"]: each for each in rotated.public_keys()["keys"]}
    assert len(published) == 4
    for algorithm, assertion in before.items():
        kid = jwt.get_unverified_header(assertion)["kid"]
        assert jwt.decode(assertion, jwt.PyJWK(published[kid]), [algorithm]) == {"a": 1}
        assert jwt.get_unverified_header(rotated.sign({}, algorithm))["kid"] != kid
