"""E2 and E3: what an approver meets at the EHR; each time the same link works once the EHR is put right."""

from collections.abc import Sequence

from scripts.error_scenarios.shown import Shown, problem_page
from scripts.error_scenarios.stage import Stage
from scripts.story.cast import EHR_ANALYST, PASSWORD
from scripts.story.narrator import promise

WITHOUT_RIGHTS = "RBERK"


def key_not_synchronised(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E2: the EHR's token endpoint answers invalid_client, as it does before it fetched our key."""
    ehr = stage.sandbox.urls.ehr("test")
    refusal = {"error": "invalid_client", "error_description": "no registered key matches"}
    with stage.asked_for_approval() as analyst:
        with stage.fault(ehr, route="/oauth2/token", status=401, body=refusal):
            analyst.click("sign-in-ehr")
            analyst.press_in_vain("sign-in", username=EHR_ANALYST, password=PASSWORD)
        notes.append("the approver signed in to an EHR that does not know the connector's key")
        shown = problem_page(analyst)
        promise("invalid_client" in analyst.text("facts"), "OAuth's own code is named")
    notes.append("the key was synchronised, and the same link led to the approval")
    return [shown]


def no_right_to_sign_in(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E3: the EHR answers access_denied for a user without the right to sign in to apps."""
    with stage.asked_for_approval() as analyst:
        analyst.click("sign-in-ehr")
        analyst.press_in_vain("sign-in", username=WITHOUT_RIGHTS, password=PASSWORD)
        notes.append(f"the approver signed in to the EHR as {WITHOUT_RIGHTS}, who may not use apps")
        shown = problem_page(analyst)
        promise("access_denied" in analyst.text("facts"), "the EHR's error code is shown")
        promise(WITHOUT_RIGHTS not in analyst.text("main"), "the EHR's free text is not")
    notes.append("with the right account the same link led to the approval")
    return [shown]
