"""The page that examines a stored configuration and says who can put right what (E1, E2).

Anybody of the tenant may look and examine; what is found is shown once and kept nowhere.
"""

from collections import Counter

from flask import Blueprint, g, render_template

from connector.domain.findings import Verdict
from connector.usecases.diagnose import Case, ExaminedBy
from connector.web.context import reference, web
from connector.web.finding_words import words_of
from connector.web.state_words import Words

blueprint = Blueprint("doctor", __name__, url_prefix="/configurations")

VERDICT_WORDS: dict[Verdict, Words] = {
    Verdict.OK: Words("In order", "", "good"),
    Verdict.WARNING: Words("Look at this", "", "wait"),
    Verdict.FAILED: Words("Not in order", "", "bad"),
    Verdict.SKIPPED: Words("Not examined", "", "quiet"),
}


@blueprint.get("/<environment_id>/check")
def show(environment_id: str) -> str:
    return _page(_case(environment_id))


@blueprint.post("/<environment_id>/check")
def examine(environment_id: str) -> str:
    case = _case(environment_id)
    findings = web().diagnose(case.subject, ExaminedBy(g.who.object_id, reference()))
    return _page(
        case,
        findings=[(finding, words_of(finding)) for finding in findings],
        counts=Counter(finding.verdict for finding in findings),
        examined_at=web().clock.now(),
    )


def _case(environment_id: str) -> Case:
    return web().diagnose.case(environment_id, g.who.tenant_id)


def _page(case: Case, **found: object) -> str:
    return render_template("doctor.html", case=case, words=VERDICT_WORDS, verdicts=Verdict, **found)
