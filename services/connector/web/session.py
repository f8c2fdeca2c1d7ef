"""The portal's session: a Microsoft sign-in, kept as a signed `__Host-` cookie, for a while."""

from datetime import datetime, timedelta

from flask import g, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException

from connector.domain.organization import MicrosoftIdentity

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)


class SignInNeeded(HTTPException):
    """Sends the browser to the sign-in and back to where it wanted to go."""

    code = 302


def begin_session(who: MicrosoftIdentity, now: datetime) -> None:
    """A fresh session for a fresh sign-in: nothing of an earlier one survives (fixation)."""
    session.clear()
    session["who"] = {
        "tenant_id": who.tenant_id,
        "object_id": who.object_id,
        "sign_in_name": who.sign_in_name,
        "directory_roles": sorted(who.directory_roles),
        "is_guest": who.is_guest,
    }
    session["began_at"] = session["used_at"] = now.timestamp()


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
    return MicrosoftIdentity(**{**stored, "directory_roles": frozenset(stored["directory_roles"])})


def require_portal_session() -> None:
    """Blueprint guard: `g.who` is set, or the browser goes to sign in first.

    Only a GET is resumed after the sign-in; a form is filled in again.
    """
    if getattr(g, "who", None) is None:
        target = request.path if request.method in {"GET", "HEAD"} else url_for("front.overview")
        raise SignInNeeded(response=redirect(url_for("sign_in.begin", next=target)))
