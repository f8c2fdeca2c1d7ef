"""Putting the EHR together: one blueprint per environment, with everything an environment serves."""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, render_template

from mock_fhir import mychart_api, writeback
from mock_fhir.config import KINDS, parse_config
from mock_fhir.environment import Environment, set_current_environment
from mock_fhir.errors import OAuthError, PageError
from mock_fhir.fhir import endpoints as fhir
from mock_fhir.people import PASSWORD
from mock_fhir.scenario import EnvironmentWorld, HospitalWorld
from mock_fhir.screens import fdi, schedule, session
from mock_fhir.sim_extras import environment_extras, hospital_extras
from mock_fhir.smart import authorize, discovery, introspection, registration, sign_in, token
from mock_fhir.smart.cors import add_cors_headers
from simkit.app import Simulator, create_simulator
from simkit.control import control_plane

# Registered beside the decision who may call it.
PARTS = (
    discovery.blueprint,  # everyone
    registration.blueprint,  # everyone
    authorize.blueprint,  # everyone; the client is checked
    sign_in.blueprint,  # whoever holds a pending sign-in; name and password
    token.blueprint,  # client authentication
    introspection.blueprint,  # client authentication or bearer
    fhir.blueprint,  # bearer with scope; /metadata everyone
    writeback.blueprint,  # bearer of a backend with system/Appointment.u
    mychart_api.blueprint,  # shared key
    session.blueprint,  # everyone; name and password
    schedule.blueprint,  # EHR user with the right to the schedule
    fdi.blueprint,  # EHR user with the right to integration records
)


def create_mock_fhir(document: Mapping[str, Any]) -> Flask:
    """The application from its configuration document. Raises ConfigError."""
    config = parse_config(document)
    simulator = Simulator(title="EHR simulator")
    environments = [Environment(kind, config, simulator) for kind in KINDS]
    app = create_simulator(__name__, simulator, HospitalWorld(environments))
    app.secret_key = secrets.token_bytes(32)
    app.config.update(
        # Cookies know no ports: the name must differ from those of the other parts on localhost.
        SESSION_COOKIE_NAME="ehr_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=config.public_url.startswith("https://"),
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.register_blueprint(hospital_extras(environments))
    for environment in environments:
        prefix, name = environment.kind.prefix, environment.kind.name
        world = EnvironmentWorld(environment)
        app.register_blueprint(control_plane(simulator, world, scope=prefix, name=f"sim_{name}"))
        app.register_blueprint(_environment_blueprint(environment))
    app.add_url_rule("/", "index", lambda: _index(environments))
    return app


def _environment_blueprint(environment: Environment) -> Blueprint:
    blueprint = Blueprint(environment.kind.name, __name__, url_prefix=environment.kind.prefix)
    # Not before_request: a fault may answer before that, and its answer needs CORS headers too.
    blueprint.url_value_preprocessor(
        lambda _endpoint, _values: set_current_environment(environment)
    )
    blueprint.after_request(add_cors_headers)
    blueprint.register_error_handler(OAuthError, token.answer_oauth_error)
    blueprint.register_error_handler(PageError, _answer_page_error)
    blueprint.register_error_handler(session.SignInNeeded, session.answer_sign_in_needed)
    for part in (*PARTS, environment_extras()):
        blueprint.register_blueprint(part)
    return blueprint


def _answer_page_error(error: PageError) -> Any:
    return render_template("ehr/problem.html", problem=error), error.status


def _index(environments: list[Environment]) -> str:
    return render_template("ehr/index.html", environments=environments, password=PASSWORD)
