"""What each part of the sandbox is told: the simulators' files, the connector's environment.

Who is registered where follows one table, `EHR_CLIENTS`. Client identifiers are derived from names,
so that they stay the same over resets and machines.
"""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.sandbox_parts.certificates import Certificates
from scripts.sandbox_parts.ports import LOOPBACK, Ports
from scripts.sandbox_parts.state_directory import StateDirectory

EHR_PREFIXES: Final = {
    "test": "interconnect-tst-oauth",
    "production": "interconnect-prd-oauth",
}
SITE_TIME_ZONE: Final = "America/Chicago"
APP_ROLES: Final = (
    "OnlineMeetings.ReadWrite.All",
    "OnlineMeetings.Read.All",
    "OnlineMeetingArtifact.Read.All",
    "VirtualAppointment.Read.All",
    "User.Read.All",
)


@dataclass(frozen=True, slots=True)
class EhrClient:
    """One client registered in every EHR environment; paths are below the connector's public URL."""

    title: str
    scope: str
    grant: str
    redirect_paths: tuple[str, ...] = ()
    launch_paths: tuple[str, ...] = ()


EHR_CLIENTS: Final = {
    "provider": EhrClient(
        "providers",
        "launch openid fhirUser user/Appointment.rs",
        "authorization_code",
        ("/launch/callback", "/approvals/ehr/callback"),
        ("/launch/provider",),
    ),
    "patient": EhrClient(
        "patients",
        "launch openid fhirUser patient/Appointment.rs",
        "authorization_code",
        ("/launch/callback",),
        ("/launch/patient",),
    ),
    "backend": EhrClient("write-back", "system/Appointment.u", "client_credentials"),
}


@dataclass(frozen=True, slots=True)
class Urls:
    """Public addresses, without a slash at the end."""

    connector: str
    mock_fhir: str
    mock_mychart: str
    mock_microsoft: str
    feed: str

    @classmethod
    def of(cls, ports: Ports) -> "Urls":
        return cls(*(f"https://localhost:{getattr(ports, name)}" for name in cls.__slots__))

    def ehr(self, environment: str) -> str:
        """Root of the EHR's ``test`` or ``production`` environment."""
        return f"{self.mock_fhir}/{EHR_PREFIXES[environment]}"

    def fhir_base(self, environment: str) -> str:
        """The ``iss`` of a launch."""
        return f"{self.ehr(environment)}/api/FHIR/R4"

    def mychart(self, environment: str) -> str:
        return f"{self.mock_mychart}/{environment}"


# Nobody answers there: a laptop runs one geography, and shows where another one's people would go.
OTHER_PORTALS: Final = {
    "emea": "https://visits.emea.example",
    "apac": "https://visits.apac.example",
}


def client_id(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "https://localhost/sandbox/" + "/".join(names)))


MICROSOFT_CLIENT_ID: Final = client_id("microsoft")
# Of the connector's API: people with a device code, pipelines with the certificate in PIPELINE_CREDENTIAL.
COMMAND_LINE_CLIENT_ID: Final = client_id("microsoft", "command-line")
PIPELINE_CLIENT_ID: Final = client_id("microsoft", "pipeline")
API_URI: Final = f"api://{MICROSOFT_CLIENT_ID}"
API_SCOPE: Final = "Configuration.ReadWrite"
API_ADMIN, API_READER = "Connector.Admin", "Connector.Reader"


def ehr_client_ids() -> dict[str, dict[str, str]]:
    return {
        environment: {role: client_id(environment, role) for role in EHR_CLIENTS}
        for environment in EHR_PREFIXES
    }


def fhir_config(urls: Urls, ca_file: Path | None, mychart_key: str) -> dict[str, Any]:
    return {
        "public_url": urls.mock_fhir,
        **_trusting(ca_file),
        "mychart_key": mychart_key,
        "time_zone": SITE_TIME_ZONE,
        "clients": [
            _registration(environment, role, urls.connector)
            for environment in EHR_PREFIXES
            for role in EHR_CLIENTS
        ],
    }


def _registration(environment: str, role: str, connector_url: str) -> dict[str, Any]:
    client = EHR_CLIENTS[role]
    return {
        "environment": environment,
        "client_id": client_id(environment, role),
        "client_name": f"Teams EHR connector, {client.title}",
        "jwks_uri": f"{connector_url}/.well-known/jwks.json",
        "redirect_uris": [connector_url + path for path in client.redirect_paths],
        "launch_uris": [connector_url + path for path in client.launch_paths],
        "scope": client.scope,
        "grant_types": [client.grant],
        "token_endpoint_auth_method": "private_key_jwt",
    }


def mychart_config(urls: Urls, ca_file: Path | None, mychart_key: str) -> dict[str, Any]:
    return {
        "public_url": urls.mock_mychart,
        **_trusting(ca_file),
        "ehr_key": mychart_key,
        "environments": {name: {"ehr_url": urls.ehr(name)} for name in EHR_PREFIXES},
    }


def microsoft_config(
    urls: Urls,
    ca_file: Path | None,
    *,
    connector_certificate: str,
    pipeline_certificate: str | None,
) -> dict[str, Any]:
    """The certificates are PEM: what the connector and the pipeline prove themselves with.

    Without one for the pipeline, the pipeline is not registered.
    """
    scoped = {"api": MICROSOFT_CLIENT_ID, "scopes": [API_SCOPE]}
    return {
        "public_url": urls.mock_microsoft,
        **_trusting(ca_file),
        "apps": [
            {
                "client_id": MICROSOFT_CLIENT_ID,
                "name": "Teams EHR connector",
                "redirect_uris": [f"{urls.connector}/signin/microsoft/callback"],
                "certificate_pem": connector_certificate,
                "app_roles_granted": list(APP_ROLES),
                "exposed_api": {
                    "identifier_uri": API_URI,
                    "scopes": [API_SCOPE],
                    "app_roles": [API_ADMIN, API_READER],
                },
                "api_permissions": [scoped],
            },
            {
                "client_id": COMMAND_LINE_CLIENT_ID,
                "name": "Connector command line",
                "is_public_client": True,
                "api_permissions": [scoped],
            },
            *([_pipeline(pipeline_certificate)] if pipeline_certificate else []),
        ],
    }


def _pipeline(certificate: str) -> dict[str, Any]:
    return {
        "client_id": PIPELINE_CLIENT_ID,
        "name": "Connector pipeline",
        "certificate_pem": certificate,
        "api_permissions": [{"api": MICROSOFT_CLIENT_ID, "app_roles": [API_ADMIN]}],
    }


def _trusting(ca_file: Path | None) -> dict[str, str]:
    """None: the authorities of the system, behind certificates that browsers know."""
    return {"ca_file": str(ca_file)} if ca_file else {}


def connector_environment(
    ports: Ports, certificates: Certificates, state: StateDirectory
) -> dict[str, str]:
    urls = Urls.of(ports)
    return {
        "CONNECTOR_PUBLIC_URL": urls.connector,
        "CONNECTOR_FEED_URL": urls.feed,
        "CONNECTOR_BIND": f"{LOOPBACK}:{ports.connector}",
        "CONNECTOR_FEED_BIND": f"{LOOPBACK}:{ports.feed}",
        "CONNECTOR_TLS_CERT_FILE": str(certificates.cert_file),
        "CONNECTOR_TLS_KEY_FILE": str(certificates.key_file),
        "CONNECTOR_CA_FILE": str(certificates.ca_file),
        "CONNECTOR_DATABASE_URL": f"sqlite:///{state.database_file}",
        "CONNECTOR_DATA_GEOGRAPHY": "americas",
        "CONNECTOR_PORTALS": json.dumps(OTHER_PORTALS),
        "CONNECTOR_KEYS_DIRECTORY": str(state.keys),
        "CONNECTOR_TRUSTED_PRIVATE_HOSTS": "localhost",
        "CONNECTOR_MICROSOFT_LOGIN_URL": urls.mock_microsoft,
        "CONNECTOR_GRAPH_URL": urls.mock_microsoft,
        "CONNECTOR_MICROSOFT_CLIENT_ID": MICROSOFT_CLIENT_ID,
        "CONNECTOR_EHR_CLIENT_IDS": json.dumps(ehr_client_ids()),
        "CONNECTOR_WEB_WORKERS": "2",
        "CONNECTOR_WEB_THREADS": "16",
        # The simulator's report is there at once; visits here last seconds.
        "CONNECTOR_ATTENDANCE_AFTER_SECONDS": "2",
        "CONNECTOR_AUDIT_ANCHOR_FILE": str(state.audit_anchor),
        "CONNECTOR_METRICS_DIRECTORY": str(state.keys.parent / "metrics"),
    }
