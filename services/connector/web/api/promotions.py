"""Promotion from test to production: plan, look, apply (flow 5). Approving needs a person's sign-ins."""

from http import HTTPStatus

from flask import g

from connector.domain.api_caller import Needs
from connector.domain.errors import Reason, Refused
from connector.web.api.documents import PlanDocument, RevisionDocument, readiness_of
from connector.web.api.entries import PromotionApplied, PromotionWanted
from connector.web.api.operations import operation
from connector.web.context import reference, web
from connector.web.problem_json import PromotionBlocked

_PLAN = (Reason.CONFIGURATION_UNKNOWN, Reason.URL_REFUSED, Reason.URL_LOOKS_LIKE_ANOTHER)
_APPLY = (*_PLAN, Reason.PLAN_STALE, Reason.PROMOTION_BLOCKED, Reason.STATE_CONFLICT)


@operation("POST", "/promotions/plans", answer=PlanDocument, needs=Needs.CHANGE, refusals=_PLAN)
def plan_promotion(body: PromotionWanted) -> PlanDocument:
    """What a promotion would change and what stands in its way; production stays as it is."""
    return PlanDocument.of(web().promote_configuration.plan(g.who, body.request(), reference()))


@operation(
    "POST",
    "/promotions",
    answer=RevisionDocument,
    needs=Needs.CHANGE,
    status=HTTPStatus.CREATED,
    refusals=_APPLY,
)
def apply_promotion(body: PromotionApplied) -> RevisionDocument:
    """Make the production revision of a plan, waiting for its approver; the same plan makes one."""
    promote = web().promote_configuration
    try:
        made = promote.apply(g.who, body.request(), body.plan_digest, reference())
    except Refused as err:
        if err.reason is not Reason.PROMOTION_BLOCKED:
            raise
        plan = promote.plan(g.who, body.request(), reference())
        raise PromotionBlocked(err.facts, [readiness_of(item) for item in plan.items]) from err
    return RevisionDocument.of(made)
