"""Why a request of a person is refused.

A refusal names one `Reason`; the status, the words and the remedy belong to the page that shows it
(`connector.web.problems`). `facts` go into the audit trail, so they hold ids we minted, codes and
host names only: never a token, a person or a query string.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Every way a launch, a sign-in or an approval can be refused. The value is the audit code."""

    ISSUER_UNKNOWN = "issuer_unknown"
    LAUNCH_PARAMETER_MISSING = "launch_parameter_missing"
    STATE_MISSING = "state_missing"
    STATE_FOREIGN = "state_foreign"
    LAUNCH_EXPIRED = "launch_expired"
    LAUNCH_ALREADY_USED = "launch_already_used"
    ISSUER_MIXED_UP = "issuer_mixed_up"
    EHR_DENIED = "ehr_denied"
    EHR_UNREACHABLE = "ehr_unreachable"
    EHR_REFUSED_CLIENT = "ehr_refused_client"
    EHR_ANSWER_INVALID = "ehr_answer_invalid"
    ID_TOKEN_INVALID = "id_token_invalid"  # noqa: S105 - an audit code, not a secret
    WRONG_KIND_OF_USER = "wrong_kind_of_user"
    ENVIRONMENT_MISMATCH = "environment_mismatch"
    RECORD_UNKNOWN = "record_unknown"
    PERMISSION_MISSING = "permission_missing"
    APPOINTMENT_MISSING = "appointment_missing"
    APPOINTMENT_UNKNOWN = "appointment_unknown"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    VISIT_ENDED = "visit_ended"
    VISIT_UNKNOWN = "visit_unknown"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_EXPIRED = "sign_in_expired"
    ACCOUNT_OF_OTHER_TENANT = "account_of_other_tenant"
    ACCOUNT_IS_GUEST = "account_is_guest"
    ACCOUNT_LINKED_TO_ANOTHER_USER = "account_linked_to_another_user"
    MICROSOFT_UNREACHABLE = "microsoft_unreachable"
    MEETING_POLICY_MISSING = "meeting_policy_missing"
    MEETING_REFUSED = "meeting_refused"
    ROLE_MISSING = "role_missing"
    AUDIT_ROLE_MISSING = "audit_role_missing"
    NOT_THE_APPROVER = "not_the_approver"
    STEP_MISSING = "step_missing"
    CHANGED_SINCE_SHOWN = "changed_since_shown"
    URL_REFUSED = "url_refused"
    URL_TAKEN = "url_taken"
    APPROVER_UNKNOWN = "approver_unknown"
    CONFIGURATION_UNKNOWN = "configuration_unknown"
    EXAMINATION_BUSY = "examination_busy"
    STATE_CONFLICT = "state_conflict"
    GEOGRAPHY_OTHER = "geography_other"
    SETTING_INVALID = "setting_invalid"
    CLIENTS_MIXED_UP = "clients_mixed_up"
    PROMOTION_NEEDED = "promotion_needed"
    GEOGRAPHY_CONTRADICTED = "geography_contradicted"
    GEOGRAPHY_UNCONFIRMED = "geography_unconfirmed"
    APPROVER_DISABLED = "approver_disabled"
    PROMOTION_BLOCKED = "promotion_blocked"
    PLAN_STALE = "plan_stale"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    SHARE_UNKNOWN = "share_unknown"
    SHARE_GUEST_INVALID = "share_guest_invalid"
    NOTHING_TO_SHARE = "nothing_to_share"
    URL_LOOKS_LIKE_ANOTHER = "url_looks_like_another"
    JOIN_TOO_EARLY = "join_too_early"
    JOIN_TOO_LATE = "join_too_late"
    GROUP_VISITS_OFF = "group_visits_off"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - an audit code, not a secret
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - an audit code, not a secret
    SCOPE_MISSING = "scope_missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class ShownTime:
    """An instant the page tells in the clinic's zone; it is neither stored, logged nor audited."""

    at: datetime
    time_zone: str


class Refused(Exception):
    """A request is refused for a `reason`; nothing was half-written.

    Args:
        reason: which refusal.
        facts: what the audit trail should keep: ids, codes, host names.
        retry_after_seconds: when trying again may help, if known.
        shown: the time it depends on, if it does.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        facts: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
        shown: ShownTime | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.facts = dict(facts or {})
        self.retry_after_seconds = retry_after_seconds
        self.shown = shown
