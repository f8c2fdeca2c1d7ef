"""A store to test against, and the smallest world that rows can hang on."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy import event

from connector.adapters.sql.migrate import upgrade
from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import (
    Approver,
    EhrClients,
    Revision,
    RevisionState,
    SmartEndpoints,
)
from connector.domain.geography import Geography
from connector.domain.organization import Environment, EnvironmentKind, Tenant
from connector.domain.visit import Visit, VisitState

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TENANT = "11111111-2222-4333-8444-555555555555"
BASE_URL = "https://ehr.example/api/FHIR/R4"


def sqlite_url(folder: Path) -> str:
    """A migrated, empty database in `folder`: migrated once per process, then copied."""
    shutil.copyfile(_migrated_file(), folder / "connector.db")
    return f"sqlite:///{folder / 'connector.db'}"


def sqlite_store(folder: Path) -> SqlStore:
    """A store on a fresh database; the caller closes it."""
    return SqlStore(sqlite_url(folder))


@cache
def _migrated_file() -> Path:
    folder = tempfile.mkdtemp(prefix="connector-schema-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "connector.db"
    upgrade(f"sqlite:///{path}")
    return path


CUSTOMER = Tenant(TENANT, Geography.AMERICAS, "US", NOON, "admin-1")
ENVIRONMENT = Environment(
    id="environment-test",
    tenant_id=TENANT,
    organization_id="organization-1",
    organization_name="Riverside Health",
    kind=EnvironmentKind.TEST,
    time_zone="America/Chicago",
)

REVISION = Revision(
    id="revision-1",
    environment_id=ENVIRONMENT.id,
    tenant_id=TENANT,
    number=1,
    state=RevisionState.AWAITING_APPROVAL,
    fhir_base_url=BASE_URL,
    clients=EhrClients(provider="client-p", patient="client-m", backend="client-b"),
    endpoints=SmartEndpoints(
        issuer="https://ehr.example/oauth2",
        authorization_endpoint="https://ehr.example/oauth2/authorize",
        token_endpoint="https://ehr.example/oauth2/token",
        jwks_uri="https://ehr.example/oauth2/jwks",
        callback_names_issuer=True,
        authorize_by_post=False,
        assertion_algorithm="ES384",
    ),
    approver=Approver(object_id="approver-1", sign_in_name="ada@riverside.example"),
    created_at=NOON,
    created_by="admin@riverside.example",
)

VISIT = Visit(
    id="visit-1",
    environment_id=ENVIRONMENT.id,
    tenant_id=TENANT,
    visit_key="key-1",
    state=VisitState.WAITING_FOR_PATIENT,
    created_at=NOON,
)


def executed_by(store: SqlStore) -> list[str]:
    """What SQLite will be asked from now on, with the values in it."""
    statements: list[str] = []
    store.close()
    for kept in (store._engines.reading, store._engines.writing):
        event.listen(
            kept.engine,
            "checkout",
            lambda connection, *_: connection.set_trace_callback(statements.append),
        )
    return statements


def visit_number(number: int) -> Visit:
    return replace(VISIT, id=f"visit-{number}", visit_key=f"key-{number}")


def seed_environment(store: SqlStore, environment: Environment = ENVIRONMENT) -> None:
    """Tenant, organization and environment, nothing configured yet."""
    with store.write() as tx:
        tx.configurations.register_tenant(replace(CUSTOMER, id=environment.tenant_id))
        tx.configurations.add_environment(environment, NOON)


def seed_visits(store: SqlStore, count: int = 1) -> list[Visit]:
    """An environment with visits 1 … `count`."""
    seed_environment(store)
    visits = [visit_number(number) for number in range(1, count + 1)]
    with store.write() as tx:
        for visit in visits:
            tx.visits.claim(visit)
    return visits
