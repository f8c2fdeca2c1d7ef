"""An administrator at the portal: signs in with Microsoft, reads the overview, an environment, the audit trail."""

import re
from typing import Final

from loadtest.browser import Failed
from loadtest.personas.errand import Errand, wrong_page

_ENVIRONMENT: Final = re.compile(r'href="/configurations/((?!new\b)[^"/?]+)"')


def look_around(errand: Errand, reads_seconds: float) -> None:
    """Raises Failed, Shed."""
    portal = errand.stage.connector_url
    environment_id = sign_in(errand)
    for path, must_show in (
        (f"/configurations/{environment_id}", "h1"),
        (f"/audit?environment={environment_id}&outcome=success", 'id="audit-lines"'),
    ):
        errand.browser.clock.sleep(reads_seconds)
        page = errand.open(portal + path)
        if must_show not in page.text:
            raise wrong_page(page)


def sign_in(errand: Errand) -> str:
    """From the welcome page to the overview; the id of an environment it shows. Raises Failed, Shed."""
    stage = errand.stage
    welcome = errand.open(f"{stage.connector_url}/")
    if not welcome.has("sign-in"):
        raise wrong_page(welcome)
    picker = errand.open(f"{stage.connector_url}/signin/microsoft")
    if not picker.has("another-account"):
        raise wrong_page(picker)
    overview = errand.submit(picker.url, {"sign_in_name": stage.admin_sign_in})
    if not overview.has("audit-trail"):
        raise wrong_page(overview)
    errand.arrived()
    found = _ENVIRONMENT.search(overview.text)
    if found is None:
        raise Failed("no_environment_in_overview")
    return found.group(1)
