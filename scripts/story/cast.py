"""Who plays in the story, and the addresses of one EHR environment."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scripts.sandbox_parts.configuration import Urls
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


class Place(Protocol):
    """As much of a sandbox as its people need: where everything is, and whom to trust."""

    @property
    def urls(self) -> Urls: ...

    @property
    def ca_file(self) -> Path: ...


@dataclass(slots=True)
class Cast:
    """Seven people with seven browsers, at a sandbox of this machine or one that somebody hosts."""

    sandbox: Place
    admin: Person = field(init=False)
    analyst: Person = field(init=False)
    clinician: Person = field(init=False)
    patient: Person = field(init=False)
    stranger: Person = field(init=False)
    reader: Person = field(init=False)
    foreigner: Person = field(init=False)

    def __post_init__(self) -> None:
        ca_file = self.sandbox.ca_file
        self.admin, self.analyst, self.clinician = (Person(ca_file) for _ in range(3))
        self.stranger, self.reader, self.foreigner = (Person(ca_file) for _ in range(3))
        self.patient = Person(ca_file, PHONE)

    def everybody(self) -> list[Person]:
        at_desks = [self.admin, self.analyst, self.clinician]
        return [*at_desks, self.patient, self.stranger, self.reader, self.foreigner]
