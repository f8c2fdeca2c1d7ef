"""Where in Teams somebody of a visit goes: staff into the meeting, patients to its browser address.

Graph is asked for that address when a patient first needs it: no clinician waits for it.
"""

from dataclasses import dataclass

from connector.domain.errors import Reason, Refused
from connector.domain.participant import Role
from connector.domain.visit import Visit
from connector.domain.visit_settings import VisitSettings
from connector.ports.microsoft import Meetings
from connector.ports.storage import Store


@dataclass(frozen=True, slots=True)
class FindWayIn:
    store: Store
    meetings: Meetings

    def __call__(self, visit: Visit, role: Role, settings: VisitSettings) -> str:
        """URL of the visit's meeting for this role.

        Without `browser_join`, and where Graph has no browser address, patients get the plain one, which
        may offer them the Teams app (E6).

        Raises:
            Refused: `VISIT_UNKNOWN`: there is no meeting.
        """
        meeting = visit.meeting
        if meeting is None or visit.organizer_id is None:
            raise Refused(Reason.VISIT_UNKNOWN)
        if role is not Role.PATIENT or not settings.browser_join:
            return meeting.join_url
        if meeting.patient_join_url:
            return meeting.patient_join_url
        found = self.meetings.patient_join_url(visit.tenant_id, visit.organizer_id, meeting.id)
        if found is None:
            return meeting.join_url
        with self.store.write() as tx:
            tx.visits.keep_patient_join_url(visit.id, found)
        return found
