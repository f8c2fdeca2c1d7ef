"""Checks and what they rest on, clocks compared, scopes covered, suffixes guessed."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.findings import (
    RESTS_ON,
    Check,
    Finding,
    Verdict,
    blocked_by,
    clock_offset,
    clock_verdict,
)
from connector.domain.graph_permissions import NEEDED, missing
from connector.domain.scope_cover import covers, not_covered
from connector.domain.version_suffix import siblings

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORDER = list(Check)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# Dependencies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", RESTS_ON)
def test_no_check_comes_before_one_it_rests_on(check: Check) -> None:
    assert all(ORDER.index(needed) < ORDER.index(check) for needed in RESTS_ON[check])


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.SKIPPED])
def test_what_failed_or_was_skipped_blocks_what_rests_on_it(verdict: Verdict) -> None:
    found = {Check.ADDRESS: Finding(Check.ADDRESS, verdict)}
    assert blocked_by(Check.CONNECTION, found) is Check.ADDRESS


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.WARNING])
def test_what_passed_blocks_nothing(verdict: Verdict) -> None:
    assert blocked_by(Check.CONNECTION, {Check.ADDRESS: Finding(Check.ADDRESS, verdict)}) is None


def test_what_was_not_examined_blocks_what_rests_on_it() -> None:
    assert blocked_by(Check.WRITE_BACK, {}) is Check.CLIENT_KNOWN
    assert blocked_by(Check.ADDRESS, {}) is None


# Clocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "sent", "received", "offset"),
    [
        (0, 0, 0, 0),
        (5, 0, 8, 0),
        (0, 0.9, 1, 0),
        (-1, 0.9, 1, -1.9),
        (-40, 0, 8, -40),
        (9, 0, 8, 1),
        (48, 0, 8, 40),
    ],
)
def test_only_what_lies_outside_the_exchange_counts(
    date: float, sent: float, received: float, offset: float
) -> None:
    found = clock_offset(at(date), at(sent), at(received))
    assert found == timedelta(seconds=offset)


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        (30, Verdict.OK),
        (30.1, Verdict.WARNING),
        (-120, Verdict.WARNING),
        (-120.1, Verdict.FAILED),
        (10**8, Verdict.FAILED),
    ],
)
def test_the_limits_hold_in_both_directions(seconds: float, verdict: Verdict) -> None:
    assert clock_verdict(timedelta(seconds=seconds)) is verdict


# Scopes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "needed"),
    [
        ("openid", "openid"),
        ("user/Appointment.rs", "user/Appointment.rs"),
        ("user/*.rs", "user/Appointment.rs"),
        ("user/Appointment.cruds", "user/Appointment.rs"),
        ("user/Appointment.read", "user/Appointment.rs"),
        ("user/*.*", "user/Appointment.rs"),
        ("system/Appointment.write", "system/Appointment.u"),
        ("system/Appointment.rs?status=booked", "system/Appointment.rs?status=booked"),
    ],
)
def test_a_scope_covers_itself_and_what_is_narrower(held: str, needed: str) -> None:
    assert covers([held], needed)


@pytest.mark.parametrize(
    ("held", "needed"),
    [
        ("", "openid"),
        ("OPENID", "openid"),
        ("patient/*.rs", "user/Appointment.rs"),
        ("user/Patient.rs", "user/Appointment.rs"),
        ("user/Appointment.r", "user/Appointment.rs"),
        ("user/Appointment.read", "user/Appointment.u"),
        ("system/Appointment.rs", "system/Appointment.u"),
        ("system/Appointment.u?status=booked", "system/Appointment.u"),
        ("system/Appointments.u", "system/Appointment.u"),
        ("system/*.x", "system/Appointment.u"),
        ("launch/patient", "launch"),
    ],
)
def test_a_scope_covers_nothing_else(held: str, needed: str) -> None:
    assert not covers([held], needed)


def test_each_missing_scope_is_named_once_in_order() -> None:
    needed = ["launch", "openid", "launch", "user/Appointment.rs"]
    assert not_covered(["openid"], needed) == ["launch", "user/Appointment.rs"]


# Suffixes (E1) ------------------------------------------------------------------------------------

ROOT = "https://ehr.example/interconnect"


@pytest.mark.parametrize(
    "entered",
    [
        ROOT,
        f"{ROOT}/api/FHIR",
        f"{ROOT}/api/fhir/dstu2",
        f"{ROOT}/api/FHIR/STU3",
        f"{ROOT}/api/FHIR/R4/metadata",
        f"{ROOT}/DSTU2",
    ],
)
def test_e1_the_r4_address_is_the_first_guess(entered: str) -> None:
    assert siblings(entered)[0] == f"{ROOT}/api/FHIR/R4"


@pytest.mark.parametrize(
    "entered", [ROOT, f"{ROOT}/api/FHIR/R4", "https://ehr.example", "https://r4"]
)
def test_guesses_stay_at_the_origin_are_few_and_leave_out_what_was_entered(entered: str) -> None:
    guesses = siblings(entered)
    origin = "/".join(entered.split("/")[:3])
    assert 0 < len(guesses) <= 5
    assert all(f"{guess}/".startswith(f"{origin}/") for guess in guesses)
    assert entered not in guesses


@pytest.mark.parametrize("entered", ["", "/api/FHIR/R4", "https:///R4", "http://ehr.example/R4"])
def test_nothing_is_guessed_without_a_host(entered: str) -> None:
    assert siblings(entered) == []


# Permissions --------------------------------------------------------------------------------------


def test_all_permissions_of_the_table_are_enough() -> None:
    assert missing([permission.name for permission in NEEDED]) == []


def test_another_permission_may_allow_as_much() -> None:
    roles = ["OnlineMeetings.ReadWrite.All", "OnlineMeetings.Read.All", "Directory.Read.All"]
    roles += ["OnlineMeetingArtifact.Read.All"]
    assert [permission.name for permission in missing(roles)] == ["VirtualAppointment.Read.All"]


@pytest.mark.parametrize("roles", [[], ["onlinemeetings.readwrite.all"], ["User.Read"]])
def test_what_only_looks_like_a_permission_allows_nothing(roles: list[str]) -> None:
    assert missing(roles) == list(NEEDED)
