"""FHIR R4 REST: https://hl7.org/fhir/R4/http.html and search.html. Check ids: spec/ehr.md 2.2."""

import copy
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from tests.conformance.mock_fhir.ehr_driver import EhrDriver

FHIR = "/api/FHIR/R4"
TYPES = ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Location", "Organization", "Appointment", "Encounter")  # fmt: skip


@pytest.fixture
def user(ehr: EhrDriver) -> dict[str, str]:
    """A clinician's token that may read everything and write visits."""
    return ehr.bearer("user/*.rs user/Appointment.cu user/Encounter.u")


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    entries = answer.get_json(force=True).get("entry", [])
    return [one["resource"]["id"] for one in entries if one["search"]["mode"] == "match"]


def assert_outcome(answer: Any, status: int, code: str) -> None:
    body = answer.get_json(force=True)
    assert (answer.status_code, body["resourceType"], body["issue"][0]["code"]) == (
        status,
        "OperationOutcome",
        code,
    ), answer.text


def test_s37_no_token_is_challenged(ehr: EhrDriver) -> None:
    answer = ehr.get(f"{FHIR}/Patient/example")
    assert_outcome(answer, 401, "login")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_s38_a_junk_token_is_invalid(ehr: EhrDriver) -> None:
    answer = ehr.get(f"{FHIR}/Patient/example", headers={"Authorization": "Bearer junk"})
    assert_outcome(answer, 401, "login")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_s39_a_write_without_scope_is_insufficient(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("user/Appointment.rs")
    visit = ehr.open_visit()["appointment"]
    answer = ehr.call("PUT", f"{FHIR}/Appointment/{visit}", json={}, headers=bearer)
    assert_outcome(answer, 403, "forbidden")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("scope", ["patient/Appointment.rs", "patient/Patient.s", "user/Patient.u"])
def test_a_denied_type_or_interaction_is_forbidden(ehr: EhrDriver, scope: str) -> None:
    assert_outcome(ehr.get(f"{FHIR}/Patient/example", headers=ehr.bearer(scope)), 403, "forbidden")


def test_a_patient_scope_reaches_only_the_patient_of_the_launch(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("patient/*.rs", patient="example")
    assert_outcome(ehr.get(f"{FHIR}/Patient/f001", headers=bearer), 403, "forbidden")
    assert found(ehr.get(f"{FHIR}/Patient", headers=bearer)) == ["example"]
    patients = {
        one["actor"]["reference"]
        for entry in ehr.get(f"{FHIR}/Appointment", headers=bearer).get_json(force=True)["entry"]
        for one in entry["resource"]["participant"]
        if "Patient/" in one.get("actor", {}).get("reference", "")
    }
    assert patients == {"Patient/example"}


def test_a_parents_user_scope_reaches_the_child_and_nobody_else(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("user/Patient.rs", patient="infant-twin-1")
    assert set(found(ehr.get(f"{FHIR}/Patient", headers=bearer))) == {"infant-mom", "infant-twin-1"}


def test_a_granular_scope_is_enforced(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("user/Appointment.rs?status=cancelled")
    assert {one["status"] for one in ehr.visits()} >= {"booked", "cancelled"}
    entries = ehr.get(f"{FHIR}/Appointment", headers=bearer).get_json(force=True)["entry"]
    assert {one["resource"]["status"] for one in entries} == {"cancelled"}


def test_s74_a_search_gives_a_searchset(ehr: EhrDriver, user: dict[str, str]) -> None:
    bundle = ehr.get(f"{FHIR}/Patient?name=chalmers", headers=user).get_json(force=True)
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 1)
    assert bundle["entry"][0]["fullUrl"] == f"{ehr.fhir}/Patient/example"
    assert bundle["link"][0] == {"relation": "self", "url": f"{ehr.fhir}/Patient?name=chalmers"}


def test_s75_paging_reaches_everything_once_even_while_visits_are_booked(
    ehr: EhrDriver, user: dict[str, str]
) -> None:
    everything = found(ehr.get(f"{FHIR}/Appointment?_count=200", headers=user))
    address, seen = f"{FHIR}/Appointment?_count=7", []
    while address:
        answer = ehr.get(address, headers=user)
        seen += found(answer)
        links = {one["relation"]: one["url"] for one in answer.get_json(force=True)["link"]}
        address = links.get("next", "")
        ehr.post("/sim/seed", json={"visits": 1})
    assert seen == everything


def test_a_page_that_is_gone_says_so(ehr: EhrDriver, user: dict[str, str]) -> None:
    assert_outcome(ehr.get(f"{FHIR}/Patient?_page=x&_offset=1", headers=user), 404, "not-found")


def test_s76_a_read_has_a_weak_etag_and_the_fhir_type(ehr: EhrDriver, user: dict[str, str]) -> None:
    answer = ehr.get(f"{FHIR}/Patient/example", headers=user)
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.mimetype == "application/fhir+json"
    assert answer.headers["Last-Modified"].endswith("GMT")
    again = ehr.get(f"{FHIR}/Patient/example", headers={**user, "If-None-Match": 'W/"1"'})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("Patient/nobody", "not-found"),
        ("Medication/1", "not-supported"),
        ("Patient/example/_history/99", "not-found"),
        ("Patient/example/$everything", "not-supported"),
    ],
)
def test_s77_what_is_not_there_is_an_outcome(
    ehr: EhrDriver, user: dict[str, str], path: str, code: str
) -> None:
    assert_outcome(ehr.get(f"{FHIR}/{path}", headers=user), 404, code)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Patient?_id=example,f001", ["example", "f001"]),
        ("Patient?identifier=urn:oid:1.2.36.146.595.217.0.1|12345", ["example"]),
        ("Patient?identifier=12345&family=Levin", ["xcda"]),
        ("Patient?birthdate=1960-03-13", ["f201"]),
        ("Patient?birthdate=lt1940", ["xcda"]),
        ("Patient?name:exact=chalmers", []),
        ("Patient?family:contains=HALM", ["example"]),
        ("Patient?gender=unknown", []),
        ("Practitioner?name=careful", ["example"]),
        ("PractitionerRole?practitioner=example", ["example"]),
        ("RelatedPerson?patient=infant-twin-1", ["related-leia"]),
        ("Organization?name=burgers", ["f001"]),
        ("Location?name=south", ["1"]),
        ("Encounter?patient=f001&status=finished&_id=f001", ["f001"]),
        ("Appointment?date=2013-12-10", ["example"]),
        ("Appointment?date=ge2013-12-09&date=lt2013-12-10", ["2docs"]),
        ("Appointment?status:not=booked&date=lt2020", []),
        ("Appointment?date=lt2020&patient=Patient/example", ["2docs", "example"]),
        ("Appointment?date=lt2020&practitioner=f202", ["2docs"]),
        ("Appointment?date=lt2020&actor:Location=1", ["example"]),
        ("Appointment?date=lt2020&_sort=-date", ["example", "2docs"]),
    ],
)
def test_searches_find_the_official_examples(
    ehr: EhrDriver, user: dict[str, str], query: str, expected: list[str]
) -> None:
    assert found(ehr.get(f"{FHIR}/{query}", headers=user)) == expected


def test_us_core_every_spelling_of_a_patient_finds_the_same(
    ehr: EhrDriver, user: dict[str, str]
) -> None:
    spellings = ("f001", "Patient/f001", f"{ehr.fhir}/Patient/f001")
    results = [
        found(ehr.get(f"{FHIR}/Appointment?patient={one}", headers=user)) for one in spellings
    ]
    assert results[0]
    assert results[0] == results[1] == results[2]


def test_us_core_post_search_equals_get(ehr: EhrDriver, user: dict[str, str]) -> None:
    by_get = found(ehr.get(f"{FHIR}/Appointment?patient=f001&status=booked,arrived", headers=user))
    form = {"patient": "f001", "status": "booked,arrived"}
    by_post = found(ehr.post(f"{FHIR}/Appointment/_search", data=form, headers=user))
    assert by_get
    assert by_get == by_post


def test_a_whole_day_is_the_sites_day(ehr: EhrDriver, user: dict[str, str]) -> None:
    late = {"now": "2026-11-26T05:30:00Z"}  # 23:30 on the 25th in Chicago
    ehr.post("/sim/clock", json=late)
    ehr.post("/sim/reset")
    bearer = ehr.bearer("user/Appointment.rs")
    today = found(ehr.get(f"{FHIR}/Appointment?date=2026-11-25", headers=bearer))
    assert len(today) == 16


@pytest.mark.parametrize("mode", ["include", "match"])
def test_s87_s88_include_brings_the_participants(
    ehr: EhrDriver, user: dict[str, str], mode: str
) -> None:
    visit = ehr.open_visit()
    query = (
        f"_id={visit['appointment']}&_include=Appointment:patient&_include=Appointment:practitioner"
    )
    entries = ehr.get(f"{FHIR}/Appointment?{query}", headers=user).get_json(force=True)["entry"]
    got = {one["resource"]["resourceType"] for one in entries if one["search"]["mode"] == mode}
    assert got == {"include": {"Patient", "Practitioner"}, "match": {"Appointment"}}[mode]


def test_include_brings_nothing_the_token_may_not_read(ehr: EhrDriver) -> None:
    visit = ehr.open_visit()
    query = f"_id={visit['appointment']}&_include=Appointment:patient"
    answer = ehr.get(f"{FHIR}/Appointment?{query}", headers=ehr.bearer("user/Appointment.rs"))
    assert [one["search"]["mode"] for one in answer.get_json(force=True)["entry"]] == ["match"]


def test_an_unknown_parameter_is_reported_in_the_bundle(
    ehr: EhrDriver, user: dict[str, str]
) -> None:
    answer = ehr.get(f"{FHIR}/Patient?_id=example&shoe-size=44", headers=user)
    outcomes = [
        one["resource"]
        for one in answer.get_json(force=True)["entry"]
        if one["search"]["mode"] == "outcome"
    ]
    assert "shoe-size" in outcomes[0]["issue"][0]["diagnostics"]
    assert "shoe-size" not in answer.get_json(force=True)["link"][0]["url"]


def test_an_unknown_parameter_is_refused_when_handling_is_strict(
    ehr: EhrDriver, user: dict[str, str]
) -> None:
    headers = {**user, "Prefer": "handling=strict"}
    assert_outcome(ehr.get(f"{FHIR}/Patient?shoe-size=44", headers=headers), 400, "not-supported")


@pytest.mark.parametrize(
    "query",
    ["Appointment?date=tomorrow", "Appointment?date=2026-13-45", "Patient?_count=many", "Patient?_count=-1", "Patient?name=", "Patient?birthdate=xx2000"],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_an_outcome(
    ehr: EhrDriver, user: dict[str, str], query: str
) -> None:
    assert_outcome(ehr.get(f"{FHIR}/{query}", headers=user), 400, "value")


def test_summary_count_gives_only_the_total(ehr: EhrDriver, user: dict[str, str]) -> None:
    bundle = ehr.get(f"{FHIR}/Patient?_summary=count", headers=user).get_json(force=True)
    assert bundle["total"] == 10
    assert "entry" not in bundle


@pytest.mark.parametrize("asked", [{"headers": {"Accept": "application/fhir+xml"}}, {"query_string": {"_format": "xml"}}])  # fmt: skip
def test_xml_is_not_served(ehr: EhrDriver, asked: dict[str, Any]) -> None:
    assert_outcome(ehr.get(f"{FHIR}/metadata", **asked), 406, "not-supported")


def appointment(ehr: EhrDriver, user: dict[str, str]) -> dict[str, Any]:
    visit = ehr.open_visit()["appointment"]
    return dict(ehr.get(f"{FHIR}/Appointment/{visit}", headers=user).get_json(force=True))


def put(ehr: EhrDriver, resource: dict[str, Any], headers: dict[str, str]) -> Any:
    path = f"{FHIR}/Appointment/{resource['id']}"
    return ehr.call("PUT", path, json=resource, headers=headers)


def test_s78_update_with_the_current_version_makes_the_next(
    ehr: EhrDriver, user: dict[str, str]
) -> None:
    resource = {**appointment(ehr, user), "status": "arrived"}
    answer = put(ehr, resource, {**user, "If-Match": 'W/"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert answer.headers["Location"].endswith(f"/Appointment/{resource['id']}/_history/2")
    old = ehr.get(f"{FHIR}/Appointment/{resource['id']}/_history/1", headers=user)
    assert old.get_json(force=True)["status"] == "booked"


def test_s79_a_stale_version_is_a_conflict_and_changes_nothing(
    ehr: EhrDriver, user: dict[str, str]
) -> None:
    resource = appointment(ehr, user)
    assert put(ehr, {**resource, "status": "arrived"}, user).status_code == 200
    assert_outcome(put(ehr, {**resource, "status": "noshow"}, {**user, "If-Match": 'W/"1"'}), 412, "conflict")  # fmt: skip
    assert appointment_status(ehr, user, resource["id"]) == "arrived"


def appointment_status(ehr: EhrDriver, user: dict[str, str], resource_id: str) -> str:
    return str(
        ehr.get(f"{FHIR}/Appointment/{resource_id}", headers=user).get_json(force=True)["status"]
    )


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"status": "maybe"}, 422, "invariant"),
        ({"end": None}, 422, "invariant"),
        ({"start": None, "end": None}, 422, "invariant"),
        ({"participant": None}, 422, "structure"),
        ({"start": "yesterday"}, 422, "structure"),
        ({"colour": "blue"}, 422, "structure"),
        ({"participant": [{"status": "accepted"}]}, 422, "invariant"),
        ({"participant": [{"actor": {"reference": "Patient/example"}, "status": "yes"}]}, 422, "invariant"),
        ({"resourceType": "Encounter"}, 400, "structure"),
        ({"id": "other"}, 400, "invalid"),
    ],
)  # fmt: skip
def test_s88_an_invalid_resource_is_refused_with_an_outcome(
    ehr: EhrDriver, user: dict[str, str], change: dict[str, Any], status: int, code: str
) -> None:
    resource = appointment(ehr, user)
    changed = {key: value for key, value in {**resource, **change}.items() if value is not None}
    path = f"{FHIR}/Appointment/{resource['id']}"
    assert_outcome(ehr.call("PUT", path, json=changed, headers=user), status, code)
    assert appointment_status(ehr, user, resource["id"]) == "booked"


def test_a_cancelled_appointment_may_lack_times(ehr: EhrDriver, user: dict[str, str]) -> None:
    resource = {**appointment(ehr, user), "status": "cancelled"}
    del resource["start"], resource["end"]
    assert put(ehr, resource, user).status_code == 200


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"data": "{", "content_type": "application/fhir+json"}, 400, "structure"),
        ({"data": "[]", "content_type": "application/json"}, 400, "structure"),
        ({"data": "<Appointment/>", "content_type": "application/fhir+xml"}, 415, "not-supported"),
    ],
)
def test_a_body_of_another_kind_is_refused(
    ehr: EhrDriver, user: dict[str, str], options: dict[str, Any], status: int, code: str
) -> None:
    answer = ehr.call("PUT", f"{FHIR}/Appointment/x", headers=user, **options)
    assert_outcome(answer, status, code)


def test_a_wrong_if_match_is_refused(ehr: EhrDriver, user: dict[str, str]) -> None:
    answer = put(ehr, appointment(ehr, user), {**user, "If-Match": "1"})
    assert_outcome(answer, 400, "invalid")


def test_an_update_of_nothing_is_not_a_create(ehr: EhrDriver, user: dict[str, str]) -> None:
    resource = {**appointment(ehr, user), "id": "my-own-id"}
    assert_outcome(put(ehr, resource, user), 405, "not-supported")


def test_patients_cannot_be_written(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("user/*.cruds")
    answer = ehr.call("PUT", f"{FHIR}/Patient/example", json={}, headers=bearer)
    assert_outcome(answer, 405, "not-supported")


def test_delete_is_not_supported(ehr: EhrDriver, user: dict[str, str]) -> None:
    answer = ehr.call("DELETE", f"{FHIR}/Patient/example", headers=user)
    assert_outcome(answer, 405, "not-supported")


def test_s80_a_create_answers_with_location_and_etag(ehr: EhrDriver, user: dict[str, str]) -> None:
    resource = copy.deepcopy(appointment(ehr, user))
    answer = ehr.post(
        f"{FHIR}/Appointment", json=resource, headers={**user, "Prefer": "return=minimal"}
    )
    assert (answer.status_code, answer.headers["ETag"], answer.data) == (201, 'W/"1"', b"")
    assert ehr.get(answer.headers["Location"], headers=user).status_code == 200


def test_a_patient_cannot_move_a_visit_to_somebody_else(ehr: EhrDriver) -> None:
    bearer = ehr.bearer("patient/Appointment.rus", patient="example")
    resource = appointment(ehr, bearer)
    resource["participant"] = [{"actor": {"reference": "Patient/f001"}, "status": "accepted"}]
    assert_outcome(put(ehr, resource, bearer), 403, "forbidden")


@pytest.mark.parametrize("resource_type", TYPES)
def test_s91_everything_served_is_valid(
    ehr: EhrDriver, user: dict[str, str], resource_type: str
) -> None:
    bundle = ehr.get(f"{FHIR}/{resource_type}?_count=200", headers=user).get_json(force=True)
    assert bundle["total"] > 0
    for entry in bundle["entry"]:
        get_fhir_model_class(resource_type).model_validate(entry["resource"])


def test_no_id_of_test_is_valid_in_production(ehr: EhrDriver, production: EhrDriver) -> None:
    user = ehr.bearer("user/*.rs")
    theirs = production.bearer("user/*.rs")
    for resource_type in TYPES:
        ours = found(ehr.get(f"{FHIR}/{resource_type}?_count=200", headers=user))
        others = found(production.get(f"{FHIR}/{resource_type}?_count=200", headers=theirs))
        assert ours
        assert set(ours).isdisjoint(others)


def test_a_token_of_test_opens_nothing_in_production(ehr: EhrDriver, production: EhrDriver) -> None:
    answer = production.get(f"{FHIR}/Patient/prd-example", headers=ehr.bearer("user/*.rs"))
    assert_outcome(answer, 401, "login")
