"""The simulator as one Flask application."""

from flask import Blueprint, Flask, render_template

import mock_microsoft.control.forgeries
import mock_microsoft.control.meetings
import mock_microsoft.control.notifications
import mock_microsoft.control.people
import mock_microsoft.control.tenants
import mock_microsoft.entra.authorize
import mock_microsoft.entra.consent
import mock_microsoft.entra.device
import mock_microsoft.entra.discovery
import mock_microsoft.entra.token
import mock_microsoft.graph.attendance
import mock_microsoft.graph.meetings
import mock_microsoft.graph.subscriptions
import mock_microsoft.graph.users
import mock_microsoft.teams.doors
import mock_microsoft.teams.seat
from mock_microsoft.config import Configuration
from mock_microsoft.world import EXTENSION, World, current_world
from simkit.app import Simulator, create_simulator
from simkit.keys import IssuerKey

home = Blueprint("home", __name__)

BLUEPRINTS = (
    home,
    mock_microsoft.control.forgeries.blueprint,
    mock_microsoft.control.meetings.blueprint,
    mock_microsoft.control.notifications.blueprint,
    mock_microsoft.control.people.blueprint,
    mock_microsoft.control.tenants.blueprint,
    mock_microsoft.entra.authorize.blueprint,
    mock_microsoft.entra.consent.blueprint,
    mock_microsoft.entra.device.pages,
    mock_microsoft.entra.device.protocol,
    mock_microsoft.entra.discovery.blueprint,
    mock_microsoft.entra.token.blueprint,
    mock_microsoft.graph.attendance.blueprint,
    mock_microsoft.graph.meetings.blueprint,
    mock_microsoft.graph.subscriptions.blueprint,
    mock_microsoft.graph.users.blueprint,
    mock_microsoft.teams.doors.blueprint,
    mock_microsoft.teams.seat.blueprint,
)


def create_app(config: Configuration, key: IssuerKey | None = None) -> Flask:
    """`key` signs every token; without one it is made now."""
    simulator = Simulator(title="Microsoft simulator")
    world = World(config, simulator, key or IssuerKey())
    app = create_simulator("mock_microsoft", simulator, world)
    app.extensions[EXTENSION] = world
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


@home.get("/")
def index() -> str:
    world = current_world()
    return render_template(
        "microsoft/home.html",
        url=world.config.public_url,
        tenants=world.directory.tenants,
        people=world.directory.people,
        apps=world.apps.registrations,
    )
