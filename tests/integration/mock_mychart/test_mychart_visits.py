"""The list of visits, one visit, and its start: what the patient sees and where the button leads."""

from typing import Any

import pytest

LAUNCH = "https://localhost:9/launch/patient"
CHILD = {"id": "pat-leo", "name": "Leo Canary", "relationship": "child"}


def shown_ids(browser: Any) -> list[str]:
    return [link["id"] for link in browser.page.select("#appointments a.card")]


def test_visits_of_a_signed_out_browser_are_not_shown(browser: Any, ehr: Any) -> None:
    response = browser.open("/test/appointments?show=past")
    assert response.status_code == 303
    assert response.location == "/test/login?next=/test/appointments?show%3Dpast"


def test_times_are_those_of_the_site(browser: Any, ehr: Any) -> None:
    ehr.appointments = [ehr.visit(), ehr.visit(id="appt-2", time_zone="Asia/Tokyo")]
    browser.log_in()
    browser.open("/test/appointments")
    assert "9:30 AM to 10:00 AM CST" in browser.text("appointment-appt-1")
    assert "Thursday, November 26, 2026" in browser.text("appointment-appt-2")
    assert "12:30 AM to 1:00 AM JST" in browser.text("appointment-appt-2")


@pytest.mark.parametrize(
    ("start", "hours"),
    [("2026-11-01T05:30:00Z", "12:30 AM to 1:30 AM CDT"), ("2026-11-01T18:00:00Z", "12:00 PM")],
)
def test_times_follow_the_clock_change_of_the_site(
    browser: Any, ehr: Any, start: str, hours: str
) -> None:
    end = start.replace("05:30", "06:30").replace("18:00", "19:00")
    ehr.appointments = [ehr.visit(start=start, end=end)]
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert hours in browser.page.find("time").get_text()


def test_list_is_split_into_upcoming_and_past(browser: Any, ehr: Any) -> None:
    over = {"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:30:00Z", "can_begin": False}
    ehr.appointments = [
        ehr.visit(id="later", start="2026-12-01T15:00:00Z", end="2026-12-01T15:30:00Z"),
        ehr.visit(id="now"),
        ehr.visit(id="over", **over),
        ehr.visit(id="done", status="fulfilled", can_begin=False),
    ]
    browser.log_in()
    browser.open("/test/appointments")
    assert shown_ids(browser) == ["appointment-now", "appointment-later"]
    browser.open("/test/appointments?show=past")
    assert shown_ids(browser) == ["appointment-done", "appointment-over"]


def test_late_visit_that_can_still_begin_stays_upcoming(browser: Any, ehr: Any) -> None:
    browser.client.post("/sim/clock", json={"now": "2026-11-25T16:20:00Z"})
    browser.log_in()
    browser.open("/test/appointments")
    assert shown_ids(browser) == ["appointment-appt-1"]


@pytest.mark.parametrize("query", ["show=nonsense", "show=", "patient=somebody-else"])
def test_unknown_filter_shows_what_no_filter_shows(browser: Any, query: str) -> None:
    browser.log_in()
    browser.open(f"/test/appointments?{query}")
    assert shown_ids(browser) == ["appointment-appt-1"]


def test_empty_list_says_so(browser: Any, ehr: Any) -> None:
    ehr.appointments = []
    browser.log_in()
    browser.open("/test/appointments")
    assert browser.text("no-appointments") == "There are no upcoming visits."


def test_proxy_sees_whose_visit_it_is_and_can_narrow_the_list(browser: Any, ehr: Any) -> None:
    ehr.patients = [*ehr.patients, CHILD]
    ehr.appointments = [
        ehr.visit(),
        ehr.visit(id="leo", patient_id="pat-leo", patient_name="Leo Canary"),
    ]
    browser.log_in()
    browser.open("/test/appointments")
    assert "For Leo Canary (your child)" in browser.text("appointment-leo")
    assert "For Camila Canary (you)" in browser.text("appointment-appt-1")
    browser.open("/test/appointments?patient=pat-leo")
    assert shown_ids(browser) == ["appointment-leo"]


def test_patient_without_proxy_is_not_asked_whose_visits(browser: Any) -> None:
    browser.log_in()
    browser.open("/test/appointments")
    assert not browser.has("patient")


def test_begin_virtual_visit_follows_the_launch_url_of_the_ehr(browser: Any, ehr: Any) -> None:
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert "Prepare for your visit" in browser.page.get_text()
    response = browser.submit("begin")
    assert response.status_code == 303
    assert response.location.startswith(LAUNCH)
    assert ehr.launches == [{"account_id": "acc-1", "appointment_id": "appt-1"}]


@pytest.mark.parametrize("token", ["", "made-up"])
def test_begin_sent_by_another_site_asks_for_no_launch(browser: Any, ehr: Any, token: str) -> None:
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert browser.submit("begin", csrf_token=token).status_code == 400
    assert ehr.launches == []


def test_begin_by_a_link_asks_for_no_launch(browser: Any, ehr: Any) -> None:
    browser.log_in()
    assert browser.open("/test/appointments/appt-1/begin").status_code == 405
    assert ehr.launches == []


def test_begin_after_log_out_leads_to_the_log_in(browser: Any, ehr: Any) -> None:
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    browser.client.post("/sim/reset")
    response = browser.submit("begin")
    assert response.location == "/test/login"
    assert ehr.launches == []


@pytest.mark.parametrize(
    ("code", "title", "remedy"),
    [
        ("no-integration-record", "not set up yet", "by phone"),
        ("visit-not-open", "cannot begin now", "chose today's visit"),
        ("too-early", "too early", "closer to the start"),
        ("cancelled", "was cancelled", "new appointment"),
        ("ended", "is over", "today's visit"),
        ("not-virtual", "in person", "Come to the clinic"),
        ("something-new", "cannot begin now", "Try again in a few minutes"),
    ],
)
def test_refused_launch_is_explained_with_what_to_do(
    browser: Any, ehr: Any, code: str, title: str, remedy: str
) -> None:
    ehr.launch = (409, {"error": code, "message": "Words of the EHR."})
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert browser.submit("begin").status_code == 409
    assert title in browser.page.find("h1").get_text()
    assert browser.text("cause") == "Words of the EHR."
    assert remedy in browser.text("remedies")


def test_refused_launch_without_words_still_names_the_cause(browser: Any, ehr: Any) -> None:
    ehr.launch = (409, {})
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    browser.submit("begin")
    assert browser.text("cause")


def test_launch_refused_as_too_early_works_from_the_same_page_later(browser: Any, ehr: Any) -> None:
    ehr.launch = (409, {"error": "too-early", "message": "Opens at 9:15."})
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    browser.submit("begin")
    ehr.launch = (200, {"url": LAUNCH})
    assert browser.submit("retry").location == LAUNCH


@pytest.mark.parametrize(
    "url", ["http://localhost:9/launch", "/launch/patient", "javascript:alert(1)", ""]
)
def test_launch_url_that_is_not_https_is_never_followed(browser: Any, ehr: Any, url: str) -> None:
    ehr.launch = (200, {"url": url})
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert browser.submit("begin").status_code == 502


def test_visit_that_cannot_begin_yet_says_why_and_keeps_the_button(browser: Any, ehr: Any) -> None:
    ehr.appointments = [ehr.visit(can_begin=False, reason="You can begin from 9:15 AM.")]
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert browser.text("reason") == "You can begin from 9:15 AM."
    assert browser.has("begin-virtual-visit")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled", "can_begin": False},
        {"virtual": False, "can_begin": False},
        {"status": "fulfilled", "can_begin": False},
        {"end": "2026-11-25T15:19:00Z", "can_begin": False},
    ],
)
def test_visit_that_will_never_begin_has_no_button(browser: Any, ehr: Any, changes: Any) -> None:
    ehr.appointments = [ehr.visit(**changes)]
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert not browser.has("begin-virtual-visit")


def test_visit_of_another_account_is_not_found(browser: Any) -> None:
    browser.log_in()
    assert browser.open("/test/appointments/appt-of-somebody-else").status_code == 404
    assert browser.has("remedies")


def test_launch_of_a_visit_the_ehr_does_not_know_is_not_found(browser: Any, ehr: Any) -> None:
    ehr.launch = (404, {})
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert browser.submit("begin").status_code == 404


def test_account_that_the_ehr_forgot_is_told_to_log_in_again(browser: Any, ehr: Any) -> None:
    browser.log_in()
    ehr.knows_account = False
    assert browser.open("/test/appointments").status_code == 404
    assert "log in again" in browser.text("remedies")


@pytest.mark.parametrize("status", [500, 503])
def test_ehr_with_a_server_error_is_said_to_be_down(browser: Any, ehr: Any, status: int) -> None:
    browser.log_in()
    ehr.failing_status = status
    for path in ("/test/appointments", "/test/appointments/appt-1", "/test/login"):
        assert browser.open(path).status_code == 503
        assert "not answering" in browser.page.find("h1").get_text()


def test_ehr_that_is_gone_is_said_to_be_down_and_may_be_tried_again(
    portal: Any, browser: Any
) -> None:
    portal.extensions["mychart_environments"]["test"].ehr._api = "http://localhost:1/mychart-api"
    assert browser.open("/test/login").status_code == 503
    assert browser.page.find(id="try-again")["href"] == "/test/login"


@pytest.mark.parametrize("status", [401, 403])
def test_ehr_that_refuses_the_portals_key_is_a_fault_of_the_installation(
    browser: Any, ehr: Any, status: int
) -> None:
    browser.log_in()
    ehr.failing_status = status
    assert browser.open("/test/appointments").status_code == 502
    assert "ehr_key" in browser.text("tester-hint")


@pytest.mark.parametrize(
    "changes",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"start": "2026-11-25T15:30:00"},
        {"can_begin": None},
        {"practitioner_name": None},
    ],
)
def test_visit_in_an_unknown_shape_is_not_guessed_at(
    browser: Any, ehr: Any, changes: dict[str, Any]
) -> None:
    ehr.appointments = [ehr.visit(**changes)]
    browser.log_in()
    assert browser.open("/test/appointments").status_code == 502


def test_names_from_the_ehr_are_escaped(browser: Any, ehr: Any) -> None:
    ehr.appointments = [ehr.visit(practitioner_name="<script>alert(1)</script>")]
    browser.log_in()
    browser.open("/test/appointments/appt-1")
    assert browser.page.find("script") is None


def test_faults_asked_for_at_the_control_plane_are_met(browser: Any) -> None:
    browser.log_in()
    fault = {"route": "/test/appointments/*/begin", "method": "POST", "times": 1, "status": 503}
    browser.client.post("/sim/faults", json=fault)
    browser.open("/test/appointments/appt-1")
    assert browser.submit("begin").status_code == 503


def test_exchanges_with_the_ehr_are_in_the_journal(browser: Any) -> None:
    browser.log_in()
    browser.open("/test/appointments")
    entries = browser.client.get("/sim/journal?path=*/mychart-api/*").get_json()["entries"]
    assert {entry["direction"] for entry in entries} == {"out"}
    assert entries[-1]["path"] == "/tst/mychart-api/appointments"


@pytest.mark.parametrize(
    "path", ["/", "/test/login", "/test/appointments", "/test/appointments/appt-1"]
)
def test_every_page_is_made_for_a_phone_and_a_keyboard(browser: Any, path: str) -> None:
    browser.log_in()
    browser.open(path)
    page = browser.page
    labels = {label["for"] for label in page.find_all("label")}
    fields = {one["id"] for one in page.select("input:not([type=hidden]), select")}
    assert "width=device-width" in page.find("meta", attrs={"name": "viewport"})["content"]
    assert len(page.find_all("h1")) == 1
    assert fields <= labels
    assert page.find("script") is None
    assert page.html["lang"] == "en"
