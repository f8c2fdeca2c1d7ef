"""The operations of the API: what each takes, answers, refuses and asks of its caller, said once.

A view gets its path values, and `body` and `query` as the models it was registered with; from the
same words the OpenAPI document is made (`connector.web.api.openapi`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from connector.domain.api_caller import Needs
from connector.domain.errors import Reason
from connector.ports.answers import strict_json
from connector.ports.errors import BadAnswer
from connector.usecases.answer_once import Answered
from connector.web.api.keyed import answered_once
from connector.web.context import web
from connector.web.problem_json import RequestInvalid, WrongValue

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
_JSON = "application/json"
_LONGEST_FIELD = 100


class Document(BaseModel):
    """Base of what is sent and answered: a field nobody declared is refused, not ignored (case 46)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Document):
    """Base of lists: `next` is the value of `after` that gets the rest, None at the end."""

    next: str | None


Model = type[Document]
View = TypeVar("View", bound=Callable[..., Document])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`refusals` are those of the use case; what every operation may answer is added elsewhere."""

    name: str
    method: str
    rule: str
    summary: str
    needs: Needs
    answer: Model
    status: int
    body: Model | None
    query: Model | None
    refusals: tuple[Reason, ...]


OPERATIONS: dict[str, Operation] = {}


def operation(
    method: str,
    rule: str,
    *,
    answer: Model,
    needs: Needs = Needs.READ,
    status: int = HTTPStatus.OK,
    refusals: tuple[Reason, ...] = (),
) -> Callable[[View], View]:
    """Register a view; its `body` and `query` parameters say by their annotations what is parsed."""

    def register(view: View) -> View:
        known = view.__annotations__
        declared = Operation(
            name=view.__name__,
            method=method,
            rule=rule,
            summary=(view.__doc__ or "").strip().partition("\n")[0],
            needs=needs,
            answer=answer,
            status=status,
            body=known.get("body"),
            query=known.get("query"),
            refusals=refusals,
        )
        OPERATIONS[f"{blueprint.name}.{declared.name}"] = declared
        answering = partial(_respond, declared, view)
        blueprint.add_url_rule(rule, declared.name, answering, methods=[method])
        return view

    return register


def _respond(declared: Operation, view: View, **path: str) -> Response:
    arguments = {**path, **_parsed(declared)}

    def run() -> Answered:
        document = view(**arguments)
        return Answered(declared.status, document.model_dump_json())

    answered = answered_once(run) if declared.method == "POST" else run()
    response = Response(answered.answer, answered.status, mimetype=_JSON)
    if answered.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if issubclass(declared.answer, Page):
        _link_next(response)
    return response


def _parsed(declared: Operation) -> dict[str, Document]:
    found = {}
    if declared.query is not None:
        found["query"] = _from_query(declared.query, request.args)
    elif request.args:
        raise RequestInvalid([WrongValue(field="query", problem="takes no parameters")])
    if declared.body is not None:
        found["body"] = _from_body(declared.body)
    return found


def _from_query(model: Model, args: MultiDict[str, str]) -> Document:
    """Raises: RequestInvalid, also where a parameter stands twice: readers differ in which counts."""
    twice = [name[:_LONGEST_FIELD] for name, values in args.lists() if len(values) > 1]
    if twice:
        raise RequestInvalid([WrongValue(field=n, problem="stands there twice") for n in twice])
    try:
        return model.model_validate_strings(args.to_dict(), strict=True)
    except ValidationError as invalid:
        raise _wrong(invalid) from invalid


def _from_body(model: Model) -> Document:
    if request.mimetype != _JSON:
        raise UnsupportedMediaType
    body = request.get_data()
    try:
        strict_json(body)
        return model.model_validate_json(body, strict=True)
    except BadAnswer as unreadable:
        raise BadRequest from unreadable
    except ValidationError as invalid:
        raise _wrong(invalid) from invalid


def _wrong(invalid: ValidationError) -> RequestInvalid:
    """Which fields are wrong and why; what they hold may be anything, so it is not repeated."""
    errors = invalid.errors(include_input=False, include_context=False, include_url=False)
    return RequestInvalid(
        [
            WrongValue(
                field=".".join(str(part) for part in error["loc"])[:_LONGEST_FIELD] or "body",
                problem=error["msg"].removeprefix("Value error, "),
            )
            for error in errors
        ]
    )


def _link_next(response: Response) -> None:
    """The next page's address as RFC 8288 has it, next to `next` in the document."""
    following = response.get_json()["next"]
    if following is not None:
        args = request.args.to_dict() | {"after": following}
        address = f"{web().deployment.public_url}{request.path}?{urlencode(args)}"
        response.headers["Link"] = f'<{address}>; rel="next"'
