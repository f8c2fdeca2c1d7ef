"""The SMART scopes each sign-in asks for: the least that makes its step possible.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from connector.domain.launch import LaunchKind

LAUNCH_SCOPES = {
    LaunchKind.PROVIDER: "launch openid fhirUser user/Appointment.rs",
    LaunchKind.PATIENT: "launch openid fhirUser patient/Appointment.rs",
}

# An approval proves the base URL and nothing else: no resource scope, no patient context.
APPROVAL_SCOPES = "openid fhirUser"

WRITE_BACK_SCOPE = "system/Appointment.u"
