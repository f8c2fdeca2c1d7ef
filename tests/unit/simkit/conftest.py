from typing import Any

import pytest
import trustme
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from tests.unit.simkit.counting_world import CountingWorld

from simkit.app import Simulator, create_simulator
from simkit.control import control_plane


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(title="Counter simulator")


@pytest.fixture
def world() -> CountingWorld:
    return CountingWorld()


@pytest.fixture
def app(simulator: Simulator, world: CountingWorld) -> Flask:
    app = create_simulator(__name__, simulator, world)
    app.register_blueprint(control_plane(simulator, world, scope="/north", name="sim_north"))

    @app.post("/count")
    def count() -> Any:
        world.count += 1
        return jsonify({"count": world.count, "said": request.form.get("word")})

    @app.get("/north/place")
    def place() -> str:
        return "<h1>north</h1>"

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    for pem in leaf.cert_chain_pems:
        pem.write_to_path(str(folder / "cert.pem"), append=True)
    return {name: str(folder / f"{name}.pem") for name in ("ca", "key", "cert")}
