"""Step 1 of a launch: the EHR opened us with `iss` and `launch`.

The issuer must be an approved FHIR base URL before anything leaves this process (case 4).
https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from connector.domain.errors import Reason, Refused
from connector.domain.fhir_base_url import as_launched
from connector.domain.launch import LaunchKind, LaunchTransaction
from connector.domain.scopes import LAUNCH_SCOPES
from connector.ports.storage import Door, Store
from connector.ports.system import Clock, Ids

_LONGEST_LAUNCH = 8_000
_HOST = re.compile(r"https://([A-Za-z0-9.-]{1,253})(?::\d{1,5})?(?:/|$)")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send the browser, and what to keep sealed in it until it comes back."""

    endpoint: str
    parameters: dict[str, str]
    transaction: LaunchTransaction
    door: Door


@dataclass(frozen=True, slots=True)
class BeginLaunch:
    store: Store
    clock: Clock
    ids: Ids
    callback_url: str

    def __call__(
        self, kind: LaunchKind, unverified_issuer: str, launch: str
    ) -> AuthorizationRequest:
        """Raises: Refused: `LAUNCH_PARAMETER_MISSING` or `ISSUER_UNKNOWN`."""
        if not unverified_issuer or not 0 < len(launch) <= _LONGEST_LAUNCH:
            raise Refused(Reason.LAUNCH_PARAMETER_MISSING)
        with self.store.glance() as tx:
            door = tx.configurations.door(as_launched(unverified_issuer))
        if door is None:
            raise Refused(Reason.ISSUER_UNKNOWN, facts={"received": _host_of(unverified_issuer)})
        transaction = self._transaction(kind, door)
        return AuthorizationRequest(
            endpoint=door.revision.endpoints.authorization_endpoint,
            parameters=self._parameters(transaction, door) | {"launch": launch},
            transaction=transaction,
            door=door,
        )

    def _transaction(self, kind: LaunchKind, door: Door) -> LaunchTransaction:
        return LaunchTransaction(
            state=self.ids.secret(),
            nonce=self.ids.secret(),
            code_verifier=self.ids.secret(),
            kind=kind,
            environment_id=door.environment.id,
            revision_id=door.revision.id,
            fhir_base_url=door.revision.fhir_base_url,
            began_at=self.clock.now(),
            frame_ancestors=door.revision.settings.frame_ancestors,
        )

    def _parameters(self, transaction: LaunchTransaction, door: Door) -> dict[str, str]:
        return authorization_parameters(
            transaction,
            client_id=door.revision.clients.of(transaction.kind),
            scope=LAUNCH_SCOPES[transaction.kind],
            redirect_uri=self.callback_url,
            audience=door.revision.fhir_base_url,
        )


def _host_of(unverified_issuer: str) -> str:
    """What the audit trail keeps of an unknown issuer: its host, if it has a readable one."""
    found = _HOST.match(unverified_issuer)
    return found.group(1) if found else "unreadable"


def authorization_parameters(
    transaction: LaunchTransaction, *, client_id: str, scope: str, redirect_uri: str, audience: str
) -> dict[str, str]:
    """The authorize request of SMART 2.2, PKCE S256 always (C04)."""
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": transaction.state,
        "nonce": transaction.nonce,
        "aud": audience,
        "code_challenge": code_challenge(transaction.code_verifier),
        "code_challenge_method": "S256",
    }


def code_challenge(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
