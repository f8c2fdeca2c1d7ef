"""Who calls: a bearer token of Entra, and nothing else; cookies are not read here.

https://www.rfc-editor.org/rfc/rfc6750.html
"""

from flask import g, request

from connector.domain.api_caller import Caller
from connector.domain.errors import Reason, Refused
from connector.domain.geography import geography_of
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import TryLater, Untrusted
from connector.usecases.confirm_geography import other_geography
from connector.web.api.operations import OPERATIONS
from connector.web.context import web

_SCHEME = "bearer"


def require_caller() -> None:
    """Blueprint guard: `g.who` is a caller of a tenant that is registered here, and may do this."""
    g.who = None
    g.unsettled = True
    caller = _believed(_token())
    _require_registered(caller.identity)
    g.who, g.unsettled = caller.identity, False
    caller.require(OPERATIONS[str(request.endpoint)].needs)


def _token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != _SCHEME or not token.strip():
        raise Refused(Reason.TOKEN_MISSING)
    return token.strip()


def _believed(unverified_token: str) -> Caller:
    try:
        return web().access_tokens.caller(unverified_token)
    except Untrusted as err:
        raise Refused(Reason.TOKEN_INVALID, facts={"code": err.code}) from err
    except TryLater as err:
        raise Refused(Reason.MICROSOFT_UNREACHABLE, facts={"code": err.code}) from err


def _require_registered(who: MicrosoftIdentity) -> None:
    """A tenant comes here through the portal first, where an admin confirms its geography (case 75).

    Until then nothing of it is kept, so a refusal names neither the tenant nor the caller.
    """
    ours = web().deployment.geography
    with web().store.read() as tx:
        tenant = tx.configurations.tenant(who.tenant_id)
    belongs = tenant.geography if tenant else geography_of(who.country, who.region_scope)
    if belongs not in (None, ours):
        raise other_geography(belongs)
    if tenant is None:
        raise Refused(Reason.GEOGRAPHY_UNCONFIRMED)
