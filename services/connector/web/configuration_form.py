"""The form an admin fills in; its messages say what to type instead."""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import Field, SelectChoice, SelectField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from connector.domain.configuration import EhrClients
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind
from connector.usecases.enter_configuration import EnteredConfiguration
from connector.web.probe_words import explanation
from connector.web.refusals import PROBLEMS, Problem
from connector.web.standing import Standing

_NAME = 200
_URL = 500
_ABOUT_THE_URL = frozenset(
    {
        Reason.URL_REFUSED,
        Reason.URL_TAKEN,
        Reason.EHR_UNREACHABLE,
        Reason.EHR_ANSWER_INVALID,
        Reason.EHR_REFUSED_CLIENT,
    }
)
Offered = Callable[[EnvironmentKind], EhrClients]


def _choice(kind: EnvironmentKind) -> SelectChoice:
    return SelectChoice(kind.value, kind.value.capitalize())


class ConfigurationForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    organization = StringField(
        "Organization",
        [InputRequired("Enter the organization's name."), Length(max=_NAME)],
        description="As your staff call it, for example Contoso Clinics North.",
    )
    environment = SelectField(
        "EHR environment",
        choices=[_choice(kind) for kind in EnvironmentKind],
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

    time_zones = sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc/"))
    # What a new revision cannot change: those fields are shown, not offered.
    fixed: frozenset[str] = frozenset()
    revises: Standing | None = None
    refusal: Problem | None = None
    offered: Offered

    @classmethod
    def starting_from(
        cls, earlier: Standing | None, kind: str, offered: Offered
    ) -> "ConfigurationForm":
        """The form, filled with what is known already.

        Args:
            earlier: the environment a revision is entered for, or the organization's other one.
            kind: `test` or `production`; anything else means `earlier`'s kind, or test.
            offered: the client ids the deployment registered for a kind of environment.
        """
        otherwise = earlier.environment.kind if earlier else EnvironmentKind.TEST
        chosen = EnvironmentKind(kind) if kind in set(EnvironmentKind) else otherwise
        revises = earlier if earlier and chosen is earlier.environment.kind else None
        clients = revises.newest.clients if revises else offered(chosen)
        form = cls(environment=chosen.value, **_known(earlier, revises), **_clients(clients))
        form.revises, form.offered = revises, offered
        if revises:
            form.fixed = frozenset({"organization", "time_zone"})
            form.environment.choices = [_choice(chosen)]
        return form

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field by itself, then: no client id of test in production, nor the reverse (E11)."""
        fine: bool = super().validate(extra_validators)
        if self.environment.errors:
            return False
        mixed_up = [field for field in self if self._of_other_kind(field)]
        for field in mixed_up:
            field.errors = ["This is the client ID of the other environment."]
        return fine and not mixed_up

    def _of_other_kind(self, field: Field) -> bool:
        others = {
            self.offers(field.name, kind)
            for kind in EnvironmentKind
            if kind.value != self.environment.data
        }
        here = self.offers(field.name, EnvironmentKind(self.environment.data))
        return bool(field.data) and field.data in others - {here}

    def refuse(self, refused: Refused) -> Problem:
        """Put a refusal where it belongs: next to its field, or on top of the form."""
        problem = PROBLEMS[refused.reason]
        if refused.reason in _ABOUT_THE_URL:
            self.fhir_base_url.errors = [" ".join(explanation(refused))]
        elif refused.reason is Reason.APPROVER_UNKNOWN:
            self.approver.errors = [f"{problem.cause} {problem.remedy}"]
        self.refusal = problem
        return problem

    def offers(self, name: str, kind: EnvironmentKind) -> str:
        """The client id the deployment registered for field `name` in this kind of environment."""
        return _clients(self.offered(kind)).get(name, "")

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


def _clients(clients: EhrClients) -> dict[str, str]:
    return {
        "provider_client_id": clients.provider,
        "patient_client_id": clients.patient,
        "backend_client_id": clients.backend,
    }


def _known(earlier: Standing | None, revises: Standing | None) -> dict[str, str]:
    if earlier is None:
        return {}
    known = {
        "organization": earlier.environment.organization_name,
        "time_zone": earlier.environment.time_zone,
        "approver": earlier.newest.approver.sign_in_name,
    }
    return known | ({"fhir_base_url": revises.newest.fhir_base_url} if revises else {})
