"""Control plane of the EHR: people, launch, seed, reset; and the clinic's day whatever the hour."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.conformance.mock_fhir.ehr_driver import CONFIG, LAUNCH_URI, ORIGIN, EhrDriver

from mock_fhir.application import create_mock_fhir
from mock_fhir.config import ConfigError

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize("minute", [0, 59])
def test_several_visits_of_today_are_open_whatever_the_hour(
    ehr: EhrDriver, hour: int, minute: int
) -> None:
    now = datetime(2026, 11, 25, hour, minute, tzinfo=CHICAGO)
    ehr.post("/sim/clock", json={"now": now.isoformat()})
    ehr.post("/sim/reset")
    open_visits = [one for one in ehr.visits() if one["now"]]
    days = {datetime.fromisoformat(one["start"]).astimezone(CHICAGO).date() for one in open_visits}
    assert len(open_visits) >= 3
    assert days == {now.date()}


def test_a_day_has_the_same_ids_whenever_it_is_made(ehr: EhrDriver) -> None:
    ehr.post("/sim/clock", json={"now": "2026-11-25T18:00:00Z"})
    ehr.post("/sim/reset")
    first = [one["csn"] for one in ehr.visits()]
    ehr.post("/sim/reset")
    assert [one["csn"] for one in ehr.visits()] == first
    assert len(set(first)) == len(first) == 26


def test_test_and_production_have_nothing_in_common(ehr: EhrDriver, production: EhrDriver) -> None:
    for key in ("csn", "appointment", "encounter", "patient", "practitioner"):
        assert {one[key] for one in ehr.visits()}.isdisjoint(
            one[key] for one in production.visits()
        )
    users = [{one["user_id"] for one in driver.get("/sim/people").get_json()["ehr_users"]} for driver in (ehr, production)]  # fmt: skip
    assert users[0].isdisjoint(users[1])


def test_people_are_told_with_log_ins_and_canaries(ehr: EhrDriver) -> None:
    everyone = ehr.http.get("/sim/people", base_url=ORIGIN).get_json()
    found = everyone["test"]
    assert set(everyone) == {"test", "production"}
    assert ("ACAREFUL", "EMP-1001") in {
        (one["username"], one["user_id"]) for one in found["ehr_users"]
    }
    assert {"Chalmers", "1974-12-25", "MRN7465737865", "张无忌"} - set(found["canaries"]) == {
        "张无忌"
    }
    assert "12345" in found["canaries"]


def test_seed_books_visits_for_a_load_test(ehr: EhrDriver) -> None:
    made = ehr.post("/sim/seed", json={"clinicians": 2, "patients": 3, "visits": 6}).get_json()[
        "visits"
    ]
    assert len({one["csn"] for one in made}) == 6
    assert {one["clinician_login"] for one in made} == {"CLINICIAN0", "CLINICIAN1"}
    assert all(one["now"] and one["mychart_login"] for one in made)
    client = ehr.register()
    opened = ehr.launch(
        client, appointment=made[0]["appointment"], provider=made[0]["practitioner"]
    )
    assert ehr.token(client, launch=opened["launch"])["patient"] == made[0]["patient"]


@pytest.mark.parametrize(
    "document",
    [
        {"visit": 1},
        {"visits": "many"},
        {"visits": -1},
        {"visits": True},
        {"records": {"nurse": {}}},
        {"records": {"provider": {"client_id": "provider-app", "text": "x"}}},
        {"records": {"provider": {"client_id": "nobody", "text": "x"}}},
    ],
)
def test_a_wrong_seed_is_refused(ehr: EhrDriver, document: dict[str, Any]) -> None:
    answer = ehr.post("/sim/seed", json=document)
    assert (answer.status_code, bool(answer.get_json()["message"])) == (400, True)


def test_the_whole_simulator_is_seeded_by_environment(
    ehr: EhrDriver, production: EhrDriver
) -> None:
    before = len(production.visits())
    answer = ehr.http.post("/sim/seed", json={"production": {"visits": 2}}, base_url=ORIGIN)
    assert len(answer.get_json()["production"]["visits"]) == 2
    assert len(production.visits()) == before + 2
    wrong = ehr.http.post("/sim/seed", json={"staging": {}}, base_url=ORIGIN)
    assert wrong.status_code == 400


def test_a_key_can_be_rotated(ehr: EhrDriver) -> None:
    before = ehr.get("/oauth2/jwks").get_json()["keys"][0]["kid"]
    ehr.post("/sim/seed", json={"rotate_signing_key": True})
    assert ehr.get("/oauth2/jwks").get_json()["keys"][0]["kid"] != before


def test_reset_of_one_environment_leaves_the_other(ehr: EhrDriver, production: EhrDriver) -> None:
    mine, theirs = ehr.register(), production.register()
    ehr.post("/sim/reset")
    assert mine["client_id"] not in {one["client_id"] for one in ehr.get("/sim/state").get_json()["clients"]}  # fmt: skip
    assert theirs["client_id"] in {one["client_id"] for one in production.get("/sim/state").get_json()["clients"]}  # fmt: skip


def test_a_fault_of_one_environment_leaves_the_other(ehr: EhrDriver, production: EhrDriver) -> None:
    ehr.post("/sim/faults", json={"route": "*", "status": 503})
    assert ehr.get("/oauth2/jwks").status_code == 503
    assert production.get("/oauth2/jwks").status_code == 200


def test_the_journal_has_a_whole_launch(ehr: EhrDriver) -> None:
    ehr.token()
    entries = ehr.get("/sim/journal").get_json()["entries"]
    paths = [one["path"].removeprefix(ehr.prefix) for one in entries]
    assert paths == ["/oauth2/register", "/oauth2/authorize", "/oauth2/token"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"client_id": "nobody"}, 400),
        ({"launch_uri": "https://evil.example/"}, 400),
        ({"launch_uri": ""}, 400),
        ({"appointment": "nope"}, 404),
        ({"patient": "nope"}, 404),
        ({"provider": "nope"}, 404),
        ({"patient": "ch-example"}, 404),
    ],
)
def test_a_wrong_launch_order_is_explained(
    ehr: EhrDriver, query: dict[str, str], status: int
) -> None:
    client = ehr.register()
    asked = {"client_id": client["client_id"], "launch_uri": LAUNCH_URI, **query}
    answer = ehr.get("/sim/launch", query_string=asked)
    assert (answer.status_code, 'id="remedy"' in answer.text) == (status, True)


def test_launch_as_a_named_provider(ehr: EhrDriver) -> None:
    client = ehr.register()
    for provider in ("f007", "SHEPS"):
        launch = ehr.launch(client, patient="f001", provider=provider)["launch"]
        found = ehr.post("/oauth2/introspect", data={"client_id": client["client_id"], "token": ehr.token(client, launch=launch)["access_token"]})  # fmt: skip
        assert found.get_json()["sub"] == "EMP-1003"


def test_the_index_tells_a_stranger_the_base_urls(ehr: EhrDriver, production: EhrDriver) -> None:
    text = ehr.http.get("/", base_url=ORIGIN).text
    assert ehr.fhir in text
    assert production.fhir in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"public_url": None}, "public_url"),
        ({"mychart_key": ""}, "mychart_key"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"clients": [{"environment": "staging"}]}, r"clients\[0\].environment"),
        ({"clients": [{"environment": "test"}]}, r"clients\[0\].client_id"),
        (
            {"clients": [{"environment": "test", "client_id": "x"}]},
            r"clients\[0\]: .*redirect_uris",
        ),
        (
            {
                "clients": [
                    {"environment": "test", "client_id": "x", "redirect_uris": ["http://a.example"]}
                ]
            },
            r"clients\[0\]: .*https",
        ),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_mock_fhir({**CONFIG, **change})


def test_tokens_age_by_the_simulators_clock(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("user/Patient.r")
    ehr.simulator.clock.set(datetime.now(UTC) + timedelta(hours=2))  # noqa: TID251 - real time is the reference
    assert ehr.get("/api/FHIR/R4/Patient/example", headers=bearer).status_code == 401
