"""Who plays in the story, and the addresses of one EHR environment."""

from dataclasses import dataclass, field
from pathlib import Path

from scripts.sandbox import Sandbox
from scripts.story.person import PHONE, Person

ORGANIZATION = "Contoso Clinics"
ADMIN = "account-admin@contoso-health.example"
ANALYST = "account-analyst@contoso-health.example"
ANALYST_SIGN_IN = "analyst@contoso-health.example"
CLINICIAN = "account-adam.careful@contoso-health.example"
EHR_CLINICIAN = "ACAREFUL"
EHR_ANALYST = "CESPINOSA"
PASSWORD = "sandbox"  # noqa: S105 - printed on the simulators' own sign-in pages


@dataclass(slots=True)
class Cast:
    """Five people with five browsers."""

    sandbox: Sandbox
    admin: Person = field(init=False)
    analyst: Person = field(init=False)
    clinician: Person = field(init=False)
    patient: Person = field(init=False)
    stranger: Person = field(init=False)

    def __post_init__(self) -> None:
        ca_file = Path(self.sandbox.ca_file)
        self.admin, self.analyst, self.clinician, self.stranger = (
            Person(ca_file) for _ in range(4)
        )
        self.patient = Person(ca_file, PHONE)

    def everybody(self) -> list[Person]:
        return [self.admin, self.analyst, self.clinician, self.patient, self.stranger]
