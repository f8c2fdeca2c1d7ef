"""The catalogue of audited events: `subject.object.action` (style.md rule 6)."""

from enum import StrEnum


class Event(StrEnum):
    """Everything the audit trail can hold."""

    LAUNCH_COMPLETED = "person.launch.complete"
    LAUNCH_REFUSED = "person.launch.refuse"
    ACCOUNT_LINKED = "provider.account.link"
    SIGN_IN_COMPLETED = "person.session.begin"
    SIGN_IN_REFUSED = "person.session.refuse"
    CONFIGURATION_SUBMITTED = "admin.configuration.submit"
    CONFIGURATION_REFUSED = "admin.configuration.refuse"
    APPROVER_SIGNED_IN_TO_EHR = "approver.ehr_session.prove"
    CONFIGURATION_APPROVED = "approver.configuration.approve"
    CHANGES_REQUESTED = "approver.configuration.return"
    APPROVAL_REFUSED = "approver.configuration.refuse"
    NOTIFICATION_REFUSED = "graph.notification.refuse"
    WRITE_BACK_PARKED = "connector.write_back.park"
    WRITE_BACK_REPLAYED = "operator.write_back.replay"


class Outcome(StrEnum):
    SUCCESS = "success"
    REFUSED = "refused"
    FAILURE = "failure"
