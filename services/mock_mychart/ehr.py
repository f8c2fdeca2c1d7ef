"""Client of the EHR's internal API: who signs in, which visits they have, the launch URL of one.

The EHR decides everything: the portal only repeats its answers. Every failure becomes one of the
errors below, so that a page can name the cause and the remedy.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ValidationError

from mock_mychart.records import Account, Appointment, Person

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 10.0
API_FOLDER: Final = "mychart-api"
OK, UNAUTHORIZED, NOT_FOUND, CONFLICT, SERVER_ERROR = 200, 401, 404, 409, 500


Shape = TypeVar("Shape", bound=BaseModel)


class EhrError(Exception):
    """The EHR did not do what was asked."""


class EhrUnavailable(EhrError):
    """No answer in time, or a server error: the same request may work later."""


class EhrAnswerUnusable(EhrError):
    """The EHR refused the portal's key or answered in a shape the portal does not know."""


class SignInRefused(EhrError):
    """Wrong username or password."""


class UnknownToEhr(EhrError):
    """The EHR knows no such appointment of this account."""


class AccountUnknown(EhrError):
    """The EHR knows no such account, any more: it was reset."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the EHR hands out no launch URL: its error code and its words for the patient."""

    code: str
    message: str


class LaunchRefused(EhrError):
    """The EHR will not open this visit now."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Ehr(Protocol):
    """The EHR of one environment, as the portal sees it."""

    def people(self) -> list[Person]: ...

    def sign_in(self, username: str, password: str) -> Account:
        """Raises SignInRefused."""

    def appointments(self, account_id: str) -> list[Appointment]:
        """In the order of their start. Raises AccountUnknown."""

    def launch_url(self, account_id: str, appointment_id: str) -> str:
        """A one-time URL at the connector. Raises LaunchRefused, UnknownToEhr."""


class _People(BaseModel):
    accounts: list[Person]


class _Appointments(BaseModel):
    appointments: list[Appointment]


class _Launch(BaseModel):
    url: str


class _Refused(BaseModel):
    error: str = "refused"
    message: str = ""


class HttpEhr:
    """The EHR over its internal API; the key goes into every request as ``X-MyChart-Key``."""

    def __init__(self, ehr_url: str, session: requests.Session, *, key: str) -> None:
        self._api = f"{ehr_url.rstrip('/')}/{API_FOLDER}"
        self._session = session
        self._headers = {"X-MyChart-Key": key, "Accept": "application/json"}

    def people(self) -> list[Person]:
        return _parsed(_People, self._call("GET", "accounts")).accounts

    def sign_in(self, username: str, password: str) -> Account:
        form = {"username": username, "password": password}
        answer = self._call("POST", "login", json=form, accept=(UNAUTHORIZED,))
        if answer.status_code == UNAUTHORIZED:
            raise SignInRefused(_parsed(_Refused, answer).message)
        return _parsed(Account, answer)

    def appointments(self, account_id: str) -> list[Appointment]:
        try:
            answer = self._call("GET", "appointments", params={"account_id": account_id})
        except UnknownToEhr as error:
            raise AccountUnknown("the EHR knows no such account") from error
        return sorted(_parsed(_Appointments, answer).appointments, key=lambda one: one.start)

    def launch_url(self, account_id: str, appointment_id: str) -> str:
        visit = {"account_id": account_id, "appointment_id": appointment_id}
        answer = self._call("POST", "launch", json=visit, accept=(CONFLICT,))
        if answer.status_code == CONFLICT:
            refused = _parsed(_Refused, answer)
            raise LaunchRefused(Refusal(refused.error, refused.message))
        return _absolute(_parsed(_Launch, answer).url)

    def _call(
        self, method: str, path: str, accept: tuple[int, ...] = (), **content: Any
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                f"{self._api}/{path}",
                headers=self._headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as error:
            raise EhrUnavailable("the EHR did not answer") from error
        return _judged(answer, accept)


def _judged(answer: requests.Response, accept: tuple[int, ...]) -> requests.Response:
    if answer.status_code == OK or answer.status_code in accept:
        return answer
    if answer.status_code == NOT_FOUND:
        raise UnknownToEhr("the EHR knows no such record")
    if answer.status_code >= SERVER_ERROR:
        raise EhrUnavailable("the EHR answered with a server error")
    raise EhrAnswerUnusable("the EHR refused the portal's request")


def _parsed(shape: type[Shape], answer: requests.Response) -> Shape:
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError as error:
        raise EhrAnswerUnusable("the EHR's answer has an unknown shape") from error


def _absolute(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc:
        raise EhrAnswerUnusable("the EHR's launch URL is not an https address")
    return url
