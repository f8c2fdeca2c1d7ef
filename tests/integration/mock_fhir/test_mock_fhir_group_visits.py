"""Group visits: one conference, an appointment and a contact number for each patient (F32, E9)."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.conformance.mock_fhir.ehr_driver import PATIENT_CLIENT, EhrDriver
from tests.integration.mock_fhir.test_mock_fhir_mychart_api import launch
from tests.integration.mock_fhir.test_mock_fhir_screens import (
    BEGIN,
    RECORDS,
    page,
    problem,
    sign_in,
)
from tests.integration.mock_fhir.test_mock_fhir_writeback import PATH

SINGLE = "sessionId=%CSN%&environment=test&recordId=single-1"
GROUP = "sessionId=%CONFERENCEID%&environment=test&recordId=group-1"
CLINICIAN = "ABRONSIG"
PATIENTS = ["PHEUVEL", "SIMONN", "JDOE"]


def group(ehr: EhrDriver) -> list[dict[str, Any]]:
    return [one for one in ehr.visits() if one["conference"]]


def pasted(ehr: EhrDriver, kind: str, context: str, client_id: str | None = None) -> Any:
    """`kind` may be a group's; launch address and client are those of the single record."""
    single = kind.removesuffix("-group")
    client, launch_url = RECORDS[single]
    text = f"Launch URL: {launch_url}\nContext: {context}\n"
    sign_in(ehr, "fdi", "CESPINOSA")
    form = {"client_id": client_id or client["client_id"], "record": text}
    return ehr.post(f"/fdi/records/{kind}", data=form)


def begun(ehr: EhrDriver, visit: dict[str, Any]) -> Any:
    sign_in(ehr, "hyperspace", CLINICIAN)
    return ehr.post(f"/hyperspace/appointments/{visit['appointment']}/begin", data=BEGIN)


def test_test_has_one_group_of_three_that_can_be_begun_now(ehr: EhrDriver) -> None:
    visits = group(ehr)
    assert [one["mychart_login"] for one in visits] == PATIENTS
    assert {one["clinician_login"] for one in visits} == {CLINICIAN}
    assert len({one["csn"] for one in visits}) == 3
    assert len({one["conference"] for one in visits}) == 1
    assert all(one["now"] for one in visits)


def test_production_begins_without_groups(production: EhrDriver) -> None:
    assert group(production) == []


def test_the_schedule_marks_the_rows_of_a_group(ehr: EhrDriver) -> None:
    sign_in(ehr, "hyperspace", CLINICIAN)
    marked = page(ehr, "/hyperspace/").select("section.visit .badge.group")
    assert len(marked) == 3


def test_every_row_of_the_group_opens_the_group_record_with_one_conference(
    ehr: EhrDriver,
) -> None:
    client = ehr.register(launch_uris=[RECORDS["provider"][1]])
    for kind, context in (("provider", SINGLE), ("provider-group", GROUP)):
        assert pasted(ehr, kind, context, client["client_id"]).status_code == 303

    tokens = []
    for visit in group(ehr):
        query = dict(parse_qsl(urlsplit(begun(ehr, visit).headers["Location"]).query))
        tokens.append(ehr.token(client, launch=query["launch"]))

    assert {token["recordId"] for token in tokens} == {"group-1"}
    assert {token["sessionId"] for token in tokens} == {group(ehr)[0]["conference"]}
    assert [token["appointment"] for token in tokens] == [v["appointment"] for v in group(ehr)]


def test_a_single_visit_beside_the_group_records_keeps_its_own(ehr: EhrDriver) -> None:
    client = ehr.register(launch_uris=[RECORDS["provider"][1]])
    pasted(ehr, "provider", SINGLE, client["client_id"])
    pasted(ehr, "provider-group", GROUP, client["client_id"])
    visit = next(
        one
        for one in ehr.visits()
        if (one["clinician_login"], one["status"]) == (CLINICIAN, "booked")
        and not one["conference"]
    )
    query = dict(parse_qsl(urlsplit(begun(ehr, visit).headers["Location"]).query))
    token = ehr.token(client, launch=query["launch"])
    assert (token["recordId"], token["sessionId"]) == ("single-1", visit["csn"])


def test_e9_without_a_group_record_the_clinician_learns_which_one_is_missing(
    ehr: EhrDriver,
) -> None:
    pasted(ehr, "provider", SINGLE)
    answer = begun(ehr, group(ehr)[0])
    assert answer.status_code == 409
    assert "provider-group" in problem(answer)


def test_e9_without_a_group_record_the_patient_is_told_as_well(ehr: EhrDriver) -> None:
    pasted(ehr, "patient", SINGLE)
    answer = launch(ehr, PATIENTS[0], group(ehr)[0]["appointment"])
    assert (answer.status_code, answer.get_json()["error"]) == (409, "no-integration-record")
    assert "patient-group" in answer.get_json()["message"]


@pytest.mark.parametrize("member", range(3))
def test_each_patient_opens_the_group_from_mychart(ehr: EhrDriver, member: int) -> None:
    pasted(ehr, "patient-group", GROUP)
    answer = launch(ehr, PATIENTS[member], group(ehr)[member]["appointment"])
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["url"].startswith(PATIENT_CLIENT["launch_uris"][0])


@pytest.mark.parametrize(
    ("kind", "context", "missing"),
    [
        ("provider-group", SINGLE, "%CONFERENCEID%"),
        ("patient-group", "environment=test", "%CONFERENCEID%"),
        ("provider", GROUP, "%CSN%"),
        ("patient", GROUP, "%CSN%"),
    ],
)
def test_e9_a_record_with_the_other_kinds_token_is_not_taken(
    ehr: EhrDriver, kind: str, context: str, missing: str
) -> None:
    answer = pasted(ehr, kind, context)
    assert answer.status_code == 400
    assert f"no {missing}" in problem(answer)


def test_a_record_of_no_kind_is_not_found(ehr: EhrDriver) -> None:
    sign_in(ehr, "fdi", "CESPINOSA")
    assert ehr.post("/fdi/records/nurse-group", data={}).status_code == 404


def test_each_patient_is_written_back_with_their_own_number_only(ehr: EhrDriver) -> None:
    first, second, _ = group(ehr)
    token, client_id = ehr.backend_token()
    headers = {"Authorization": f"Bearer {token}", "Epic-Client-ID": client_id}
    report = {
        "ConferenceIDType": "CSN",
        "ExternalID": first["patient"],
        "ExternalIDType": "3",
        "VendorName": "TeamsEHRConnector",
        "ConnectionStatus": "1",
    }

    right = ehr.post(PATH, query_string={**report, "ConferenceID": first["csn"]}, headers=headers)
    wrong = ehr.post(PATH, query_string={**report, "ConferenceID": second["csn"]}, headers=headers)

    assert right.status_code == 200
    assert (wrong.status_code, "INVALID-USER-ID" in wrong.text) == (400, True)
    assert [one["status"] for one in group(ehr)] == ["arrived", "booked", "booked"]
