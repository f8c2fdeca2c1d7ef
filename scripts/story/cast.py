"""Who plays in the story, and the addresses of one EHR environment."""

from dataclasses import dataclass, field
from pathlib import Path

from scripts.sandbox import Sandbox
from scripts.story.person import PHONE, Person

ORGANIZATION = "Contoso Clinics"
ADMIN = "account-admin@contoso-health.example"
ANALYST = "account-analyst@contoso-health.example"
ANALYST_SIGN_IN = "analyst@contoso-health.example"
READER = "account-reader@contoso-health.example"
FOREIGNER = "account-admin@fabrikam-klinik.example"
CLINICIAN = "account-adam.careful@contoso-health.example"
EHR_CLINICIAN = "ACAREFUL"
EHR_ANALYST = "CESPINOSA"
PASSWORD = "sandbox"  # noqa: S105 - printed on the simulators' own sign-in pages


@dataclass(slots=True)
class Cast:
    """Seven people with seven browsers."""

    sandbox: Sandbox
    admin: Person = field(init=False)
    analyst: Person = field(init=False)
    clinician: Person = field(init=False)
    patient: Person = field(init=False)
    stranger: Person = field(init=False)
    reader: Person = field(init=False)
    foreigner: Person = field(init=False)

    def __post_init__(self) -> None:
        ca_file = Path(self.sandbox.ca_file)
        self.admin, self.analyst, self.clinician = (Person(ca_file) for _ in range(3))
        self.stranger, self.reader, self.foreigner = (Person(ca_file) for _ in range(3))
        self.patient = Person(ca_file, PHONE)

    def everybody(self) -> list[Person]:
        at_desks = [self.admin, self.analyst, self.clinician]
        return [*at_desks, self.patient, self.stranger, self.reader, self.foreigner]
