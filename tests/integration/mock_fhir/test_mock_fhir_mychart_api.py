"""The API the patient portal calls: brief of mock_mychart."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.conformance.mock_fhir.ehr_driver import MYCHART_KEY, EhrDriver

API = "/mychart-api"
KEY = {"X-MyChart-Key": MYCHART_KEY}
LAUNCH_URL = "https://localhost:8440/launch/patient"


def call(ehr: EhrDriver, method: str, path: str, **options: Any) -> Any:
    return ehr.call(method, API + path, headers=KEY, **options)


def log_in(ehr: EhrDriver, username: str) -> dict[str, Any]:
    answer = call(ehr, "POST", "/login", json={"username": username, "password": "sandbox"})
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def visits(ehr: EhrDriver, username: str) -> list[dict[str, Any]]:
    account = log_in(ehr, username)["account_id"]
    return list(call(ehr, "GET", f"/appointments?account_id={account}").get_json()["appointments"])


def paste_patient_record(ehr: EhrDriver, client_id: str = "patient-app") -> None:
    text = f"Launch URL: {LAUNCH_URL}\nContext: sessionId=%CSN%&patientUser=%EPICUSERID%"
    seed = {"records": {"patient": {"client_id": client_id, "text": text}}}
    assert ehr.post("/sim/seed", json=seed).status_code == 200


def launch(ehr: EhrDriver, username: str, appointment_id: str) -> Any:
    account = log_in(ehr, username)["account_id"]
    return call(
        ehr, "POST", "/launch", json={"account_id": account, "appointment_id": appointment_id}
    )


def test_a_parent_signs_in_for_herself_and_the_child(ehr: EhrDriver) -> None:
    found = log_in(ehr, "lsolo")
    assert (found["account_id"], found["name"]) == ("WPR-1004", "Leia Solo")
    assert [(one["name"], one["relationship"]) for one in found["patients"]] == [
        ("Leia Solo", "self"),
        ("Jaina Solo", "child"),
    ]


@pytest.mark.parametrize(
    "sent",
    [
        {"username": "PCHALMERS", "password": "wrong"},
        {"username": "ACAREFUL", "password": "sandbox"},
        {"username": "NOBODY", "password": "sandbox"},
        {},
    ],
)
def test_a_wrong_log_in_is_refused_without_saying_which_part(
    ehr: EhrDriver, sent: dict[str, str]
) -> None:
    answer = call(ehr, "POST", "/login", json=sent)
    assert answer.status_code == 401
    assert answer.get_json()["message"] == "The user name or the password is wrong."


@pytest.mark.parametrize("headers", [{}, {"X-MyChart-Key": "guess"}])
@pytest.mark.parametrize("path", ["/accounts", "/appointments?account_id=WPR-1001"])
def test_the_api_needs_the_key(ehr: EhrDriver, path: str, headers: dict[str, str]) -> None:
    answer = ehr.get(API + path, headers=headers)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "wrong-key")


def test_a_body_that_is_no_object_is_refused(ehr: EhrDriver) -> None:
    assert call(ehr, "POST", "/login", data="x").status_code == 400


def test_visits_have_what_the_portal_shows(ehr: EhrDriver) -> None:
    visit = next(one for one in visits(ehr, "PCHALMERS") if one["can_begin"])
    assert set(visit) == {
        "id", "csn", "patient_id", "patient_name", "start", "end", "status", "practitioner_name", "department",
        "virtual", "can_begin", "reason", "time_zone",
    }  # fmt: skip
    assert (visit["practitioner_name"], visit["time_zone"], visit["reason"]) == ("Adam Careful", "America/Chicago", None)  # fmt: skip


def test_visits_are_those_of_the_accounts_patients_only(ehr: EhrDriver) -> None:
    assert {one["patient_id"] for one in visits(ehr, "LSOLO")} == {"infant-mom", "infant-twin-1"}
    assert {one["patient_id"] for one in visits(ehr, "PCHALMERS")} == {"example"}


def test_a_visit_opens_half_an_hour_before_and_says_so(ehr: EhrDriver) -> None:
    ehr.post("/sim/clock", json={"now": "2026-11-25T15:00:00Z"})  # 09:00 in Chicago
    ehr.post("/sim/reset")
    tomorrow = visits(ehr, "PCHALMERS")[-1]
    assert tomorrow["reason"] == "You can begin this visit from 13:30 on 26 November."
    ehr.simulator.clock.advance(timedelta(days=1, hours=4, minutes=31))
    assert next(one for one in visits(ehr, "PCHALMERS") if one["id"] == tomorrow["id"])["can_begin"]


def test_an_unknown_account_is_not_found(ehr: EhrDriver) -> None:
    for account in ("WPR-9999", "EMP-1001", ""):
        assert call(ehr, "GET", f"/appointments?account_id={account}").status_code == 404


def test_without_a_record_the_launch_says_what_is_missing(ehr: EhrDriver) -> None:
    answer = launch(ehr, "PCHALMERS", ehr.open_visit()["appointment"])
    assert (answer.status_code, answer.get_json()["error"]) == (409, "no-integration-record")


def test_launch_opens_the_patient_app_as_the_patient(ehr: EhrDriver) -> None:
    client = ehr.register(launch_uris=[LAUNCH_URL])
    paste_patient_record(ehr, client["client_id"])
    url = launch(ehr, "PCHALMERS", ehr.open_visit()["appointment"]).get_json()["url"]
    assert url.startswith(f"{LAUNCH_URL}?")
    opened = dict(parse_qsl(urlsplit(url).query))
    token = ehr.token(client, launch=opened["launch"])
    assert opened["iss"] == ehr.fhir
    assert (token["patientUser"], token["sessionId"]) == ("WPR-1001", ehr.open_visit()["csn"])


@pytest.mark.parametrize("appointment_id", ["nope", "example", None])
def test_a_visit_of_nobody_is_not_found(ehr: EhrDriver, appointment_id: str | None) -> None:
    paste_patient_record(ehr)
    assert launch(ehr, "PCHALMERS", str(appointment_id)).status_code == 404


def test_somebody_elses_visit_is_not_found(ehr: EhrDriver) -> None:
    paste_patient_record(ehr)
    assert launch(ehr, "PHEUVEL", ehr.open_visit()["appointment"]).status_code == 404


def test_a_visit_that_is_not_open_says_why(ehr: EhrDriver) -> None:
    paste_patient_record(ehr)
    cancelled = next(one for one in visits(ehr, "SIMONN") if one["status"] == "cancelled")
    answer = launch(ehr, "SIMONN", cancelled["id"])
    assert (answer.status_code, answer.get_json()["message"]) == (409, "This visit is cancelled.")


def test_accounts_are_listed_for_the_sandboxs_log_in_page(ehr: EhrDriver) -> None:
    found = call(ehr, "GET", "/accounts").get_json()["accounts"]
    assert {"username": "PCHALMERS", "name": "Peter Chalmers"} in found
    assert not any(one["username"] == "ACAREFUL" for one in found)
