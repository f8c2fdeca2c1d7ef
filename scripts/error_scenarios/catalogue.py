"""The fourteen scenarios by their numbers, in the order in which they play."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.error_scenarios import approving, entering, launching, meeting, pasting, reading
from scripts.error_scenarios.shown import Shown
from scripts.error_scenarios.stage import Stage

Notes = list[str]
Play = Callable[[Stage, Notes], Sequence[Shown]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`titles` are what the connector's pages are called, in the order in which they are met;
    `reasons` the audit codes of those that are refusals.
    """

    number: str
    report: str
    titles: tuple[str, ...]
    play: Play
    reasons: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        return self.number.lower()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "E1",
        "The FHIR URL isn't valid",
        ("The EHR's answer could not be understood",),
        entering.wrong_version,
        ("ehr_answer_invalid",),
    ),
    Scenario(
        "E2",
        "OAuth2 error at the approval: the EHR has not fetched our key",
        ("The EHR does not know this connector yet",),
        approving.key_not_synchronised,
        ("ehr_refused_client",),
    ),
    Scenario(
        "E3",
        "The approver may not sign in to the EHR",
        ("The EHR did not let you in",),
        approving.no_right_to_sign_in,
        ("ehr_denied",),
    ),
    Scenario(
        "E4",
        "Nobody can launch after the first set-up",
        (
            "The integration record does not match",
            "The EHR holds something else",
            "The EHR holds something else",
            "The licences for production are confirmed",
        ),
        pasting.wrong_record,
        ("record_unknown",),
    ),
    Scenario(
        "E5",
        "The clinician gets no notice that the patient came",
        ("The patient is in the lobby",),
        meeting.patient_waits,
    ),
    Scenario(
        "E6",
        "Patients are asked to install Teams",
        ("Patients are asked for the Teams app",),
        meeting.browser_join_off,
    ),
    Scenario(
        "E7",
        "The patient can still write after the visit",
        ("The patient is still in the meeting",),
        meeting.left_not_ended,
    ),
    Scenario(
        "E8",
        "The portal can only be looked at",
        ("Your account may look but not change",),
        entering.wrong_role,
        ("role_missing",),
    ),
    Scenario(
        "E9",
        "Group visits fail",
        ("Group visits are not switched on", "The EHR holds something else"),
        launching.group_visit,
        ("group_visits_off",),
    ),
    Scenario(
        "E10",
        "No camera, poor sound, in Citrix",
        ("No camera, poor sound, or the meeting opens inside Citrix.",),
        reading.citrix,
    ),
    Scenario(
        "E11",
        "Tenant config not found: a test record at the production EHR",
        ("Test and production are mixed up",),
        launching.test_record_in_production,
        ("environment_mismatch",),
    ),
    Scenario(
        "E12",
        "A second organization uses the same EHR",
        ("This FHIR base URL is in use",),
        entering.second_tenant,
        ("url_taken",),
    ),
    Scenario(
        "E13",
        "The department column is blank",
        ("The EHR holds something else",),
        pasting.department_missing,
    ),
    Scenario("E14", "A text message did not come", ("A text message did not come.",), reading.sms),
)


def chosen(numbers: Sequence[str]) -> list[Scenario]:
    """Those with these numbers, all of them for none.

    Raises:
        KeyError: a number that is not in the catalogue.
    """
    known = {scenario.number: scenario for scenario in SCENARIOS}
    wanted = {known[number.upper()].number for number in numbers} or set(known)
    return [scenario for scenario in SCENARIOS if scenario.number in wanted]
