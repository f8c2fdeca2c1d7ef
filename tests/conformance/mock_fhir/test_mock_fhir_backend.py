"""Backend services and private_key_jwt. Check ids: spec/ehr.md 2.2.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, jsonify
from tests.conformance.mock_fhir.ehr_driver import (
    ASSERTION_TYPE,
    CALLBACK,
    CONFIG,
    EC_KEY,
    RSA_KEY,
    EhrDriver,
    Pkce,
    SigningKey,
)

from mock_fhir.application import create_mock_fhir
from simkit.app import Simulator, create_simulator
from simkit.server import Embedded

OTHER_KEY = SigningKey("RS384", rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def client(ehr: EhrDriver) -> dict[str, Any]:
    return ehr.register_backend()


def ask(ehr: EhrDriver, client: dict[str, Any], **form: Any) -> Any:
    return ehr.post("/oauth2/token", data=ehr.backend_form(client, **form))


def test_s58_the_token_is_short_and_cannot_be_refreshed(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    answer = ask(ehr, client)
    body = answer.get_json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["expires_in"], body["scope"]) == (300, "system/Appointment.u")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS384", "ES384"])
def test_s73_both_algorithms_are_accepted(ehr: EhrDriver, key: SigningKey) -> None:
    client = ehr.register_backend(key)
    assert ehr.post("/oauth2/token", data=ehr.backend_form(client, key)).status_code == 200


def test_s73_a_version_1_scope_is_granted_as_asked(ehr: EhrDriver, client: dict[str, Any]) -> None:
    assert (
        ask(ehr, client, scope="system/Patient.read").get_json()["scope"] == "system/Patient.read"
    )


Break = Callable[[str], str]


def changed(headers: dict[str, Any] | None = None, **claims: Any) -> Break:
    return lambda client_id: RSA_KEY.assertion(client_id, headers, **claims)


WRONG_ASSERTIONS: dict[str, Break] = {
    "S59 garbage": lambda _client_id: "not.a.token",
    "S59 empty": lambda _client_id: "",
    "S60 wrong key": lambda client_id: OTHER_KEY.assertion(client_id, {"kid": RSA_KEY.kid}),
    "S61 unknown kid": changed({"kid": "unknown"}),
    "S63 expired": lambda client_id: RSA_KEY.assertion(client_id, exp=int(time.time()) - 60),
    "S64 exp in 10 minutes": lambda client_id: RSA_KEY.assertion(client_id, exp=int(time.time()) + 600),
    "S65 no exp": changed(exp=None),
    "S65 exp is text": changed(exp=str(int(time.time()) + 60)),
    "S66 no jti": changed(jti=None),
    "S67 aud is the FHIR base URL": changed(aud="https://localhost:8441/interconnect-tst-oauth/api/FHIR/R4"),
    "S67 aud of production": changed(aud="https://localhost:8441/interconnect-prd-oauth/oauth2/token"),
    "S67 no aud": changed(aud=None),
    "S68 sub differs": changed(sub="somebody"),
    "S69 unknown client": changed(iss="nobody", sub="nobody"),
    "S70 alg none": lambda client_id: jwt.encode(
        {"iss": client_id, "sub": client_id}, None, algorithm="none", headers={"kid": RSA_KEY.kid}
    ),
    "S70 alg RS256": lambda client_id: SigningKey("RS256", RSA_KEY.private, RSA_KEY.kid).assertion(client_id),
    "S71 unregistered jku": changed({"jku": "https://evil.example/jwks.json"}),
    "typ is missing": changed({"typ": None}),
}  # fmt: skip


@pytest.mark.parametrize("break_assertion", WRONG_ASSERTIONS.values(), ids=WRONG_ASSERTIONS.keys())
def test_s59_to_s71_a_wrong_assertion_is_refused(
    ehr: EhrDriver, client: dict[str, Any], break_assertion: Break
) -> None:
    answer = ask(ehr, client, client_assertion=break_assertion(client["client_id"]))
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_s62_an_assertion_cannot_be_replayed(ehr: EhrDriver, client: dict[str, Any]) -> None:
    assertion = RSA_KEY.assertion(client["client_id"])
    assert ask(ehr, client, client_assertion=assertion).status_code == 200
    assert ask(ehr, client, client_assertion=assertion).get_json()["error"] == "invalid_client"


def test_s62_the_same_jti_of_another_client_is_no_replay(
    ehr: EhrDriver, client: dict[str, Any]
) -> None:
    other = ehr.register_backend()
    for one in (client, other):
        assertion = RSA_KEY.assertion(one["client_id"], jti="same")
        assert ask(ehr, one, client_assertion=assertion).status_code == 200


def test_the_simulators_clock_decides_about_expiry(ehr: EhrDriver, client: dict[str, Any]) -> None:
    assertion = RSA_KEY.assertion(client["client_id"])
    ehr.simulator.clock.advance(timedelta(minutes=10))
    answer = ask(ehr, client, client_assertion=assertion)
    assert "expired" in answer.get_json()["error_description"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_assertion_type": "urn:wrong"}, "invalid_client"),
        ({"client_assertion_type": None}, "invalid_client"),
        ({"grant_type": "not_a_grant_type"}, "unsupported_grant_type"),
        ({"client_assertion": None}, "invalid_client"),
        ({"client_id": "somebody"}, "invalid_client"),
        ({"scope": "system/Encounter.rs"}, "invalid_scope"),
        ({"scope": "user/Appointment.u"}, "invalid_scope"),
        ({"scope": "system/Appointment.cruds"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"client_secret": "also"}, "invalid_request"),
    ],
)
def test_s70_to_s72_a_wrong_request_is_refused(
    ehr: EhrDriver, client: dict[str, Any], form: dict[str, Any], error: str
) -> None:
    answer = ask(ehr, client, **form)
    assert answer.get_json()["error"] == error
    assert answer.status_code in (400, 401)


def test_two_registered_keys_with_one_kid_are_ambiguous(ehr: EhrDriver) -> None:
    twin = {**OTHER_KEY.jwk, "kid": RSA_KEY.kid}
    client = ehr.register_backend(jwks={"keys": [RSA_KEY.jwk, twin]})
    assert "several" in ask(ehr, client).get_json()["error_description"]


def test_an_app_for_people_may_authenticate_with_an_assertion(ehr: EhrDriver) -> None:
    client = ehr.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [EC_KEY.jwk]})
    pkce = Pkce()
    form = {
        "grant_type": "authorization_code",
        "code": ehr.code(client, pkce),
        "redirect_uri": CALLBACK,
        "code_verifier": pkce.verifier,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": EC_KEY.assertion(client["client_id"]),
    }
    assert ehr.post("/oauth2/token", data=form).status_code == 200


class KeyServer:
    """The client's side of a JWKS URL."""

    def __init__(self, tmp_path: Any) -> None:
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost")
        self.ca_file, self._cert, self._key = (str(tmp_path / n) for n in ("ca", "cert", "key"))
        authority.cert_pem.write_to_path(self.ca_file)
        leaf.cert_chain_pems[0].write_to_path(self._cert)
        leaf.private_key_pem.write_to_path(self._key)
        self.keys: list[dict[str, Any]] = [RSA_KEY.jwk]
        self.fetched = 0

    def serve(self) -> Embedded:
        return Embedded(self._app, cert_file=self._cert, key_file=self._key)

    def reset(self) -> None: ...

    def seed(self, document: dict[str, Any]) -> dict[str, Any]:
        return document

    def state(self) -> dict[str, Any]:
        return {}

    def _app(self, _base_url: str) -> Flask:
        app = create_simulator("keys", Simulator(title="keys"), self)

        @app.get("/jwks.json")
        def jwks() -> Any:
            self.fetched += 1
            return jsonify({"keys": self.keys}), 200, {"Cache-Control": "max-age=120"}

        return app


@pytest.fixture
def key_server(tmp_path: Any) -> KeyServer:
    return KeyServer(tmp_path)


def ehr_that_trusts(key_server: KeyServer) -> EhrDriver:
    return EhrDriver(create_mock_fhir({**CONFIG, "ca_file": key_server.ca_file}))


def test_jwks_url_is_fetched_over_tls_once_and_cached(key_server: KeyServer) -> None:
    ehr = ehr_that_trusts(key_server)
    with key_server.serve() as server:
        client = ehr.register_backend(jwks=None, jwks_uri=f"{server.url}/jwks.json")
        answers = [ask(ehr, client).status_code for _ in range(3)]
        assert (answers, key_server.fetched) == ([200] * 3, 1)
        key_server.keys = [OTHER_KEY.jwk]
        ehr.simulator.clock.advance(timedelta(seconds=5))
        rotated = ehr.post("/oauth2/token", data=ehr.backend_form(client, OTHER_KEY))
        assert (rotated.status_code, key_server.fetched) == (200, 2)
        outgoing = [entry for entry in ehr.simulator.journal.entries() if entry.direction == "out"]
        assert [entry.path for entry in outgoing] == ["/jwks.json"] * 2


def test_a_known_key_is_not_fetched_again_before_it_expires(key_server: KeyServer) -> None:
    """Whoever asks for a token may hold the only thread that could serve their keys."""
    ehr = ehr_that_trusts(key_server)
    with key_server.serve() as server:
        client = ehr.register_backend(jwks=None, jwks_uri=f"{server.url}/jwks.json")
        for _ in range(3):
            assert ask(ehr, client).status_code == 200
            ehr.simulator.clock.advance(timedelta(seconds=5))
    assert key_server.fetched == 1


def test_jwks_url_of_an_untrusted_server_is_refused(ehr: EhrDriver, key_server: KeyServer) -> None:
    with key_server.serve() as server:
        client = ehr.register_backend(jwks=None, jwks_uri=f"{server.url}/jwks.json")
        answer = ask(ehr, client)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert "could not be read" in answer.get_json()["error_description"]


@pytest.mark.parametrize("path", ["/nothing", "/healthz"])
def test_a_jwks_url_without_a_key_set_is_refused(key_server: KeyServer, path: str) -> None:
    ehr = ehr_that_trusts(key_server)
    with key_server.serve() as server:
        client = ehr.register_backend(jwks=None, jwks_uri=server.url + path)
        assert ask(ehr, client).get_json()["error"] == "invalid_client"
