"""Looking at an EHR's SMART server and FHIR metadata the way a launch would meet them (E1, E2).

https://hl7.org/fhir/R4/http.html#capabilities
https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

import contextlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from connector.adapters.smart.discovery import (
    DOCUMENTED_ORIGINS,
    OPENID_CONFIGURATION,
    SMART_CONFIGURATION,
    endpoints_of,
    origin_of,
)
from connector.adapters.smart.token_endpoint import TokenEndpoint, lent_token
from connector.domain.configuration import SmartEndpoints
from connector.ports.answers import date_of, failure_of, host_of, json_object, word
from connector.ports.errors import BadAnswer, OutsideError
from connector.ports.examination import Metadata, PublishedSmart
from connector.ports.http import Answer, Http
from connector.ports.system import Clock, Ids
from connector.ports.vault import AssertionSigner

# Epic's CapabilityStatement is larger than what a launch may have to read.
MOST_METADATA_BYTES = 8_000_000
OPTIONAL_DEADLINE_SECONDS = 3.0
OUR_KEYS = "/.well-known/jwks.json"


class SmartExamination:
    """Implements `ports.examination.EhrExamination`; nothing it reads is kept."""

    def __init__(self, http: Http, signer: AssertionSigner, clock: Clock, ids: Ids) -> None:
        self._http = http
        self._signer = signer
        self._clock = clock
        self._token_endpoint = TokenEndpoint(http, signer, clock, ids)

    def metadata(self, fhir_base_url: str) -> Metadata:
        host = host_of(fhir_base_url)
        try:
            answer = self._http.send(
                "GET",
                f"{fhir_base_url.rstrip('/')}/metadata",
                headers={"Accept": "application/fhir+json, application/json"},
                max_bytes=MOST_METADATA_BYTES,
            )
        except BadAnswer as unreadable:
            return Metadata(None, code=unreadable.code)
        date = date_of(answer)
        try:
            statement = self._json(answer, host)
        except OutsideError as refused:
            return Metadata(date, code=refused.code)
        resource_type = word(statement.get("resourceType"), "")
        return Metadata(date, resource_type, word(statement.get("fhirVersion"), ""))

    def smart_configuration(self, fhir_base_url: str) -> PublishedSmart:
        base = fhir_base_url.rstrip("/")
        smart = self._document(base + SMART_CONFIGURATION)
        endpoints = endpoints_of(
            fhir_base_url,
            smart,
            lambda: self._document(base + OPENID_CONFIGURATION),
            origins=DOCUMENTED_ORIGINS.get(origin_of(base), frozenset()),
        )
        scopes = _texts(smart, "scopes_supported") if "scopes_supported" in smart else None
        return PublishedSmart(endpoints, _texts(smart, "grant_types_supported"), scopes)

    def is_smart(self, fhir_base_url: str) -> bool:
        url = fhir_base_url.rstrip("/") + SMART_CONFIGURATION
        answer = self._http.send(
            "GET",
            url,
            headers={"Accept": "application/json"},
            deadline_seconds=OPTIONAL_DEADLINE_SECONDS,
        )
        with contextlib.suppress(OutsideError):
            return "token_endpoint" in self._json(answer, host_of(url))
        return False

    def granted_scopes(
        self, endpoints: SmartEndpoints, *, client_id: str, scope: str
    ) -> frozenset[str]:
        grant = {"grant_type": "client_credentials", "scope": scope}
        body = self._token_endpoint.ask(endpoints, client_id, grant)
        host = host_of(endpoints.token_endpoint)
        lent_token(body, host)  # looked at as a write-back would, and dropped
        granted = body.get("scope", scope)  # left out when it is what was asked for (RFC 6749 5.1)
        if not isinstance(granted, str):
            raise BadAnswer("scope", host=host)
        return frozenset(granted.split())

    def missing_keys(self, public_url: str) -> frozenset[str]:
        served = self._document(public_url.rstrip("/") + OUR_KEYS)
        return _key_ids(self._signer.public_keys()) - _key_ids(served)

    def _document(self, url: str) -> dict[str, Any]:
        answer = self._http.send("GET", url, headers={"Accept": "application/json"})
        return self._json(answer, host_of(url))

    def _json(self, answer: Answer, host: str) -> dict[str, Any]:
        if answer.status != HTTPStatus.OK:
            raise failure_of(answer, self._clock.now(), host=host)
        return json_object(answer, host=host)


def _texts(document: Mapping[str, Any], field: str) -> frozenset[str]:
    """A list of the document as a set of its texts; what is no list is empty."""
    value = document.get(field)
    listed = value if isinstance(value, list) else []
    return frozenset(each for each in listed if isinstance(each, str))


def _key_ids(key_set: Mapping[str, Any]) -> frozenset[str]:
    keys = key_set.get("keys")
    listed = keys if isinstance(keys, list) else []
    return frozenset(str(key.get("kid")) for key in listed if isinstance(key, dict))
