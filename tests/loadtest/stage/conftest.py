"""The two simulators as a run meets them: served over HTTP, asked by `Controls`."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from flask import Flask
from loadtest.stage.controls import Controls
from tests.conformance.mock_fhir.ehr_driver import CONFIG, EhrDriver
from tests.conformance.mock_microsoft.microsoft_desk import Desk, configuration

from mock_fhir.application import create_mock_fhir
from simkit.server import Embedded

EHR_PREFIX = "/interconnect-tst-oauth"


@dataclass(frozen=True)
class Outside:
    """`ehr` and `microsoft` act without a server, `controls` asks over HTTP: the same two simulators."""

    ehr: EhrDriver
    microsoft: Desk
    controls: Controls


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Flask, Desk, Controls]]:
    ehr_app = create_mock_fhir(CONFIG)
    desk = Desk(configuration())
    with (
        Embedded(lambda _url: ehr_app) as ehr,
        Embedded(lambda _url: desk.app) as microsoft,
        requests.Session() as session,
    ):
        yield ehr_app, desk, Controls(session, ehr.url + EHR_PREFIX, microsoft.url)
    desk.world.deliveries.stop()


@pytest.fixture
def outside(served: tuple[Flask, Desk, Controls]) -> Outside:
    """As after start."""
    ehr_app, desk, controls = served
    driver = EhrDriver(ehr_app)
    driver.post("/sim/reset")
    desk.sim("POST", "reset")
    return Outside(driver, desk, controls)
