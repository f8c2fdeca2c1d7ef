"""Problems as documents: what every answer below /api says when it does not do what was asked.

https://www.rfc-editor.org/rfc/rfc9457.html
"""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from connector.domain.api_caller import SCOPE
from connector.domain.errors import Reason, Refused
from connector.web.context import reference, web
from connector.web.refusals import AGAIN, PROBLEMS, Problem

MEDIA_TYPE = "application/problem+json"
_AGAIN = "Send the request again in a minute."
_UNTYPED = "about:blank"
_HEADERS_KEPT = frozenset({"Allow", "Retry-After"})


class WrongValue(BaseModel):
    """One value of a request that cannot be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(description="Where it stands, for example `clients.provider`.")
    problem: str = Field(description="What is wrong with it; the value itself is not repeated.")


class ReadinessItem(BaseModel):
    """One thing a promotion looks at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    readiness: str
    ready: bool
    blocks: bool = Field(description="Nothing is promoted while this is true.")
    facts: Mapping[str, str]


class ProblemDocument(BaseModel):
    """`reference` stands in the log and the audit trail; `reason` is ours and stays the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(description="Address of the runbook's words on it, or about:blank.")
    title: str
    status: int
    detail: str
    reference: str
    reason: str | None = None
    facts: Mapping[str, str] | None = Field(
        default=None,
        description="Codes, names and ids that say more, for example the role missing.",
    )
    errors: list[WrongValue] | None = None
    items: list[ReadinessItem] | None = Field(
        default=None, description="Of a blocked promotion: everything it looks at."
    )


def below_api() -> bool:
    """Whether this request is a program's: it gets documents, and no cookie of it is read."""
    return request.path.startswith("/api/")


class RequestInvalid(UnprocessableEntity):
    """Values of a request are not what the OpenAPI document says; told to the caller, not audited."""

    def __init__(self, errors: list[WrongValue]) -> None:
        super().__init__()
        self.errors = errors


class PromotionBlocked(Refused):
    """With everything the promotion looks at, for the document."""

    def __init__(self, facts: Mapping[str, str], items: list[ReadinessItem]) -> None:
        super().__init__(Reason.PROMOTION_BLOCKED, facts=facts)
        self.items = items


REQUEST_INVALID = Problem(
    422,
    "The request cannot be used",
    "It is not what the OpenAPI document says.",
    "Correct what errors names.",
    "api",
)
# https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1
_CHALLENGES = {
    Reason.TOKEN_MISSING: "Bearer",
    Reason.TOKEN_INVALID: 'Bearer error="invalid_token"',
    Reason.SCOPE_MISSING: f'Bearer error="insufficient_scope", scope="{SCOPE}"',
}
# Whose token is not believed is told nothing of why.
_UNTOLD = frozenset({Reason.TOKEN_MISSING, Reason.TOKEN_INVALID})


def refusal_json(err: Refused) -> Response:
    """A refusal of ours, with its facts: they are the caller's own tenant's."""
    response = problem_json(
        PROBLEMS[err.reason],
        code=err.reason.value,
        facts={} if err.reason in _UNTOLD else {**err.facts, **_right_portal(err)},
        items=err.items if isinstance(err, PromotionBlocked) else None,
    )
    if challenge := _CHALLENGES.get(err.reason):
        response.headers["WWW-Authenticate"] = challenge
    return response


def _right_portal(err: Refused) -> dict[str, str]:
    """Where the tenant belongs, if that deployment is known here (case 75)."""
    portals = {geography.value: url for geography, url in web().deployment.portals.items()}
    right = portals.get(err.facts.get("geography", ""))
    return {"portal": right} if right else {}


def http_problem(err: HTTPException) -> Response:
    """What HTTP itself has a status for: no such path, no such method, a body that is no JSON."""
    if isinstance(err, RequestInvalid):
        return problem_json(REQUEST_INVALID, code="request_invalid", errors=err.errors)
    status = err.code or 500
    phrase = HTTPStatus(status)
    response = problem_json(Problem(status, phrase.phrase, f"{phrase.description}.", ""))
    for name in _HEADERS_KEPT & dict(err.get_headers()).keys():
        response.headers[name] = dict(err.get_headers())[name]
    return response


def problem_json(
    problem: Problem,
    *,
    code: str = "",
    facts: Mapping[str, str] | None = None,
    errors: list[WrongValue] | None = None,
    items: list[ReadinessItem] | None = None,
) -> Response:
    """The answer for a problem; `code` is the reason's, which has an anchor in its runbook."""
    anchor = f"{web().deployment.public_url}/help/{problem.runbook}#{code}"
    document = ProblemDocument(
        type=anchor if code else _UNTYPED,
        title=problem.title,
        status=problem.status,
        detail=f"{problem.cause} {problem.remedy}".replace(AGAIN, _AGAIN).strip(),
        reference=reference(),
        reason=code or None,
        facts=facts or None,
        errors=errors,
        items=items,
    )
    body = document.model_dump_json(exclude_none=True)
    return Response(body, problem.status, mimetype=MEDIA_TYPE)
