"""An EHR on the wire whose answers are all in order: each test breaks one thing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.builders.http import guarded_http
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock, SequentialIds
from tests.fakes.wire import Reply, WireServer, authority, ca_file, wire
from tests.payloads import payload

from connector.adapters.smart.server import SmartHttp
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.files import FileKeys
from connector.adapters.vault.generation import make_keys
from connector.domain.configuration import SmartEndpoints
from connector.domain.launch import EhrUser
from connector.ports.smart import TokenAnswer

__all__ = [
    "authority",
    "ca_file",
    "clock",
    "connector_keys",
    "ehr",
    "http",
    "ids",
    "smart",
    "wire",
]

CLIENT_ID = "6f7b2c1e-provider"
REDIRECT_URI = "https://connector.example/launch/callback"
NONCE = "nonce-of-this-launch"
SMART_CONFIGURATION = "/interconnect/api/FHIR/R4/.well-known/smart-configuration"
OPENID_CONFIGURATION = "/interconnect/api/FHIR/R4/.well-known/openid-configuration"
TOKEN = "/interconnect/oauth2/token"
JWKS = "/interconnect/oauth2/jwks"


@dataclass
class WiredEhr:
    """Epic-shaped: its OIDC issuer is not its FHIR base URL."""

    wire: WireServer
    clock: FixedClock
    issuer: Issuer

    @property
    def root(self) -> str:
        return f"{self.wire.url}/interconnect"

    @property
    def fhir_base_url(self) -> str:
        return f"{self.root}/api/FHIR/R4"

    @property
    def endpoints(self) -> SmartEndpoints:
        return SmartEndpoints(
            issuer=f"{self.root}/oauth2",
            authorization_endpoint=f"{self.root}/oauth2/authorize",
            token_endpoint=f"{self.root}/oauth2/token",
            jwks_uri=f"{self.root}/oauth2/jwks",
            callback_names_issuer=True,
            authorize_by_post=True,
            assertion_algorithm="ES384",
        )

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good ID token; a change to None leaves the claim out."""
        now = int(self.clock.now().timestamp())
        good = {
            "iss": f"{self.root}/oauth2",
            "aud": CLIENT_ID,
            "sub": "eProviderUser1",
            "exp": now + 300,
            "iat": now,
            "nonce": NONCE,
            "fhirUser": f"{self.fhir_base_url}/Practitioner/eP1",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token_response(self, **changes: Any) -> dict[str, Any]:
        """Epic's answer to a code; a change to None leaves the key out."""
        good = payload(
            "epic_token_response", id_token=self.issuer.sign(self.claims()), root=self.root
        )
        gone = {name for name, value in changes.items() if value is None}
        return {name: value for name, value in (good | changes).items() if name not in gone}


def redeem(smart: SmartHttp, ehr: WiredEhr, **changes: Any) -> TokenAnswer:
    asked = {
        "client_id": CLIENT_ID,
        "code": "the-code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": "v" * 43,
    }
    return smart.redeem_code(changes.pop("endpoints", ehr.endpoints), **(asked | changes))


def verify(smart: SmartHttp, ehr: WiredEhr, unverified_id_token: str) -> EhrUser:
    return smart.verify_id_token(
        ehr.endpoints,
        client_id=CLIENT_ID,
        fhir_base_url=ehr.fhir_base_url,
        nonce=NONCE,
        unverified_id_token=unverified_id_token,
    )


@pytest.fixture(scope="session")
def connector_keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    directory: Path = tmp_path_factory.mktemp("vault") / "keys"
    make_keys(Directory(directory), datetime(2026, 3, 2, tzinfo=UTC))
    return FileKeys(directory, SystemClock())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def ids() -> SequentialIds:
    return SequentialIds()


@pytest.fixture
def http(ca_file: str) -> Iterator[GuardedHttp]:
    guarded = guarded_http(ca_file)
    yield guarded
    guarded.close()


@pytest.fixture
def ehr(wire: WireServer, clock: FixedClock) -> WiredEhr:
    ehr = WiredEhr(wire, clock, Issuer("ehr"))
    wire.answer(
        "GET", SMART_CONFIGURATION, Reply(200, payload("smart_configuration", root=ehr.root))
    )
    wire.answer(
        "GET", OPENID_CONFIGURATION, Reply(200, payload("openid_configuration", root=ehr.root))
    )
    wire.answer("GET", JWKS, Reply(200, ehr.issuer.jwks()))
    wire.answer("POST", TOKEN, Reply(200, ehr.token_response()))
    return ehr


@pytest.fixture
def smart(
    http: GuardedHttp, clock: FixedClock, ids: SequentialIds, connector_keys: FileKeys
) -> SmartHttp:
    return SmartHttp(
        http,
        connector_keys.assertions,
        clock,
        ids,
        signed_tokens=PublishedKeys(http, clock),
        lent_tokens=HeldTokens(clock),
    )
