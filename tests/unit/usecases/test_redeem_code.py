"""A code goes to its own EHR once, or nowhere: cases 9, 11, 13, 15-17, 20, 22 of reliability.md."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.builders.configurations import TEST_BASE
from tests.builders.launches import PROVIDER_USER
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    Gone,
    NotConnected,
    OutsideError,
    TryLater,
    Untrusted,
)
from connector.usecases.begin_launch import AuthorizationRequest
from connector.usecases.complete_launch import CompletedLaunch

Refusal = Callable[..., Refused]
Query = dict[str, str]
ComeBack = Callable[[Query], CompletedLaunch]
PROVIDER, PATIENT = LaunchKind.PROVIDER, LaunchKind.PATIENT


@pytest.fixture
def request_(world: World) -> AuthorizationRequest:
    return world.begin_launch(PROVIDER, TEST_BASE, "launch-token")


@pytest.fixture
def query(world: World, request_: AuthorizationRequest) -> Query:
    """What a good EHR sends the browser back with."""
    return world.sign_in(request_, PROVIDER_USER)


@pytest.fixture
def come_back(world: World, request_: AuthorizationRequest) -> ComeBack:
    return lambda query: world.complete_launch(request_.transaction, query)


# The EHR says no --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "audited"),
    [
        ("access_denied", "access_denied"),
        ("<script>alert(1)</script>", "unreadable"),
        ("x" * 41, "unreadable"),
        ("two words", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_case_22_an_error_of_the_ehr_is_kept_as_a_code_or_not_at_all(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, error: str, audited: str
) -> None:
    query |= {"error": error, "error_description": "<b>Canarina</b>"}

    refused = refusal(Reason.EHR_DENIED, come_back, query)

    assert refused.facts == {"error": audited}
    assert world.smart.calls == []


@pytest.mark.parametrize("code", [None, ""])
def test_a_callback_without_code_and_error_is_no_answer(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, code: str | None
) -> None:
    rest = {name: value for name, value in query.items() if name != "code"}
    broken = rest if code is None else rest | {"code": code}

    refusal(Reason.EHR_ANSWER_INVALID, come_back, broken)
    assert world.smart.calls == []


# The exchange -----------------------------------------------------------------------------------

FAILURES = [
    (TryLater("timeout", host="ehr.contoso.example", maybe_done=True), Reason.EHR_UNREACHABLE),
    (TryLater("no_connection"), Reason.EHR_UNREACHABLE),
    (AddressRefused("address_not_public"), Reason.EHR_UNREACHABLE),
    (Denied("invalid_client"), Reason.EHR_REFUSED_CLIENT),
    (Denied("unauthorized_client"), Reason.EHR_REFUSED_CLIENT),
    (Denied("invalid_grant"), Reason.EHR_DENIED),
    (Denied("insufficient_scope"), Reason.PERMISSION_MISSING),
    (Gone("http_404"), Reason.EHR_DENIED),
    (BadAnswer("not_json"), Reason.EHR_ANSWER_INVALID),
    (BadAnswer("too_large"), Reason.EHR_ANSWER_INVALID),
    (Untrusted("signature"), Reason.ID_TOKEN_INVALID),
]


@pytest.mark.parametrize(("error", "reason"), FAILURES, ids=str)
def test_cases_11_and_13_a_failed_exchange_has_its_own_reason(
    world: World,
    refusal: Refusal,
    come_back: ComeBack,
    query: Query,
    error: OutsideError,
    reason: Reason,
) -> None:
    world.smart.faults.fail("redeem_code", error, times=None)

    refused = refusal(reason, come_back, query)

    assert refused.facts == {"code": error.code, "host": error.host}
    assert world.smart.count("verify_id_token") == 0


def test_case_09_a_code_that_surely_was_not_sent_is_tried_once_more(
    world: World, come_back: ComeBack, query: Query
) -> None:
    world.smart.faults.fail("redeem_code", NotConnected("no_connection"))

    assert come_back(query)
    assert world.smart.count("redeem_code") == 2


def test_case_09_a_code_is_tried_twice_at_most(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    world.smart.faults.fail("redeem_code", NotConnected("connect_timeout"), times=None)

    refusal(Reason.EHR_UNREACHABLE, come_back, query)

    assert world.smart.count("redeem_code") == 2


@pytest.mark.parametrize("code", ["http_429", "http_503", "no_connection", "certificate_expired"])
def test_case_09_what_the_ehr_answered_is_not_asked_again_before_its_time(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, code: str
) -> None:
    """The code is the EHR's own word in part, so it does not decide: the type does."""
    world.smart.faults.fail("redeem_code", TryLater(code, retry_after_seconds=7), times=None)

    refused = refusal(Reason.EHR_UNREACHABLE, come_back, query)

    assert world.smart.count("redeem_code") == 1
    assert refused.retry_after_seconds == 7


def test_case_09_the_second_try_has_its_own_outcome(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    world.smart.faults.fail("redeem_code", NotConnected("no_connection"))
    world.smart.faults.fail("redeem_code", Denied("invalid_client"))

    refusal(Reason.EHR_REFUSED_CLIENT, come_back, query)


def test_case_09_a_code_that_may_have_arrived_is_not_sent_again(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    world.smart.faults.fail("redeem_code", TryLater("timeout", maybe_done=True), after=True)

    refusal(Reason.EHR_UNREACHABLE, come_back, query)

    assert world.smart.count("redeem_code") == 1


@pytest.mark.parametrize("error", [Denied("invalid_client"), BadAnswer("not_json")])
def test_case_13_a_clear_no_is_not_asked_again(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, error: OutsideError
) -> None:
    world.smart.faults.fail("redeem_code", error)

    with pytest.raises(Refused):
        come_back(query)
    assert world.smart.count("redeem_code") == 1


def test_a_code_is_redeemed_with_the_verifier_of_this_launch_only(
    world: World, refusal: Refusal, request_: AuthorizationRequest, query: Query
) -> None:
    """Case 20: never without PKCE."""
    stolen = replace(request_.transaction, code_verifier="verifier-of-somebody-else")

    refused = refusal(Reason.EHR_DENIED, world.complete_launch, stolen, query)

    assert refused.facts["code"] == "invalid_grant"


@pytest.mark.parametrize("code", ["signature", "audience", "issuer", "nonce", "exp", "algorithm"])
def test_cases_16_and_17_an_id_token_that_fails_a_check_stops_the_launch(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query, code: str
) -> None:
    world.smart.faults.fail("verify_id_token", Untrusted(code))

    refused = refusal(Reason.ID_TOKEN_INVALID, come_back, query)

    assert refused.facts["code"] == code
    assert world.appointments.reads == []


def test_case_17_the_nonce_of_another_launch_is_refused(
    world: World, refusal: Refusal, request_: AuthorizationRequest, query: Query
) -> None:
    other = replace(request_.transaction, nonce="nonce-of-another-launch")

    refusal(Reason.ID_TOKEN_INVALID, world.complete_launch, other, query)


def test_case_15_keys_of_the_ehr_that_cannot_be_read_fail_closed(
    world: World, refusal: Refusal, come_back: ComeBack, query: Query
) -> None:
    world.smart.faults.fail("verify_id_token", TryLater("jwks_unreachable"))

    refusal(Reason.EHR_UNREACHABLE, come_back, query)
