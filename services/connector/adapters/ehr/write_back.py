"""Telling an EHR who connected and when (flow 3): one strategy for each vendor.

Epic's call is not documented in public; ehr.md 4.4 gathers the evidence this is built on.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from connector.domain.participant import ConnectionStatus, Role
from connector.domain.scopes import WRITE_BACK_SCOPE
from connector.ports.answers import failure_of, host_of, json_object
from connector.ports.ehr import ConnectionReport, EhrTarget, WriteBack
from connector.ports.errors import BadAnswer, Denied, OutsideError, Rejected, TryLater
from connector.ports.http import Answer, Http
from connector.ports.smart import SmartServer
from connector.ports.system import Clock

EPIC_PATH = "/api/epic/2018/Telehealth/ContextLinking/SetExternalConnectionStatus"
VENDOR_NAME = "TeamsEHRConnector"
_EPIC_FHIR_PATH = re.compile(r"/api/FHIR/(R4|STU3|DSTU2)/?$", re.IGNORECASE)

_EXTERNAL_ID_TYPES = {Role.PROVIDER: "2", Role.PATIENT: "3"}
_CONNECTION_STATUSES = {
    ConnectionStatus.CONNECTED: "1",
    ConnectionStatus.DISCONNECTED: "2",
    ConnectionStatus.LOBBY: "3",
}

LOCK_FAILED = "LOCK-FAILED"
# Longest first: some servers put text right behind the word, and INVALID-USER-ID begins another.
_WORDS = sorted(
    (
        "NO-CONFERENCE-ID",
        "NO-USER-ID",
        "NO-USER-ID-TYPE",
        "NO-VENDOR-NAME",
        "NO-CONNECTION-STATUS",
        "NO-DATE-OF-BIRTH",
        "INVALID-CONFERENCE-ID",
        "INVALID-USER-ID-TYPE",
        "INVALID-USER-ID",
        "INVALID-CONNECTION-STATUS",
        LOCK_FAILED,
    ),
    key=len,
    reverse=True,
)
_WORD = re.compile(rf"executing the command: ({'|'.join(_WORDS)})")


class EpicWriteBack:
    """Implements `ports.ehr.WriteBack` for Epic. Same `key` twice is one audit row there."""

    def __init__(self, http: Http, smart: SmartServer, clock: Clock) -> None:
        self._http = http
        self._smart = smart
        self._clock = clock

    def report(self, target: EhrTarget, report: ConnectionReport) -> None:
        token = self._smart.backend_token(
            target.endpoints, client_id=target.client_id, scope=WRITE_BACK_SCOPE
        )
        host = host_of(target.fhir_base_url)
        answer = self._http.send(
            "GET",
            f"{interconnect_of(target.fhir_base_url)}{EPIC_PATH}?{urlencode(_query(report))}",
            headers={
                "Accept": "application/json",
                "Authorization": f"Bearer {token}",
                # Required beside the token since Epic's February 2019 version.
                "Epic-Client-ID": target.client_id,
            },
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._smart.forget_backend_token(target.endpoints, client_id=target.client_id)
            raise TryLater("http_401", host=host)
        if answer.status != HTTPStatus.OK:
            raise self._failure(answer, host)
        if str(json_object(answer, host=host).get("Status")) != "1":
            raise BadAnswer("status", host=host)

    def _failure(self, answer: Answer, host: str) -> OutsideError:
        code = _error_word(answer) if answer.status == HTTPStatus.BAD_REQUEST else ""
        if code:
            return TryLater(code, host=host) if code == LOCK_FAILED else Rejected(code, host=host)
        return failure_of(answer, self._clock.now(), host=host)


def interconnect_of(fhir_base_url: str) -> str:
    """The Interconnect instance below which Epic keeps its own services beside FHIR.

    Raises:
        Denied: `not_epic_url`, the base URL does not have Epic's shape.
    """
    root, found = _EPIC_FHIR_PATH.subn("", fhir_base_url)
    if not found:
        raise Denied("not_epic_url", host=host_of(fhir_base_url))
    return root


def _query(report: ConnectionReport) -> dict[str, str]:
    return {
        "ConferenceID": report.conference_id,
        "ConferenceIDType": "CSN",
        "ExternalID": report.person_id,
        "ExternalIDType": _EXTERNAL_ID_TYPES[report.role],
        "VendorName": VENDOR_NAME,
        "ConnectionStatus": _CONNECTION_STATUSES[report.status],
        "VendorContext": report.key,
    }


def _error_word(answer: Answer) -> str:
    """Epic's word for what is wrong, or "" if the answer does not hold one we know.

    The message of the exception may be wrapped: `InnerException` holds the same shape again.
    """
    try:
        error: Any = json_object(answer)
    except BadAnswer:
        return ""
    while isinstance(error, dict):
        found = _WORD.search(str(error.get("ExceptionMessage", "")))
        if found:
            return found[1]
        error = error.get("InnerException")
    return ""


WRITE_BACKS: Mapping[str, Callable[[Http, SmartServer, Clock], WriteBack]] = {
    "epic": EpicWriteBack,
}


def write_back_for(vendor: str, http: Http, smart: SmartServer, clock: Clock) -> WriteBack:
    """The strategy of a vendor.

    Raises:
        KeyError: no such vendor; the connector must not start.
    """
    return WRITE_BACKS[vendor](http, smart, clock)
