"""Who may call a route: decided where its blueprint is registered, refused when nothing is declared.

`register` is the only way a blueprint gets into the application; a test walks the URL map and
fails for a route without a decision.
"""

from collections.abc import Callable
from enum import StrEnum

from flask import Blueprint, Flask

from connector.domain.audit import Event
from connector.web.api.callers import require_caller
from connector.web.session import require_portal_session, require_vouched_identity


class Access(StrEnum):
    """What a caller must bring."""

    PUBLIC = "public"  # anybody: health, keys, metrics on an internal ingress
    LAUNCH = "launch"  # anybody with an approved issuer; later steps need the sealed transaction
    VISIT = "visit"  # the sealed visit cookie of a completed launch
    PORTAL = "portal"  # a Microsoft session of a member
    APPROVER = "approver"  # the same, and Entra vouched for the account within ten minutes
    API = "api"  # an access token of Entra, and the right its operation asks for
    GRAPH = "graph"  # Graph: believed only after client state, tokens and signature


def register(app: Flask, blueprint: Blueprint, access: Access, refused_as: Event) -> None:
    """Add the blueprint with its decision; `refused_as` names refusals in the audit trail."""
    if check := _CHECKS.get(access):
        app.before_request_funcs.setdefault(blueprint.name, []).append(check)
    app.register_blueprint(blueprint)
    app.config["ACCESS"][blueprint.name] = access
    app.config["REFUSED_AS"][blueprint.name] = refused_as


_CHECKS: dict[Access, Callable[[], None]] = {
    Access.PORTAL: require_portal_session,
    Access.APPROVER: require_vouched_identity,
    Access.API: require_caller,
}
