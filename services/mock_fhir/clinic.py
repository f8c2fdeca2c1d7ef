"""The clinic's days: virtual visits of yesterday, today and tomorrow in the site's time zone.

Ids and contact serial numbers follow from the date and the place in the day. Eight visits of today lie around the
moment the day was made, so that several can be begun whatever the hour; the rest are at fixed times.
"""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mock_fhir.config import EnvironmentKind
from mock_fhir.fhir.resources import CONFERENCE_SYSTEM, CSN_SYSTEM, Resource, actors
from mock_fhir.fhir.store import Store
from mock_fhir.seeding import VIRTUAL_LOCATION
from simkit.clock import instant_text

VISIT_LENGTH = timedelta(minutes=20)
SLOT = timedelta(minutes=15)
OPENS_BEFORE_START = timedelta(minutes=30)
CLOSES_AFTER_END = timedelta(hours=2)
FIRST_CSN_DATE = date(2026, 1, 1)
CSNS_OF_A_DAY = 100
EXTRA_CSNS = 90_000_000
SLOTS_BEFORE_NOW = 3
OPEN_STATUSES = ("booked", "arrived", "checked-in")

# Who sees whom around now: the first of today's visits starts 45 minutes before the day was made.
AROUND_NOW = (
    ("f001", "f201"),
    ("example", "example"),
    ("example", "infant-twin-1"),
    ("example", "f001"),
    ("f007", "pat3"),
    ("example", "infant-mom"),
    ("f201", "pat4"),
    ("f007", "xds"),
)
# A group visit of today, in the test environment: three patients of one clinician, an appointment each.
GROUP = ("f201", ("f001", "pat3", "xds"))
GROUP_PLACE = 90
FIXED = (
    (time(9, 0), "example", "xcda", "fulfilled"),
    (time(10, 0), "f001", "ch-example", "booked"),
    (time(11, 30), "example", "pat3", "cancelled"),
    (time(14, 0), "f007", "example", "booked"),
    (time(15, 30), "f201", "f001", "booked"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One visit to put on the schedule; `start` aware, ids already with the environment's prefix."""

    csn: str
    start: datetime
    practitioner_id: str
    patient_id: str
    status: str = "booked"
    conference: str = ""


class Clinic:
    """Makes days when they are first looked at. Thread-safe."""

    def __init__(
        self, store: Store, kind: EnvironmentKind, zone: ZoneInfo, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._kind = kind
        self.zone = zone
        self._now = now
        self._made: set[date] = set()
        self._extra = 0
        self._lock = threading.Lock()

    def today(self) -> date:
        return self._now().astimezone(self.zone).date()

    def make_days(self) -> None:
        """Yesterday, today and tomorrow by the simulator's clock; days made before stay as they are."""
        with self._lock:
            today = self.today()
            for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
                if day not in self._made:
                    self._made.add(day)
                    self._make(day, around_now=day == today)

    def day(self, day: date) -> list[Resource]:
        """Appointments that start on that day in the site's zone, earliest first."""
        self.make_days()
        visits = [one for one in self._store.of_type("Appointment") if self._starts_on(one, day)]
        return sorted(visits, key=lambda one: (one["start"], one["id"]))

    def appointment(self, csn: str) -> Resource | None:
        self.make_days()
        return self._store.read("Appointment", self.appointment_id(csn))

    def encounter(self, csn: str) -> Resource | None:
        return self._store.read("Encounter", f"{self._kind.id_prefix}enc-{csn}")

    def closed_because(self, appointment: Resource) -> str | None:
        """Why a patient cannot begin the visit now; None when it is open."""
        if appointment["status"] not in OPEN_STATUSES:
            return f"This visit is {appointment['status']}."
        start, end = (datetime.fromisoformat(appointment[key]) for key in ("start", "end"))
        if self._now() < start - OPENS_BEFORE_START:
            opens = (start - OPENS_BEFORE_START).astimezone(self.zone)
            return f"You can begin this visit from {opens:%H:%M} on {opens:%d %B}."
        if self._now() > end + CLOSES_AFTER_END:
            return "This visit is over."
        return None

    def book_extras(self, who_and_whom: Sequence[tuple[str, str]]) -> list[Booking]:
        """A visit that can be begun now for each pair of practitioner and patient; thousands in a second."""
        with self._lock:
            first, self._extra = self._extra + 1, self._extra + len(who_and_whom)
        created = self._now()
        now = created.replace(second=0, microsecond=0)
        csns = itertools.count(self._kind.csn_base + EXTRA_CSNS + first)
        bookings = [
            Booking(csn=str(csn), start=now, practitioner_id=practitioner, patient_id=patient)
            for csn, (practitioner, patient) in zip(csns, who_and_whom, strict=False)
        ]
        self._store.give(self._encounter(one) for one in bookings)
        self._store.give(self._appointment(one, created) for one in bookings)
        return bookings

    def book(self, booking: Booking) -> None:
        """Store the Appointment and its Encounter."""
        self._store.give([self._encounter(booking), self._appointment(booking, self._now())])

    def appointment_id(self, csn: str) -> str:
        return f"{self._kind.id_prefix}appt-{csn}"

    def _starts_on(self, appointment: Resource, day: date) -> bool:
        start = appointment.get("start")
        if start is None or not actors(appointment, "Patient"):
            return False
        return datetime.fromisoformat(start).astimezone(self.zone).date() == day

    def _make(self, day: date, *, around_now: bool) -> None:
        slots = [(self._at(day, at), who, whom, status) for at, who, whom, status in FIXED]
        if around_now:
            first = self._first_slot(day)
            slots += [
                (first + place * SLOT, who, whom, "booked")
                for place, (who, whom) in enumerate(AROUND_NOW)
            ]
        for place, (start, practitioner, patient, status) in enumerate(slots, start=1):
            self.book(
                Booking(
                    csn=self._csn(day, place),
                    start=start,
                    practitioner_id=self._kind.id_prefix + practitioner,
                    patient_id=self._kind.id_prefix + patient,
                    status=status,
                )
            )
        if around_now and self._kind.has_group:
            self._make_group(day)

    def _make_group(self, day: date) -> None:
        """One conference; everybody's appointment has a contact serial number of its own."""
        practitioner, patients = GROUP
        for place, patient in enumerate(patients, start=GROUP_PLACE):
            self.book(
                Booking(
                    csn=self._csn(day, place),
                    start=self._first_slot(day) + SLOTS_BEFORE_NOW * SLOT,
                    practitioner_id=self._kind.id_prefix + practitioner,
                    patient_id=self._kind.id_prefix + patient,
                    conference=f"GRP-{self._csn(day, GROUP_PLACE)}",
                )
            )

    def _csn(self, day: date, place: int) -> str:
        return str(self._kind.csn_base + (day - FIRST_CSN_DATE).days * CSNS_OF_A_DAY + place)

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _first_slot(self, day: date) -> datetime:
        """45 minutes before now, moved so that all visits around now start and end on this day."""
        now = self._now()
        quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
        latest = self._at(day + timedelta(days=1), time()) - (len(AROUND_NOW) + 1) * SLOT
        return max(self._at(day, time()), min(quarter - SLOTS_BEFORE_NOW * SLOT, latest))

    def _appointment(self, booking: Booking, created: datetime) -> Resource:
        return {
            "resourceType": "Appointment",
            "id": self.appointment_id(booking.csn),
            "identifier": _identifiers(booking),
            "status": booking.status,
            "serviceType": [{"coding": [VIRTUAL_SERVICE]}],
            "appointmentType": {"coding": [FOLLOW_UP]},
            "start": instant_text(booking.start),
            "end": instant_text(booking.start + VISIT_LENGTH),
            "minutesDuration": VISIT_LENGTH // timedelta(minutes=1),
            "created": instant_text(created),
            "participant": [
                _participant(f"Patient/{booking.patient_id}"),
                {**_participant(f"Practitioner/{booking.practitioner_id}"), "type": [PERFORMER]},
                _participant(f"Location/{self._kind.id_prefix}{VIRTUAL_LOCATION}"),
            ],
        }

    def _encounter(self, booking: Booking) -> Resource:
        return {
            "resourceType": "Encounter",
            "id": f"{self._kind.id_prefix}enc-{booking.csn}",
            "identifier": [{"system": CSN_SYSTEM, "value": booking.csn}],
            "status": ENCOUNTER_STATUS.get(booking.status, "planned"),
            "class": VIRTUAL_CLASS,
            "subject": {"reference": f"Patient/{booking.patient_id}"},
            "participant": [
                {"individual": {"reference": f"Practitioner/{booking.practitioner_id}"}}
            ],
            "appointment": [{"reference": f"Appointment/{self.appointment_id(booking.csn)}"}],
            "period": {"start": instant_text(booking.start)},
            "location": [
                {"location": {"reference": f"Location/{self._kind.id_prefix}{VIRTUAL_LOCATION}"}}
            ],
            "serviceProvider": {"reference": f"Organization/{self._kind.id_prefix}f001"},
        }


ENCOUNTER_STATUS = {"fulfilled": "finished", "cancelled": "cancelled"}
VIRTUAL_SERVICE = {
    "system": "http://snomed.info/sct",
    "code": "448337001",
    "display": "Telemedicine consultation with patient",
}
FOLLOW_UP = {"system": "http://terminology.hl7.org/CodeSystem/v2-0276", "code": "FOLLOWUP"}
VIRTUAL_CLASS = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "code": "VR",
    "display": "virtual",
}
PERFORMER = {
    "coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "PPRF"}
    ]
}


def _identifiers(booking: Booking) -> list[dict[str, str]]:
    csn = {"system": CSN_SYSTEM, "value": booking.csn}
    if not booking.conference:
        return [csn]
    return [csn, {"system": CONFERENCE_SYSTEM, "value": booking.conference}]


def _participant(reference: str) -> Resource:
    return {"actor": {"reference": reference}, "required": "required", "status": "accepted"}
