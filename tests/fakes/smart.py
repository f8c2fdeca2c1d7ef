"""An EHR's authorization server in memory: it checks what a real one would check of us."""

import base64
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.faults import Faults

from connector.domain.configuration import SmartEndpoints
from connector.domain.launch import EhrUser, FhirUserType
from connector.ports.errors import BadAnswer, Denied, TryLater, Untrusted
from connector.ports.smart import TokenAnswer

PRACTITIONER = EhrUser("prac-sub-1", FhirUserType.PRACTITIONER, "eP1")
PATIENT = EhrUser("pat-sub-1", FhirUserType.PATIENT, "eT1")


@dataclass
class _Grant:
    """What one authorization code stands for, until it is redeemed."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    issuer: str
    scopes: frozenset[str]
    user: EhrUser
    context: dict[str, str] = field(default_factory=dict)


class FakeSmart:
    """Implements `ports.smart.SmartServer`; `sign_in` plays the person in front of the EHR.

    `calls` holds (method, facts) of everything asked of it; `faults` makes it fail.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._ehrs: dict[str, SmartEndpoints] = {}
        self._grants: dict[str, _Grant] = {}
        self._id_tokens: dict[str, _Grant] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._numbers = itertools.count(1)

    def add_ehr(self, fhir_base_url: str) -> SmartEndpoints:
        """An EHR like Epic: its OIDC issuer is not its FHIR base URL."""
        root = fhir_base_url.rstrip("/").removesuffix("/api/FHIR/R4")
        endpoints = SmartEndpoints(
            issuer=f"{root}/oauth2",
            authorization_endpoint=f"{root}/oauth2/authorize",
            token_endpoint=f"{root}/oauth2/token",
            jwks_uri=f"{root}/oauth2/jwks",
            callback_names_issuer=True,
            authorize_by_post=False,
        )
        self._ehrs[fhir_base_url.rstrip("/")] = endpoints
        return endpoints

    def sign_in(
        self, authorize_url: str, user: EhrUser, context: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The person agrees at the authorize URL; returns the query of the callback."""
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()
        }
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        endpoints = self._ehrs[query["aud"].rstrip("/")]
        assert authorize_url.split("?", maxsplit=1)[0] == endpoints.authorization_endpoint
        code = f"code-{next(self._numbers)}"
        self._grants[code] = _Grant(
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            challenge=query["code_challenge"],
            nonce=query["nonce"],
            issuer=endpoints.issuer,
            scopes=frozenset(query["scope"].split()),
            user=user,
            context=dict(context or {}),
        )
        return {"code": code, "state": query["state"], "iss": endpoints.issuer}

    def discover(self, fhir_base_url: str) -> SmartEndpoints:
        self._heard("discover", fhir_base_url=fhir_base_url)
        found = self._ehrs.get(fhir_base_url.rstrip("/"))
        if found is None:
            raise TryLater("no_connection")
        return found

    def redeem_code(
        self,
        endpoints: SmartEndpoints,
        *,
        client_id: str,
        code: str,
        redirect_uri: str,
        code_verifier: str,
    ) -> TokenAnswer:
        self._heard("redeem_code", endpoints=endpoints, client_id=client_id, code=code)
        grant = self._grants.pop(code, None)
        if grant is None or grant.challenge != _s256(code_verifier):
            raise Denied("invalid_grant")
        if (grant.client_id, grant.redirect_uri) != (client_id, redirect_uri):
            raise Denied("invalid_grant")
        number = next(self._numbers)
        self._id_tokens[f"id-token-{number}"] = grant
        self.faults.after("redeem_code")
        return TokenAnswer(
            access_token=f"access-{number}",
            scopes=grant.scopes,
            unverified_id_token=f"id-token-{number}",
            context=grant.context,
        )

    def verify_id_token(
        self,
        endpoints: SmartEndpoints,
        *,
        client_id: str,
        fhir_base_url: str,
        nonce: str,
        unverified_id_token: str,
    ) -> EhrUser:
        self._heard("verify_id_token", endpoints=endpoints, client_id=client_id)
        grant = self._id_tokens.get(unverified_id_token)
        if grant is None:
            raise Untrusted("signature")
        checks = {
            "issuer": grant.issuer == endpoints.issuer,
            "audience": grant.client_id == client_id,
            "nonce": grant.nonce == nonce,
        }
        for code, passed in checks.items():
            if not passed:
                raise Untrusted(code)
        return grant.user

    def backend_token(self, endpoints: SmartEndpoints, *, client_id: str, scope: str) -> str:
        self._heard("backend_token", endpoints=endpoints, client_id=client_id, scope=scope)
        if not scope:
            raise BadAnswer("invalid_scope")
        key = (endpoints.token_endpoint, client_id)
        return self._tokens.setdefault(key, f"backend-{next(self._numbers)}")

    def forget_backend_token(self, endpoints: SmartEndpoints, *, client_id: str) -> None:
        self._heard("forget_backend_token", endpoints=endpoints, client_id=client_id)
        self._tokens.pop((endpoints.token_endpoint, client_id), None)

    def count(self, method: str) -> int:
        return sum(1 for name, _ in self.calls if name == method)

    def _heard(self, method: str, **facts: Any) -> None:
        self.calls.append((method, facts))
        self.faults.before(method)


def _s256(code_verifier: str) -> str:
    digest = hashlib.sha256(code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
