"""The audit trail of the signed-in person's tenant: who did what, when, and how it ended."""

from flask import Blueprint, Response, g, make_response, render_template, request

from connector.domain.audit import Event, Outcome
from connector.domain.organization import Environment
from connector.usecases.read_audit import AuditPage
from connector.web.audit_export import as_csv
from connector.web.audit_query import AuditQuery, before_id
from connector.web.context import reference, web

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
def trail() -> tuple[str, int]:
    """Newest first, fifty at a time; 422 when a day of the filter is no day."""
    query = AuditQuery.of(request.args)
    page = web().read_audit.page(g.who, query.filter(g.who.tenant_id), before_id(request.args))
    environments = _environments()
    html = render_template(
        "audit.html",
        page=AuditPage((), None) if query.wrong else page,
        query=query,
        first_page="before" not in request.args,
        events=[event.value for event in Event],
        outcomes=[outcome.value for outcome in Outcome],
        environments=environments,
        named={e.id: e for e in environments},
    )
    return html, 422 if query.wrong else 200


@blueprint.get("/trail.csv")
def download() -> Response:
    """The filtered view, oldest first, as a file; the page that says so when the filter is wrong."""
    query = AuditQuery.of(request.args)
    if query.wrong:
        return make_response(trail())
    lines = web().read_audit.export(g.who, query.filter(g.who.tenant_id), reference())
    response = Response(as_csv(lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    return response


def _environments() -> list[Environment]:
    with web().store.read() as tx:
        found = tx.configurations.environments(g.who.tenant_id)
    return sorted(found, key=lambda e: (e.organization_name.casefold(), e.kind.value))
