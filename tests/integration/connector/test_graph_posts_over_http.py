"""Graph's webhooks over HTTP: 202 whatever is posted, and only what is ours is kept (cases 54, 56)."""

import pytest
from flask.testing import FlaskClient
from tests.builders.calls import connected, roster
from tests.builders.configurations import TENANT
from tests.builders.launches import PROVIDER_OBJECT_ID, provider_launch
from tests.builders.web import ORIGIN, Site

from connector.usecases.prove_notification import client_state_of


def post(browser: FlaskClient, body: bytes, path: str = "/graph/notifications") -> int:
    return browser.post(path, base_url=ORIGIN, data=body).status_code


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"value": 7}'])
def test_case_56_garbage_is_answered_and_not_kept(
    site: Site, browser: FlaskClient, body: bytes
) -> None:
    assert post(browser, body) == 202
    assert post(browser, body, "/graph/lifecycle") == 202

    assert site.world.rows("graph_notification") == []
    assert site.world.rows("audit_event") == []


@pytest.mark.parametrize(("ours", "kept"), [(True, 1), (False, 0)], ids=["ours", "foreign"])
def test_case_54_a_post_is_answered_the_same_whether_it_is_kept_or_not(
    site: Site,
    browser: FlaskClient,
    ours: bool,  # noqa: FBT001 - a parameter of the case
    kept: int,
) -> None:
    world = site.world
    opened = world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    state = client_state_of(world.sealer, opened.visit.id) if ours else "wrong"
    body = world.reader.post([("s", state, TENANT, roster(1, connected("guest")))])

    assert post(browser, body) == 202

    assert len(world.rows("graph_notification")) == kept
