"""What the analyst pastes into the EHR so that its button opens the connector (F25, F28, F31, F32)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connector.domain.launch import LaunchKind
from connector.domain.visit_settings import Department, VisitSettings

_LAUNCH_URL = "Launch URL"
_CONTEXT = "Context"


@dataclass(frozen=True, slots=True)
class IntegrationRecord:
    """`id` is a secret-free random name of the record; a launch must bring it back unchanged.

    A `group` record opens one meeting for everybody of the EHR's conference (F32).
    `verified_at` is when somebody pasted it back from the EHR and nothing differed.
    """

    id: str
    environment_id: str
    kind: LaunchKind
    group: bool = False
    verified_at: datetime | None = None
    verified_by: str = ""

    def tokens(self, public_url: str, environment: str, settings: VisitSettings) -> dict[str, str]:
        """Launch URL and context tokens by name, in the order they are shown."""
        tokens = {
            _LAUNCH_URL: f"{public_url}/launch/{self.kind}",
            "sessionId": "%CONFERENCEID%" if self.group else "%CSN%",
            "environment": environment,
            "recordId": self.id,
        }
        if self.kind is LaunchKind.PROVIDER and settings.department is not Department.NONE:
            tokens["departmentId"] = settings.department.value
        return tokens

    def text(self, public_url: str, environment: str, settings: VisitSettings) -> str:
        """The record as the EHR's integration build takes it: launch URL and context tokens."""
        tokens = self.tokens(public_url, environment, settings)
        launch_url = tokens.pop(_LAUNCH_URL)
        context = "&".join(f"{name}={value}" for name, value in tokens.items())
        return f"{_LAUNCH_URL}: {launch_url}\n{_CONTEXT}: {context}\n"


def in_use(
    records: Iterable[IntegrationRecord], settings: VisitSettings
) -> list[IntegrationRecord]:
    """Those the EHR needs as things stand: groups' records stay issued when groups are switched off."""
    return [record for record in records if settings.group_visits or not record.group]


@dataclass(frozen=True, slots=True)
class Difference:
    """One token the EHR's record has otherwise; empty text where one side has none."""

    token: str
    issued: str
    pasted: str


def differences(issued: dict[str, str], pasted: str) -> list[Difference]:
    """Compare what was issued with what somebody copied from the EHR, token by token (E4, case 44).

    Line ends, blank lines and spaces around lines do not count, everything else does.
    """
    found = _parsed(pasted)
    names = [*issued, *(name for name in found if name not in issued)]
    return [
        Difference(name, issued.get(name, ""), found.get(name, ""))
        for name in names
        if issued.get(name) != found.get(name)
    ]


def _parsed(text: str) -> dict[str, str]:
    """Tokens of a pasted record; a token that stands there twice shows both values."""
    tokens: dict[str, str] = {}
    for line in text.splitlines():
        label, colon, rest = line.strip().partition(":")
        if not colon:
            continue
        is_context = label.strip().lower() == _CONTEXT.lower()
        for name, value in _pairs(rest.strip()) if is_context else [(label.strip(), rest.strip())]:
            tokens[name] = f"{tokens[name]} {value}" if name in tokens else value
    return tokens


def _pairs(context: str) -> list[tuple[str, str]]:
    """`name=value` pairs as they stand: mnemonics keep their percent signs."""
    return [
        (name, value)
        for name, _, value in (pair.partition("=") for pair in context.split("&") if pair)
    ]
