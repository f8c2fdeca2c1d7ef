"""Authorize requests that were checked and now wait for a person to sign in."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mock_fhir.clients import Client
from mock_fhir.people import Account

SIGN_IN_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeRequest:
    """A request all of whose parameters were checked; `scopes` are those that will be granted."""

    client: Client
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    code_challenge: str
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    request: AuthorizeRequest
    expires: datetime
    account: Account | None = None


class PendingSignIns:
    """Sign-ins by unguessable id. Thread-safe."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._pending: dict[str, PendingSignIn] = {}
        self._lock = threading.Lock()

    def begin(self, request: AuthorizeRequest) -> str:
        identity = secrets.token_urlsafe(24)
        self._pending[identity] = PendingSignIn(request=request, expires=self._now() + SIGN_IN_LIFE)
        return identity

    def find(self, identity: str) -> PendingSignIn | None:
        found = self._pending.get(identity)
        return found if found and self._now() < found.expires else None

    def signed_in(self, identity: str, account: Account) -> None:
        with self._lock:
            self._pending[identity] = replace(self._pending[identity], account=account)

    def finish(self, identity: str) -> None:
        with self._lock:
            self._pending.pop(identity, None)
