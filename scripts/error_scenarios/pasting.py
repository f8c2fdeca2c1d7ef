"""E4 and E13: integration records that are not as they were issued, and production without a licence."""

import re
from collections.abc import Sequence

from scripts.error_scenarios.shown import Shown, different_record, missing_point, problem_page
from scripts.error_scenarios.stage import Stage
from scripts.story.narrator import promise


def wrong_record(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E4: (a) another record, (b) another environment's, (c) no licence for production."""
    visit = stage.visit("PCHALMERS")
    _, issued = stage.record("provider")
    wrong = re.sub(r"recordId=[^&\s]+", "recordId=copied-from-somewhere", issued)
    with stage.pasted("provider", wrong):
        launched = problem_page(visit.provider_begins(refused=True))
    notes.append("(a) the EHR held a record with another ID, and a clinician launched")
    of_other_kind = issued.replace("environment=test", "environment=production")
    compared = [
        _compared(stage, wrong, "recordId"),
        _compared(stage, of_other_kind, "environment"),
    ]
    notes.append("the analyst pasted that record back, and (b) one made for production")
    return [launched, *compared, _without_licence(stage, notes)]


def department_missing(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E13: the clinicians' record came back without its department."""
    stage.test()
    _, issued = stage.record("provider")
    held = re.sub(r"&departmentId=[^&\s]*", "", issued)
    promise(held != issued, "the issued record names the department")
    shown = _compared(stage, held, "departmentId")
    promise("department" in shown.remedy, "the department is named")
    notes.append("the analyst pasted back a record without departmentId")
    return [shown]


def _compared(stage: Stage, held: str, token: str) -> Shown:
    analyst = stage.environment(stage.cast.analyst)
    analyst.press("verify-provider", pasted=held)
    return different_record(analyst, token)


def _without_licence(stage: Stage, notes: list[str]) -> Shown:
    admin = stage.environment(stage.admin()).click("promote")
    admin.press("plan", fhir_base_url=stage.sandbox.urls.fhir_base("production"))
    promise(not admin.has("apply"), "there is no way on to production")
    notes.append("(c) the admin planned the promotion, no licence confirmed")
    return missing_point(admin, "licence_confirmed")
