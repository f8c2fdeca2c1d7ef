"""Browser sessions (single sign-on) and authorization codes, both in memory."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from flask import Response, request

from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Directory, Person
from mock_microsoft.entra.errors import Aadsts, EntraError

COOKIE = "sim_entra_session"
CODE_LIFETIME = timedelta(minutes=10)


class Sessions:
    """Who is signed in, by the opaque value of the browser's cookie."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._person_ids: dict[str, str] = {}

    def current(self) -> Person | None:
        """Of the browser that sent the current request, as the directory has them now; a disabled account has none."""
        with self._lock:
            person_id = self._person_ids.get(request.cookies.get(COOKIE, ""))
        person = self._directory.person(person_id) if person_id else None
        return person if person and person.enabled else None

    def begin(self, person: Person, response: Response) -> Response:
        """Lax is enough: a launch ends in a top-level navigation."""
        identifier = token_urlsafe(24)
        with self._lock:
            self._person_ids[identifier] = person.id
        response.set_cookie(COOKIE, identifier, secure=True, httponly=True, samesite="Lax")
        return response

    def end(self, response: Response) -> Response:
        with self._lock:
            self._person_ids.pop(request.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax")
        return response

    def clear(self) -> None:
        with self._lock:
            self._person_ids.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeGrant:
    """What an authorization code stands for."""

    app: AppRegistration
    person: Person
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    expires: datetime


class AuthorizationCodes:
    """Each code is redeemed once (RFC 6749 4.1.2)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, CodeGrant] = {}
        self._redeemed: set[str] = set()

    def issue(self, grant: CodeGrant) -> str:
        code = f"0.{token_urlsafe(48)}"
        with self._lock:
            self._grants[code] = grant
        return code

    def redeem(self, code: str, now: datetime) -> CodeGrant:
        """Raises EntraError 54005, 70000 or 70008; a code is spent even when a later check refuses the request."""
        with self._lock:
            if code in self._redeemed:
                raise EntraError(Aadsts.CODE_REDEEMED)
            grant = self._grants.pop(code, None)
            if grant is None:
                raise EntraError(Aadsts.CODE_UNKNOWN)
            self._redeemed.add(code)
        if grant.expires <= now:
            raise EntraError(Aadsts.CODE_EXPIRED)
        return grant

    def clear(self) -> None:
        with self._lock:
            self._grants.clear()
            self._redeemed.clear()
