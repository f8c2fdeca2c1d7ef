"""The portal's session: a Microsoft sign-in, kept as a signed `__Host-` cookie, for a while."""

from datetime import datetime, timedelta

from flask import Flask, Request, Response, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from werkzeug.exceptions import HTTPException

from connector.domain.organization import MicrosoftIdentity
from connector.web.context import web

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
# The approver's pages ask Entra again when it vouched for the account longer ago (case 47).
VOUCHED_FOR = timedelta(minutes=10)


class SignInNeeded(HTTPException):
    """Sends the browser to the sign-in, or to the page that comes first, with `response`."""

    code = 302


class PortalSessions(SecureCookieSessionInterface):
    """Flask's sessions; whoever brings no cookie, as every launch, has an empty one at no cost."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session or session.modified:
            super().save_session(app, session, response)


def begin_session(who: MicrosoftIdentity, now: datetime, *, settled: bool) -> None:
    """A fresh session for a fresh sign-in: nothing of an earlier one survives (fixation).

    `settled` is whether the person's tenant is known to belong to this deployment's geography.
    """
    session.clear()
    session["who"] = {
        "tenant_id": who.tenant_id,
        "object_id": who.object_id,
        "sign_in_name": who.sign_in_name,
        "directory_roles": sorted(who.directory_roles),
        "is_guest": who.is_guest,
        "country": who.country,
        "region_scope": who.region_scope,
    }
    session["began_at"] = session["used_at"] = session["vouched_at"] = now.timestamp()
    if not settled:
        session["unsettled"] = True


def settle() -> None:
    """The tenant's geography was confirmed."""
    session.pop("unsettled", None)
    g.unsettled = False


def audited_as() -> MicrosoftIdentity | None:
    """Whom the audit trail may name: nobody whose data may belong to another geography (case 75)."""
    return None if g.get("unsettled") else g.get("who")


def identity(now: datetime) -> MicrosoftIdentity | None:
    """Who is signed in, unless the session is idle too long or too old."""
    stored = session.get("who")
    if stored is None:
        return None
    stamp = now.timestamp()
    too_old = stamp - session.get("began_at", 0) > ABSOLUTE.total_seconds()
    if too_old or stamp - session.get("used_at", 0) > IDLE.total_seconds():
        session.clear()
        return None
    session["used_at"] = stamp
    g.unsettled = session.get("unsettled", False)
    return MicrosoftIdentity(**{**stored, "directory_roles": frozenset(stored["directory_roles"])})


def require_portal_session() -> None:
    """Blueprint guard: `g.who` is set, or the browser goes to sign in first.

    Only a GET is resumed after the sign-in; a form is filled in again. Whose tenant's geography is
    not settled gets no further than the page that asks for it.
    """
    if getattr(g, "who", None) is None:
        target = request.path if request.method in {"GET", "HEAD"} else url_for("front.overview")
        raise SignInNeeded(response=redirect(url_for("sign_in.begin", next=target)))
    if g.get("unsettled") and request.blueprint != "tenant":
        raise SignInNeeded(response=redirect(url_for("tenant.show"), 303))


def require_vouched_identity() -> None:
    """Guard of the approver's pages: Entra vouched for the account a few minutes ago, or now."""
    require_portal_session()
    now = web().clock.now().timestamp()
    vouched_at = session.get("vouched_at", session["began_at"])
    if now - vouched_at > VOUCHED_FOR.total_seconds():
        web().approve_configuration.require_enabled(g.who)
        session["vouched_at"] = now
