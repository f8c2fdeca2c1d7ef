"""The bench's outside says what was recorded, with the numbers of each launch."""

import json
from typing import Any

import jwt
import pytest
from loadtest.bench.outside import Outside, Script

MEETING = {
    "id": "recorded-meeting",
    "joinWebUrl": "https://localhost:1/l/meetup-join/19%3ameeting_RECORDED%40thread.v2/0",
}
TOKEN = {"access_token": "a", "sessionId": "200", "appointment": "appt-200", "id_token": "ID_TOKEN"}


@pytest.fixture(scope="module")
def outside() -> Outside:
    return Outside(
        Script(
            ports=(1, 2),
            certificate="",
            key="",
            documents={
                "/v1.0/users/ada/onlineMeetings/recorded-meeting/getUrl": '{"value": "u"}',
                "/discovery": "{}",
            },
            patched={"/v1.0/users/ada/onlineMeetings/recorded-meeting": "{}"},
            jwks_path="/jwks",
            token_path="/token",
            token=json.dumps(TOKEN),
            id_claims={"iss": "https://ehr.example", "nonce": "recorded", "exp": 1},
            patient_token=json.dumps(TOKEN | {"access_token": "patient's"}),
            patient_claims={"iss": "https://ehr.example", "sub": "patient"},
            appointments_path="/Appointment/",
            appointment='{"id": "appt-200", "identifier": [{"value": "200"}]}',
            meeting_path="/createOrGet",
            meeting=json.dumps(MEETING),
            csn="200",
            thread="RECORDED",
            meeting_id="recorded-meeting",
            app_token_path="/app-token",
            app_token='{"access_token": "g"}',
            backend_token='{"access_token": "w"}',
        )
    )


def say(outside: Outside, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(outside.answer(method, path, body))
    return answer


def test_a_token_is_of_the_visit_and_the_nonce_its_code_names(outside: Outside) -> None:
    token = say(outside, "POST", "/token", b"grant_type=authorization_code&code=777~nonce-7")
    (key,) = say(outside, "GET", "/jwks")["keys"]
    claims = jwt.decode(token["id_token"], jwt.PyJWK(key), ["RS256"])
    assert (token["sessionId"], token["appointment"]) == ("777", "appt-777")
    assert claims["nonce"] == "nonce-7"


def test_a_patient_s_code_brings_the_patient_s_token_of_the_same_visit(outside: Outside) -> None:
    token = say(outside, "POST", "/token", b"grant_type=authorization_code&code=p777~nonce-7")
    claims = jwt.decode(token["id_token"], options={"verify_signature": False})
    assert (token["access_token"], token["sessionId"]) == ("patient's", "777")
    assert (claims["sub"], claims["nonce"]) == ("patient", "nonce-7")


def test_a_worker_who_brings_no_code_is_given_its_own_token(outside: Outside) -> None:
    token = say(outside, "POST", "/token", b"grant_type=client_credentials&client_assertion=x")
    assert token == {"access_token": "w"}


def test_an_appointment_is_the_one_that_is_asked_for(outside: Outside) -> None:
    read = say(outside, "GET", "/Appointment/appt-778")
    assert read == {"id": "appt-778", "identifier": [{"value": "778"}]}


def test_one_external_id_has_one_meeting_and_another_has_another(outside: Outside) -> None:
    made = [
        say(outside, "POST", "/createOrGet", json.dumps({"externalId": name}).encode())["id"]
        for name in ("visit-1", "visit-1", "visit-2")
    ]
    assert made[0] == made[1] != made[2]


def test_what_was_said_of_the_recorded_meeting_is_said_of_every_one(outside: Outside) -> None:
    path = "/v1.0/users/ada/onlineMeetings/bench-1"
    assert say(outside, "PATCH", path) == {}
    assert say(outside, "GET", f"{path}/getUrl") == {"value": "u"}


@pytest.mark.parametrize("path", ["/nobody", "/v1.0/users/eve/onlineMeetings/bench-1/getUrl"])
def test_what_nobody_asked_when_it_was_recorded_is_not_answered(
    outside: Outside, path: str
) -> None:
    assert outside.answer("GET", path, b"") == b""
