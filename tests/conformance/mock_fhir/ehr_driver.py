"""Drives the simulated EHR in process: register, launch, authorize, exchange; each step can be broken by a test."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from werkzeug.test import TestResponse

from mock_fhir.application import create_mock_fhir
from simkit.app import Simulator

ORIGIN = "https://localhost:8441"
PREFIXES = {"test": "/interconnect-tst-oauth", "production": "/interconnect-prd-oauth"}
CALLBACK = "https://app.example/callback"
LAUNCH_URI = "https://app.example/launch"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EHR_SCOPE = "launch openid fhirUser offline_access patient/*.rs"
MYCHART_KEY = "portal-secret"
PROVIDER_CLIENT = {
    "client_id": "provider-app",
    "client_name": "Connector for providers",
    "redirect_uris": ["https://localhost:8440/launch/callback"],
    "launch_uris": ["https://localhost:8440/launch/provider"],
    "scope": "launch openid fhirUser user/Appointment.rs",
    "grant_types": ["authorization_code"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks_uri": "https://localhost:8440/.well-known/jwks.json",
}
PATIENT_CLIENT = {
    **PROVIDER_CLIENT,
    "client_id": "patient-app",
    "client_name": "Connector for patients",
    "launch_uris": ["https://localhost:8440/launch/patient"],
}
CONFIG = {
    "public_url": ORIGIN,
    "ca_file": None,
    "mychart_key": MYCHART_KEY,
    "time_zone": "America/Chicago",
    "clients": [
        {**client, "environment": environment}
        for environment in PREFIXES
        for client in (PROVIDER_CLIENT, PATIENT_CLIENT)
    ],
}


@dataclass
class SigningKey:
    """A client's key; `jwk` is the public half."""

    algorithm: str
    private: Any
    kid: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def jwk(self) -> dict[str, Any]:
        codec = ECAlgorithm if self.algorithm == "ES384" else RSAAlgorithm
        public = json.loads(codec.to_jwk(self.private.public_key()))
        public.pop("key_ops", None)
        return {**public, "kid": self.kid, "alg": self.algorithm}

    def assertion(
        self, client_id: str, headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A correct assertion, changed by the arguments; a claim given as None is left out."""
        now = int(time.time())
        full = {
            "iss": client_id,
            "sub": client_id,
            "aud": f"{ORIGIN}{PREFIXES['test']}/oauth2/token",
            "exp": now + 240,
            "iat": now,
            "jti": secrets.token_hex(8),
            **claims,
        }
        kept = {name: value for name, value in full.items() if value is not None}
        return jwt.encode(
            kept, self.private, self.algorithm, headers={"kid": self.kid, **(headers or {})}
        )


RSA_KEY = SigningKey("RS384", rsa.generate_private_key(public_exponent=65537, key_size=2048))
EC_KEY = SigningKey("ES384", ec.generate_private_key(ec.SECP384R1()))


@dataclass
class Pkce:
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class EhrDriver:
    """One environment of the EHR, seen by a program."""

    def __init__(self, app: Flask, environment: str = "test") -> None:
        self.app = app
        self.http = app.test_client()
        self.prefix = PREFIXES[environment]
        self.base = ORIGIN + self.prefix
        self.fhir = f"{self.base}/api/FHIR/R4"
        self.id_prefix = "prd-" if environment == "production" else ""

    @property
    def simulator(self) -> Simulator:
        simulator: Simulator = self.app.extensions["sim"]
        return simulator

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        address = path if path.startswith(ORIGIN) else self.base + path
        parts = urlsplit(address)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.http.open(target, method=method, base_url=ORIGIN, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.call("POST", path, **options)

    def register(self, **changes: Any) -> dict[str, Any]:
        """A public client that may refresh, unless changed."""
        metadata = {
            "client_name": "Examiner",
            "redirect_uris": [CALLBACK],
            "launch_uris": [LAUNCH_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        answer = self.post("/oauth2/register", json=metadata)
        assert answer.status_code == 201, answer.text
        return dict(answer.get_json())

    def register_backend(self, key: SigningKey = RSA_KEY, **changes: Any) -> dict[str, Any]:
        return self.register(
            **{
                "grant_types": ["client_credentials"],
                "redirect_uris": [],
                "launch_uris": [],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [key.jwk]},
                "scope": "system/Appointment.rus system/Patient.rs",
                **changes,
            }
        )

    def launch(self, client: dict[str, Any], **query: str) -> dict[str, str]:
        """The query the EHR opens the app with."""
        asked = {"client_id": client["client_id"], "launch_uri": LAUNCH_URI, **query}
        if not {"patient", "appointment"} & set(query):
            asked["appointment"] = self.open_visit()["appointment"]
        answer = self.get("/sim/launch", query_string=asked)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def request_for(self, client: dict[str, Any], pkce: Pkce, **changes: Any) -> dict[str, str]:
        """A correct authorize request for an EHR launch; a parameter given as None is left out."""
        full = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": CALLBACK,
            "scope": EHR_SCOPE,
            "state": f"/st%te&=+é {secrets.token_urlsafe(16)} /",
            "aud": self.fhir,
            "nonce": "n-1",
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        if "launch" not in full:
            full["launch"] = self.launch(client)["launch"]
        return {name: value for name, value in full.items() if value is not None}

    def authorize(self, asked: dict[str, str], method: str = "GET") -> dict[str, str]:
        """The query of the redirect back to the app."""
        place = "query_string" if method == "GET" else "data"
        answer = self.call(method, "/oauth2/authorize", **{place: asked})
        assert answer.status_code == 302, answer.text
        location = answer.headers["Location"]
        assert location.startswith(asked["redirect_uri"]), location
        return dict(parse_qsl(urlsplit(location).query))

    def code(self, client: dict[str, Any], pkce: Pkce, **changes: Any) -> str:
        return self.authorize(self.request_for(client, pkce, **changes))["code"]

    def exchange(self, client: dict[str, Any], **form: Any) -> TestResponse:
        """Token request of a public client; a field given as None is left out."""
        full = {
            "grant_type": "authorization_code",
            "redirect_uri": CALLBACK,
            "client_id": client["client_id"],
            **form,
        }
        kept = {name: value for name, value in full.items() if value is not None}
        return self.post("/oauth2/token", data=kept)

    def token(self, client: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """Token response of a whole EHR launch."""
        client, pkce = client or self.register(), Pkce()
        code = self.code(client, pkce, **changes)
        answer = self.exchange(client, code=code, code_verifier=pkce.verifier)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def refresh(self, client: dict[str, Any], token: str, **form: str) -> TestResponse:
        data = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": client["client_id"],
        }
        return self.post("/oauth2/token", data={**data, **form})

    def backend_form(self, client: dict[str, Any], key: SigningKey = RSA_KEY, **form: Any) -> Any:
        full = {
            "grant_type": "client_credentials",
            "scope": "system/Appointment.u",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": key.assertion(
                client["client_id"],
                aud=f"{self.base}/oauth2/token",
                exp=int(self.simulator.clock.now().timestamp()) + 240,
            ),
            **form,
        }
        return {name: value for name, value in full.items() if value is not None}

    def backend_token(self, scope: str = "system/Appointment.u") -> tuple[str, str]:
        """(access token, client id) of a backend client."""
        client = self.register_backend()
        answer = self.post("/oauth2/token", data=self.backend_form(client, scope=scope))
        assert answer.status_code == 200, answer.text
        return answer.get_json()["access_token"], client["client_id"]

    def bearer(self, scope: str, **launch: str) -> dict[str, str]:
        """Authorization header of an EHR launch with this scope."""
        client = self.register(scope=f"launch {scope}")
        token = self.token(
            client, scope=f"launch {scope}", launch=self.launch(client, **launch)["launch"]
        )
        return {"Authorization": f"Bearer {token['access_token']}"}

    def visits(self) -> list[dict[str, Any]]:
        return list(self.get("/sim/state").get_json()["visits"])

    def open_visit(self, clinician: str = "ACAREFUL", mychart: str = "PCHALMERS") -> dict[str, Any]:
        """A visit that can be begun now, by its two log-ins."""
        return next(
            one
            for one in self.visits()
            if one["now"] and (one["clinician_login"], one["mychart_login"]) == (clinician, mychart)
        )


@pytest.fixture(scope="session")
def ehr_app() -> Flask:
    return create_mock_fhir(CONFIG)


@pytest.fixture
def ehr(ehr_app: Flask) -> EhrDriver:
    driver = EhrDriver(ehr_app)
    assert driver.http.post("/sim/reset", base_url=ORIGIN).status_code == 200
    return driver


@pytest.fixture
def production(ehr: EhrDriver) -> EhrDriver:
    """The other environment of the same server."""
    return EhrDriver(ehr.app, "production")
