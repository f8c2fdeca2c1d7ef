"""What an admin may ask before anything is saved: who could approve, what an address leads to (F18, F20)."""

from collections.abc import Callable

import pytest
from tests.builders.configurations import (
    OTHER_TENANT,
    TENANT,
    TEST_BASE,
    an_admin,
    approver,
    endpoints,
    identity,
)
from tests.builders.world import World

from connector.domain.configuration import Approver
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    TryLater,
)

Refusal = Callable[..., Refused]


@pytest.fixture
def world(empty_world: World) -> World:
    empty_world.smart.add_ehr(TEST_BASE)
    return empty_world


def test_a_checked_address_tells_what_the_ehr_said_and_stores_nothing(world: World) -> None:
    assert world.check_address(an_admin(), f"  {TEST_BASE}/ ") == endpoints()
    assert world.stored_bytes() == b""


@pytest.mark.parametrize(
    ("error", "reason", "fact"),
    [
        (AddressRefused("address_not_public"), Reason.URL_REFUSED, "why"),
        (TryLater("timeout", host="ehr.example"), Reason.EHR_UNREACHABLE, "code"),
        (Gone("http_404", host="ehr.example"), Reason.EHR_ANSWER_INVALID, "code"),
        (BadAnswer("pkce_missing", host="ehr.example"), Reason.EHR_ANSWER_INVALID, "code"),
        (Denied("http_403", host="ehr.example"), Reason.EHR_ANSWER_INVALID, "code"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_code(
    world: World, refusal: Refusal, error: OutsideError, reason: Reason, fact: str
) -> None:
    world.smart.faults.fail("discover", error)
    refused = refusal(reason, world.check_address, an_admin(), TEST_BASE)
    assert refused.facts[fact] == error.code


@pytest.mark.parametrize("address", ["", "http://x.example/R4", "https://user@x.example/R4"])
def test_case_37_what_is_no_base_url_is_refused_unasked(
    world: World, refusal: Refusal, address: str
) -> None:
    refusal(Reason.URL_REFUSED, world.check_address, an_admin(), address)
    assert world.smart.calls == []


@pytest.mark.parametrize("who", [identity(), an_admin(is_guest=True)], ids=["member", "guest"])
def test_e8_who_may_not_configure_asks_nothing(
    world: World, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    refusal(Reason.ROLE_MISSING, world.check_address, who, TEST_BASE)
    refusal(Reason.ROLE_MISSING, world.find_approver, who, "olivia")
    assert world.smart.calls == []


def test_people_of_the_admins_own_tenant_are_found(world: World) -> None:
    world.directory.add(OTHER_TENANT, Approver("x", "olivia.other@fabrikam.example"))
    assert world.find_approver(an_admin(), "oli") == [approver()]
    assert world.find_approver(an_admin(tenant_id=OTHER_TENANT), "oli") != [approver()]


@pytest.mark.parametrize("text", ["", "o", "nobody"])
def test_nobody_is_found_by_too_little_or_another_name(world: World, text: str) -> None:
    assert world.find_approver(an_admin(), text) == []


@pytest.mark.parametrize(
    "error", [TryLater("timeout"), Denied("Authorization_RequestDenied"), BadAnswer("users")]
)
def test_a_directory_that_fails_is_said_to_be_unreachable(
    world: World, refusal: Refusal, error: OutsideError
) -> None:
    world.directory.faults.fail("search", error)
    refused = refusal(Reason.MICROSOFT_UNREACHABLE, world.find_approver, an_admin(), "olivia")
    assert refused.facts == {"code": error.code}
    assert world.directory.find(TENANT, approver().sign_in_name) == approver()
