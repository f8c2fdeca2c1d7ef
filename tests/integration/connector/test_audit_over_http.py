"""The audit trail in the portal: own tenant only, filtered, paged, downloaded (cases 45, 74)."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    TENANT,
    an_admin,
    identity,
    the_approver,
)
from tests.builders.web import Site
from tests.unit.web.page_reading import faults_of, read
from tests.unit.web.pages_world import HOSTILE
from werkzeug.test import TestResponse

from connector.ports.storage import AuditEntry

ENTRY = AuditEntry(
    NOON, "approver.configuration.approve", "success", "AB12-CD34", TENANT, "env-test", "oid-1"
)
PHONE_AND_DESKTOP = ["meta[name=viewport]", "form[method=get]", "#filter-show"]


@pytest.fixture
def admin(site: Site) -> FlaskClient:
    return site.signed_in(site.browser(), an_admin())


@pytest.fixture
def trail(site: Site) -> Site:
    """One line an hour for a hundred and twenty hours, every tenth refused; and another tenant's."""
    site.world.store.audit_all(
        replace(
            ENTRY,
            at=NOON + timedelta(hours=n),
            outcome="success" if n % 10 else "refused",
            facts={"revision": f"r{n}"},
        )
        for n in range(120)
    )
    site.world.store.audit_all([replace(ENTRY, tenant_id=OTHER_TENANT, reference="THEI-RS00")])
    return site


def look(site: Site, who: FlaskClient, status: int = 200, **query: str) -> BeautifulSoup:
    answer = site.get(who, "/audit", query_string=query)
    assert answer.status_code == status
    assert faults_of(answer.text) == []
    return read(answer.text)


def revisions(page: BeautifulSoup) -> list[str]:
    """Which lines are shown, by the fact that tells them apart."""
    names = page.select("#audit-lines dt")
    return [n.find_next("dd").text for n in names if n.text == "revision"]  # type: ignore[union-attr] # it has one


def downloaded(answer: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_the_newest_fifty_come_first(trail: Site, admin: FlaskClient) -> None:
    page = look(trail, admin, event=ENTRY.event)
    assert revisions(page) == [f"r{n}" for n in range(119, 69, -1)]
    assert page.select_one("#newest") is None


def test_older_leads_on_without_a_gap_and_keeps_the_filter(trail: Site, admin: FlaskClient) -> None:
    seen: list[str] = []
    path = "/audit?event=approver.configuration.approve"
    for _ in range(3):
        page = read(trail.get(admin, path).text)
        seen += revisions(page)
        older = page.select_one("#older")
        path = str(older["href"]) if older else ""
    assert seen == [f"r{n}" for n in range(119, -1, -1)]
    assert path == ""


def test_lines_are_folded_until_somebody_looks_one_up_by_its_reference(
    trail: Site, admin: FlaskClient
) -> None:
    """Fifty lines with everything they say are twenty screens of a phone."""
    page = look(trail, admin, event=ENTRY.event)
    assert len(page.select("#audit-lines details:not([open]) > summary time")) == 50
    found = look(trail, admin, reference="AB12-CD34", outcome="refused")
    assert len(found.select("#audit-lines details[open] dl")) == 12


def test_times_are_in_utc_and_say_so(trail: Site, admin: FlaskClient) -> None:
    page = look(trail, admin, event=ENTRY.event)
    time = page.select_one("#audit-lines time")
    assert time is not None
    assert time.text == "7 March 2026, 11:00 UTC"
    assert time["datetime"] == "2026-03-07T11:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"outcome": "refused"}, [f"r{n}" for n in range(110, -1, -10)]),
        ({"since": "2026-03-07"}, [f"r{n}" for n in range(119, 107, -1)]),
        ({"until": "2026-03-02"}, [f"r{n}" for n in range(11, -1, -1)]),
        ({"since": "2026-03-02", "until": "2026-03-02", "outcome": "refused"}, ["r10", "r0"]),
        ({"environment": "env-test", "outcome": "refused", "until": "2026-03-02"}, ["r10", "r0"]),
        ({"reference": " ab12-cd34 ", "outcome": "refused", "until": "2026-03-02"}, ["r10", "r0"]),
        ({"reference": "nothing"}, []),
        ({"environment": "another tenant's"}, []),
        ({"reference": "THEI-RS00"}, []),
        ({"event": "' OR 1=1 --"}, []),
    ],
    ids=str,
)
def test_a_filter_shows_what_it_says(
    trail: Site, admin: FlaskClient, query: dict[str, str], found: list[str]
) -> None:
    page = look(trail, admin, **query)
    assert revisions(page) == found
    assert (page.select_one("#nothing") is not None) == (not found)


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "9999-12-31", "2026-03-02T00:00", "٢"])
@pytest.mark.parametrize("field", ["since", "until"])
def test_a_day_that_is_none_is_said_at_its_field(
    site: Site, admin: FlaskClient, field: str, day: str
) -> None:
    page = look(site, admin, 422, **{field: day})
    assert page.select_one(f"#filter-{field}-error") is not None
    assert page.select("#audit-lines li") == []


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 30, "٣", ""])
def test_a_page_number_nobody_was_given_shows_the_newest(
    trail: Site, admin: FlaskClient, before: str
) -> None:
    page = look(trail, admin, before=before, event=ENTRY.event)
    assert revisions(page)[0] == "r119"


def test_case_74_another_tenants_lines_are_not_there(trail: Site, admin: FlaskClient) -> None:
    stranger = trail.signed_in(trail.browser(), an_admin(tenant_id=OTHER_TENANT))
    theirs = look(trail, stranger, event=ENTRY.event)
    assert revisions(theirs) == []
    assert "THEI-RS00" in theirs.text
    assert "Contoso" not in theirs.text
    download = trail.get(stranger, "/audit/trail.csv")
    assert {row["tenant_id"] for row in downloaded(download)} == {OTHER_TENANT}


@pytest.mark.parametrize("path", ["/audit", "/audit/trail.csv"])
def test_somebody_without_a_role_is_told_which_and_it_is_audited(site: Site, path: str) -> None:
    reader = site.signed_in(site.browser(), identity(object_id="reader"))
    answer = site.get(reader, path)
    assert answer.status_code == 403
    assert "Virtual Visits Administrators" in answer.text
    assert site.world.audited("admin.audit.refuse") == [{"reason": "audit_role_missing"}]


@pytest.mark.parametrize("path", ["/audit", "/audit/trail.csv"])
def test_nobody_looks_without_a_sign_in(site: Site, browser: FlaskClient, path: str) -> None:
    answer = site.get(browser, path)
    assert answer.status_code == 302
    assert "/signin/microsoft" in answer.location


def test_a_named_approver_looks(trail: Site) -> None:
    approver = trail.signed_in(trail.browser(), the_approver())
    assert revisions(look(trail, approver, event=ENTRY.event))[0] == "r119"


@pytest.mark.parametrize("selector", PHONE_AND_DESKTOP)
def test_the_page_works_on_a_phone_and_without_javascript(
    site: Site, admin: FlaskClient, selector: str
) -> None:
    page = look(site, admin)
    assert page.select_one(selector) is not None
    assert page.select("script") == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_case_45_no_stored_text_becomes_markup(site: Site, admin: FlaskClient, text: str) -> None:
    site.world.store.audit_all([replace(ENTRY, actor=text, facts={text: text})])
    page = look(site, admin, event=ENTRY.event)
    assert text in [bdi.text for bdi in page.select("#audit-lines bdi")]
    assert page.select("#audit-lines script") == []


def test_the_download_is_the_filtered_view_whole_and_oldest_first(
    trail: Site, admin: FlaskClient
) -> None:
    page = look(trail, admin, event=ENTRY.event)
    link = page.select_one("#download")
    assert link is not None
    answer = trail.get(admin, str(link["href"]))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit-trail.csv"'
    rows = downloaded(answer)
    assert [row["facts"] for row in rows] == [f'{{"revision": "r{n}"}}' for n in range(120)]


def test_a_download_by_a_filter_that_is_wrong_is_no_download(
    trail: Site, admin: FlaskClient
) -> None:
    answer = trail.get(admin, "/audit/trail.csv?since=yesterday")
    assert answer.status_code == 422
    assert read(answer.text).select_one("#filter-since-error") is not None
    assert trail.world.audited("admin.audit.export") == []


def test_a_download_leaves_a_line(trail: Site, admin: FlaskClient) -> None:
    assert trail.get(admin, "/audit/trail.csv").text
    rows = [r for r in trail.world.rows("audit_event") if r["event"] == "admin.audit.export"]
    assert [(row["tenant_id"], row["actor"]) for row in rows] == [(TENANT, an_admin().object_id)]


def test_the_overview_leads_to_the_trail(site: Site, admin: FlaskClient) -> None:
    link = read(site.get(admin, "/").text).select_one("#audit-trail")
    assert link is not None
    assert link["href"] == "/audit"


def test_a_line_that_somebody_tampered_with_is_still_shown(site: Site, admin: FlaskClient) -> None:
    site.world.store.audit_all([ENTRY])
    with site.world.store._engines.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_event SET facts = 'gone', outcome = 'great'")
    assert look(site, admin, event=ENTRY.event).select("#audit-lines li")
