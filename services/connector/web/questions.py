"""What an admin may ask while filling in the form; answering saves nothing and keeps what was typed."""

from collections.abc import Callable, Mapping

from flask import g

from connector.domain.errors import Reason, Refused
from connector.web.configuration_form import EhrForm
from connector.web.context import web
from connector.web.problems import note


def asked_in(form: Mapping[str, str]) -> str:
    """The button that was pressed; taking a suggested address asks about it."""
    return "check" if "use_address" in form else form.get("action", "")


def ask(form: EhrForm, question: str) -> int:
    """Answer a question on the form, which saves nothing; the status of the page that says it."""
    try:
        QUESTIONS[question](form)
    except Refused as err:
        note(err)
        form.refuse(err)
        form.suggestions = did_you_mean(err, form.fhir_base_url.data)
        return 422
    return 200


def _check(form: EhrForm) -> None:
    form.checked = web().check_address(g.who, form.fhir_base_url.data or "")


def _search(form: EhrForm) -> None:
    form.offer(web().find_approver(g.who, form.approver.data or ""))


QUESTIONS: dict[str, Callable[[EhrForm], None]] = {"check": _check, "search": _search}


def did_you_mean(err: Refused, fhir_base_url: str) -> list[str]:
    """Base URLs beside a wrong one that an EHR answers at (E1)."""
    if err.reason is not Reason.EHR_ANSWER_INVALID:
        return []
    return web().diagnose.suggestions(fhir_base_url)
