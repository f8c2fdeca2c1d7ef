"""What a run asks of the simulators' `/sim`: visits, ledgers, deliveries still on their way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests

from loadtest.records import MeetingMade, Persona, WriteBack
from loadtest.target import BookedVisit

TIMEOUT_SECONDS: Final = 60.0
PAGE_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Controls:
    """`ehr_url` is the root of one environment; addresses have no slash at the end."""

    session: requests.Session
    ehr_url: str
    microsoft_url: str

    def book(self, count: int, clinicians: Sequence[str]) -> tuple[BookedVisit, ...]:
        """That many visits that can be begun now, of each of the clinicians in turn, by user name in the EHR."""
        asked = {"count": count, "clinicians": list(clinicians)}
        booked = self._document("POST", f"{self.ehr_url}/sim/visits", json=asked)["visits"]
        return tuple(
            BookedVisit(
                csn=one["csn"],
                appointment_id=one["appointment"],
                patient_id=one["patient"],
                practitioner_id=one["practitioner"],
                clinician=one["clinician_login"],
            )
            for one in booked
        )

    def has_records(self) -> bool:
        """Whether somebody pasted integration records into the EHR."""
        return bool(self._document("GET", f"{self.ehr_url}/sim/state")["records"])

    def write_backs(self) -> Iterator[WriteBack]:
        for row in self._rows(f"{self.ehr_url}/sim/ledger"):
            yield WriteBack(
                visit=row["csn"],
                persona=Persona(row["party"]),
                status=row["status"],
                accepted=row["accepted"],
            )

    def reports_taken(self) -> int:
        """By the EHR so far, repeats included."""
        first = {"offset": 0, "limit": 1}
        return int(self._document("GET", f"{self.ehr_url}/sim/ledger", params=first)["total"])

    def meetings(self) -> Iterator[MeetingMade]:
        for row in self._rows(f"{self.microsoft_url}/sim/ledger"):
            yield MeetingMade(meeting=row["thread_id"], external_id=row["external_id"])

    def end_calls(self) -> None:
        """Every call that is on: Graph reports of those who were in it only then."""
        url = f"{self.microsoft_url}/sim/meetings/end"
        self.session.post(url, timeout=TIMEOUT_SECONDS).raise_for_status()

    def pending_deliveries(self) -> int:
        """Notifications that Graph has yet to deliver."""
        pending = self._document("GET", f"{self.microsoft_url}/sim/state")["deliveries"]["pending"]
        return int(pending)

    def add_fault(self, sim_url: str, fault: dict[str, Any]) -> str:
        """In force behind those already set; answers its id."""
        return str(self._document("POST", f"{sim_url}/sim/faults", json=fault)["faults"][-1]["id"])

    def clear_fault(self, sim_url: str, fault_id: str) -> None:
        self._document("DELETE", f"{sim_url}/sim/faults", params={"id": fault_id})

    def _rows(self, url: str) -> Iterator[dict[str, Any]]:
        offset: int | None = 0
        while offset is not None:
            page = self._document("GET", url, params={"offset": offset, "limit": PAGE_ROWS})
            for row in page["rows"]:
                yield dict(zip(page["columns"], row, strict=True))
            offset = page["next"]

    def _document(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        answer = self.session.request(method, url, timeout=TIMEOUT_SECONDS, **options)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document
