"""What a person is told for each refusal: status, what happened, what to do, who can fix it.

No text tells a stranger what is configured here; `runbook` names the page of docs/runbooks.
"""

from connector.domain.errors import Reason
from connector.web.api.refusals import API_PROBLEMS
from connector.web.problem import AGAIN, TELL_THE_HELP_DESK, Problem

__all__ = ["AGAIN", "HTTP_TITLES", "PROBLEMS", "TELL_THE_HELP_DESK", "Problem"]

PROBLEMS: dict[Reason, Problem] = {
    Reason.ISSUER_UNKNOWN: Problem(
        400,
        "This EHR is not set up here",
        "The visit was started from an EHR address that no approved configuration names.",
        f"{TELL_THE_HELP_DESK} An administrator compares the FHIR base URL in the portal with the EHR's.",
    ),
    Reason.LAUNCH_PARAMETER_MISSING: Problem(
        400,
        "This page is opened by your EHR",
        "The address lacks what the EHR adds when it starts a visit.",
        AGAIN,
    ),
    Reason.STATE_MISSING: Problem(
        400, "The visit could not be continued", "The address is not complete.", AGAIN
    ),
    Reason.STATE_FOREIGN: Problem(
        400,
        "The visit could not be continued",
        "This browser did not begin this launch, or it does not keep the connector's cookie.",
        f"{AGAIN} If it happens again, open the visit in a new window.",
    ),
    Reason.LAUNCH_EXPIRED: Problem(
        400, "The launch took too long", "A launch is good for ten minutes.", AGAIN
    ),
    Reason.LAUNCH_ALREADY_USED: Problem(
        409,
        "This visit is already open",
        "The page you came back to has done its work.",
        "Open the visit again with the button below, or from your schedule.",
    ),
    Reason.ISSUER_MIXED_UP: Problem(
        400,
        "The answer came from another EHR",
        "The sign-in was answered by a different EHR than the one it was sent to.",
        TELL_THE_HELP_DESK,
    ),
    Reason.EHR_DENIED: Problem(
        403,
        "The EHR did not let you in",
        "The EHR answered that this sign-in is not permitted or was cancelled.",
        f"{AGAIN} If it happens again, your EHR analyst checks your permissions.",
    ),
    Reason.EHR_UNREACHABLE: Problem(
        503, "The EHR does not answer", "The EHR could not be reached in time.", AGAIN
    ),
    Reason.EHR_REFUSED_CLIENT: Problem(
        502,
        "The EHR does not know this connector yet",
        "The EHR refused the connector's key or client id (OAuth invalid_client).",
        f"{TELL_THE_HELP_DESK} The EHR analyst checks that the client id is active and its JWK set is synchronised.",
    ),
    Reason.EHR_ANSWER_INVALID: Problem(
        502,
        "The EHR's answer could not be understood",
        "The EHR answered something that does not follow the SMART on FHIR standard.",
        TELL_THE_HELP_DESK,
    ),
    Reason.ID_TOKEN_INVALID: Problem(
        403,
        "The EHR's identity could not be verified",
        "The identity token did not pass its checks.",
        f"{AGAIN} {TELL_THE_HELP_DESK}",
    ),
    Reason.WRONG_KIND_OF_USER: Problem(
        403,
        "This button is for somebody else",
        "Clinicians start visits from their schedule, patients from MyChart.",
        "Use the button made for you.",
    ),
    Reason.ENVIRONMENT_MISMATCH: Problem(
        409,
        "Test and production are mixed up",
        "The integration record in the EHR belongs to the other environment.",
        f"{TELL_THE_HELP_DESK} The EHR analyst compares the record with the one shown in the portal.",
    ),
    Reason.RECORD_UNKNOWN: Problem(
        409,
        "The integration record does not match",
        "The record in the EHR differs from the one issued in the portal.",
        f"{TELL_THE_HELP_DESK} The EHR analyst pastes the record from the portal again, unchanged.",
    ),
    Reason.PERMISSION_MISSING: Problem(
        403,
        "A permission is missing in the EHR",
        "The EHR did not let the connector read the appointment.",
        f"{TELL_THE_HELP_DESK} The EHR analyst grants the scope Appointment.rs to the connector's client.",
    ),
    Reason.APPOINTMENT_MISSING: Problem(
        400,
        "No appointment was named",
        "The EHR did not say which appointment to open.",
        "Open the appointment in your schedule and press Begin virtual visit there.",
    ),
    Reason.APPOINTMENT_UNKNOWN: Problem(
        404,
        "The appointment was not found",
        "The EHR does not find the appointment it named.",
        AGAIN,
    ),
    Reason.APPOINTMENT_CANCELLED: Problem(
        409,
        "This appointment was cancelled",
        "The EHR lists the appointment as cancelled or missed.",
        "Call the clinic to make a new appointment.",
    ),
    Reason.VISIT_ENDED: Problem(
        410,
        "This visit has ended",
        "The meeting is over.",
        "If you still need to talk to your clinician, call the clinic. Once they open the visit again, press Begin virtual visit again.",
    ),
    Reason.VISIT_UNKNOWN: Problem(
        404,
        "This visit is not open in this browser",
        "The address belongs to another visit, another person or another browser.",
        AGAIN,
    ),
    Reason.SIGN_IN_FAILED: Problem(
        403,
        "The Microsoft sign-in did not succeed",
        "Microsoft did not confirm who you are, or the sign-in was cancelled.",
        "Try again and choose your work account.",
        "sign-in",
    ),
    Reason.SIGN_IN_EXPIRED: Problem(
        400,
        "The sign-in could not be continued",
        "This browser did not begin this sign-in, or it took longer than ten minutes.",
        "Begin again.",
        "sign-in",
    ),
    Reason.ACCOUNT_OF_OTHER_TENANT: Problem(
        403,
        "This account belongs to another organization",
        "The Microsoft account is not of the organization whose EHR started the visit.",
        "Start again and choose your work account of this organization.",
        "sign-in",
    ),
    Reason.ACCOUNT_IS_GUEST: Problem(
        403,
        "Guest accounts cannot be used here",
        "The Microsoft account is a guest in this organization.",
        "Start again with a member account.",
        "sign-in",
    ),
    Reason.ACCOUNT_LINKED_TO_ANOTHER_USER: Problem(
        409,
        "Another Microsoft account is linked already",
        "Your EHR user was linked to a different Microsoft account before.",
        f"{TELL_THE_HELP_DESK} An operator removes the old link.",
        "sign-in",
    ),
    Reason.MICROSOFT_UNREACHABLE: Problem(
        503, "Microsoft does not answer", "Microsoft 365 could not be reached in time.", AGAIN
    ),
    Reason.MEETING_POLICY_MISSING: Problem(
        503,
        "Meetings are not enabled for this account",
        "Teams has no application access policy that lets the connector make your meetings.",
        f"{TELL_THE_HELP_DESK} A Teams administrator grants the policy; it takes effect within 30 minutes.",
        "meeting",
    ),
    Reason.MEETING_REFUSED: Problem(
        502,
        "Teams refused to make the meeting",
        "Graph answered with an error.",
        TELL_THE_HELP_DESK,
        "meeting",
    ),
    Reason.ROLE_MISSING: Problem(
        403,
        "Your account may look but not change",
        "Configurations are changed by a Global, Teams or Virtual Visits Administrator.",
        "Ask an administrator of your Microsoft 365 tenant for one of these roles, then sign in again.",
        "configuration",
    ),
    Reason.AUDIT_ROLE_MISSING: Problem(
        403,
        "Your account may not see the audit trail",
        "It is for Global, Teams and Virtual Visits Administrators and for the approvers that "
        "configurations name.",
        "Ask one of them to look something up, or ask for one of these roles and sign in again.",
        "configuration",
    ),
    Reason.NOT_THE_APPROVER: Problem(
        403,
        "You are not the named approver",
        "Only the person named in the configuration can approve it.",
        "Sign in with the account named there, or ask the administrator to name you.",
        "approval",
    ),
    Reason.STEP_MISSING: Problem(
        409,
        "A step comes first",
        "An approval needs both sign-ins: Microsoft and the EHR.",
        "Open the approval page and sign in to the EHR there.",
        "approval",
    ),
    Reason.CHANGED_SINCE_SHOWN: Problem(
        409,
        "The configuration has changed",
        "It is not what was shown to you any more.",
        "Open the page again and review what it says now.",
        "approval",
    ),
    Reason.URL_REFUSED: Problem(
        422,
        "This FHIR base URL cannot be used",
        "It must be a public https address such as https://ehr.example.org/api/FHIR/R4.",
        "Correct the address; your EHR technical contact knows it.",
        "configuration",
    ),
    Reason.URL_TAKEN: Problem(
        409,
        "This FHIR base URL is in use",
        "Another environment was approved with the same address.",
        "Use that environment. If another organization with the same EHR holds it, ask their administrator to offer it to your tenant on the page Shares, accept it there, and enter it again.",
        "configuration",
    ),
    Reason.APPROVER_UNKNOWN: Problem(
        422,
        "The approver was not found",
        "No enabled member of your Microsoft 365 tenant has this sign-in name.",
        "Correct the sign-in name, for example analyst@your-hospital.org.",
        "configuration",
    ),
    Reason.CONFIGURATION_UNKNOWN: Problem(
        404, "Not found", "There is no such configuration.", "Go to the overview.", "configuration"
    ),
    Reason.EXAMINATION_BUSY: Problem(
        503,
        "Other examinations are running",
        "Few run at a time, so that none takes anything from visits.",
        "Wait a minute, then examine again.",
        "doctor",
    ),
    Reason.STATE_CONFLICT: Problem(
        409,
        "This has been done already",
        "Somebody else was faster, or you pressed the button twice.",
        "Open the overview to see where it stands.",
        "approval",
    ),
    Reason.GEOGRAPHY_OTHER: Problem(
        421,
        "Your data belongs to another geography",
        "This deployment serves another data geography than your tenant's. Nothing about you was kept.",
        "Use the portal of your geography.",
        "geography",
    ),
    Reason.GEOGRAPHY_CONTRADICTED: Problem(
        422,
        "Microsoft says something else",
        "Microsoft Entra places your tenant in another data geography than the one you chose.",
        "Confirm what Microsoft says. Your tenant's data location stands in the Microsoft 365 admin center, Organization profile.",
        "geography",
    ),
    Reason.GEOGRAPHY_UNCONFIRMED: Problem(
        409,
        "Your data geography is not confirmed yet",
        "Nothing is set up for a tenant before an administrator confirmed where its data belongs.",
        "Open the page Your tenant of this portal and confirm the geography first.",
        "geography",
    ),
    Reason.APPROVER_DISABLED: Problem(
        403,
        "Your account cannot approve any more",
        "Microsoft Entra lists the approver's account as disabled, deleted or a guest.",
        "Ask the administrator to name another approver, or to enable the account.",
        "approval",
    ),
    Reason.PROMOTION_BLOCKED: Problem(
        409,
        "Production is not ready for this yet",
        "Something the plan lists as missing stands in the way; production is as it was.",
        "Do what the plan names for each missing point, then plan again.",
        "promotion",
    ),
    Reason.PLAN_STALE: Problem(
        409,
        "Something changed since the plan was made",
        "What was planned is not what would be done now; production is as it was.",
        "Plan again, look at what is different, and apply that plan.",
        "promotion",
    ),
    Reason.NOTHING_TO_ROLL_BACK: Problem(
        409,
        "There is nothing to go back to",
        "No earlier revision of this environment was approved and is still good to return to.",
        "Enter the configuration you want and have it approved.",
        "promotion",
    ),
    Reason.PROMOTION_NEEDED: Problem(
        409,
        "Production comes by promotion",
        "The first production configuration is made from a test configuration that works.",
        "Open the test environment and choose Promote to production.",
        "promotion",
    ),
    Reason.CLIENTS_MIXED_UP: Problem(
        422,
        "These client IDs belong to the other environment",
        "The organization's other EHR environment is set up with a client ID that was entered here.",
        "Enter the client IDs that the EHR analyst registered for this environment, test or production.",
        "configuration",
    ),
    Reason.SETTING_INVALID: Problem(
        422,
        "A setting cannot be used",
        "The join window is longer than a day, or an address that may frame visits is not an https origin.",
        "Correct the setting, for example https://hyperspace.example.org.",
        "configuration",
    ),
    Reason.SHARE_UNKNOWN: Problem(
        404, "Not found", "There is no such offer to your tenant.", "Go to the overview.", "sharing"
    ),
    Reason.SHARE_GUEST_INVALID: Problem(
        422,
        "This is not another tenant",
        "A share is offered to another Microsoft 365 tenant, named by its tenant ID.",
        "Ask the other organization for its tenant ID. It stands in the Microsoft Entra admin center, Overview.",
        "sharing",
    ),
    Reason.NOTHING_TO_SHARE: Problem(
        409,
        "There is no address to share yet",
        "Only a live environment that owns its FHIR base URL can share it.",
        "Have the environment approved first. An address that is shared with you is shared on by its owner only.",
        "sharing",
    ),
    Reason.URL_LOOKS_LIKE_ANOTHER: Problem(
        422,
        "This FHIR base URL looks like one that is in use",
        "It reads like an address that is live here, or its EHR signs people in where that one does.",
        "Compare the address letter by letter with what your EHR technical contact sent. If it is the same EHR, ask its owner to share the address; if it is another one, tell your help desk the reference number below.",
        "sharing",
    ),
    Reason.JOIN_TOO_EARLY: Problem(
        409,
        "You are early",
        "The visit cannot be joined yet.",
        "Go back to the page of the visit: it goes on by itself when it is time.",
        shown="You can join from",
    ),
    Reason.JOIN_TOO_LATE: Problem(
        410,
        "The time of this visit has passed",
        "The appointment ended some time ago.",
        "Call the clinic. If your visit is at another time, open it from MyChart then.",
        shown="You could join until",
    ),
    Reason.GROUP_VISITS_OFF: Problem(
        409,
        "Group visits are not switched on",
        "The EHR opened a group visit, and this environment has no records for group visits.",
        f"{TELL_THE_HELP_DESK} An administrator switches on Group visits in the configuration, and the EHR analyst adds the two group records.",
    ),
    **API_PROBLEMS,
}

HTTP_TITLES = {
    400: ("The request could not be read", "Try again from the beginning."),
    404: ("There is no such page", "Go back, or to the overview."),
    405: ("That is not possible here", "Go back and try again."),
    413: ("That was too much data", "Send less."),
    415: ("The request could not be read", "Try again from the beginning."),
    503: ("The connector cannot store anything right now", "Try again in a minute."),
}
