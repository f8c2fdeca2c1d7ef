"""The form an admin fills in; its messages say what to type instead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import AnyOf, DataRequired, Length, NumberRange

from connector.domain.configuration import Approver, EhrClients, EhrVendor, SmartEndpoints
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind
from connector.domain.visit_settings import DEFAULTS, Department, Lobby, VisitSettings
from connector.usecases.enter_configuration import EnteredConfiguration
from connector.web.field_labels import DEPARTMENT_NAMES, LOBBY_NAMES, VENDOR_NAMES
from connector.web.probe_words import explanation
from connector.web.refusals import PROBLEMS, Problem
from connector.web.standing import Standing

_NAME = 200
_URL = 500
_DAY_MINUTES = 24 * 60
_ABOUT_THE_URL = frozenset(
    {
        Reason.URL_REFUSED,
        Reason.URL_TAKEN,
        Reason.URL_LOOKS_LIKE_ANOTHER,
        Reason.EHR_UNREACHABLE,
        Reason.EHR_ANSWER_INVALID,
        Reason.EHR_REFUSED_CLIENT,
    }
)
_OF_OTHER_KIND = "This is the client ID of the other environment."
_FIELD_OF_SETTING = {"join_window": "join_opens_minutes", "frame_ancestors": "frame_ancestors"}
Offered = Callable[[EnvironmentKind], EhrClients]


def required(message: str, longest: int = _NAME) -> list[Any]:
    return [DataRequired(message), Length(max=longest)]


def _choices(names: Mapping[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, name) for value, name in names.items()]


def _minutes(label: str, description: str) -> IntegerField:
    within = NumberRange(0, _DAY_MINUTES, "Enter whole minutes from 0 to 1440, which is a day.")
    return IntegerField(label, [within], description=description)


class EhrForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """What every EHR environment needs, whether entered or promoted to.

    `offered` are the client ids the deployment registered for a kind of environment, `checked` is
    what the EHR said to somebody who asked, `suggestions` are base URLs that answer instead, and
    `found` are people the directory knows by what was typed.
    """

    fhir_base_url = StringField(
        "FHIR base URL",
        required("Enter the FHIR base URL.", _URL),
        description="From your EHR technical contact; for Epic it ends in /api/FHIR/R4.",
    )
    approver = StringField(
        "Approver",
        required("Enter the approver's sign-in name."),
        description="Sign-in name of the EHR analyst who will approve, or the beginning of a name to search for. You may name yourself: you then sign in to the EHR as well.",
    )
    found_approver = StringField("Person chosen", [Length(max=_NAME)])
    provider_client_id = StringField("Client ID for clinicians", required("Enter the client ID."))
    patient_client_id = StringField("Client ID for patients", required("Enter the client ID."))
    backend_client_id = StringField("Client ID for write-back", required("Enter the client ID."))

    fixed: frozenset[str] = frozenset()
    refusal: Problem | None = None
    refused_as: str = ""
    checked: SmartEndpoints | None = None
    suggestions: Sequence[str] = ()
    found: Sequence[Approver] | None = None
    offered: Offered
    kind: EnvironmentKind

    def take_choices(self, use_address: str) -> None:
        """A suggested address or a person that was picked replaces what had been typed."""
        if use_address:
            self.fhir_base_url.data = use_address
        if self.found_approver.data:
            self.approver.data = self.found_approver.data

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field by itself, then: no client id of test in production, nor the reverse (E11)."""
        fine: bool = super().validate(extra_validators)
        mixed_up = [field for field in self if self._of_other_kind(field)]
        for field in mixed_up:
            field.errors = [_OF_OTHER_KIND]
        return fine and not mixed_up

    def _of_other_kind(self, field: Field) -> bool:
        others = {self.offers(field.name, k) for k in EnvironmentKind if k is not self.kind}
        return bool(field.data) and field.data in others - {self.offers(field.name, self.kind)}

    def offers(self, name: str, kind: EnvironmentKind) -> str:
        """The client id the deployment registered for field `name` in this kind of environment."""
        return client_ids(self.offered(kind)).get(name, "")

    def refuse(self, refused: Refused) -> None:
        """Put a refusal where it belongs: next to its field, or on top of the form."""
        self.refusal, self.refused_as = PROBLEMS[refused.reason], refused.reason.value
        plain = f"{self.refusal.cause} {self.refusal.remedy}"
        if refused.reason in _ABOUT_THE_URL:
            self.fhir_base_url.errors = [" ".join(explanation(refused))]
        elif refused.reason is Reason.APPROVER_UNKNOWN:
            self.approver.errors = [plain]
        elif refused.reason is Reason.SETTING_INVALID:
            self[_FIELD_OF_SETTING[refused.facts["setting"]]].errors = [plain]
        elif refused.reason is Reason.CLIENTS_MIXED_UP:
            for name in refused.facts["clients"].split(", "):
                self[f"{name}_client_id"].errors = [_OF_OTHER_KIND]

    def offer(self, found: Sequence[Approver]) -> None:
        """Show whom the directory knows, to pick from."""
        self.found = found

    def clients(self) -> EhrClients:
        return EhrClients(
            provider=self.provider_client_id.data.strip(),
            patient=self.patient_client_id.data.strip(),
            backend=self.backend_client_id.data.strip(),
        )


class ConfigurationForm(EhrForm):
    organization = StringField(
        "Organization",
        required("Enter the organization's name."),
        description="As your staff call it, for example Contoso Clinics North.",
    )
    environment = SelectField("EHR environment")
    vendor = SelectField("EHR vendor", choices=_choices(VENDOR_NAMES), default=EhrVendor.EPIC.value)
    time_zone = StringField(
        "Time zone of the clinics",
        [
            DataRequired("Enter a time zone."),
            AnyOf(
                available_timezones(), "Choose a zone from the list, for example America/Chicago."
            ),
        ],
        description="Times are shown in this zone.",
        default="America/Chicago",
    )
    department = SelectField(
        "Department in the clinicians' record",
        choices=_choices(DEPARTMENT_NAMES),
        description="Goes into the integration record; without it the EHR's department column stays blank.",
    )
    group_visits = BooleanField(
        "Group visits",
        description="Issues two more records, for appointments with several patients.",
    )
    browser_join = BooleanField(
        "Patients join in the browser",
        description="Off: patients are asked for the Teams app.",
    )
    lobby = SelectField("Who waits in the lobby", choices=_choices(LOBBY_NAMES))
    join_opens_minutes = _minutes("Patients may join, minutes before the start", "1440 is a day.")
    join_closes_minutes = _minutes("Patients may join, minutes after the end", "1440 is a day.")
    frame_ancestors = TextAreaField(
        "Other sites that may frame visits",
        [Length(max=_URL * 5)],
        description="One https origin a line, for example https://hyperspace.example.org. The EHR itself always may.",
    )

    time_zones = sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc/"))
    # What a new revision cannot change: those fields are shown, not offered.
    revises: Standing | None = None

    @classmethod
    def starting_from(cls, revises: Standing | None, offered: Offered) -> "ConfigurationForm":
        """The form, filled with what is known already.

        Args:
            revises: the environment a revision is entered for; None for a new test environment.
            offered: the client ids the deployment registered for a kind of environment.
        """
        kind = revises.environment.kind if revises else EnvironmentKind.TEST
        known = _known(revises) if revises else _settings(DEFAULTS) | client_ids(offered(kind))
        form = cls(environment=kind.value, **known)
        form.revises, form.offered, form.kind = revises, offered, kind
        form.environment.choices = _choices({kind.value: kind.value.capitalize()})
        if revises:
            form.fixed = frozenset({"organization", "time_zone"})
        return form

    def _organization(self) -> str:
        """A revision stays with its organization, whatever was posted."""
        fixed = self.revises and self.revises.environment.organization_name
        return fixed or str(self.organization.data).strip()

    def entered(self) -> EnteredConfiguration:
        """Raises: Refused: `SETTING_INVALID`."""
        return EnteredConfiguration(
            organization_name=self._organization(),
            kind=self.kind,
            fhir_base_url=self.fhir_base_url.data,
            approver_sign_in_name=self.approver.data,
            time_zone=self.time_zone.data,
            clients=self.clients(),
            vendor=EhrVendor(self.vendor.data),
            settings=VisitSettings(
                department=Department(self.department.data),
                group_visits=self.group_visits.data,
                browser_join=self.browser_join.data,
                lobby=Lobby(self.lobby.data),
                join_opens_minutes=self.join_opens_minutes.data,
                join_closes_minutes=self.join_closes_minutes.data,
                frame_ancestors=tuple((self.frame_ancestors.data or "").split()),
            ),
        )


class PromotionForm(EhrForm):
    """What only production has of its own; everything else comes from test."""

    kind = EnvironmentKind.PRODUCTION

    @classmethod
    def starting_from(
        cls, test: Standing, live: Standing | None, offered: Offered
    ) -> "PromotionForm":
        """`live` is the production environment, if there is one already."""
        approver = (live or test).current.approver.sign_in_name
        clients = live.current.clients if live else offered(EnvironmentKind.PRODUCTION)
        address = {"fhir_base_url": live.current.fhir_base_url} if live else {}
        form = cls(approver=approver, **address, **client_ids(clients))
        form.offered = offered
        return form


def client_ids(clients: EhrClients) -> dict[str, str]:
    return {
        "provider_client_id": clients.provider,
        "patient_client_id": clients.patient,
        "backend_client_id": clients.backend,
    }


def _known(revises: Standing) -> dict[str, Any]:
    current = revises.current
    return {
        "organization": revises.environment.organization_name,
        "time_zone": revises.environment.time_zone,
        "approver": current.approver.sign_in_name,
        "fhir_base_url": current.fhir_base_url,
        "vendor": current.vendor.value,
        **client_ids(current.clients),
        **_settings(current.settings),
    }


def _settings(settings: VisitSettings) -> dict[str, Any]:
    return {
        "department": settings.department.value,
        "group_visits": settings.group_visits,
        "browser_join": settings.browser_join,
        "lobby": settings.lobby.value,
        "join_opens_minutes": settings.join_opens_minutes,
        "join_closes_minutes": settings.join_closes_minutes,
        "frame_ancestors": "\n".join(settings.frame_ancestors),
    }
