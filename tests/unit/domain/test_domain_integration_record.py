"""Integration records: their text, and what differs when one comes back from the EHR (E4, case 44)."""

from dataclasses import replace

import pytest
from tests.builders.configurations import record

from connector.domain.integration_record import Difference, IntegrationRecord, differences, in_use
from connector.domain.launch import LaunchKind
from connector.domain.visit_settings import DEFAULTS, Department, VisitSettings

URL = "https://connector.example"
PROVIDER = record(LaunchKind.PROVIDER)


def text(
    of: IntegrationRecord, environment: str = "test", settings: VisitSettings = DEFAULTS
) -> str:
    return of.text(URL, environment, settings)


def compared(pasted: str, settings: VisitSettings = DEFAULTS) -> list[Difference]:
    return differences(PROVIDER.tokens(URL, "test", settings), pasted)


def test_a_provider_record_asks_the_ehr_for_session_environment_record_and_department() -> None:
    assert text(PROVIDER) == (
        "Launch URL: https://connector.example/launch/provider\n"
        "Context: sessionId=%CSN%&environment=test&recordId=record-provider&departmentId=%LOGINDEPTID%\n"
    )


def test_a_patient_record_asks_for_no_department() -> None:
    assert text(record(LaunchKind.PATIENT), "production") == (
        "Launch URL: https://connector.example/launch/patient\n"
        "Context: sessionId=%CSN%&environment=production&recordId=record-patient\n"
    )


def test_a_group_record_names_the_conference() -> None:
    """E9, F32."""
    assert "sessionId=%CONFERENCEID%&" in text(replace(PROVIDER, group=True))


@pytest.mark.parametrize("department", Department)
def test_the_department_is_asked_for_as_the_setting_says(department: Department) -> None:
    """E13, F31."""
    settings = VisitSettings(department=department)
    wanted = f"&departmentId={department.value}" if department.value else "record-provider"
    assert text(PROVIDER, settings=settings).rstrip().endswith(wanted)


@pytest.mark.parametrize("department", Department)
def test_a_record_that_comes_back_unchanged_does_not_differ(department: Department) -> None:
    settings = VisitSettings(department=department)
    assert compared(text(PROVIDER, settings=settings), settings) == []


def test_line_ends_and_blank_lines_do_not_count() -> None:
    pasted = "\r\n  " + text(PROVIDER).replace("\n", "\r\n\r\n  ")
    assert compared(pasted) == []


@pytest.mark.parametrize(
    ("was", "now", "token"),
    [
        ("record-provider", "record-patient", "recordId"),
        ("environment=test", "environment=production", "environment"),
        ("%CSN%", "%CONFERENCEID%", "sessionId"),
        ("/launch/provider", "/launch/patient", "Launch URL"),
        ("connector.example", "connector.example.", "Launch URL"),
        ("%LOGINDEPTID%", "%logindeptid%", "departmentId"),
        ("&recordId=record-provider", "&recordId=record-provider&recordId=other", "recordId"),
    ],
)
def test_case_44_one_token_that_differs_is_named(was: str, now: str, token: str) -> None:
    [difference] = compared(text(PROVIDER).replace(was, now, 1))
    assert difference.token == token
    assert difference.issued != difference.pasted


def test_case_44_a_line_that_stands_there_twice_is_told_with_both_values() -> None:
    other = "Launch URL: https://connector.evil.example/launch/provider"
    [difference] = compared(f"{other}\n{text(PROVIDER)}")
    assert difference.pasted == (
        "https://connector.evil.example/launch/provider https://connector.example/launch/provider"
    )


def test_case_44_a_missing_token_is_told_with_what_was_issued() -> None:
    pasted = text(PROVIDER).replace("&departmentId=%LOGINDEPTID%", "")
    assert compared(pasted) == [Difference("departmentId", "%LOGINDEPTID%", "")]


def test_case_44_a_token_too_many_is_told() -> None:
    pasted = text(PROVIDER).rstrip() + "&debug=1"
    assert compared(pasted) == [Difference("debug", "", "1")]


@pytest.mark.parametrize("pasted", ["", "nothing like a record", "\x00", "Context", "a" * 10_000])
def test_something_else_altogether_lacks_every_token(pasted: str) -> None:
    assert [d.token for d in compared(pasted)] == [*PROVIDER.tokens(URL, "test", DEFAULTS)]


def test_a_token_without_a_name_is_told() -> None:
    pasted = text(PROVIDER).rstrip() + "&=x&"
    assert compared(pasted) == [Difference("", "", "x")]


@pytest.mark.parametrize("on", [True, False])
def test_records_of_groups_are_in_use_while_group_visits_are_on(*, on: bool) -> None:
    both = [PROVIDER, replace(PROVIDER, id="group", group=True)]
    assert in_use(both, VisitSettings(group_visits=on)) == (both if on else [PROVIDER])
