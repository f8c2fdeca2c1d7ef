"""The portal's front page: organizations, where each EHR environment stands, what waits for whom."""

from flask import Blueprint, g, render_template, request

from connector.domain.organization import may_configure
from connector.domain.sharing import GrantState
from connector.ports.storage import Transaction
from connector.web.context import web
from connector.web.local_time import clock_time, date_time
from connector.web.role_names import names_of
from connector.web.standing import FILTER_STATES, Filter, Standing, organizations

blueprint = Blueprint("front", __name__)

blueprint.add_app_template_filter(clock_time)
blueprint.add_app_template_filter(date_time)
blueprint.add_app_template_filter(may_configure)


@blueprint.get("/")
def overview() -> str:
    """The organizations of the signed-in person's tenant, and what waits for whom."""
    if g.who is None:
        return render_template("welcome.html", geography=web().deployment.geography)
    with web().store.read() as tx:
        standings = _standings(tx)
        to_approve = tx.configurations.revisions_to_approve(g.who.tenant_id, g.who.object_id)
        tenant = tx.configurations.tenant(g.who.tenant_id)
        offers = _offers(tx)
    names = {s.environment.id: s.environment for s in standings}
    wanted = Filter.of(request.args)
    return render_template(
        "overview.html",
        tenant=tenant,
        offers=offers,
        any_environment=bool(standings),
        organizations=organizations(standings, wanted),
        wanted=wanted,
        states=FILTER_STATES,
        to_approve=[(r, names[r.environment_id]) for r in to_approve],
        may_configure=may_configure(g.who),
        roles=names_of(g.who.directory_roles),
        public_url=web().deployment.public_url,
    )


def _standings(tx: Transaction) -> list[Standing]:
    environments = tx.configurations.environments(g.who.tenant_id)
    live = {(e.organization_id, e.kind) for e in environments}
    return [
        Standing(
            environment=e,
            revisions=tx.configurations.revisions(e.id),
            records=tx.records.of(e.id),
            has_production=(e.organization_id, "production") in live,
        )
        for e in environments
    ]


def _offers(tx: Transaction) -> int:
    """How many shares of an address another tenant offers to this one (F30)."""
    grants = tx.grants.of_tenant(g.who.tenant_id)
    return sum(
        grant.state is GrantState.OFFERED and grant.guest_tenant_id == g.who.tenant_id
        for grant in grants
    )
