"""What the EHR tells the portal: people, accounts, visits; and how a visit is sorted and dated."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

OVER = frozenset({"fulfilled", "noshow", "entered-in-error"})
CALLED_OFF = frozenset({"cancelled"})


class Show(StrEnum):
    """Which appointments the list shows."""

    UPCOMING = "upcoming"
    PAST = "past"


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except ZoneInfoNotFoundError as error:
        raise ValueError("no such time zone") from error


class Record(BaseModel):
    """Immutable; fields the EHR may add later are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Person(Record):
    """Somebody of the sandbox to sign in as; the password only if the EHR gives it away."""

    username: str
    name: str
    password: str | None = None


class Patient(Record):
    """A patient the account may act for; ``relationship`` is ``self`` or, for a proxy, ``child``."""

    id: str
    name: str
    relationship: str


class Account(Record):
    """A MyChart account and its patients."""

    account_id: str
    name: str
    patients: tuple[Patient, ...]

    def acts_for(self, patient_id: str) -> str:
        """``self``, ``child``, ...; ``unknown`` for a patient who is not of this account."""
        known = {patient.id: patient.relationship for patient in self.patients}
        return known.get(patient_id, "unknown")

    @property
    def is_proxy(self) -> bool:
        return any(patient.relationship != "self" for patient in self.patients)


class Appointment(Record):
    """One visit, as the EHR tells it. The EHR alone decides ``can_begin`` and says the ``reason``."""

    id: str
    csn: str
    patient_id: str
    patient_name: str
    start: AwareDatetime
    end: AwareDatetime
    status: str
    practitioner_name: str
    department: str
    virtual: bool
    can_begin: bool
    reason: str | None = None
    time_zone: Annotated[str, AfterValidator(_known_zone)]

    def shown_under(self, now: datetime) -> Show:
        """A visit that can still begin is upcoming however late it is."""
        if self.can_begin:
            return Show.UPCOMING
        return Show.PAST if self.status in OVER or self.end < now else Show.UPCOMING

    def offers_begin(self, now: datetime) -> bool:
        """Whether the button is there; the EHR still decides when it is pressed."""
        if not self.virtual or self.status in CALLED_OFF:
            return False
        return self.shown_under(now) is Show.UPCOMING

    @property
    def day(self) -> str:
        """``Monday, November 23, 2026`` at the site."""
        start = self.start.astimezone(ZoneInfo(self.time_zone))
        return f"{start:%A}, {start:%B} {start.day}, {start.year}"

    @property
    def hours(self) -> str:
        """``9:30 AM to 10:00 AM CST`` at the site."""
        zone = ZoneInfo(self.time_zone)
        start, end = self.start.astimezone(zone), self.end.astimezone(zone)
        return f"{_clock(start)} to {_clock(end)} {end:%Z}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"  # noqa: PLR2004 (noon)
