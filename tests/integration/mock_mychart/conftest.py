"""A small EHR that speaks the internal API, and a browser without JavaScript in front of the portal."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, abort, jsonify, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mock_mychart.app import create_mychart
from mock_mychart.config import read_config
from simkit.server import Embedded

KEY = "key-between-portal-and-ehr"
LAUNCH_URL = "https://localhost:9/launch/patient?iss=https%3A%2F%2Fehr.example&launch=one-time"


def make_visit(**changes: Any) -> dict[str, Any]:
    """A virtual visit of Camila that can begin now; times are those of the sandbox's clock tests."""
    return {
        "id": "appt-1",
        "csn": "500001",
        "patient_id": "pat-camila",
        "patient_name": "Camila Canary",
        "start": "2026-11-25T15:30:00Z",
        "end": "2026-11-25T16:00:00Z",
        "status": "booked",
        "practitioner_name": "Dr. Ada Adler",
        "department": "Cardiology",
        "virtual": True,
        "can_begin": True,
        "reason": None,
        "time_zone": "America/Chicago",
        **changes,
    }


@dataclass
class StubEhr:
    """Scripted answers: change a field, break one thing."""

    url: str = ""
    patients: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"id": "pat-camila", "name": "Camila Canary", "relationship": "self"}
        ]
    )
    appointments: list[dict[str, Any]] = field(default_factory=lambda: [make_visit()])
    launch: tuple[int, dict[str, Any]] = (200, {"url": LAUNCH_URL})
    launches: list[dict[str, Any]] = field(default_factory=list)
    failing_status: int | None = None
    knows_account: bool = True

    def visit(self, **changes: Any) -> dict[str, Any]:
        return make_visit(**changes)

    def application(self, base_url: str) -> Flask:
        self.url = base_url
        app = Flask("stub_ehr")
        app.before_request(self._guard)
        for method, path, answer in (
            ("GET", "accounts", self._accounts),
            ("POST", "login", self._login),
            ("GET", "appointments", self._list),
            ("POST", "launch", self._launch),
        ):
            for environment in ("tst", "prd"):
                url = f"/{environment}/mychart-api/{path}"
                app.add_url_rule(url, f"{environment}-{path}", answer, methods=[method])
        return app

    def _guard(self) -> None:
        if request.headers.get("X-MyChart-Key") != KEY:
            abort(403)
        if self.failing_status:
            abort(self.failing_status)

    def _accounts(self) -> Any:
        return jsonify({"accounts": [{"username": "camila", "name": "Camila Canary"}]})

    def _login(self) -> Any:
        asked = request.get_json()
        if (asked["username"], asked["password"]) != ("camila", "right"):
            refusal = {"error": "invalid-credentials", "message": "The password is not right."}
            return jsonify(refusal), 401
        account = {"account_id": "acc-1", "name": "Camila Canary", "patients": self.patients}
        return jsonify(account)

    def _list(self) -> Any:
        if not self.knows_account or request.args["account_id"] != "acc-1":
            abort(404)
        return jsonify({"appointments": self.appointments})

    def _launch(self) -> Any:
        self.launches.append(request.get_json())
        status, body = self.launch
        return jsonify(body), status


class Browser:
    """Follows links and sends forms as they are on the page; cookies are kept, scripts are not run."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = BeautifulSoup("", "html.parser")

    def open(self, path: str) -> TestResponse:
        return self._shown(self.client.get(path, base_url="https://localhost"))

    def submit(self, form_id: str, **fields: str) -> TestResponse:
        form = self.page.find("form", id=form_id)
        assert isinstance(form, Tag), f"no form {form_id} on the page"
        values = {str(one["name"]): str(one.get("value", "")) for one in form.select("input[name]")}
        response = self.client.post(
            str(form.get("action", "")), data=values | fields, base_url="https://localhost"
        )
        return self._shown(response)

    def log_in(self, environment: str = "test") -> None:
        self.open(f"/{environment}/login")
        response = self.submit("login", username="camila", password="right")
        assert response.status_code == 303

    def text(self, element_id: str) -> str:
        found = self.page.find(id=element_id)
        assert found is not None, f"no element {element_id} on the page"
        return found.get_text(" ", strip=True)

    def has(self, element_id: str) -> bool:
        return self.page.find(id=element_id) is not None

    def _shown(self, response: TestResponse) -> TestResponse:
        self.page = BeautifulSoup(response.get_data(as_text=True), "html.parser")
        return response


@pytest.fixture(scope="session")
def served_ehr() -> Iterator[StubEhr]:
    stub = StubEhr()
    with Embedded(stub.application):
        yield stub


@pytest.fixture
def ehr(served_ehr: StubEhr) -> StubEhr:
    """The served stub as it was at its start."""
    fresh = StubEhr(url=served_ehr.url)
    for one in fields(StubEhr):
        setattr(served_ehr, one.name, getattr(fresh, one.name))
    return served_ehr


@pytest.fixture
def portal(ehr: StubEhr) -> Flask:
    """The portal in front of the stub, at 15:20 UTC on the day of the visit."""
    app = create_mychart(
        read_config(
            {
                "public_url": "https://localhost:8442",
                "ehr_key": KEY,
                "environments": {
                    "test": {"ehr_url": f"{ehr.url}/tst"},
                    "production": {"ehr_url": f"{ehr.url}/prd"},
                },
            }
        )
    )
    app.test_client().post("/sim/clock", json={"now": "2026-11-25T15:20:00Z"})
    return app


@pytest.fixture
def browser(portal: Flask) -> Browser:
    return Browser(portal.test_client())
