"""schemathesis reads the OpenAPI document and asks every operation whatever it allows, and forbids.

No answer may be an error of ours, or of a status, type, shape or reason that the document does not
name.
https://schemathesis.readthedocs.io/
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from flask import Flask
from hypothesis import settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from tests.builders.api import api_of
from tests.builders.configurations import OTHER_TENANT, PRODUCTION_BASE, TEST_BASE, approver
from tests.builders.promotions import make_ready
from tests.builders.sharing import THIRD_TENANT, fabrikam_live, guest_admin
from tests.builders.web import ORIGIN, Site
from tests.builders.world import World

from connector.web.api.openapi import document

pytestmark = pytest.mark.schemathesis

EXAMPLES = 40
# 422 also says what no schema can: an address that is no FHIR base URL, a tenant that is the caller.
ACCEPTED = ["2xx", "401", "403", "404", "409", "410", "413", "421", "422"]
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A text the document forbids must stay one: only what it allows becomes something that exists.
_TEXT = re.compile(r"(?=.{1,200}\Z)[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*")
FREE = {"approver", "fhir_base_url", "guest_tenant_id", "time_zone"}


@dataclass
class Running:
    """The application under test; it is made when the first test begins, not at import."""

    app: Flask | None = None
    known: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert self.app is not None
        return self.app(environ, start_response)

    def real(self, name: str, made_up: object) -> object:
        """Three of four made-up ids, addresses and names become one that exists, of either tenant."""
        known = self.known.get(name, [])
        fits = isinstance(made_up, str) and (_TEXT if name in FREE else _ID).fullmatch(made_up)
        chosen = crc32(str(made_up).encode())
        return known[chosen % len(known)] if fits and known and chosen % 4 else made_up


running = Running()
config = SchemathesisConfig.from_dict(
    {
        "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        # The test brings a good token: a request made wrong by a missing one would be right again.
        "generation": {"with-security-parameters": False},
    }
)
schema = schemathesis.openapi.from_dict(document(ORIGIN), config=config)
schema.app = running


@schema.hook
def map_path_parameters(_context: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {name: running.real(name, value) for name, value in (values or {}).items()}


@schema.hook
def map_body(_context: Any, body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: running.real(name, value) for name, value in body.items()}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Access tokens of two administrators whose tenants share an address."""
    site = Site(World(tmp_path_factory.mktemp("api")))
    world = site.world
    world.add_environment()
    world.approve()
    make_ready(world)
    fabrikam_live(world)
    world.directory.add(OTHER_TENANT, approver())
    with world.store.read() as tx:
        grants = [grant.id for grant in tx.grants.of_tenant(OTHER_TENANT)]
        records = [r.id for e in ("env-test", "env-fabrikam") for r in tx.records.of(e)]
    environments = ["env-test", "env-fabrikam"]
    running.app = site.app
    running.known = {
        "environment_id": environments,
        "test_environment_id": environments,
        "record_id": records,
        "share_id": grants,
        "active_revision_id": ["rev-test-1", "rev-env-fabrikam"],
        "guest_tenant_id": [THIRD_TENANT, OTHER_TENANT],
        "fhir_base_url": [TEST_BASE, PRODUCTION_BASE],
        "approver": [approver().sign_in_name],
        "time_zone": ["America/Chicago"],
    }
    return [api_of(site).token, api_of(site, guest_admin()).token]


@schema.parametrize()
@settings(max_examples=EXAMPLES)
def test_every_answer_is_one_that_the_document_names(case: Case, tokens: list[str]) -> None:
    for token in tokens:
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
        assert reason_of(answer) in reasons_named(case, answer.status_code)


def reason_of(answer: schemathesis.Response) -> str:
    """Empty for a success, and for what has no reason but its status."""
    is_problem = "application/problem+json" in answer.headers.get("content-type", [])
    return str(answer.json().get("reason", "")) if is_problem and answer.content else ""


def reasons_named(case: Case, status: int) -> set[str]:
    named = case.operation.definition.raw["responses"].get(str(status), {})
    return {"", "request_invalid", *named.get("description", "").split(", ")}
