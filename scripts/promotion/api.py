"""The connector's API as the command uses it: what may be repeated is repeated, problems become errors."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests
from scripts.promotion.arguments import Access
from scripts.promotion.outcomes import Failed, OutsideUnreachable, RefusedByConnector

_TIMEOUT_SECONDS: Final = 30
_ATTEMPTS: Final = 5
_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 20.0
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_CLIENT_ERROR: Final = 400

Document = dict[str, Any]


class Api:
    """`token` is asked before every request, so that a long wait outlives a token."""

    def __init__(self, access: Access, token: Callable[[], str]) -> None:
        self._base = f"{access.connector}/api/v1"
        self._token = token
        self._session = requests.Session()
        self._verify = access.verify

    def environment(self, environment_id: str) -> Document:
        return self._get(f"/environments/{environment_id}")

    def environments(self, organization: str, kind: str) -> list[Document]:
        query = {"organization": organization, "kind": kind}
        return list(self._get("/environments", query)["items"])

    def revisions(self, environment_id: str) -> list[Document]:
        """Newest first."""
        return list(self._get(f"/environments/{environment_id}/revisions")["items"])

    def plan(self, request: Document) -> Document:
        return self._send("POST", "/promotions/plans", json=request)

    def apply(self, request: Document, digest: str) -> Document:
        """The digest makes it one promotion, sent again by this run or the next.

        An Idempotency-Key would add nothing but a wait: whoever comes after a connector that died
        half-way is held up until the dead request's hold on the key ends.
        """
        return self._send("POST", "/promotions", json=request | {"plan_digest": digest})

    def roll_back(self, environment_id: str, active_revision_id: str) -> Document:
        """One step, from this revision: sent again, it finds itself done."""
        body = {"active_revision_id": active_revision_id}
        return self._send("POST", f"/environments/{environment_id}/rollbacks", json=body)

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Document:
        return self._send("GET", path, params=query)

    def _send(self, method: str, path: str, **options: Any) -> Document:
        """Every request here may be repeated: reads, plans, and what names its plan or revision."""
        last = OutsideUnreachable("the connector did not answer")
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_pause_seconds(attempt, last))
            headers = {"Authorization": f"Bearer {self._token()}"}
            try:
                answer = self._session.request(
                    method,
                    self._base + path,
                    headers=headers,
                    timeout=_TIMEOUT_SECONDS,
                    verify=self._verify,
                    allow_redirects=False,
                    **options,
                )
                return _document(answer)
            except requests.RequestException as err:
                last = OutsideUnreachable(f"the connector could not be reached: {_cause(err)}")
            except OutsideUnreachable as err:
                last = err
        raise last


def _document(answer: requests.Response) -> Document:
    """Raises: RefusedByConnector; OutsideUnreachable: may be repeated; Failed: it is no connector."""
    if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERROR:
        pause = {"retry_after": answer.headers.get("Retry-After", "")}
        raise OutsideUnreachable(f"the connector answered {answer.status_code}", pause)
    try:
        document = answer.json()
    except requests.JSONDecodeError as err:
        raise Failed(f"{answer.url} is not a connector's API: {answer.status_code}") from err
    if answer.status_code >= _CLIENT_ERROR:
        raise RefusedByConnector(document)
    return dict(document)


def _pause_seconds(attempt: int, last: OutsideUnreachable) -> float:
    asked = str(last.detail.get("retry_after", ""))
    least = float(asked) if asked.isdigit() else 0.0
    return min(max(least, _PAUSE_SECONDS * 2.0**attempt), _LONGEST_PAUSE_SECONDS)


def _cause(err: requests.RequestException) -> str:
    """Without the pool and object addresses that urllib3 wraps around it."""
    cause = err.args[0] if err.args else err
    return str(getattr(cause, "reason", cause))
