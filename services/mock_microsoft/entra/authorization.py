"""The authorization request: parsed, checked, and answered at the registered redirect URI.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mock_microsoft.apps import Apps
from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Person
from mock_microsoft.entra.authority import Authority
from mock_microsoft.entra.errors import Aadsts, EntraError

PROMPTS_THAT_ASK = frozenset({"login", "select_account", "consent"})
RESPONSE_MODES = frozenset({"query", "form_post"})
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    authority: Authority
    app: AppRegistration
    redirect_uri: str
    scope: str
    state: str | None
    nonce: str | None
    code_challenge: str
    prompt: str
    login_hint: str
    response_mode: str
    wants_client_info: bool


class RedirectableError(Exception):
    """A refusal that may go to `redirect_uri`, which was matched to the registration before (RFC 6749 4.1.2.1)."""

    def __init__(self, cause: EntraError, parameters: Parameters) -> None:
        super().__init__(cause.description)
        self.cause = cause
        self.redirect_uri = parameters["redirect_uri"]
        self.response_mode = _response_mode(parameters)
        self.state = parameters.get("state")


_CHECKS: tuple[tuple[Callable[[Parameters], bool], Aadsts, str], ...] = (
    (lambda p: p.get("response_type") == "code", Aadsts.RESPONSE_TYPE_UNSUPPORTED, ""),
    (
        lambda p: p.get("response_mode", "query") in RESPONSE_MODES,
        Aadsts.PARAMETER_INVALID,
        "response_mode: query or form_post.",
    ),
    (
        lambda p: "openid" in p.get("scope", "").split(),
        Aadsts.SCOPE_INVALID,
        "scope must contain openid.",
    ),
    (lambda p: p.get("code_challenge_method") == "S256", Aadsts.PKCE_REQUIRED, ""),
    (
        lambda p: _S256_CHALLENGE.fullmatch(p.get("code_challenge", "")) is not None,
        Aadsts.PKCE_REQUIRED,
        "code_challenge is not a SHA-256 value.",
    ),
    (
        lambda p: p.get("prompt", "") in PROMPTS_THAT_ASK | {"", "none"},
        Aadsts.PARAMETER_INVALID,
        "prompt.",
    ),
)


def parse_request(authority: Authority, apps: Apps, parameters: Parameters) -> AuthorizationRequest:
    """Raises EntraError before the redirect URI is known to be the client's own, RedirectableError after."""
    app = apps.find(parameters.get("client_id", ""))
    if app is None:
        raise EntraError(Aadsts.APP_UNKNOWN, "client_id is not registered.")
    if parameters.get("redirect_uri") not in app.redirect_uris:
        raise EntraError(Aadsts.REDIRECT_MISMATCH, "redirect_uri must match exactly.")
    for holds, aadsts, detail in _CHECKS:
        if not holds(parameters):
            raise RedirectableError(EntraError(aadsts, detail), parameters)
    return AuthorizationRequest(
        authority=authority,
        app=app,
        redirect_uri=parameters["redirect_uri"],
        scope=parameters["scope"],
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        code_challenge=parameters["code_challenge"],
        prompt=parameters.get("prompt", ""),
        login_hint=parameters.get("login_hint", "").lower(),
        response_mode=_response_mode(parameters),
        wants_client_info=parameters.get("client_info") == "1",
    )


def _response_mode(parameters: Parameters) -> str:
    mode = parameters.get("response_mode", "query")
    return mode if mode in RESPONSE_MODES else "query"


def silent_person(asked: AuthorizationRequest, signed_in: Person | None) -> Person | None:
    """Who may go on without a page: the browser's session, unless prompt, authority or login_hint says otherwise."""
    if signed_in is None or asked.prompt in PROMPTS_THAT_ASK:
        return None
    hinted = not asked.login_hint or asked.login_hint in (
        signed_in.user_principal_name.lower(),
        signed_in.mail,
    )
    return signed_in if hinted and asked.authority.admits(signed_in) else None


def chosen_person(authority: Authority, account: str) -> Person:
    """The person behind an account picked or typed; raises EntraError 50034, 50020 or 50057."""
    person = authority.directory.person(account)
    if person is None:
        raise EntraError(Aadsts.ACCOUNT_UNKNOWN)
    if not authority.admits(person):
        raise EntraError(Aadsts.ACCOUNT_OF_OTHER_TENANT)
    if not person.enabled:
        raise EntraError(Aadsts.ACCOUNT_DISABLED)
    return person
