"""The page of a tenant: which data geography it belongs to, which licences it holds (flow 4, before anything else).

Open to every member, changed by administrators; the only page for somebody whose tenant's geography
Entra does not name and nobody confirmed yet.
"""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from connector.domain.geography import GEOGRAPHY_NAMES, Geography, geography_of
from connector.domain.organization import Tenant, may_configure
from connector.web.context import reference, web
from connector.web.session import settle

blueprint = Blueprint("tenant", __name__, url_prefix="/tenant")


def confirmed(tenant_id: str) -> bool:
    """Whether an admin confirmed that the tenant belongs here: nothing is entered before."""
    return _tenant(tenant_id) is not None


def _tenant(tenant_id: str) -> Tenant | None:
    with web().store.read() as tx:
        return tx.configurations.tenant(tenant_id)


@blueprint.get("")
def show() -> str:
    tenant = _tenant(g.who.tenant_id)
    if tenant is not None:
        settle()
    return render_template(
        "tenant.html",
        tenant=tenant,
        microsoft_says=geography_of(g.who.country, g.who.region_scope),
        ours=Geography(web().deployment.geography),
        names=GEOGRAPHY_NAMES,
        may_configure=may_configure(g.who),
    )


@blueprint.post("/geography")
def confirm_geography() -> Response:
    chosen = request.form.get("geography", "")
    if chosen not in list(Geography):
        raise BadRequest
    web().confirm_geography(g.who, Geography(chosen), reference())
    settle()
    return redirect(url_for("tenant.show"), 303)


@blueprint.post("/licence")
def confirm_licence() -> Response:
    if request.form.get("licences") != "held":
        raise BadRequest
    web().confirm_licence(g.who, reference())
    return redirect(url_for("tenant.show"), 303)
