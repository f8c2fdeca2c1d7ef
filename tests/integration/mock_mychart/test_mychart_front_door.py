"""Logging in and out of the portal: who gets in, what the browser is given, what a stranger sees."""

from http.cookies import SimpleCookie
from typing import Any

import pytest

from mock_mychart.config import ConfigError, read_config


def test_stranger_finds_both_portals_and_the_control_plane_from_the_index(browser: Any) -> None:
    browser.open("/")
    links = {link["href"] for link in browser.page.find_all("a")}
    assert {"/test/", "/production/", "/sim/"} <= links


def test_people_to_log_in_as_are_those_the_ehr_lists(browser: Any) -> None:
    browser.open("/test/login")
    assert "Camila Canary" in browser.page.get_text()
    browser.open("/test/login?username=camila")
    assert browser.page.find(id="username")["value"] == "camila"


def test_stranger_is_told_where_the_password_stands(browser: Any, ehr: Any) -> None:
    browser.open("/production/login")
    assert browser.page.find(id="ehr")["href"] == f"{ehr.url}/prd/hyperspace/"


def test_right_password_leads_to_the_appointments(browser: Any) -> None:
    browser.open("/test/login")
    response = browser.submit("login", username="camila", password="right")
    assert (response.status_code, response.location) == (303, "/test/appointments")
    browser.open(response.location)
    assert browser.text("signed-in-as") == "Camila Canary"


def test_wrong_password_is_refused_in_the_words_of_the_ehr(browser: Any) -> None:
    browser.open("/test/login")
    response = browser.submit("login", username="camila", password="wrong")
    assert response.status_code == 401
    assert browser.text("problem") == "The password is not right."
    assert browser.page.find(id="username")["value"] == "camila"
    assert browser.open("/test/appointments").status_code == 303


@pytest.mark.parametrize("missing", ["username", "password"])
def test_log_in_form_with_an_empty_field_is_refused(browser: Any, missing: str) -> None:
    browser.open("/test/login")
    fields = {"username": "camila", "password": "right"} | {missing: ""}
    assert browser.submit("login", **fields).status_code == 400
    assert "Enter your username" in browser.text("problem")


@pytest.mark.parametrize("token", ["", "made-up"])
def test_log_in_form_sent_by_another_site_is_refused(browser: Any, token: str) -> None:
    browser.open("/test/login")
    response = browser.submit("login", username="camila", password="right", csrf_token=token)
    assert response.status_code == 400
    assert browser.open("/test/appointments").status_code == 303


def test_session_cookie_has_its_own_name_and_is_bound_to_the_host(browser: Any) -> None:
    response = browser.open("/test/login")
    cookie = SimpleCookie(response.headers["Set-Cookie"])["__Host-mychart"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")


def test_session_cookie_names_no_person(browser: Any) -> None:
    browser.log_in()
    response = browser.open("/test/appointments")
    assert response.status_code == 200
    cookie = browser.client.get_cookie("__Host-mychart")
    assert "Camila" not in cookie.decoded_value
    assert "acc-1" not in cookie.decoded_value


def test_page_wanted_before_the_log_in_is_shown_after_it(browser: Any) -> None:
    response = browser.open("/test/appointments/appt-1")
    browser.open(response.location)
    response = browser.submit("login", username="camila", password="right")
    assert response.location == "/test/appointments/appt-1"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/test/appointments",
        "//evil.example/test/appointments",
        "/\\evil.example/test/appointments",
        "/test/appointments\\..\\..",
        "/production/appointments",
        "javascript:alert(1)",
    ],
)
def test_log_in_never_leads_outside_this_portal(browser: Any, wanted: str) -> None:
    browser.open("/test/login")
    response = browser.submit("login", username="camila", password="right", next=wanted)
    assert response.location == "/test/appointments"


def test_sign_in_of_the_test_environment_does_not_open_production(browser: Any) -> None:
    browser.log_in("test")
    response = browser.open("/production/appointments")
    assert response.status_code == 303
    assert response.location.startswith("/production/login")


def test_key_of_a_test_sign_in_does_not_fit_production(portal: Any) -> None:
    client = portal.test_client()
    sign_ins = portal.extensions["mychart_sign_ins"]
    key = sign_ins.begin("test", object())
    with client.session_transaction(base_url="https://localhost") as session:
        session["production"] = key
    response = client.get("/production/appointments", base_url="https://localhost")
    assert response.status_code == 303


def test_log_out_ends_the_sign_in_on_the_server(browser: Any) -> None:
    browser.log_in()
    stolen = browser.client.get_cookie("__Host-mychart").decoded_value
    browser.open("/test/appointments")
    response = browser.submit("leave")
    assert (response.status_code, response.location) == (303, "/test/login?left=yes")
    browser.client.set_cookie("__Host-mychart", stolen, secure=True)
    assert browser.open("/test/appointments").status_code == 303


def test_log_out_by_a_link_of_another_site_does_nothing(browser: Any) -> None:
    browser.log_in()
    assert browser.open("/test/logout").status_code == 405
    assert browser.open("/test/appointments").status_code == 200


def test_oldest_sign_in_goes_when_memory_would_fill(
    portal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_mychart.sign_ins.MOST_SIGN_INS", 2)
    sign_ins = portal.extensions["mychart_sign_ins"]
    first, second, third = (sign_ins.begin("test", name) for name in ("one", "two", "three"))
    assert sign_ins.account("test", first) is None
    assert [sign_ins.account("test", key) for key in (second, third)] == ["two", "three"]


def test_reset_signs_everybody_out(browser: Any) -> None:
    browser.log_in()
    browser.client.post("/sim/reset")
    assert browser.open("/test/appointments").status_code == 303


def test_state_tells_who_is_signed_in_where(browser: Any) -> None:
    browser.log_in("production")
    state = browser.client.get("/sim/state").get_json()
    assert state["signed_in"] == [{"environment": "production", "account": "Camila Canary"}]


def test_seeding_the_portal_is_refused_with_where_to_seed(browser: Any) -> None:
    response = browser.client.post("/sim/seed", json={"people": []})
    assert response.status_code == 400
    assert "seed the EHR" in response.get_json()["message"]


@pytest.mark.parametrize("path", ["/staging/", "/staging/login", "/sim/login", "/test/nowhere"])
def test_unknown_page_or_environment_is_not_found(browser: Any, path: str) -> None:
    assert browser.open(path).status_code == 404


def test_portal_pages_stay_out_of_caches_and_frames(browser: Any) -> None:
    headers = browser.open("/test/login").headers
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_health_is_told_without_asking_the_ehr(browser: Any, ehr: Any) -> None:
    ehr.failing_status = 503
    assert browser.open("/healthz").status_code == 200


GOOD = {
    "public_url": "https://localhost:8442",
    "ehr_key": "secret",
    "environments": {"test": {"ehr_url": "https://localhost:8441/interconnect-tst-oauth"}},
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("public_url", "localhost:8442"),
        ("ehr_key", ""),
        ("environments", {}),
        ("environments", {"test": {"ehr_url": "not a url"}}),
        ("enviroments", {}),
    ],
)
def test_configuration_with_a_wrong_field_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        read_config({**GOOD, field: value})


def test_configuration_error_does_not_repeat_the_key() -> None:
    with pytest.raises(ConfigError) as refused:
        read_config({**GOOD, "ehr_key": 12345678})
    assert "12345678" not in str(refused.value)
