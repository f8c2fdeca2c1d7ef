"""Integration records as the portal shows and hands them out."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.configuration import Revision
from connector.domain.integration_record import IntegrationRecord, in_use
from connector.domain.launch import LaunchKind
from connector.domain.organization import Environment
from connector.web.context import web

_NOT_IN_A_FILE_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_FILE_NAME = 60
_WHOSE = {LaunchKind.PROVIDER: "clinicians", LaunchKind.PATIENT: "patients"}


@dataclass(frozen=True, slots=True)
class IssuedRecord:
    """`name` is unique within its environment: `provider`, `patient`, `provider-group`, …"""

    record: IntegrationRecord
    name: str
    title: str
    client_id: str
    text: str


def issued_records(
    environment: Environment, active: Revision, records: Sequence[IntegrationRecord]
) -> list[IssuedRecord]:
    return [_issued(environment, active, record) for record in in_use(records, active.settings)]


def _issued(environment: Environment, active: Revision, record: IntegrationRecord) -> IssuedRecord:
    group = "-group" if record.group else ""
    visits = " of group visits" if record.group else ""
    public_url = web().deployment.public_url
    return IssuedRecord(
        record=record,
        name=f"{record.kind.value}{group}",
        title=f"Record for {_WHOSE[record.kind]}{visits}",
        client_id=active.clients.of(record.kind),
        text=record.text(public_url, environment.kind.value, active.settings),
    )


def file_name(environment: Environment, what: str) -> str:
    """A name of plain letters, digits and hyphens, whatever the organization is called (case 45)."""
    plain = unicodedata.normalize("NFKD", environment.organization_name).encode("ascii", "ignore")
    slug = _NOT_IN_A_FILE_NAME.sub("-", plain.decode().lower()).strip("-")[:_LONGEST_FILE_NAME]
    return f"{slug.strip('-') or 'organization'}-{environment.kind.value}-{what}.txt"


def document(environment: Environment, issued: Sequence[IssuedRecord]) -> str:
    """All records in one text, each with its title and client id; the name is on one line (case 45)."""
    name = " ".join(environment.organization_name.split())
    parts = [f"{name}, {environment.kind.value}\n"]
    parts += [f"{each.title}\nClient ID: {each.client_id}\n\n{each.text}" for each in issued]
    return "\n".join(parts)
