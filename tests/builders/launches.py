"""Launches at every stage: the transaction in the browser, and what the EHR proved."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.builders.configurations import NOON, TENANT, TEST_BASE

from connector.domain.launch import (
    AppointmentFacts,
    EhrUser,
    FhirUserType,
    Intent,
    LaunchKind,
    LaunchTransaction,
)
from connector.usecases.complete_launch import VerifiedLaunch

PROVIDER_OBJECT_ID = "bbbbbbbb-0000-4000-8000-000000000001"
SECOND_PROVIDER_OBJECT_ID = "bbbbbbbb-0000-4000-8000-000000000002"

PROVIDER_USER = EhrUser("ehr-user-provider-1", FhirUserType.PRACTITIONER, "ePractitioner1")
SECOND_PROVIDER_USER = EhrUser("ehr-user-provider-2", FhirUserType.PRACTITIONER, "ePractitioner2")
PATIENT_USER = EhrUser("ehr-user-patient-1", FhirUserType.PATIENT, "ePatient1")
PARENT_USER = EhrUser("ehr-user-parent-1", FhirUserType.RELATED_PERSON, "eParent1")


def transaction(**changes: Any) -> LaunchTransaction:
    begun = LaunchTransaction(
        state="state-1",
        nonce="nonce-1",
        code_verifier="verifier-1",
        kind=LaunchKind.PROVIDER,
        environment_id="env-test",
        revision_id="rev-test-1",
        fhir_base_url=TEST_BASE,
        began_at=NOON,
    )
    return replace(begun, **changes)


def appointment(**changes: Any) -> AppointmentFacts:
    booked = AppointmentFacts(
        appointment_id="eAppointment1",
        conference_id="200001234",
        patient_id="ePatient1",
        status="booked",
        start=NOON + timedelta(hours=3),
        end=NOON + timedelta(hours=3, minutes=30),
    )
    return replace(booked, **changes)


def provider_launch(state_hash: str = "state-hash-provider", **changes: Any) -> VerifiedLaunch:
    proven = VerifiedLaunch(
        kind=LaunchKind.PROVIDER,
        environment_id="env-test",
        tenant_id=TENANT,
        user=PROVIDER_USER,
        appointment=appointment(),
        intent=Intent.BEGIN,
        state_hash=state_hash,
        verified_at=NOON,
    )
    return replace(proven, **changes)


def patient_launch(state_hash: str = "state-hash-patient", **changes: Any) -> VerifiedLaunch:
    patient = {"kind": LaunchKind.PATIENT, "user": PATIENT_USER}
    return provider_launch(state_hash, **patient | changes)
