"""Visit settings as browsers meet them: join window, waiting page, frames (U1-U4, C14, case 59)."""

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from tests.builders.configurations import TEST_BASE, active
from tests.builders.groups import CONFERENCE, group_visits_on
from tests.builders.launches import (
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    appointment,
    provider_launch,
)
from tests.builders.web import Site
from tests.builders.world import context_of
from tests.unit.web.page_reading import faults_of
from werkzeug.test import TestResponse

from connector.domain.launch import LaunchKind
from connector.domain.visit_settings import VisitSettings

START, END = appointment().start, appointment().end
assert START is not None
assert END is not None
OPENS, CLOSES = START - timedelta(minutes=30), END + timedelta(minutes=60)
HYPERSPACE = "https://hyperspace.contoso.example"
EHR = "https://ehr.contoso.example"


def approved(site: Site, **settings: Any) -> None:
    window = {"join_opens_minutes": 30, "join_closes_minutes": 60}
    site.world.approve(active(id="rev-2", number=2, settings=VisitSettings(**window | settings)))


def launched(
    site: Site, browser: FlaskClient, kind: LaunchKind = LaunchKind.PATIENT, **more: str
) -> TestResponse:
    begun = site.begin(browser, kind.value, TEST_BASE)
    user = {LaunchKind.PATIENT: PATIENT_USER, LaunchKind.PROVIDER: PROVIDER_USER}[kind]
    query = site.answer(begun, user, context_of(kind) | more)
    return site.get(browser, "/launch/callback", query_string=query)


def clinician_opens(site: Site) -> None:
    site.world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")


def page(answer: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


def framed_by(answer: TestResponse) -> list[str]:
    policy = answer.headers["Content-Security-Policy"]
    return policy.partition("frame-ancestors ")[2].split(";")[0].split()


# The join window --------------------------------------------------------------------------------


def test_u1_a_patient_who_is_early_reads_from_when_on_the_clinics_clock(
    site: Site, browser: FlaskClient
) -> None:
    approved(site)
    clinician_opens(site)

    away = launched(site, browser)
    waiting = site.get(browser, away.location)

    opens = page(waiting).select_one("#opens-at time")
    assert away.location.endswith("/wait")
    assert opens is not None
    assert opens.text == "2 March 2026, 08:30 CST"
    assert opens["datetime"] == OPENS.isoformat()
    assert page(waiting).select_one("noscript meta[http-equiv=refresh]") is not None


def test_the_waiting_page_keeps_the_promises_of_every_page_before_and_after_its_time(
    site: Site, browser: FlaskClient
) -> None:
    approved(site)
    waiting = launched(site, browser).location
    early = site.get(browser, waiting).get_data(as_text=True)
    site.world.clock.set(CLOSES + timedelta(seconds=1))
    late = site.get(browser, waiting).get_data(as_text=True)
    assert [faults_of(early), faults_of(late)] == [[], []]


def test_u3_the_status_says_when_and_why_and_the_server_decides(
    site: Site, browser: FlaskClient
) -> None:
    approved(site)
    clinician_opens(site)
    path = launched(site, browser).location.replace("/wait", "/status")
    times = {"opens_at": OPENS.isoformat(), "closes_at": CLOSES.isoformat()}

    seen = []
    for now in (OPENS - timedelta(seconds=1), OPENS, CLOSES + timedelta(seconds=1)):
        site.world.clock.set(now)
        seen.append(site.get(browser, path).json)

    assert seen == [
        {"state": "waiting_for_patient", "can_join": can_join, "reason": reason} | times
        for can_join, reason in ((False, "too_early"), (True, None), (False, "too_late"))
    ]


def test_u4_the_waiting_page_goes_on_when_it_is_time(site: Site, browser: FlaskClient) -> None:
    approved(site)
    clinician_opens(site)
    waiting = launched(site, browser).location
    site.world.clock.set(OPENS)

    onwards = site.get(browser, waiting)

    assert onwards.location == waiting.replace("/wait", "/join")
    assert site.get(browser, onwards.location).location.startswith("https://visit.teams.example/")


def test_who_asks_for_the_meeting_too_early_is_told_the_time_and_led_back(
    site: Site, browser: FlaskClient
) -> None:
    approved(site)
    clinician_opens(site)
    waiting = launched(site, browser).location

    refused = site.get(browser, waiting.replace("/wait", "/join"))

    shown = page(refused).select_one("#shown-time")
    assert refused.status_code == 409
    assert shown is not None
    assert shown.text == "You can join from 2 March 2026, 08:30 CST."
    assert page(refused).select_one("#open-visit") is not None


def test_case_59_who_launches_too_late_reads_until_when_and_whom_to_call(
    site: Site, browser: FlaskClient
) -> None:
    approved(site)
    site.world.clock.set(CLOSES + timedelta(seconds=1))

    refused = launched(site, browser)

    shown = page(refused).select_one("#shown-time")
    assert refused.status_code == 410
    assert shown is not None
    assert shown.text == "You could join until 2 March 2026, 10:30 CST."
    assert page(refused).select_one("#by-phone") is not None
    assert site.world.rows("visit") == []


def test_who_waited_until_the_window_closed_is_told_so(site: Site, browser: FlaskClient) -> None:
    approved(site)
    waiting = launched(site, browser).location
    clinician_opens(site)
    site.world.clock.set(CLOSES + timedelta(seconds=1))

    told = page(site.get(browser, waiting))
    refused = site.get(browser, waiting.replace("/wait", "/join"))

    assert told.select_one("#closes-at") is not None
    assert told.select_one("script") is None
    assert refused.status_code == 410


def test_no_time_of_the_appointment_reaches_the_audit_trail_or_the_log(
    site: Site, browser: FlaskClient
) -> None:
    approved(site)
    clinician_opens(site)
    launched(site, browser)
    site.world.clock.set(CLOSES + timedelta(seconds=1))
    launched(site, site.browser())
    kept = str([row["facts"] for row in site.world.rows("audit_event")]) + str(site.telemetry.seen)
    for at in (START, END, OPENS, CLOSES):
        assert f"{at:%H:%M}" not in kept


def test_a_clinician_waits_for_nothing(site: Site, browser: FlaskClient) -> None:
    """Outside the window as well: straight to Teams, and the status has no times."""
    approved(site)
    with site.world.store.write() as tx:
        tx.links.add(
            "env-test",
            PROVIDER_USER.user_id,
            active().tenant_id,
            PROVIDER_OBJECT_ID,
            site.world.clock.now(),
        )
    site.world.clock.set(CLOSES + timedelta(hours=9))

    away = launched(site, browser, LaunchKind.PROVIDER)

    visit_id = site.world.visit().id
    status = site.get(browser, f"/visits/{visit_id}/status").json
    assert away.location.startswith("https://teams.example/")
    assert status is not None
    assert (status["can_join"], status["opens_at"], status["closes_at"]) == (True, None, None)


# Frames -----------------------------------------------------------------------------------------


def test_c14_pages_may_be_framed_by_the_ehr_and_by_whom_the_approver_approved(
    site: Site, browser: FlaskClient
) -> None:
    approved(site, frame_ancestors=(HYPERSPACE,))
    begun = site.begin(browser, "patient", TEST_BASE)
    query = site.answer(begun, PATIENT_USER, context_of(LaunchKind.PATIENT))
    back = site.get(browser, "/launch/callback", query_string=query)
    visit = site.get(browser, back.location)

    assert [framed_by(each) for each in (begun, back, visit)] == [[EHR, HYPERSPACE]] * 3


def test_c14_a_refused_launch_is_seen_in_the_frame_it_began_in(
    site: Site, browser: FlaskClient
) -> None:
    approved(site, frame_ancestors=(HYPERSPACE,))
    refused = launched(site, browser, recordId="record-of-nobody")
    assert refused.status_code == 409
    assert framed_by(refused) == [EHR, HYPERSPACE]


def test_c14_without_the_setting_the_ehr_alone_may_frame(site: Site, browser: FlaskClient) -> None:
    away = launched(site, browser)
    assert framed_by(site.get(browser, away.location)) == [EHR]


def test_c14_a_visit_in_another_browser_is_framed_by_nobody(
    site: Site, browser: FlaskClient
) -> None:
    approved(site, frame_ancestors=(HYPERSPACE,))
    away = launched(site, browser)
    foreign = site.get(site.browser(), away.location)
    assert foreign.status_code == 404
    assert framed_by(foreign) == ["'none'"]


def test_c14_a_retired_environments_pages_are_framed_by_the_ehr_alone(
    site: Site, browser: FlaskClient
) -> None:
    approved(site, frame_ancestors=(HYPERSPACE,))
    away = launched(site, browser)
    with site.world.store.write() as tx:
        live = tx.configurations.door_of_environment("env-test")
        assert live is not None
        tx.configurations.retire(live.revision)
    assert framed_by(site.get(browser, away.location)) == [EHR]


# E9 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "record"), [(False, "group-patient"), (True, "record-patient")]
)
def test_e9_a_group_that_is_not_set_up_reads_which_setting_and_who(
    site: Site, browser: FlaskClient, *, setting: bool, record: str
) -> None:
    group_visits_on(site.world, setting=setting)
    refused = launched(site, browser, sessionId=CONFERENCE, recordId=record)
    assert refused.status_code == 409
    assert "Group visits" in page(refused).text
    assert "EHR analyst" in page(refused).text
