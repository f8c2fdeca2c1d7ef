"""Who can sign in where: asked from the running simulators' ``/sim/people``, so the list is never out of date.

Microsoft: ``{"tenants": [{"name", "tenant_ctry", "people": [...]}]}``; the EHR: ``{"ehr_users": [...], "mychart_accounts": [...]}``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
from scripts.sandbox_parts.configuration import EHR_PREFIXES, Urls

TIMEOUT_SECONDS: Final = 5.0
SIGN_IN_KEYS: Final = ("username", "sign_in_name")
TENANT_KEYS: Final = ("name", "tenant_ctry")
ROLE_KEYS: Final = ("role", "job_title")


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    """One log-in; ``place`` says where it is good. Empty text where the simulator tells nothing."""

    place: str
    sign_in_name: str
    name: str
    role: str
    password: str


def ask_people(session: requests.Session, urls: Urls) -> list[SandboxPerson]:
    """Microsoft's, the EHR's and MyChart's people; a simulator that does not answer adds none."""
    found = list(microsoft_people(_document(session, f"{urls.mock_microsoft}/sim/people")))
    for environment in EHR_PREFIXES:
        document = _document(session, f"{urls.ehr(environment)}/sim/people")
        found += ehr_people(environment, document)
    return found


def microsoft_people(document: Mapping[str, Any]) -> Iterator[SandboxPerson]:
    """A tenant's country stands beside its name: it decides which portal serves the tenant."""
    for tenant in document.get("tenants", []):
        named = ", ".join(str(tenant[key]) for key in TENANT_KEYS if tenant.get(key))
        yield from _people(f"Microsoft 365, {named}", tenant.get("people", []))


def ehr_people(environment: str, document: Mapping[str, Any]) -> Iterator[SandboxPerson]:
    yield from _people(f"the EHR, {environment}", document.get("ehr_users", []))
    yield from _people(f"MyChart, {environment}", document.get("mychart_accounts", []))


def _document(session: requests.Session, url: str) -> dict[str, Any]:
    try:
        answer = session.get(url, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        document = answer.json()
    except requests.RequestException:
        return {}
    return document if isinstance(document, dict) else {}


def _people(place: str, listed: Iterable[Mapping[str, Any]]) -> Iterator[SandboxPerson]:
    for one in listed:
        yield SandboxPerson(
            place,
            _first(one, SIGN_IN_KEYS),
            _first(one, ("name",)),
            _first(one, ROLE_KEYS),
            _first(one, ("password",)),
        )


def _first(document: Mapping[str, Any], keys: Iterable[str]) -> str:
    return next((str(document[key]) for key in keys if document.get(key)), "")
