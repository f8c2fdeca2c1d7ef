"""E9 and E11: launches that the EHR's set-up leads astray."""

from collections.abc import Sequence

from scripts.error_scenarios.shown import Shown, different_record, problem_page
from scripts.error_scenarios.stage import Stage
from scripts.story.narrator import promise


def group_visit(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E9: the record for single visits sits on the group's button, and group visits are off."""
    visit = stage.visit("SIMONN", practitioner="Bronsig")
    client, issued = stage.record("provider")
    held = issued.replace("%CSN%", "%CONFERENCEID%")
    stage.paste("provider-group", client, held)
    launched = problem_page(visit.provider_begins(refused=True))
    notes.append("the EHR's group button held a record for single visits; a clinician launched")
    analyst = stage.environment(stage.cast.analyst).press("verify-provider", pasted=held)
    compared = different_record(analyst, "sessionId")
    promise("E9" in compared.remedy, "the verifier leads to this runbook")
    with stage.configured({"group_visits": []}, group_visits=["y"]):
        for name in ("provider-group", "patient-group"):
            stage.paste_and_verify(name)
        promise(stage.begin(visit).has("join-now"), "the group visit opens")
    notes.append("Group visits on, both group records pasted and verified: the group visit opens")
    return [launched, compared]


def test_record_in_production(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E11: generic to the clinician; the administrator finds the environment by the reference."""
    stage.production()
    visit = stage.visit("PCHALMERS", "production")
    _, of_test = stage.record("provider", "test")
    with stage.pasted("provider", of_test, "production"):
        shown = problem_page(visit.provider_begins(refused=True))
    notes.append("the production EHR held the record of test, and a clinician launched")
    told = stage.cast.clinician.text("main")
    promise("Contoso" not in told, "the clinician is not told what is configured")
    admin = stage.admin().open(f"{stage.connector}/audit?reference={shown.reference}")
    line = " ".join(admin.text("audit-lines").split())
    for fact in ("environment_mismatch", "environment production"):
        promise(fact in line, f"the audit line of {shown.reference} says {fact}")
    notes.append(f"the administrator's audit trail: {line}")
    return [shown]
