"""A program that calls the API of a `Site`, and the tenants it may belong to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.builders.configurations import ADMIN_ID, an_admin, identity
from tests.builders.web import ORIGIN, Site
from werkzeug.test import TestResponse

from connector.domain.organization import MicrosoftIdentity

PIPELINE = identity(object_id="99999999-0000-4000-8000-000000000001", sign_in_name="application x")
BASE = "/api/v1"

CLIENTS = {"provider": "c-provider", "patient": "c-patient", "backend": "c-backend"}


@dataclass
class ApiClient:
    """`token` is sent with every request, unless it is empty."""

    site: Site
    token: str

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = options.pop("headers", {})
        if self.token:
            headers = {"Authorization": f"Bearer {self.token}"} | headers
        client = self.site.app.test_client()
        return client.open(
            f"{BASE}{path}", method=method, base_url=ORIGIN, headers=headers, **options
        )

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.send("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, *, key: str = "") -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        return self.send("POST", path, json=body or {}, headers=headers)


def api_of(site: Site, who: MicrosoftIdentity | None = None) -> ApiClient:
    """Of a person with the connector's scope: Contoso's administrator if nobody is named."""
    return ApiClient(site, site.access_tokens.of_person(who or an_admin(object_id=ADMIN_ID)))


def pipeline_of(site: Site, *roles: str) -> ApiClient:
    return ApiClient(site, site.access_tokens.of_application(PIPELINE, *roles))


def fill(rule: str, ids: Mapping[str, str]) -> str:
    """The path of an operation's rule with these ids in it, by parameter."""
    return re.sub(r"<(\w+)>", lambda found: ids[found[1]], rule)


def configuration(**changes: Any) -> dict[str, Any]:
    """A body that enters Contoso's test environment anew."""
    good = {
        "organization": "Contoso Health",
        "kind": "test",
        "fhir_base_url": "https://ehr.contoso.example/interconnect-tst-oauth/api/FHIR/R4",
        "approver": "olivia.analyst@contoso.example",
        "time_zone": "America/Chicago",
        "clients": CLIENTS,
    }
    return good | changes
