"""An approval under way in browsers: forms with their token, both sign-ins of the approver."""

import re

from flask.testing import FlaskClient
from tests.builders.approvals import ID, OLIVIA
from tests.builders.configurations import awaiting
from tests.builders.launches import PROVIDER_USER
from tests.builders.web import ORIGIN, Site
from werkzeug.test import TestResponse

from connector.domain.configuration import Revision

APPROVAL = f"/approvals/{ID}"
_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


def revision_awaits(site: Site, base: str, **changes: object) -> Revision:
    """The environment, a revision that awaits Olivia, and the EHR that answers for it."""
    site.world.add_environment()
    site.world.smart.add_ehr(base)
    revision = awaiting(**changes)
    with site.world.store.write() as tx:
        tx.configurations.add_revision(revision)
    return revision


def token_of(site: Site, browser: FlaskClient, page: str) -> str:
    """The token of a form on this page, of this browser's session."""
    found = _TOKEN.search(site.get(browser, page).get_data(as_text=True))
    assert found is not None
    return found[1]


def post(site: Site, browser: FlaskClient, path: str, page: str, **form: str) -> TestResponse:
    """Send a form that stands on `page`."""
    data = {"csrf_token": token_of(site, browser, page), **form}
    return browser.post(path, base_url=ORIGIN, data=data)


def ehr_answer(site: Site, browser: FlaskClient, revision_id: str = ID) -> dict[str, str]:
    """Go to the EHR from the approval page and sign in there: the query of the callback."""
    away = site.get(browser, f"/approvals/{revision_id}/ehr")
    return site.world.smart.sign_in(away.location, PROVIDER_USER)


def olivia_proved(site: Site) -> FlaskClient:
    """Olivia's browser, both sign-ins done; only the yes is missing."""
    browser = site.signed_in(site.browser(), OLIVIA)
    site.get(browser, APPROVAL)
    query = ehr_answer(site, browser)
    assert site.get(browser, "/approvals/ehr/callback", query_string=query).status_code == 303
    return browser
