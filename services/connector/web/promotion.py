"""Carrying a test configuration to production: plan, look, apply (flow 5)."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.domain.errors import Reason, Refused
from connector.domain.organization import Environment, EnvironmentKind, require_admin
from connector.domain.promotion import Plan, PromotionRequest
from connector.web.configuration_form import PromotionForm
from connector.web.context import reference, web
from connector.web.field_labels import comparison, everything
from connector.web.own import own_environment
from connector.web.problems import note
from connector.web.questions import QUESTIONS, ask, asked_in
from connector.web.readiness_words import words_of
from connector.web.standing import Standing

blueprint = Blueprint("promotion", __name__, url_prefix="/configurations/<environment_id>/promote")

Page = tuple[str, int]

_PLAN_AGAIN = frozenset({Reason.PLAN_STALE, Reason.PROMOTION_BLOCKED})


@blueprint.get("")
def begin(environment_id: str) -> Page:
    environment = _test(environment_id)
    return _page(environment, _form(environment), None, 200)


@blueprint.post("")
def go_on(environment_id: str) -> Response | Page:
    environment = _test(environment_id)
    form = _form(environment)
    form.take_choices(request.form.get("use_address", ""))
    action = asked_in(request.form)
    if action in QUESTIONS:
        return _page(environment, form, None, ask(form, action))
    if not form.validate():
        return _page(environment, form, None, 422)
    return _apply(environment, form) if action == "apply" else _plan(environment, form, 200)


def _plan(environment: Environment, form: PromotionForm, status: int) -> Page:
    try:
        plan = web().promote_configuration.plan(g.who, _asked(environment, form), reference())
    except Refused as err:
        note(err)
        form.refuse(err)
        return _page(environment, form, None, 422)
    return _page(environment, form, plan, status)


def _apply(environment: Environment, form: PromotionForm) -> Response | Page:
    """What was planned, or the plan as it is now with what changed since."""
    digest = request.form.get("digest", "")
    try:
        revision = web().promote_configuration.apply(
            g.who, _asked(environment, form), digest, reference()
        )
    except Refused as err:
        if err.reason not in _PLAN_AGAIN:
            raise
        note(err)
        form.refuse(err)
        return _plan(environment, form, 409)
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)


def _asked(environment: Environment, form: PromotionForm) -> PromotionRequest:
    return PromotionRequest(
        test_environment_id=environment.id,
        fhir_base_url=form.fhir_base_url.data,
        approver_sign_in_name=form.approver.data,
        clients=form.clients(),
    )


def _test(environment_id: str) -> Environment:
    require_admin(g.who)
    environment = own_environment(environment_id)
    if environment.kind is not EnvironmentKind.TEST:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return environment


def _form(test: Environment) -> PromotionForm:
    with web().store.read() as tx:
        production = tx.configurations.find_environment(
            test.tenant_id, test.organization_name, EnvironmentKind.PRODUCTION
        )
        of_test = Standing(test, tx.configurations.revisions(test.id))
        earlier = tx.configurations.revisions(production.id) if production else []
    of_production = Standing(production, earlier) if production and earlier else None
    return PromotionForm.starting_from(of_test, of_production, web().deployment.clients_offered)


def _page(environment: Environment, form: PromotionForm, plan: Plan | None, status: int) -> Page:
    page = render_template(
        "promotion.html",
        environment=environment,
        form=form,
        plan=plan,
        items=[(item, words_of(item)) for item in plan.items] if plan else [],
        changes=comparison(plan.proposed, plan.target) if plan and plan.proposed else [],
        values=everything(plan.proposed, plan.target) if plan and plan.proposed else [],
    )
    return page, status
