"""Errors of Entra ID's endpoints.

Codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes. Texts are ours: clients must not parse them.
"""

from enum import Enum
from typing import Any

from mock_microsoft.identifiers import new_guid

BAD_REQUEST, UNAUTHORIZED = 400, 401


class Aadsts(Enum):
    """AADSTS code, OAuth error, HTTP status, what is wrong."""

    RESOURCES_MIXED = (
        28000,
        "invalid_request",
        BAD_REQUEST,
        "The scope names more than one resource.",
    )
    REDIRECT_MISMATCH = (
        50011,
        "invalid_request",
        BAD_REQUEST,
        "The redirect URI is not registered for the application.",
    )
    ACCOUNT_OF_OTHER_TENANT = (
        50020,
        "access_denied",
        BAD_REQUEST,
        "The account does not exist in this tenant.",
    )
    ACCOUNT_UNKNOWN = (
        50034,
        "access_denied",
        BAD_REQUEST,
        "The account does not exist in any directory known here.",
    )
    ACCOUNT_DISABLED = (50057, "invalid_grant", BAD_REQUEST, "The account is disabled.")
    NO_SESSION = (
        50058,
        "login_required",
        BAD_REQUEST,
        "A silent sign-in was asked for, but nobody is signed in.",
    )
    NO_TENANT = (
        50059,
        "invalid_request",
        BAD_REQUEST,
        "Client credentials need the authority of one tenant.",
    )
    CODE_REDEEMED = (
        54005,
        "invalid_grant",
        BAD_REQUEST,
        "The authorization code was already redeemed.",
    )
    NO_CONSENT = (
        65001,
        "invalid_grant",
        BAD_REQUEST,
        "The application has no consent in this tenant.",
    )
    CONSENT_DECLINED = (
        65004,
        "consent_required",
        BAD_REQUEST,
        "The administrator declined to consent.",
    )
    CODE_UNKNOWN = (
        70000,
        "invalid_grant",
        BAD_REQUEST,
        "The authorization code is malformed or was issued to another application or redirect URI.",
    )
    SIGN_IN_PENDING = (
        70016,
        "authorization_pending",
        BAD_REQUEST,
        "The person has not finished the sign-in on the other device yet.",
    )
    POLLED_TOO_OFTEN = (
        70016,
        "slow_down",
        BAD_REQUEST,
        "Wait five seconds longer between two requests from now on.",
    )
    # Observed with differing numbers; clients go by the OAuth error.
    DEVICE_SIGN_IN_DECLINED = (
        65004,
        "authorization_declined",
        BAD_REQUEST,
        "The person declined the sign-in.",
    )
    DEVICE_CODE_UNKNOWN = (
        70018,
        "bad_verification_code",
        BAD_REQUEST,
        "That code did not work. Check it, or ask the application for a new one.",
    )
    DEVICE_CODE_EXPIRED = (
        70020,
        "expired_token",
        BAD_REQUEST,
        "The code has expired. Ask the application for a new one.",
    )
    GRANT_UNSUPPORTED = (
        70003,
        "unsupported_grant_type",
        BAD_REQUEST,
        "The grant type is not supported.",
    )
    CODE_EXPIRED = (70008, "invalid_grant", BAD_REQUEST, "The authorization code expired.")
    SCOPE_INVALID = (70011, "invalid_scope", BAD_REQUEST, "The scope is not valid.")
    ADMIN_NEEDED = (
        90094,
        "access_denied",
        BAD_REQUEST,
        "Only an administrator may consent to these permissions.",
    )
    SIGN_IN_CANCELLED = (65004, "access_denied", BAD_REQUEST, "The person cancelled the sign-in.")
    PARAMETER_INVALID = (
        90014,
        "invalid_request",
        BAD_REQUEST,
        "A required parameter is missing or has a wrong value.",
    )
    TENANT_UNKNOWN = (90002, "invalid_request", BAD_REQUEST, "The tenant was not found.")
    RESOURCE_UNKNOWN = (
        500011,
        "invalid_resource",
        BAD_REQUEST,
        "The resource was not found in the tenant.",
    )
    SCOPE_NOT_EXPOSED = (
        650053,
        "invalid_client",
        BAD_REQUEST,
        "The application asked for a scope that does not exist on the resource.",
    )
    VERIFIER_WRONG = (
        501481,
        "invalid_grant",
        BAD_REQUEST,
        "The code_verifier does not match the code_challenge.",
    )
    APP_UNKNOWN = (
        700016,
        "unauthorized_client",
        BAD_REQUEST,
        "The application was not found in the directory: nobody consented to it.",
    )
    ASSERTION_INVALID = (
        700027,
        "invalid_client",
        UNAUTHORIZED,
        "The client assertion is not valid.",
    )
    CREDENTIAL_OF_PUBLIC_CLIENT = (
        700025,
        "invalid_client",
        UNAUTHORIZED,
        "The client is public, so it must present neither client_assertion nor client_secret.",
    )
    RESPONSE_TYPE_UNSUPPORTED = (
        700054,
        "unsupported_response_type",
        BAD_REQUEST,
        "Only response_type=code is enabled.",
    )
    PKCE_REQUIRED = (
        9002325,
        "invalid_request",
        BAD_REQUEST,
        "Proof Key for Code Exchange with S256 is required.",
    )
    SECRET_WRONG = (7000215, "invalid_client", UNAUTHORIZED, "The client secret is not valid.")
    CREDENTIAL_MISSING = (
        7000218,
        "invalid_client",
        UNAUTHORIZED,
        "The request must carry client_assertion or client_secret.",
    )

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def error(self) -> str:
        return self.value[1]

    @property
    def status(self) -> int:
        return self.value[2]

    @property
    def description(self) -> str:
        return f"AADSTS{self.value[0]}: {self.value[3]}"


class EntraError(Exception):
    """`detail` says which parameter or value, for the tester who reads the answer."""

    def __init__(self, aadsts: Aadsts, detail: str = "") -> None:
        super().__init__(aadsts.description)
        self.aadsts = aadsts
        self.description = f"{aadsts.description} {detail}".rstrip()


def error_document(error: EntraError, timestamp: str) -> dict[str, Any]:
    """Body of the token endpoint's refusal; `timestamp` as Entra writes it, `2026-11-25 15:00:00Z`."""
    trace_id, correlation_id = new_guid(), new_guid()
    trailer = f" Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
    return {
        "error": error.aadsts.error,
        "error_description": error.description + trailer,
        "error_codes": [error.aadsts.code],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
    }
