"""Clinician and analyst screens, driven as a browser without JavaScript drives them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup
from tests.conformance.mock_fhir.ehr_driver import PATIENT_CLIENT, PROVIDER_CLIENT, EhrDriver, Pkce

from mock_fhir.people import PASSWORD

RECORDS = {
    "provider": (PROVIDER_CLIENT, "https://localhost:8440/launch/provider"),
    "patient": (PATIENT_CLIENT, "https://localhost:8440/launch/patient"),
}
CONTEXT = "sessionId=%CSN%&environment=test&recordId=abc123&departmentId=%LOGINDEPTID%"
BEGIN = {"intent": "begin-virtual-visit"}


def record_text(kind: str, context: str = CONTEXT) -> str:
    return f"Launch URL: {RECORDS[kind][1]}\r\nContext: {context}\r\n"


def sign_in(ehr: EhrDriver, area: str, username: str, password: str = PASSWORD) -> Any:
    form = {"username": username, "password": password}
    return ehr.post(f"/{area}/sign-in", data=form)


def paste(ehr: EhrDriver, kind: str, text: str, client_id: str | None = None) -> Any:
    sign_in(ehr, "fdi", "CESPINOSA")
    chosen = RECORDS[kind][0]["client_id"] if client_id is None else client_id
    return ehr.post(f"/fdi/records/{kind}", data={"client_id": chosen, "record": text})


def page(ehr: EhrDriver, path: str) -> BeautifulSoup:
    answer = ehr.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def problem(answer: Any) -> str:
    return BeautifulSoup(answer.text, "html.parser").main.get_text(" ", strip=True)


@pytest.mark.parametrize("area", ["hyperspace", "haiku", "canto"])
def test_the_schedule_shows_todays_visits_of_the_clinician_in_the_sites_time(
    ehr: EhrDriver, area: str
) -> None:
    ehr.post("/sim/clock", json={"now": "2026-11-25T16:05:00Z"})
    ehr.post("/sim/reset")
    sign_in(ehr, area, "ACAREFUL")
    rows = page(ehr, f"/{area}/").select("section.visit")
    # 10:05 in Chicago: the second of the visits around now starts at 09:30
    assert [row.strong.text for row in rows] == [
        "09:00",
        "09:30",
        "09:45",
        "10:00",
        "10:30",
        "11:30",
    ]
    assert "Peter James Chalmers" in rows[1].text


def test_the_schedule_can_be_filtered_by_name_and_widened_to_all_clinicians(ehr: EhrDriver) -> None:
    sign_in(ehr, "hyperspace", "SHEPS")
    assert "John Doe" in page(ehr, "/hyperspace/").main.text
    rows = page(ehr, "/hyperspace/?everyone=1&name=chalm").select("section.visit h2")
    assert {row.text for row in rows} == {"Peter James Chalmers"}
    assert page(ehr, "/hyperspace/?name=nobody").select_one("#no-visits")


@pytest.mark.parametrize("days", [-1, 1])
def test_yesterday_and_tomorrow_have_visits_too(ehr: EhrDriver, days: int) -> None:
    sign_in(ehr, "hyperspace", "ACAREFUL")
    link = page(ehr, "/hyperspace/").select_one("#day-before" if days < 0 else "#day-after")
    assert link is not None
    assert len(page(ehr, f"/hyperspace/{link['href']}").select("section.visit")) == 2


def test_a_wrong_day_is_explained(ehr: EhrDriver) -> None:
    sign_in(ehr, "hyperspace", "ACAREFUL")
    answer = ehr.get("/hyperspace/?day=soon")
    assert (answer.status_code, "soon is no date" in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/hyperspace/", "/haiku/appointments/x", "/fdi/"])
def test_screens_ask_for_a_sign_in_first(ehr: EhrDriver, path: str) -> None:
    answer = ehr.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/sign-in")


@pytest.mark.parametrize(
    ("username", "password"),
    [("ACAREFUL", "wrong"), ("NOBODY", "sandbox"), ("PCHALMERS", "sandbox"), ("", "")],
)
def test_a_wrong_sign_in_is_told(ehr: EhrDriver, username: str, password: str) -> None:
    answer = sign_in(ehr, "hyperspace", username, password)
    assert (answer.status_code, 'id="error"' in answer.text) == (401, True)
    assert ehr.get("/hyperspace/").status_code == 303


@pytest.mark.parametrize(
    ("username", "path"),
    [("RBERK", "/hyperspace/"), ("CESPINOSA", "/hyperspace/"), ("ACAREFUL", "/fdi/"), ("RBERK", "/fdi/")],
)  # fmt: skip
def test_screens_are_closed_to_people_without_the_right(
    ehr: EhrDriver, username: str, path: str
) -> None:
    sign_in(ehr, "hyperspace", username)
    answer = ehr.get(path)
    assert answer.status_code == 403
    assert username in problem(answer)


def test_a_sign_in_of_test_is_none_of_production(ehr: EhrDriver, production: EhrDriver) -> None:
    sign_in(ehr, "hyperspace", "ACAREFUL")
    production.http = ehr.http
    assert ehr.get("/hyperspace/").status_code == 200
    assert production.get("/hyperspace/").status_code == 303


def test_signing_out_ends_the_session(ehr: EhrDriver) -> None:
    sign_in(ehr, "hyperspace", "ACAREFUL")
    ehr.post("/hyperspace/sign-out")
    assert ehr.get("/hyperspace/").status_code == 303


def test_the_session_cookie_is_hardened_and_named_apart(ehr: EhrDriver) -> None:
    cookie = sign_in(ehr, "hyperspace", "ACAREFUL").headers["Set-Cookie"]
    assert cookie.startswith("ehr_session=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax"))


def begin(ehr: EhrDriver, area: str = "hyperspace", **form: str) -> Any:
    visit = ehr.open_visit()
    sign_in(ehr, area, "ACAREFUL")
    return ehr.post(f"/{area}/appointments/{visit['appointment']}/begin", data={**BEGIN, **form})


def test_without_a_record_the_clinician_learns_who_must_paste_it_where(ehr: EhrDriver) -> None:
    answer = begin(ehr)
    assert answer.status_code == 409
    assert "CESPINOSA" in problem(answer)
    assert f"{ehr.base}/fdi/" in problem(answer)


def launched(ehr: EhrDriver, answer: Any) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == RECORDS["provider"][1]
    return dict(parse_qsl(location.query))


@pytest.mark.parametrize(
    ("area", "intent"), [("hyperspace", "begin-virtual-visit"), ("haiku", "visit-status")]
)
def test_begin_opens_the_record_and_the_token_is_shaped_like_epics(
    ehr: EhrDriver, area: str, intent: str
) -> None:
    client = ehr.register(launch_uris=[RECORDS["provider"][1]])
    assert paste(ehr, "provider", record_text("provider"), client["client_id"]).status_code == 303
    opened = launched(ehr, begin(ehr, area, intent=intent))
    visit = ehr.open_visit()
    token = ehr.token(client, launch=opened["launch"])
    assert opened["iss"] == ehr.fhir
    assert (token["need_patient_banner"], token["token_type"]) == ("false", "bearer")
    assert (token["sessionId"], token["environment"], token["recordId"]) == (
        visit["csn"],
        "test",
        "abc123",
    )
    assert (token["departmentId"], token["intent"]) == ("101002", intent)
    assert (token["appointment"], token["patient"]) == (visit["appointment"], visit["patient"])
    assert token["fhirContext"] == [{"reference": f"Appointment/{visit['appointment']}"}]


def test_begin_asks_for_no_second_sign_in(ehr: EhrDriver) -> None:
    client = ehr.register(launch_uris=[RECORDS["provider"][1]])
    paste(ehr, "provider", record_text("provider"), client["client_id"])
    opened = launched(ehr, begin(ehr))
    asked = ehr.request_for(client, Pkce(), launch=opened["launch"])
    assert "code" in ehr.authorize(asked)


@pytest.mark.parametrize("status", ["cancelled", "fulfilled"])
def test_a_visit_that_is_over_cannot_be_begun(ehr: EhrDriver, status: str) -> None:
    paste(ehr, "provider", record_text("provider"))
    sign_in(ehr, "hyperspace", "ACAREFUL")
    visit = next(one for one in ehr.visits() if one["status"] == status)
    answer = ehr.post(f"/hyperspace/appointments/{visit['appointment']}/begin", data=BEGIN)
    assert (answer.status_code, status in problem(answer)) == (409, True)
    shown = page(ehr, f"/hyperspace/appointments/{visit['appointment']}")
    assert shown.select_one(f"#begin-{visit['csn']}") is None


@pytest.mark.parametrize(("path", "status"), [("nope", 404), ("example", 404)])
def test_a_visit_that_is_not_of_the_clinic_is_not_found(
    ehr: EhrDriver, path: str, status: int
) -> None:
    sign_in(ehr, "hyperspace", "ACAREFUL")
    assert ehr.get(f"/hyperspace/appointments/{path}").status_code == status


def test_an_unknown_button_is_refused(ehr: EhrDriver) -> None:
    assert begin(ehr, intent="delete-visit").status_code == 400


def test_buttons_open_a_new_tab(ehr: EhrDriver) -> None:
    visit = ehr.open_visit()
    sign_in(ehr, "hyperspace", "ACAREFUL")
    button = page(ehr, "/hyperspace/").select_one(f"#begin-{visit['csn']}")
    assert button is not None
    form = button.find_parent("form")
    assert form is not None
    assert form["target"] == "_blank"


@pytest.mark.parametrize("kind", ["provider", "patient"])
def test_a_pasted_record_is_in_force_and_shown(ehr: EhrDriver, kind: str) -> None:
    answer = paste(ehr, kind, record_text(kind))
    shown = page(ehr, answer.headers["Location"])
    current = shown.select_one(f"#{kind}-current")
    assert current is not None
    assert current.text == record_text(kind).replace("\r\n", "\n").strip()
    assert shown.select_one("#saved") is not None


def test_a_record_can_be_removed(ehr: EhrDriver) -> None:
    paste(ehr, "patient", record_text("patient"))
    ehr.post("/fdi/records/patient/remove")
    assert page(ehr, "/fdi/").select_one("#patient-current") is None


URL = RECORDS["provider"][1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no line 'Launch URL: …'"),
        (f"Context: {CONTEXT}", "no line 'Launch URL: …'"),
        (f"Launch URL: {URL}", "has no %CSN%"),
        (f"Launch URL: http://localhost:8440/launch/provider\nContext: {CONTEXT}", "is not https"),
        (
            f"Launch URL: https://elsewhere.example/launch\nContext: {CONTEXT}",
            "is not a launch address",
        ),
        (f"Launch URL: {RECORDS['patient'][1]}\nContext: {CONTEXT}", "is not a launch address"),
        (
            f"Launch URL: {URL}\nContext: sessionId=%CSN%&who=%SHOESIZE%",
            "knows no mnemonic %SHOESIZE%",
        ),
        (f"Launch URL: {URL}\nContext: sessionId=%CSN%&access_token=x", "access_token is reserved"),
        (f"Launch URL: {URL}\nContext: sessionId=%CSN%&=x", "is no key=value pair"),
        (f"Launch URL: {URL}\nContext: sessionId=", "has no %CSN%"),
    ],
)
def test_a_wrong_record_is_refused_named_and_kept_for_correction(
    ehr: EhrDriver, text: str, words: str
) -> None:
    answer = paste(ehr, "provider", text)
    shown = BeautifulSoup(answer.text, "html.parser")
    problems, typed = shown.select_one("#provider-problems"), shown.select_one("#provider-record")
    assert answer.status_code == 400
    assert problems is not None
    assert words in problems.text
    assert typed is not None
    assert typed.text.strip() == text.strip()
    assert ehr.get("/sim/state").get_json()["records"] == {}


def test_a_record_needs_a_client(ehr: EhrDriver) -> None:
    answer = paste(ehr, "provider", record_text("provider"), client_id="")
    assert (answer.status_code, "Choose the OAuth client" in answer.text) == (400, True)


def test_a_wrong_record_leaves_the_one_in_force(ehr: EhrDriver) -> None:
    paste(ehr, "provider", record_text("provider"))
    paste(ehr, "provider", "nonsense")
    assert set(ehr.get("/sim/state").get_json()["records"]) == {"provider"}


def test_records_of_test_are_not_those_of_production(ehr: EhrDriver, production: EhrDriver) -> None:
    paste(ehr, "provider", record_text("provider"))
    assert production.get("/sim/state").get_json()["records"] == {}


def test_tomorrow_becomes_today_when_the_clock_moves(ehr: EhrDriver) -> None:
    sign_in(ehr, "hyperspace", "ACAREFUL")
    before = page(ehr, "/hyperspace/").h1
    ehr.simulator.clock.advance(timedelta(days=1))
    after = page(ehr, "/hyperspace/")
    assert before is not None
    assert after.h1 is not None
    assert after.h1.text != before.text
    assert len(after.select("section.visit")) == 2


@pytest.mark.parametrize("path", ["/hyperspace/sign-in", "/fdi/sign-in"])
def test_log_in_pages_list_the_people_and_fit_a_phone(ehr: EhrDriver, path: str) -> None:
    shown = page(ehr, path)
    assert shown.select_one('meta[name="viewport"]') is not None
    assert {"ACAREFUL", "CESPINOSA", "RBERK", "sandbox"} <= {
        one.text for one in shown.select("code")
    }
    labelled = {one["for"] for one in shown.select("label")}
    assert {"username", "password"} <= labelled
