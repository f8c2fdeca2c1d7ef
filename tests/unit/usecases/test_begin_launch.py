"""The EHR opens us: nothing leaves the process for an issuer nobody approved (C01, C04)."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.builders.configurations import (
    NOON,
    PRODUCTION_BASE,
    TEST_BASE,
    active,
    awaiting,
    endpoints,
    environment,
)
from tests.builders.world import CALLBACK, World

from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind

Refusal = Callable[..., Refused]
PROVIDER, PATIENT = LaunchKind.PROVIDER, LaunchKind.PATIENT


def test_a_launch_from_an_approved_issuer_is_sent_to_its_pinned_sign_in(world: World) -> None:
    request = world.begin_launch(PROVIDER, TEST_BASE, "launch-token")

    assert request.endpoint == endpoints().authorization_endpoint
    assert request.door.environment == environment()
    assert request.parameters == {
        "response_type": "code",
        "client_id": "client-provider",
        "redirect_uri": CALLBACK,
        "scope": "launch openid fhirUser user/Appointment.rs",
        "state": request.transaction.state,
        "nonce": request.transaction.nonce,
        "aud": TEST_BASE,
        "code_challenge": request.parameters["code_challenge"],
        "code_challenge_method": "S256",
        "launch": "launch-token",
    }


def test_a_patient_is_sent_with_the_client_and_the_scopes_of_patients(world: World) -> None:
    request = world.begin_launch(PATIENT, TEST_BASE, "launch-token")

    assert request.parameters["client_id"] == "client-patient"
    assert request.parameters["scope"] == "launch openid fhirUser patient/Appointment.rs"
    assert request.transaction.kind is PATIENT


def test_c04_the_challenge_is_the_s256_of_the_verifier_that_stays_here(world: World) -> None:
    request = world.begin_launch(PROVIDER, TEST_BASE, "launch-token")

    digest = hashlib.sha256(request.transaction.code_verifier.encode()).digest()
    assert request.parameters["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip(
        "="
    )
    assert request.transaction.code_verifier not in request.parameters.values()


def test_c04_every_launch_has_secrets_of_its_own(world: World) -> None:
    transactions = [world.begin_launch(PROVIDER, TEST_BASE, "same").transaction for _ in range(3)]

    secrets = {secret for t in transactions for secret in (t.state, t.nonce, t.code_verifier)}
    assert len(secrets) == 9


def test_the_transaction_remembers_when_and_with_which_revision_it_began(world: World) -> None:
    transaction = world.begin_launch(PROVIDER, TEST_BASE, "launch-token").transaction

    assert transaction.began_at == NOON
    assert (transaction.environment_id, transaction.revision_id) == ("env-test", "rev-test-1")


def test_case_05_one_trailing_slash_of_the_issuer_does_not_matter(world: World) -> None:
    request = world.begin_launch(PROVIDER, f"{TEST_BASE}/", "launch-token")

    assert request.parameters["aud"] == TEST_BASE


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example/api/FHIR/R4",
        "http" + TEST_BASE.removeprefix("https"),
        TEST_BASE.upper(),
        TEST_BASE.replace("ehr.contoso", "EHR.contoso"),
        TEST_BASE.replace("FHIR", "fhir"),
        TEST_BASE.replace(".example", ".example:443"),
        TEST_BASE.replace(".example", ".example."),
        TEST_BASE.replace("https://", "https://good@"),
        TEST_BASE.replace("ehr.contoso.example", "ehr.contoso.example@evil.example"),
        TEST_BASE.replace("FHIR", "%46HIR"),
        TEST_BASE.replace("/api", "/./api"),
        TEST_BASE.replace("contoso", "cont\u043eso"),
        f"{TEST_BASE}//",
        f"{TEST_BASE}/metadata",
        f"{TEST_BASE}?",
        f"{TEST_BASE}#",
        f" {TEST_BASE}",
        f"{TEST_BASE}\n",
        f"{TEST_BASE}' OR '1'='1",
        TEST_BASE + "\x00",
        PRODUCTION_BASE,
        "javascript:alert(1)",
    ],
)
def test_cases_04_and_05_an_issuer_that_is_not_the_approved_one_is_unknown_and_never_called(
    world: World, refusal: Refusal, issuer: str
) -> None:
    refusal(Reason.ISSUER_UNKNOWN, world.begin_launch, PROVIDER, issuer, "launch-token")

    assert world.smart.calls == []
    assert world.appointments.reads == []


def test_case_04_no_call_goes_out_for_a_known_issuer_either(world: World) -> None:
    world.begin_launch(PROVIDER, TEST_BASE, "launch-token")

    assert world.smart.calls == []


def test_case_04_an_issuer_that_still_awaits_its_approval_is_unknown(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.add_environment()
    with empty_world.store.write() as tx:
        tx.configurations.add_revision(awaiting())

    refusal(Reason.ISSUER_UNKNOWN, empty_world.begin_launch, PROVIDER, TEST_BASE, "launch-token")


def test_case_34_launches_go_on_with_the_approved_revision_while_an_edit_awaits_approval(
    world: World, refusal: Refusal
) -> None:
    edited = awaiting(id="rev-test-2", number=2, fhir_base_url=PRODUCTION_BASE)
    with world.store.write() as tx:
        tx.configurations.add_revision(edited)

    transaction = world.begin_launch(PROVIDER, TEST_BASE, "launch-token").transaction

    assert transaction.revision_id == "rev-test-1"
    refusal(Reason.ISSUER_UNKNOWN, world.begin_launch, PROVIDER, PRODUCTION_BASE, "launch-token")


def test_case_06_each_environment_is_found_by_its_own_issuer(world: World) -> None:
    production = replace(environment(), id="env-production", kind=EnvironmentKind.PRODUCTION)
    world.add_environment(production)
    world.approve(
        active(
            id="rev-production-1",
            environment_id=production.id,
            fhir_base_url=PRODUCTION_BASE,
            endpoints=endpoints(PRODUCTION_BASE),
        )
    )

    request = world.begin_launch(PROVIDER, PRODUCTION_BASE, "launch-token")

    assert request.transaction.environment_id == "env-production"
    assert request.endpoint == endpoints(PRODUCTION_BASE).authorization_endpoint


@pytest.mark.parametrize(
    ("issuer", "launch"),
    [("", "launch-token"), (TEST_BASE, ""), ("", ""), (TEST_BASE, "x" * 8001)],
    ids=["no issuer", "no launch", "neither", "a launch of 8001 characters"],
)
def test_a_launch_without_its_parameters_is_refused(
    world: World, refusal: Refusal, issuer: str, launch: str
) -> None:
    refusal(Reason.LAUNCH_PARAMETER_MISSING, world.begin_launch, PROVIDER, issuer, launch)


def test_a_launch_of_8000_characters_is_handed_on_unchanged(world: World) -> None:
    launch = "x" * 8000

    assert world.begin_launch(PROVIDER, TEST_BASE, launch).parameters["launch"] == launch


def test_a_refused_launch_stores_nothing(world: World, refusal: Refusal) -> None:
    before = world.stored_bytes()

    refusal(Reason.ISSUER_UNKNOWN, world.begin_launch, PROVIDER, "https://evil.example", "token")

    assert world.stored_bytes() == before
