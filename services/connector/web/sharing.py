"""The page Shares: FHIR base URLs offered to other tenants, and those others offered (F30, E12).

Every member may look, administrators offer, accept, decline and withdraw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from connector.domain.errors import Refused
from connector.domain.organization import Environment, may_configure
from connector.domain.sharing import OPEN, Grant, GrantState
from connector.ports.storage import Transaction
from connector.web.context import reference, web
from connector.web.problems import note
from connector.web.refusals import PROBLEMS
from connector.web.state_words import Words

blueprint = Blueprint("sharing", __name__, url_prefix="/shares")

MADE_WORDS: dict[GrantState, Words] = {
    GrantState.OFFERED: Words("Waiting for their answer", "Their administrator accepts.", "wait"),
    GrantState.ACCEPTED: Words("Shared", "Nobody.", "good"),
    GrantState.DECLINED: Words("Declined", "Nobody. You can offer it again.", "quiet"),
    GrantState.WITHDRAWN: Words("Withdrawn", "Nobody. You can offer it again.", "quiet"),
}
RECEIVED_WORDS: dict[GrantState, Words] = {
    GrantState.OFFERED: Words("Waiting for your answer", "You accept or decline it.", "wait"),
    GrantState.ACCEPTED: Words(
        "Shared with you", "You add an EHR environment with this FHIR base URL.", "good"
    ),
    GrantState.DECLINED: Words("Declined", "Nobody. The owner can offer it again.", "quiet"),
    GrantState.WITHDRAWN: Words("Withdrawn", "Nobody. The owner can offer it again.", "quiet"),
}
_ANSWERS = {"accept": True, "decline": False}


@dataclass(frozen=True, slots=True)
class Shares:
    """What a tenant sees: its own environments that own an address, and its grants on either side."""

    offerable: Sequence[tuple[Environment, str]]
    made: Sequence[Grant]
    received: Sequence[Grant]

    @classmethod
    def of(cls, tx: Transaction, tenant_id: str) -> "Shares":
        grants = tx.grants.of_tenant(tenant_id)
        return cls(
            offerable=list(_offerable(tx, tenant_id)),
            made=[each for each in grants if each.owner_tenant_id == tenant_id],
            received=[each for each in grants if each.owner_tenant_id != tenant_id],
        )


def _offerable(tx: Transaction, tenant_id: str) -> Sequence[tuple[Environment, str]]:
    doors = (
        tx.configurations.door_of_environment(each.id)
        for each in tx.configurations.environments(tenant_id)
    )
    return [
        (door.environment, door.revision.fhir_base_url)
        for door in doors
        if door and tx.configurations.owner_of(door.revision.fhir_base_url) == door.environment.id
    ]


@blueprint.get("")
def show() -> str:
    return _page()


@blueprint.post("")
def offer() -> Response | tuple[str, int]:
    form = request.form
    try:
        web().offer_share(
            g.who, form.get("environment", ""), form.get("tenant", "")[:100], reference()
        )
    except Refused as err:
        note(err)
        return _page(err), PROBLEMS[err.reason].status
    return redirect(url_for("sharing.show"), 303)


@blueprint.post("/<grant_id>/answer")
def answer(grant_id: str) -> Response:
    accept = _ANSWERS.get(request.form.get("answer", ""))
    if accept is None:
        raise BadRequest
    web().answer_share(g.who, grant_id, accept, reference())
    return redirect(url_for("sharing.show"), 303)


@blueprint.post("/<grant_id>/withdraw")
def withdraw(grant_id: str) -> Response:
    web().withdraw_share(g.who, grant_id, reference())
    return redirect(url_for("sharing.show"), 303)


def _page(refused: Refused | None = None) -> str:
    """With the form as it was typed, and why it was refused."""
    with web().store.read() as tx:
        shares = Shares.of(tx, g.who.tenant_id)
    return render_template(
        "sharing.html",
        shares=shares,
        typed=request.form,
        problem=PROBLEMS[refused.reason] if refused else None,
        reference=reference(),
        may_configure=may_configure(g.who),
        made_words=MADE_WORDS,
        received_words=RECEIVED_WORDS,
        open_states=OPEN,
    )
