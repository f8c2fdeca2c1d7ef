"""Puts the portal together: instruments of a simulator, two blueprints, error pages."""

import secrets

from flask import Flask, Response, g, render_template
from flask_wtf.csrf import generate_csrf

from mock_mychart import access, environments
from mock_mychart.config import MyChartConfig
from mock_mychart.ehr import EhrError
from mock_mychart.explanations import explain
from mock_mychart.front_door import front_door
from mock_mychart.sign_ins import SignIns
from mock_mychart.visits import visits
from simkit.app import Simulator, create_simulator

STATUS_WORDS = {
    "proposed": "Requested",
    "pending": "Requested",
    "booked": "Booked",
    "arrived": "Arrived",
    "checked-in": "Checked in",
    "fulfilled": "Completed",
    "cancelled": "Cancelled",
    "noshow": "Missed",
}
RELATIONSHIP_WORDS = {"self": "you", "child": "your child"}


def create_mychart(config: MyChartConfig) -> Flask:
    """The portal of every configured environment."""
    simulator = Simulator(title="MyChart simulator")
    sign_ins = SignIns({name: one.ehr_url for name, one in config.environments.items()})
    app = create_simulator("mock_mychart", simulator, sign_ins)
    app.config.update(access.SESSION_COOKIE, SECRET_KEY=secrets.token_bytes(32))
    app.extensions[access.EXTENSION] = sign_ins
    app.extensions[environments.EXTENSION] = environments.open_environments(config, simulator)
    app.jinja_env.globals.update(
        csrf_token=generate_csrf,
        status_words=STATUS_WORDS,
        relationship_words=RELATIONSHIP_WORDS,
    )
    _register_pages(app)
    return app


def _register_pages(app: Flask) -> None:
    app.add_url_rule("/", "index", _index)
    app.register_error_handler(EhrError, _explain)
    app.after_request(_keep_out_of_caches)
    app.register_blueprint(front_door)
    app.register_blueprint(visits)


def _index() -> str:
    return render_template("mychart/index.html", environments=environments.environments().values())


def _explain(error: EhrError) -> Response:
    explanation = explain(error)
    page = render_template("mychart/explanation.html", explanation=explanation)
    return Response(page, status=explanation.status)


def _keep_out_of_caches(response: Response) -> Response:
    """Health data must not be in the browser's cache, nor behind its back button after log-out."""
    if g.get("environment_name"):
        response.headers["Cache-Control"] = "no-store"
    return response
