"""One table turns refusals into answers: status, what happened, what to do, who can fix it.

This docstring is the contract: every refusal is an HTML page (or `application/problem+json` below
/api) with a reference number that stands in the log and the audit trail; no page tells a stranger
what is configured here.
"""

from dataclasses import replace
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.ports.errors import OutsideError, TryLater
from connector.ports.storage import AuditEntry, StorageConflict, StorageUnavailable
from connector.web.context import reference, web
from connector.web.refusals import AGAIN, HTTP_TITLES, PROBLEMS, TELL_THE_HELP_DESK, Problem
from connector.web.session import SignInNeeded

# Who looks at these pages is at a desk with a form, not in front of a schedule.
_PORTAL = frozenset({"front", "portal", "approvals", "sign_in"})
_AGAIN_AT_THE_DESK = "Try again in a minute."


def install(app: Flask) -> None:
    app.register_error_handler(Refused, refused)
    app.register_error_handler(StorageConflict, storage_conflict)
    app.register_error_handler(StorageUnavailable, storage_unavailable)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)


def refused(err: Refused) -> Response:
    """A refusal of ours: audited, logged by reason, shown with its remedy."""
    note(err)
    response = _page(PROBLEMS[err.reason], visit=err.facts.get("visit", ""), facts=err.facts)
    if err.retry_after_seconds:
        response.headers["Retry-After"] = str(max(1, int(err.retry_after_seconds)))
    return response


def note(err: Refused) -> None:
    """Count, log and audit a refusal that a page shows in its own way."""
    g.refused = err.reason.value
    web().telemetry.refused(reason=err.reason.value, reference=reference())
    try:
        _audit(err)
    except StorageUnavailable:
        web().telemetry.unexpected(place="audit", reference=reference())


def storage_conflict(_err: StorageConflict) -> Response:
    """Two changes of the same thing at once: one of them won."""
    return refused(Refused(Reason.STATE_CONFLICT))


def http_error(err: HTTPException) -> Response:
    if isinstance(err, SignInNeeded):
        return make_response(err.get_response())
    status = err.code or 500
    title, remedy = HTTP_TITLES.get(status, ("Something went wrong", TELL_THE_HELP_DESK))
    return _page(Problem(status, title, "", remedy))


def storage_unavailable(_err: StorageUnavailable) -> Response:
    web().telemetry.unexpected(place="storage", reference=reference())
    title, remedy = HTTP_TITLES[503]
    response = _page(Problem(503, title, "Its database does not answer.", remedy))
    response.headers["Retry-After"] = "5"
    return response


def unexpected(_err: Exception) -> Response:
    """Our own mistake: logged by type and place, shown as a reference number only."""
    web().telemetry.unexpected(place="request", reference=reference())
    return _page(
        Problem(500, "Something went wrong on our side", "", f"{AGAIN} {TELL_THE_HELP_DESK}")
    )


def outside_error(err: OutsideError) -> Refused:
    """A failed call to Microsoft during a sign-in."""
    reason = Reason.MICROSOFT_UNREACHABLE if isinstance(err, TryLater) else Reason.SIGN_IN_FAILED
    return Refused(reason, facts={"code": err.code, "host": err.host})


def _page(problem: Problem, *, visit: str = "", facts: dict[str, str] | None = None) -> Response:
    in_portal = request.blueprint in _PORTAL
    remedy = problem.remedy.replace(AGAIN, _AGAIN_AT_THE_DESK) if in_portal else problem.remedy
    body: dict[str, Any] = {
        "problem": replace(problem, remedy=remedy),
        "reference": reference(),
        "visit": visit,
        "facts": facts if in_portal and getattr(g, "who", None) else None,
    }
    return make_response(render_template("problem.html", **body), problem.status)


def _audit(err: Refused) -> None:
    event: Event = current_app.config["REFUSED_AS"].get(request.blueprint, Event.LAUNCH_REFUSED)
    who = getattr(g, "who", None)
    entry = AuditEntry(
        at=web().clock.now(),
        event=event,
        outcome=Outcome.REFUSED,
        reference=reference(),
        tenant_id=who.tenant_id if who else None,
        actor=who.object_id if who else "",
        facts={"reason": err.reason.value, **err.facts},
    )
    web().store.audit_all([entry])
