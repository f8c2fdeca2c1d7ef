"""FDI integration records: what an EHR analyst pastes so that "Begin virtual visit" opens the app.

A record is a launch URL and a CONTEXT template. Mnemonics of the template are filled in at launch and come back as
extra text keys of the token response, as Epic does it (`spec/ehr.md` 4.2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mock_fhir.clients import Client

MNEMONICS = frozenset(
    {
        "%CONFERENCEID%",
        "%CSN%",
        "%EPTID%",
        "%DOB%",
        "%SYSLOGIN%",
        "%EPICUSERID%",
        "%USERPROVFHIRID%",
        "%USERFNAME%",
        "%USERLNAME%",
        "%LOGINDEPTID%",
        "%DEPARTMENT%",
        "%LOCATION%",
        "%EXTENSION;15354%",
    }
)
_MNEMONIC = re.compile(r"%[^%]*%")
_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]*$")
RESERVED_KEYS = frozenset(
    [
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "id_token",
        "refresh_token",
        "state",
        "patient",
        "encounter",
        "appointment",
        "location",
        "loginDepartment",
        "fhirContext",
        "intent",
        "need_patient_banner",
        "smart_style_url",
        "tenant",
        "error",
    ]
)


class RecordKind(StrEnum):
    """Which button a record is behind; group visits have records of their own (Epic, product.md F32)."""

    PROVIDER = "provider"
    PATIENT = "patient"
    PROVIDER_GROUP = "provider-group"
    PATIENT_GROUP = "patient-group"

    @property
    def of_group(self) -> "RecordKind":
        return {
            RecordKind.PROVIDER: RecordKind.PROVIDER_GROUP,
            RecordKind.PATIENT: RecordKind.PATIENT_GROUP,
        }.get(self, self)

    @property
    def is_group(self) -> bool:
        return self.of_group is self

    @property
    def session(self) -> str:
        """The mnemonic that names what is begun: one appointment, or the conference of a group."""
        return "%CONFERENCEID%" if self.is_group else "%CSN%"


class RecordError(ValueError):
    """The pasted text cannot be used; `problems` says what is wrong and what to do, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationRecord:
    """`context` holds the pairs of the template, mnemonics not yet filled in."""

    kind: RecordKind
    client_id: str
    launch_url: str
    context: tuple[tuple[str, str], ...]

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """The context with mnemonics replaced; one without a value becomes empty, as in the EHR."""
        return {
            key: _MNEMONIC.sub(lambda match: values.get(match[0], ""), template)
            for key, template in self.context
        }

    @property
    def text(self) -> str:
        """The record as it was pasted."""
        context = "&".join(f"{key}={template}" for key, template in self.context)
        return f"Launch URL: {self.launch_url}\nContext: {context}"


def parse_record(text: str, kind: RecordKind, client: Client | None) -> IntegrationRecord:
    """Read a pasted record. Raises RecordError with every problem found."""
    fields = _fields(text)
    launch_url, context_text = fields.get("launch url", ""), fields.get("context", "")
    problems = _launch_url_problems(launch_url, client) + _context_problems(context_text, kind)
    if client is None:
        problems.append("Choose the OAuth client the record belongs to.")
        raise RecordError(problems)
    if problems:
        raise RecordError(problems)
    pairs = tuple(_pair(part) for part in context_text.split("&") if part)
    return IntegrationRecord(
        kind=kind, client_id=client.client_id, launch_url=launch_url, context=pairs
    )


def _fields(text: str) -> dict[str, str]:
    """`Name: value` lines, names in lower case; other lines are ignored, as headings of the paper form are."""
    split = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in split}


def _launch_url_problems(launch_url: str, client: Client | None) -> list[str]:
    if not launch_url:
        return [
            "There is no line 'Launch URL: …'. Paste the whole record from the connector's portal."
        ]
    if not launch_url.startswith("https://"):
        return [f"The Launch URL {launch_url} is not https. The EHR opens secure addresses only."]
    if client is not None and launch_url not in client.launch_uris:
        known = ", ".join(client.launch_uris) or "none"
        problem = f"{launch_url} is not a launch address of the client {client.name}; registered: {known}."
        return [f"{problem} Choose the other client, or have the address registered first."]
    return []


def _context_problems(context: str, kind: RecordKind) -> list[str]:
    problems = []
    if kind.session not in context:
        problems.append(
            f"The Context has no {kind.session}. Without it the app cannot tell which visit is begun."
        )
    for part in filter(None, context.split("&")):
        key, template = _pair(part)
        if not _KEY.match(key):
            problems.append(
                f"'{part}' is no key=value pair. Separate pairs by & and key from value by =."
            )
        if key in RESERVED_KEYS:
            problems.append(f"The key {key} is reserved for the EHR. Rename it in the Context.")
        unknown = [found for found in _MNEMONIC.findall(template) if found not in MNEMONICS]
        problems += [f"The EHR knows no mnemonic {found}. Known: {_known()}." for found in unknown]
    return problems


def _pair(part: str) -> tuple[str, str]:
    key, _, template = part.partition("=")
    return key.strip(), template.strip()


def _known() -> str:
    return " ".join(sorted(MNEMONICS))
