"""Launch transactions, kinds of users, appointments, scopes."""

from datetime import timedelta

import pytest
from tests.builders.configurations import NOON
from tests.builders.launches import appointment, transaction

from connector.domain.launch import LAUNCH_LIFETIME, USERS_OF, FhirUserType, LaunchKind
from connector.domain.scopes import APPROVAL_SCOPES, LAUNCH_SCOPES, WRITE_BACK_SCOPE


def test_a_launch_lasts_ten_minutes_to_the_second() -> None:
    begun = transaction(began_at=NOON)

    assert not begun.expired(NOON + LAUNCH_LIFETIME)
    assert begun.expired(NOON + LAUNCH_LIFETIME + timedelta(microseconds=1))
    assert timedelta(minutes=10) == LAUNCH_LIFETIME


def test_providers_and_patients_come_through_doors_of_their_own() -> None:
    assert USERS_OF[LaunchKind.PROVIDER] == {"Practitioner", "PractitionerRole"}
    assert USERS_OF[LaunchKind.PATIENT] == {"Patient", "RelatedPerson"}
    assert FhirUserType.PERSON not in USERS_OF[LaunchKind.PROVIDER] | USERS_OF[LaunchKind.PATIENT]


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_an_appointment_that_will_not_take_place_is_cancelled(status: str) -> None:
    assert appointment(status=status).cancelled


@pytest.mark.parametrize(
    "status", ["proposed", "pending", "booked", "arrived", "fulfilled", "checked-in", "waitlist"]
)
def test_every_other_status_of_an_appointment_can_be_launched(status: str) -> None:
    assert not appointment(status=status).cancelled


def test_a_sign_in_asks_for_the_least_that_makes_its_step_possible() -> None:
    assert LAUNCH_SCOPES[LaunchKind.PROVIDER] == "launch openid fhirUser user/Appointment.rs"
    assert LAUNCH_SCOPES[LaunchKind.PATIENT] == "launch openid fhirUser patient/Appointment.rs"
    assert WRITE_BACK_SCOPE == "system/Appointment.u"


def test_an_approval_asks_for_no_resource_and_no_context() -> None:
    assert set(APPROVAL_SCOPES.split()) == {"openid", "fhirUser"}
