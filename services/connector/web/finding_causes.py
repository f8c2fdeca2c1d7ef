"""Cause, remedy and who can help, for every code that a check has of its own.

A `$name` stands for a fact of the finding. `docs/runbooks/doctor.md` has the same codes; a test
compares them.
"""

from enum import StrEnum

from connector.domain.findings import Check


class Who(StrEnum):
    """Who can put something right."""

    NOBODY = ""
    ADMIN = "Microsoft 365 administrator"
    EHR_CONTACT = "EHR technical contact"
    TEAMS_ADMIN = "Teams administrator"
    OPERATOR = "operator of this connector"


_CONSENT_AGAIN = "Give the admin consent for the connector again, then examine once more."
_START_WORKER = "Start `connector worker`, or find in its log why it stopped."
_POLICY = (
    "Grant the policy with Grant-CsApplicationAccessPolicy, to this person or to everybody. "
    "It takes effect within 30 minutes."
)

SAID: dict[tuple[Check, str], tuple[str, str, Who]] = {
    (Check.DATABASE, "not_migrated"): (
        "The database lacks tables of this version.",
        "Run `connector db upgrade`.",
        Who.OPERATOR,
    ),
    (Check.DATABASE, "not_granted"): (
        "The database answers, but lets this process's role not do its work.",
        "Run `connector db upgrade` with CONNECTOR_DATABASE_APP_ROLE naming the role in CONNECTOR_DATABASE_URL.",
        Who.OPERATOR,
    ),
    (Check.DATABASE, "read_only"): (
        "The database takes no writes: a replica, or a full disk.",
        "Point CONNECTOR_DATABASE_URL at the primary, or make room.",
        Who.OPERATOR,
    ),
    (Check.DATABASE, "unreachable"): (
        "The database does not answer.",
        "Check CONNECTOR_DATABASE_URL, and that the server runs.",
        Who.OPERATOR,
    ),
    (Check.WORKER, "never_heard"): ("No worker has ever run.", _START_WORKER, Who.OPERATOR),
    (Check.WORKER, "silent"): (
        "The worker has been silent for $seconds seconds.",
        _START_WORKER,
        Who.OPERATOR,
    ),
    (Check.PUBLISHED_KEYS, "keys_missing"): (
        "The public address serves a key set without the key the connector signs with ($keys).",
        "After a rotation wait five minutes. Otherwise the address leads to another deployment, or a proxy holds an old answer.",
        Who.OPERATOR,
    ),
    (Check.WEBHOOK, "not_echoed"): (
        "Something else answers there: a sign-in page or another service.",
        "Let the ingress pass /graph/notifications to `connector web` without a sign-in.",
        Who.OPERATOR,
    ),
    (Check.METADATA, "no_capability_statement"): (
        "What answers is no FHIR server: there is no CapabilityStatement.",
        "Compare the address with the one your EHR technical contact publishes.",
        Who.ADMIN,
    ),
    (Check.METADATA, "fhir_version"): (
        "The server speaks FHIR $version, the connector speaks R4 (4.0).",
        "Enter the base URL that ends in R4.",
        Who.ADMIN,
    ),
    (Check.METADATA, "http_401"): (
        "The server asks for a sign-in before it tells its FHIR version. Launches may work all the same.",
        "Ask your EHR technical contact whether the address is the R4 one.",
        Who.EHR_CONTACT,
    ),
    (Check.METADATA, "http_403"): (
        "The server does not tell its FHIR version. Launches may work all the same.",
        "Ask your EHR technical contact whether the address is the R4 one.",
        Who.EHR_CONTACT,
    ),
    (Check.METADATA, "http_404"): (
        "There is no FHIR server at this address.",
        "Check the end of the address; see what is suggested below.",
        Who.ADMIN,
    ),
    (Check.VERSION_SUFFIX, "sibling_answers"): (
        "Another address of this server answers.",
        "Did you mean: $suggestions",
        Who.ADMIN,
    ),
    (Check.VERSION_SUFFIX, "no_sibling_answers"): (
        "Neither this address nor one with another ending answers as a SMART server.",
        "Ask your EHR technical contact for the FHIR base URL.",
        Who.EHR_CONTACT,
    ),
    (Check.EHR_CLOCK, "clock_differs"): (
        "The EHR's clock differs by $seconds seconds. Signed keys are good for minutes only.",
        "If Microsoft's clock differs as well, the operator sets the connector's clock; otherwise the EHR's is wrong.",
        Who.EHR_CONTACT,
    ),
    (Check.EHR_CLOCK, "date_missing"): (
        "The EHR does not say what time it is, so clocks could not be compared.",
        "",
        Who.NOBODY,
    ),
    (Check.PINNED_ENDPOINTS, "endpoints_changed"): (
        "The EHR publishes other addresses than were approved ($fields). Launches keep using the approved ones.",
        "Ask your EHR technical contact whether the change is intended. If it is, enter a new revision and have it approved.",
        Who.ADMIN,
    ),
    (Check.GRANT_TYPES, "client_credentials_missing"): (
        "The EHR does not list the client credentials grant, which write-backs use.",
        "If the check of the client below fails, ask your EHR technical contact to enable it.",
        Who.EHR_CONTACT,
    ),
    (Check.SCOPES, "scopes_not_listed"): (
        "The EHR does not list its scopes; the sign-ins show what it grants.",
        "",
        Who.NOBODY,
    ),
    (Check.SCOPES, "scopes_missing"): (
        "The EHR does not list: $scopes",
        "Ask your EHR technical contact to allow these scopes to the connector's clients.",
        Who.EHR_CONTACT,
    ),
    (Check.CLIENT_KNOWN, "client_id_missing"): (
        "No client ID for write-back was entered.",
        "Enter the client ID your EHR analyst registered for write-back.",
        Who.ADMIN,
    ),
    (Check.CLIENT_KNOWN, "invalid_client"): (
        "The EHR does not know the client ID for write-back, or not the connector's key.",
        "Activate the client ID in this environment, and let the EHR fetch the connector's JWK set anew. With Epic a new client is synchronised within a day.",
        Who.EHR_CONTACT,
    ),
    (Check.CLIENT_KNOWN, "unauthorized_client"): (
        "The EHR knows the client, but does not let it get tokens on its own.",
        "Register the client ID for write-back as a backend system.",
        Who.EHR_CONTACT,
    ),
    (Check.CLIENT_KNOWN, "unsupported_grant_type"): (
        "The EHR does not offer the client credentials grant.",
        "Enable backend services for this environment.",
        Who.EHR_CONTACT,
    ),
    (Check.WRITE_BACK, "scope_not_granted"): (
        "The client for write-back may not use $scope.",
        "Add the scope to the client, in this environment.",
        Who.EHR_CONTACT,
    ),
    (Check.WRITE_BACK, "not_epic_url"): (
        "The address does not have Epic's shape, so it is not known where to report to.",
        "Enter the base URL that ends in /api/FHIR/R4.",
        Who.ADMIN,
    ),
    (Check.GRAPH_CLOCK, "clock_differs"): (
        "Microsoft's clock differs from the connector's by $seconds seconds.",
        "Set the clock of the connector's servers.",
        Who.OPERATOR,
    ),
    (Check.GRAPH_CLOCK, "date_missing"): (
        "What answers at Graph's address does not say what time it is.",
        "See that no proxy answers in Graph's place.",
        Who.OPERATOR,
    ),
    (Check.CONSENT, "permissions_missing"): (
        "Missing: $permissions. They are needed to $features.",
        _CONSENT_AGAIN,
        Who.ADMIN,
    ),
    (Check.CONSENT, "token_opaque"): (
        "Microsoft's token does not show its permissions.",
        "Nothing, as long as visits work.",
        Who.NOBODY,
    ),
    (Check.CONSENT, "AADSTS700016"): (
        "The connector has never been consented to in your tenant.",
        "Give the admin consent for the connector.",
        Who.ADMIN,
    ),
    (Check.CONSENT, "AADSTS7000229"): (
        "The connector has never been consented to in your tenant.",
        "Give the admin consent for the connector.",
        Who.ADMIN,
    ),
    (Check.CONSENT, "AADSTS7000112"): (
        "The connector is disabled in your tenant.",
        "Enable sign-ins for the connector among the enterprise applications.",
        Who.ADMIN,
    ),
    (Check.CONSENT, "AADSTS90002"): (
        "Microsoft does not know your tenant.",
        "See that CONNECTOR_MICROSOFT_LOGIN_URL belongs to the tenant's cloud.",
        Who.OPERATOR,
    ),
    (Check.CONSENT, "AADSTS700027"): (
        "Microsoft does not know the connector's certificate.",
        "Upload the current certificate to the app registration.",
        Who.OPERATOR,
    ),
    (Check.MEETING_POLICY, "application_access_policy"): (
        "No application access policy lets the connector make meetings for the approver's account. Other people may be covered.",
        _POLICY,
        Who.TEAMS_ADMIN,
    ),
    (Check.MEETING_POLICY, "person_unknown"): (
        "Graph does not know the approver's account any more.",
        "Name another approver.",
        Who.ADMIN,
    ),
}
