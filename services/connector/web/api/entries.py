"""What the API takes: bodies and query parameters.

A tenant is never named in them, nor a state: whose request it is, the access token says (case 46).
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from connector.domain.audit import Outcome
from connector.domain.configuration import EhrClients, EhrVendor, RevisionState
from connector.domain.organization import EnvironmentKind
from connector.domain.promotion import PromotionRequest
from connector.domain.visit_settings import DEFAULTS, Department, Lobby, VisitSettings
from connector.usecases.enter_configuration import EnteredConfiguration
from connector.web.api.operations import Document

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
MOST_AT_ONCE = 100
_DAY_MINUTES = 24 * 60
_PASTED = 10_000
_DIGEST = 200

# No control characters: a name of two lines is a mistake, and databases differ in what they keep.
_PRINTABLE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PRINTABLE)]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Minutes = Annotated[int, Field(ge=0, le=_DAY_MINUTES)]


def _written_as(pattern: str, read: Callable[[str], object]) -> BeforeValidator:
    """Parameters are text: what Python's own parsers take besides, such as ` 5` or `1.0`, is refused."""
    shape = re.compile(pattern)

    def parse(text: object) -> object:
        if not isinstance(text, str):
            return text
        if not shape.fullmatch(text):
            raise ValueError("not written as the OpenAPI document says")
        return read(text)

    return BeforeValidator(parse)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


_Digits = _written_as(r"[0-9]{1,19}", int)
_Moment = _written_as(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})", _moment
)
Limit = Annotated[int, _Digits, Field(ge=1, le=MOST_AT_ONCE)]
Number = Annotated[int, _Digits, Field(ge=1, lt=2**63)]
Moment = Annotated[AwareDatetime, _Moment]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no IANA time zone, for example America/Chicago")
    return name


class ClientIds(Document):
    """The connector's client ids at this EHR environment, one per audience."""

    provider: Text
    patient: Text
    backend: Text

    def clients(self) -> EhrClients:
        return EhrClients(self.provider, self.patient, self.backend)


class Settings(Document):
    """How visits of the environment behave; what is not said is the default."""

    department: Department = DEFAULTS.department
    group_visits: bool = DEFAULTS.group_visits
    browser_join: bool = DEFAULTS.browser_join
    lobby: Lobby = DEFAULTS.lobby
    join_opens_minutes: Minutes = DEFAULTS.join_opens_minutes
    join_closes_minutes: Minutes = DEFAULTS.join_closes_minutes
    frame_ancestors: tuple[Url, ...] = DEFAULTS.frame_ancestors

    def visit_settings(self) -> VisitSettings:
        """Raises: Refused: `SETTING_INVALID`."""
        return VisitSettings(**dict(self))


class NewConfiguration(Document):
    """An EHR environment as an administrator enters it; an approver says yes afterwards."""

    organization: Text
    kind: EnvironmentKind
    fhir_base_url: Url
    approver: Text = Field(description="Sign-in name of an enabled member of the tenant.")
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        description="IANA time zone of the clinics, for example America/Chicago."
    )
    clients: ClientIds
    vendor: EhrVendor = EhrVendor.EPIC
    settings: Settings = Settings()

    def entered(self) -> EnteredConfiguration:
        """Raises: Refused: `SETTING_INVALID`."""
        return EnteredConfiguration(
            organization_name=self.organization,
            kind=self.kind,
            fhir_base_url=self.fhir_base_url,
            approver_sign_in_name=self.approver,
            time_zone=self.time_zone,
            clients=self.clients.clients(),
            vendor=self.vendor,
            settings=self.settings.visit_settings(),
        )


class Pasted(Document):
    pasted: Annotated[str, StringConstraints(max_length=_PASTED)] = Field(
        description="The integration record as it was copied from the EHR."
    )


class PromotionWanted(Document):
    """What only the administrator knows; everything else comes from the test environment."""

    test_environment_id: Id
    fhir_base_url: Url
    approver: Text
    clients: ClientIds

    def request(self) -> PromotionRequest:
        return PromotionRequest(
            self.test_environment_id,
            self.fhir_base_url,
            self.approver,
            self.clients.clients(),
        )


class PromotionApplied(PromotionWanted):
    plan_digest: Annotated[str, StringConstraints(min_length=1, max_length=_DIGEST)] = Field(
        description="Of the plan that was looked at; a plan that changed since is refused."
    )


class RevisionSeen(Document):
    active_revision_id: Id = Field(description="The one that was in use when this was decided.")


class ShareOffer(Document):
    environment_id: Id
    guest_tenant_id: Text = Field(description="Entra tenant id of the guest.")


class ShareAnswer(Document):
    accept: bool


class EnvironmentsAsked(Document):
    organization: Text | None = None
    kind: EnvironmentKind | None = None
    state: RevisionState | None = Field(
        default=None, description="Of the newest revision, or active for every live one."
    )
    limit: Limit = 50
    after: Id | None = None


class AuditEventsAsked(Document):
    """`since` is included, `until` is not."""

    event: Text | None = None
    outcome: Outcome | None = None
    environment_id: Id | None = None
    reference: Text | None = None
    actor: Text | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 50
    after: Number | None = None
