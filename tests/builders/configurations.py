"""An approved configuration as most tests want it, and ways to change one value of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.configuration import (
    Approver,
    EhrClients,
    Revision,
    RevisionState,
    SmartEndpoints,
)
from connector.domain.geography import Geography
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import Environment, EnvironmentKind, MicrosoftIdentity, Tenant
from connector.ports.storage import Door

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
APPROVER_ID = "aaaaaaaa-0000-4000-8000-000000000001"
ADMIN_ID = "aaaaaaaa-0000-4000-8000-000000000002"
TEAMS_ADMINISTRATOR = "69091246-20e8-4a56-aa4d-066075b2a7a8"

TEST_BASE = "https://ehr.contoso.example/interconnect-tst-oauth/api/FHIR/R4"
PRODUCTION_BASE = "https://ehr.contoso.example/interconnect-prd-oauth/api/FHIR/R4"


def tenant(tenant_id: str = TENANT, **changes: Any) -> Tenant:
    """A customer of the Americas whose geography an admin confirmed."""
    confirmed = Tenant(tenant_id, Geography.AMERICAS, "US", NOON, ADMIN_ID)
    return replace(confirmed, **changes)


def environment(**changes: Any) -> Environment:
    """Contoso's test environment."""
    contoso = Environment(
        id="env-test",
        tenant_id=TENANT,
        organization_id="org-contoso",
        organization_name="Contoso Health",
        kind=EnvironmentKind.TEST,
        time_zone="America/Chicago",
    )
    return replace(contoso, **changes)


def endpoints(fhir_base_url: str = TEST_BASE, **changes: Any) -> SmartEndpoints:
    """An EHR like Epic: it names its issuer in callbacks, and that is not its FHIR base URL."""
    root = fhir_base_url.removesuffix("/api/FHIR/R4")
    epic = SmartEndpoints(
        issuer=f"{root}/oauth2",
        authorization_endpoint=f"{root}/oauth2/authorize",
        token_endpoint=f"{root}/oauth2/token",
        jwks_uri=f"{root}/oauth2/jwks",
        callback_names_issuer=True,
        authorize_by_post=False,
    )
    return replace(epic, **changes)


def clients(**changes: Any) -> EhrClients:
    return replace(EhrClients("client-provider", "client-patient", "client-backend"), **changes)


def approver(**changes: Any) -> Approver:
    return replace(Approver(APPROVER_ID, "olivia.analyst@contoso.example"), **changes)


def draft(**changes: Any) -> Revision:
    """A revision nobody has submitted yet."""
    fresh = Revision(
        id="rev-test-1",
        environment_id="env-test",
        tenant_id=TENANT,
        number=1,
        state=RevisionState.DRAFT,
        fhir_base_url=TEST_BASE,
        clients=clients(),
        endpoints=endpoints(),
        approver=approver(),
        created_at=NOON,
        created_by="adele.admin@contoso.example",
    )
    return replace(fresh, **changes)


def awaiting(**changes: Any) -> Revision:
    """Submitted; no stamp yet."""
    return draft(**{"state": RevisionState.AWAITING_APPROVAL} | changes)


def stamped(**changes: Any) -> Revision:
    """Both stamps are there; only the yes is missing."""
    stamps = {
        "microsoft_signed_in_at": NOON + timedelta(minutes=1),
        "ehr_signed_in_at": NOON + timedelta(minutes=2),
    }
    return awaiting(**stamps | changes)


def active(**changes: Any) -> Revision:
    approved_at = {"state": RevisionState.ACTIVE, "approved_at": NOON + timedelta(minutes=3)}
    return stamped(**approved_at | changes)


def door(**changes: Any) -> Door:
    """What a launch finds by issuer; `changes` are the revision's."""
    return Door(environment(), active(**changes))


def record(kind: LaunchKind, **changes: Any) -> IntegrationRecord:
    return replace(IntegrationRecord(f"record-{kind.value}", "env-test", kind), **changes)


def identity(**changes: Any) -> MicrosoftIdentity:
    """A member of the tenant without any directory role."""
    member = MicrosoftIdentity(
        tenant_id=TENANT,
        object_id=ADMIN_ID,
        sign_in_name="somebody@contoso.example",
        directory_roles=frozenset(),
        is_guest=False,
        country="US",
        region_scope="NA",
    )
    return replace(member, **changes)


def the_approver(**changes: Any) -> MicrosoftIdentity:
    named = approver()
    return identity(**{"object_id": named.object_id, "sign_in_name": named.sign_in_name} | changes)


def an_admin(**changes: Any) -> MicrosoftIdentity:
    roles = {"directory_roles": frozenset({TEAMS_ADMINISTRATOR})}
    return identity(**{"sign_in_name": "adele.admin@contoso.example"} | roles | changes)
