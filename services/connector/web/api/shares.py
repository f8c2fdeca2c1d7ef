"""One FHIR base URL for several tenants: offers, answers, withdrawals (F30)."""

from http import HTTPStatus

from flask import g

from connector.domain.api_caller import Needs
from connector.domain.errors import Reason
from connector.domain.sharing import Grant
from connector.web.api.documents import ShareDocument, ShareList
from connector.web.api.entries import ShareAnswer, ShareOffer
from connector.web.api.operations import operation
from connector.web.context import reference, web

_OFFER = (Reason.CONFIGURATION_UNKNOWN, Reason.SHARE_GUEST_INVALID, Reason.NOTHING_TO_SHARE)
_ANSWER = (Reason.SHARE_UNKNOWN, Reason.STATE_CONFLICT)


def _document(grant: Grant) -> ShareDocument:
    return ShareDocument.of(grant, g.who.tenant_id)


@operation("GET", "/shares", answer=ShareList)
def list_shares() -> ShareList:
    """Addresses the tenant offered to others, and addresses others offered to it."""
    with web().store.read() as tx:
        grants = tx.grants.of_tenant(g.who.tenant_id)
    return ShareList(items=[_document(grant) for grant in grants])


@operation(
    "POST",
    "/shares",
    answer=ShareDocument,
    needs=Needs.CHANGE,
    status=HTTPStatus.CREATED,
    refusals=_OFFER,
)
def offer_share(body: ShareOffer) -> ShareDocument:
    """Offer the address of a live environment to another tenant, known here or not."""
    return _document(
        web().offer_share(g.who, body.environment_id, body.guest_tenant_id, reference())
    )


@operation(
    "POST", "/shares/<share_id>/answers", answer=ShareDocument, needs=Needs.CHANGE, refusals=_ANSWER
)
def answer_share(share_id: str, body: ShareAnswer) -> ShareDocument:
    """Accept or decline what another tenant offers."""
    return _document(web().answer_share(g.who, share_id, body.accept, reference()))


@operation(
    "DELETE", "/shares/<share_id>", answer=ShareDocument, needs=Needs.CHANGE, refusals=_ANSWER
)
def withdraw_share(share_id: str) -> ShareDocument:
    """End a share, as its owner or as its guest: the guest's environments launch no more."""
    return _document(web().withdraw_share(g.who, share_id, reference()))
