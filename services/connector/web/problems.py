"""One table turns refusals into answers: status, what happened, what to do, who can fix it.

This docstring is the contract: every refusal is an HTML page (or `application/problem+json` below
/api) with a reference number that stands in the log and the audit trail; no page tells a stranger
what is configured here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.geography import GEOGRAPHY_NAMES, Geography
from connector.ports.errors import OutsideError, TryLater
from connector.ports.storage import AuditEntry, StorageConflict, StorageUnavailable
from connector.web.context import reference, web
from connector.web.problem_json import below_api, http_problem, problem_json, refusal_json
from connector.web.refusals import AGAIN, HTTP_TITLES, PROBLEMS, TELL_THE_HELP_DESK, Problem
from connector.web.role_names import names_of
from connector.web.session import SignInNeeded, audited_as

# Who looks at these pages is at a desk with a form, not in front of a schedule.
_PORTAL = frozenset(
    {
        "approvals",
        "audit",
        "doctor",
        "front",
        "going_back",
        "help",
        "portal",
        "promotion",
        "records",
        "sharing",
        "sign_in",
        "tenant",
    }
)
_ABOUT_ROLES = frozenset({Reason.ROLE_MISSING, Reason.AUDIT_ROLE_MISSING})
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
    response = refusal_json(err) if below_api() else _refusal_page(err)
    if err.retry_after_seconds:
        response.headers["Retry-After"] = str(max(1, int(err.retry_after_seconds)))
    return response


def _refusal_page(err: Refused) -> Response:
    g.shown = err.shown
    return _page(PROBLEMS[err.reason], err)


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
    if below_api():
        return http_problem(err)
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


def _page(problem: Problem, err: Refused | None = None) -> Response:
    if below_api():
        return problem_json(problem)
    in_portal = request.blueprint in _PORTAL
    remedy = problem.remedy.replace(AGAIN, _AGAIN_AT_THE_DESK) if in_portal else problem.remedy
    facts = err.facts if err else {}
    body: dict[str, Any] = {
        "problem": replace(problem, remedy=remedy),
        "reference": reference(),
        "visit": facts.get("visit", ""),
        "facts": facts if in_portal and getattr(g, "who", None) else None,
        **_right_place(facts.get("geography", "")),
        "at_the_desk": in_portal,
        "reason": err.reason if err else None,
        "roles": _roles() if err and err.reason in _ABOUT_ROLES else None,
    }
    return make_response(render_template("problem.html", **body), problem.status)


def _roles() -> Sequence[str]:
    """The roles the person has, to tell which one is missing (E8)."""
    return names_of(g.who.directory_roles) if g.get("who") else ()


def _right_place(geography: str) -> dict[str, str]:
    """Name and portal of the geography a refusal points to; the portal is empty if not known here."""
    if geography not in list(Geography):
        return {}
    right = Geography(geography)
    return {
        "geography": GEOGRAPHY_NAMES[right],
        "portal": web().deployment.portals.get(right, ""),
    }


def _audit(err: Refused) -> None:
    event: Event = current_app.config["REFUSED_AS"].get(request.blueprint, Event.LAUNCH_REFUSED)
    tenant_id, environment_id, actor = _concerned()
    entry = AuditEntry(
        at=web().clock.now(),
        event=event,
        outcome=Outcome.REFUSED,
        reference=reference(),
        tenant_id=tenant_id,
        environment_id=environment_id,
        actor=actor,
        facts={"reason": err.reason.value, **err.facts},
    )
    web().store.audit_all([entry])


def _concerned() -> tuple[str | None, str | None, str]:
    """Whose audit trail a refusal belongs to: tenant, environment, actor.

    A launch is its environment's, so that the administrator finds the reference number that was read
    out to them (E11); who is signed in to the portal in the same browser has no part in it.
    """
    if environment_id := g.get("launched_from"):
        with web().store.read() as tx:
            environment = tx.configurations.environment(environment_id)
        return environment.tenant_id if environment else None, environment_id, ""
    who = audited_as()
    return (who.tenant_id, None, who.object_id) if who else (None, None, "")
