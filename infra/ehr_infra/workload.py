"""What the containers are told: names, addresses and switches, never a secret.

The names are the connector's settings (docs/settings.md); a test reads both sides and compares.
"""

import json
from collections.abc import Mapping
from typing import Any

from pulumi import Output

from ehr_infra.config import Settings

WEB_PORT, FEED_PORT = 8440, 8444
_DATABASE_PORT = 5432
_TRUSTED_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

Env = dict[str, Any]


def connector(settings: Settings, *, vault_uri: Any, host: Any, login: str, identity: Any) -> Env:
    """What every process of the connector reads.

    Args:
        settings: of the stack.
        vault_uri: of the stamp's Key Vault.
        host: name of the database server.
        login: PostgreSQL role, which is the identity's name.
        identity: client id of the managed identity the process has.
    """
    return {
        "CONNECTOR_PUBLIC_URL": f"https://{settings.host_name}",
        "CONNECTOR_BIND": f"0.0.0.0:{WEB_PORT}",
        "CONNECTOR_FEED_BIND": f"0.0.0.0:{FEED_PORT}",
        "CONNECTOR_DATABASE_URL": _database_url(login, host),
        "CONNECTOR_DATABASE_LOGIN": "entra",
        "CONNECTOR_MANAGED_IDENTITY_CLIENT_ID": identity,
        "CONNECTOR_KEY_VAULT_URL": Output.from_input(vault_uri).apply(lambda uri: uri.rstrip("/")),
        "CONNECTOR_DATA_GEOGRAPHY": settings.geography.value,
        "CONNECTOR_AZURE_REGION": settings.location,
        "CONNECTOR_PORTALS": _json(settings.portals),
        "CONNECTOR_VOUCHED_HOSTS": ",".join(settings.vouched_hosts),
        "CONNECTOR_MICROSOFT_CLIENT_ID": settings.microsoft_client_id,
        "CONNECTOR_EHR_CLIENT_IDS": _json(settings.ehr_client_ids),
        "CONNECTOR_WEB_WORKERS": str(settings.web_workers),
        "CONNECTOR_WEB_THREADS": str(settings.web_threads),
        "CONNECTOR_VISITS_KEPT_DAYS": str(settings.visits_kept_days),
        "CONNECTOR_ATTENDANCE_AFTER_SECONDS": str(settings.attendance_after_seconds),
        "CONNECTOR_METRICS_DIRECTORY": "/tmp/metrics",  # noqa: S108 - in the container, its own
        "CONNECTOR_LOG_LEVEL": settings.log_level,
        **_outside(settings),
    }


def _database_url(login: str, host: Any) -> Output[str]:
    port, certificates = _DATABASE_PORT, _TRUSTED_CERTIFICATES
    return Output.from_input(host).apply(
        lambda name: (
            f"postgresql+psycopg://{login}@{name}:{port}/connector"
            f"?sslmode=verify-full&sslrootcert={certificates}"
        )
    )


def _outside(settings: Settings) -> Env:
    """A test stamp with a hosted sandbox speaks to its own Microsoft, whose reports are there at once."""
    if not settings.simulators:
        return {}
    microsoft = f"https://{simulator_host(settings, 'microsoft')}"
    return {
        "CONNECTOR_MICROSOFT_LOGIN_URL": microsoft,
        "CONNECTOR_GRAPH_URL": microsoft,
        "CONNECTOR_ATTENDANCE_AFTER_SECONDS": "2",
    }


def simulator_host(settings: Settings, part: str) -> str:
    """`emea-test.visits.example.org` → `emea-test-ehr.visits.example.org`: one wildcard fits all."""
    first, rest = settings.host_name.split(".", maxsplit=1)
    return f"{first}-{part}.{rest}"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, separators=(",", ":"))


def simulator(settings: Settings, part: str) -> Env:
    """Its whole configuration, as `scripts/hosted_sandbox.py` wrote it into the stack file."""
    return {"SIMULATOR_CONFIG": _json(settings.simulators_config.get(part, {}))}
