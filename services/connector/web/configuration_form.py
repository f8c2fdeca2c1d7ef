"""The form an admin fills in; its messages say what to type instead."""

from collections.abc import Callable
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from connector.domain.configuration import EhrClients
from connector.domain.organization import EnvironmentKind
from connector.usecases.enter_configuration import EnteredConfiguration

_NAME = 200
_URL = 500


class ConfigurationForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    organization = StringField(
        "Organization",
        [InputRequired("Enter the organization's name."), Length(max=_NAME)],
        description="As your staff call it, for example Contoso Clinics North.",
    )
    environment = SelectField(
        "EHR environment",
        choices=[("test", "Test"), ("production", "Production")],
        description="Set up test first, then production.",
    )
    fhir_base_url = StringField(
        "FHIR base URL",
        [InputRequired("Enter the FHIR base URL."), Length(max=_URL)],
        description="From your EHR technical contact; for Epic it ends in /api/FHIR/R4.",
    )
    approver = StringField(
        "Approver",
        [InputRequired("Enter the approver's sign-in name."), Length(max=_NAME)],
        description="Sign-in name of the EHR analyst who will approve, for example analyst@your-hospital.org.",
    )
    time_zone = StringField(
        "Time zone of the clinics",
        [
            InputRequired("Enter a time zone."),
            AnyOf(
                available_timezones(), "Choose a zone from the list, for example America/Chicago."
            ),
        ],
        description="Times are shown in this zone.",
        default="America/Chicago",
    )
    provider_client_id = StringField(
        "Client ID for clinicians", [InputRequired("Enter the client ID."), Length(max=_NAME)]
    )
    patient_client_id = StringField(
        "Client ID for patients", [InputRequired("Enter the client ID."), Length(max=_NAME)]
    )
    backend_client_id = StringField(
        "Client ID for write-back", [InputRequired("Enter the client ID."), Length(max=_NAME)]
    )

    @classmethod
    def for_environment(
        cls, kind: str, offered: Callable[[EnvironmentKind], EhrClients]
    ) -> "ConfigurationForm":
        """The form, with the client ids the deployment registered for this kind of environment."""
        known = kind if kind in set(EnvironmentKind) else EnvironmentKind.TEST.value
        clients = offered(EnvironmentKind(known))
        return cls(
            environment=known,
            provider_client_id=clients.provider,
            patient_client_id=clients.patient,
            backend_client_id=clients.backend,
        )

    def entered(self) -> EnteredConfiguration:
        return EnteredConfiguration(
            organization_name=self.organization.data.strip(),
            kind=EnvironmentKind(self.environment.data),
            fhir_base_url=self.fhir_base_url.data,
            approver_sign_in_name=self.approver.data,
            time_zone=self.time_zone.data,
            clients=EhrClients(
                provider=self.provider_client_id.data.strip(),
                patient=self.patient_client_id.data.strip(),
                backend=self.backend_client_id.data.strip(),
            ),
        )
