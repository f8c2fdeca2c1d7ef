"""OAuth 2.0 errors, one class per code (RFC 6749 4.1.2.1 and 5.2, RFC 7591 3.2.2), and what a person is told instead."""

from typing import ClassVar


class OAuthError(Exception):
    """`code` is the wire value of `error`; `description` is for developers and never holds a secret."""

    code: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class InvalidRequest(OAuthError):
    code = "invalid_request"


class InvalidClient(OAuthError):
    code = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    code = "unsupported_response_type"


class InvalidScope(OAuthError):
    code = "invalid_scope"


class AccessDenied(OAuthError):
    code = "access_denied"


class InvalidLaunchToken(InvalidRequest):
    """Unknown, used or expired `launch` value; Epic's own word is `invalid_launch_token`."""


class InvalidRedirectUri(OAuthError):
    code = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    code = "invalid_client_metadata"


class PageError(Exception):
    """Refused before the redirect URI could be trusted: a page for the person, never a redirect (RFC 6749 4.1.2.1)."""

    def __init__(self, heading: str, cause: str, remedy: str, status: int = 400) -> None:
        super().__init__(heading)
        self.heading = heading
        self.cause = cause
        self.remedy = remedy
        self.status = status
