"""A connector with one approved environment, reached over HTTP."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.builders.web import Site
from tests.builders.world import World


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(World(tmp_path))
    site.world.add_environment()
    site.world.approve()
    site.world.book()
    return site


@pytest.fixture
def browser(site: Site) -> FlaskClient:
    return site.browser()
