"""What a caller of the API is told for what only the API refuses."""

from connector.domain.errors import Reason
from connector.web.problem import Problem

API_PROBLEMS: dict[Reason, Problem] = {
    Reason.TOKEN_MISSING: Problem(
        401,
        "No access token",
        "The request carries no bearer token.",
        "Get an access token from Microsoft Entra and send it as Authorization: Bearer.",
        "api",
    ),
    Reason.TOKEN_INVALID: Problem(
        401,
        "The access token is not accepted",
        "It is not from Microsoft Entra, not for this API, or not valid any more.",
        "Get a new access token for this API.",
        "api",
    ),
    Reason.SCOPE_MISSING: Problem(
        403,
        "The access token lacks the scope",
        "A person's token must carry the scope Configuration.ReadWrite.",
        "Ask for the scope when you sign in.",
        "api",
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: Problem(
        422,
        "This idempotency key belongs to another request",
        "It was sent before, with a different path or body.",
        "Choose a new key for a new request.",
        "api",
    ),
    Reason.IDEMPOTENCY_KEY_IN_USE: Problem(
        409,
        "The first request with this key is not finished",
        "Its answer will be given to everybody who repeats it.",
        "Repeat the same request after the seconds that Retry-After says.",
        "api",
    ),
}
