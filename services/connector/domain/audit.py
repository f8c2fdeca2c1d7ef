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
    CONFIGURATION_EXAMINED = "admin.configuration.examine"
    APPROVER_SIGNED_IN_TO_EHR = "approver.ehr_session.prove"
    CONFIGURATION_APPROVED = "approver.configuration.approve"
    CHANGES_REQUESTED = "approver.configuration.return"
    PROMOTION_PLANNED = "admin.promotion.plan"
    PROMOTION_APPLIED = "admin.promotion.apply"
    CONFIGURATION_ROLLED_BACK = "admin.configuration.roll_back"
    ENVIRONMENT_RETIRED = "admin.environment.retire"
    APPROVAL_REFUSED = "approver.configuration.refuse"
    GEOGRAPHY_CONFIRMED = "admin.geography.confirm"
    LICENCE_CONFIRMED = "admin.licence.confirm"
    RECORD_VERIFIED = "analyst.record.verify"
    TENANT_REFUSED = "admin.tenant.refuse"
    SHARE_OFFERED = "admin.share.offer"
    SHARE_ACCEPTED = "admin.share.accept"
    SHARE_DECLINED = "admin.share.decline"
    SHARE_WITHDRAWN = "admin.share.withdraw"
    SHARE_REFUSED = "admin.share.refuse"
    API_REFUSED = "caller.request.refuse"
    NOTIFICATION_REFUSED = "graph.notification.refuse"
    WRITE_BACK_PARKED = "connector.write_back.park"
    WRITE_BACK_REPLAYED = "operator.write_back.replay"
    AUDIT_EXPORTED = "admin.audit.export"
    AUDIT_REFUSED = "admin.audit.refuse"
    LINK_ERASED = "operator.link.erase"
    PERSON_EXPORTED = "operator.person.export"
    KEYS_ROTATED = "operator.keys.rotate"


class Outcome(StrEnum):
    SUCCESS = "success"
    REFUSED = "refused"
    FAILURE = "failure"
