"""Pages of a meeting: plain forms that a person, a keyboard or a demo drives."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    CONTOSO,
    ERIC,
    FABRIKAM,
    GUEST,
    Desk,
    local,
    page,
    quoted,
)
from werkzeug.test import TestResponse


def patient_url(desk: Desk, meeting: dict[str, Any]) -> str:
    path = f"users/{ADAM}/onlineMeetings/{meeting['id']}/getVirtualAppointmentJoinWebUrl"
    return local(desk.graph("GET", path).get_json()["value"])


class Seat:
    """A browser with a page of the meeting open."""

    def __init__(self, browser: FlaskClient, response: TestResponse) -> None:
        self.browser = browser
        self.path = response.location
        assert self.path, response.text

    def text(self) -> str:
        return self.browser.get(self.path).text

    def state(self) -> str:
        heading = page(self.browser.get(self.path)).select_one("h1")
        assert heading is not None
        return str(heading["id"]).removeprefix("state-")

    def press(self, action: str, **form: str) -> TestResponse:
        return self.browser.post(f"{self.path}/{action}", data=form)

    def press_first(self, action: str) -> TestResponse:
        """The first Admit or Deny button of the page, with the hidden field of its form."""
        form = page(self.browser.get(self.path)).select_one(f"form.{action}")
        assert form is not None
        field = form.select_one("input[name=participant]")
        assert field is not None
        return self.browser.post(str(form["action"]), data={"participant": str(field["value"])})


def clinician_joins(desk: Desk, meeting: dict[str, Any], account: str = ADAM) -> Seat:
    browser = desk.sign_in_to_teams(account)
    return Seat(browser, browser.post(local(meeting["joinWebUrl"]), data={"join_now": "1"}))


def patient_joins(desk: Desk, meeting: dict[str, Any], name: str = "Amy Shaw") -> Seat:
    browser = desk.new_browser()
    return Seat(browser, browser.post(patient_url(desk, meeting), data={"display_name": name}))


@pytest.fixture
def meeting(desk: Desk) -> dict[str, Any]:
    meeting = desk.meeting()
    desk.lobby(meeting, "organizer")
    return meeting


def test_a_visit_from_lobby_to_end(desk: Desk, meeting: dict[str, Any]) -> None:
    patient = patient_joins(desk, meeting)
    assert patient.state() == "lobby"
    clinician = clinician_joins(desk, meeting)
    assert "Amy Shaw" in clinician.text()
    clinician.press_first("admit")
    assert patient.state() == "in-call"
    assert "Adam Careful" in patient.text()
    clinician.press("end")
    assert (patient.state(), clinician.state()) == ("ended", "ended")


def test_the_waiting_page_updates_by_itself(desk: Desk, meeting: dict[str, Any]) -> None:
    patient = patient_joins(desk, meeting)
    refresh = page(patient.browser.get(patient.path)).select_one("meta[http-equiv=refresh]")
    assert refresh is not None
    assert str(refresh["content"]).endswith(f"url={patient.path}")


def test_the_clinicians_page_has_stable_names_for_its_buttons(
    desk: Desk, meeting: dict[str, Any]
) -> None:
    patient_joins(desk, meeting)
    clinician = clinician_joins(desk, meeting)
    buttons = page(clinician.browser.get(clinician.path)).select("button")
    assert {(b["id"], b["name"]) for b in buttons} == {
        ("admit-1", "admit"), ("deny-1", "deny"), ("leave", "leave"), ("end-meeting", "end_meeting"),
    }  # fmt: skip


def test_a_denied_patient_is_told(desk: Desk, meeting: dict[str, Any]) -> None:
    patient, clinician = patient_joins(desk, meeting), clinician_joins(desk, meeting)
    clinician.press_first("deny")
    assert patient.state() == "denied"


def test_a_patient_who_comes_back_waits_again(desk: Desk, meeting: dict[str, Any]) -> None:
    patient, clinician = patient_joins(desk, meeting), clinician_joins(desk, meeting)
    clinician.press_first("admit")
    patient.press("leave")
    assert patient.state() == "left"
    back = Seat(patient.browser, patient.press("rejoin"))
    assert back.state() == "lobby"


def test_with_an_open_lobby_a_patient_comes_straight_in(
    desk: Desk, meeting: dict[str, Any]
) -> None:
    desk.lobby(meeting, "everyone")
    assert patient_joins(desk, meeting).state() == "in-call"


def test_the_lobby_page_says_when_the_meeting_ended(desk: Desk, meeting: dict[str, Any]) -> None:
    patient, clinician = patient_joins(desk, meeting), clinician_joins(desk, meeting)
    clinician.press("end")
    assert patient.state() == "ended"


def test_a_patient_sees_neither_lobby_nor_end_button(desk: Desk, meeting: dict[str, Any]) -> None:
    desk.lobby(meeting, "everyone")
    buttons = page(desk.browser.get(patient_joins(desk, meeting).path)).select("button")
    assert [button["id"] for button in buttons] == ["leave"]


def test_a_patient_cannot_end_or_admit_by_force(desk: Desk, meeting: dict[str, Any]) -> None:
    waiting = desk.join(meeting, display_name="Second patient")
    desk.lobby(meeting, "everyone")
    patient = patient_joins(desk, meeting)
    assert patient.press("end").status_code == 409
    assert patient.press("admit", participant=waiting["id"]).status_code == 409
    assert patient.state() == "in-call"


def test_someone_in_the_lobby_cannot_admit_themselves(desk: Desk, meeting: dict[str, Any]) -> None:
    browser = desk.sign_in_to_teams(ERIC)
    seat = Seat(browser, browser.post(local(meeting["joinWebUrl"]), data={"join_now": "1"}))
    own = next(p for p in desk.sim("GET", f"meetings/{quoted(meeting)}").get_json()["participants"])
    assert seat.press("admit", participant=own["id"]).status_code == 409
    assert seat.state() == "lobby"


def test_admitting_someone_who_left_says_so(desk: Desk, meeting: dict[str, Any]) -> None:
    patient, clinician = patient_joins(desk, meeting), clinician_joins(desk, meeting)
    shown = page(clinician.browser.get(clinician.path)).select_one("form.admit input")
    assert shown is not None
    patient.press("leave")
    answer = clinician.press("admit", participant=str(shown["value"]))
    assert answer.status_code == 409
    assert "no longer waiting" in answer.text


def test_joining_twice_with_one_account_keeps_the_seat(desk: Desk, meeting: dict[str, Any]) -> None:
    assert clinician_joins(desk, meeting).path == clinician_joins(desk, meeting).path


def test_a_guest_account_waits_when_guests_are_excluded(
    desk: Desk, meeting: dict[str, Any]
) -> None:
    desk.lobby(meeting, "organizationExcludingGuests")
    assert clinician_joins(desk, meeting, GUEST).state() == "lobby"
    assert clinician_joins(desk, meeting, ERIC).state() == "in-call"


def test_without_session_staff_may_sign_in_or_join_by_name(
    desk: Desk, meeting: dict[str, Any]
) -> None:
    browser = desk.new_browser()
    door = page(browser.get(local(meeting["joinWebUrl"])))
    assert door.select_one("a#sign-in") is not None
    answer = browser.post(
        local(meeting["joinWebUrl"]), data={"join_as_guest": "1", "display_name": "Interpreter"}
    )
    assert Seat(browser, answer).state() == "lobby"


def test_signing_in_for_teams_comes_back_to_the_meeting(
    desk: Desk, meeting: dict[str, Any]
) -> None:
    link = page(desk.browser.get(local(meeting["joinWebUrl"]))).select_one("a#sign-in")
    assert link is not None
    answer = desk.browser.post(str(link["href"]), data={"account": ADAM})
    assert answer.location == local(meeting["joinWebUrl"])
    assert "join-now" in desk.browser.get(answer.location).text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_signing_in_never_goes_to_another_host(desk: Desk, target: str) -> None:
    answer = desk.browser.post(
        "/signin", query_string={"return_to": target}, data={"account": ADAM}
    )
    assert answer.location == "/"


def test_joining_without_session_does_not_join(desk: Desk, meeting: dict[str, Any]) -> None:
    answer = desk.new_browser().post(local(meeting["joinWebUrl"]), data={"join_now": "1"})
    assert answer.status_code == 400
    assert desk.sim("GET", "state").get_json()["participants"] == 0


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_patient_needs_a_name_of_reasonable_length(
    desk: Desk, meeting: dict[str, Any], name: str
) -> None:
    answer = desk.browser.post(patient_url(desk, meeting), data={"display_name": name})
    assert answer.status_code == 400
    assert page(answer).select_one("#problem") is not None


def test_a_name_is_shown_as_text_never_as_markup(desk: Desk, meeting: dict[str, Any]) -> None:
    desk.lobby(meeting, "everyone")
    assert "<script>alert" not in patient_joins(desk, meeting, "<script>alert(1)</script>").text()


def test_a_link_to_no_meeting_says_what_to_do(desk: Desk) -> None:
    answer = desk.browser.get(
        "/l/meetup-join/19%3ameeting_x%40thread.v2/0", headers={"Accept": "text/html"}
    )
    assert answer.status_code == 404
    assert "Start the visit again" in answer.text


def test_a_patients_link_of_another_tenant_is_refused(desk: Desk, meeting: dict[str, Any]) -> None:
    url = patient_url(desk, meeting).replace(CONTOSO, FABRIKAM)
    assert desk.browser.get(url).status_code == 404


@pytest.mark.parametrize("action", ["admit", "deny", "leave", "end", "rejoin"])
def test_an_invented_seat_can_do_nothing(desk: Desk, action: str) -> None:
    assert desk.browser.post(f"/teams/seat/invented/{action}").status_code == 404


def test_the_front_page_names_everyone_a_stranger_can_sign_in_as(desk: Desk) -> None:
    text = desk.browser.get("/").text
    assert "admin@contoso-health.example" in text
    assert "jonas.keller@fabrikam-klinik.example" in text
