"""Appointments and write-back of an EHR in memory."""

from tests.fakes.faults import Faults

from connector.domain.launch import AppointmentFacts
from connector.ports.ehr import ConnectionReport, EhrTarget
from connector.ports.errors import Denied, Gone


class FakeAppointments:
    """Implements `ports.ehr.Appointments`; put facts in with `add`."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.reads: list[tuple[str, str]] = []
        self._facts: dict[tuple[str, str], AppointmentFacts] = {}

    def add(self, fhir_base_url: str, facts: AppointmentFacts) -> None:
        """Add or replace the appointment with this id."""
        self._facts[(fhir_base_url.rstrip("/"), facts.appointment_id)] = facts

    def read(self, fhir_base_url: str, access_token: str, appointment_id: str) -> AppointmentFacts:
        self.reads.append(("read", appointment_id))
        self.faults.before("read")
        _require_token(access_token)
        try:
            return self._facts[(fhir_base_url.rstrip("/"), appointment_id)]
        except KeyError as missing:
            raise Gone("http_404") from missing

    def find(self, fhir_base_url: str, access_token: str, conference_id: str) -> AppointmentFacts:
        self.reads.append(("find", conference_id))
        self.faults.before("find")
        _require_token(access_token)
        found = [
            facts
            for (base, _), facts in self._facts.items()
            if base == fhir_base_url.rstrip("/") and facts.conference_id == conference_id
        ]
        if len(found) != 1:
            raise Gone("not_one")
        return found[0]


def _require_token(access_token: str) -> None:
    if not access_token:
        raise Denied("http_401")


class FakeWriteBack:
    """Implements `ports.ehr.WriteBack`: `calls` is every try, `rows` what the EHR kept.

    Like a real EHR it keeps one row for one key, also when its answer was lost.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.calls: list[tuple[EhrTarget, ConnectionReport]] = []
        self.rows: dict[str, ConnectionReport] = {}

    @property
    def reports(self) -> list[ConnectionReport]:
        """What the EHR knows, in the order it learned it."""
        return list(self.rows.values())

    def report(self, target: EhrTarget, report: ConnectionReport) -> None:
        self.calls.append((target, report))
        self.faults.before("report")
        self.rows.setdefault(report.key, report)
        self.faults.after("report")
