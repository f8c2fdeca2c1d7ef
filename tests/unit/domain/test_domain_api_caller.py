"""What an access token lets its caller do: scopes and directory roles for people, app roles for programs."""

import pytest
from tests.builders.configurations import an_admin, identity

from connector.domain.api_caller import SCOPE, AppRole, Caller, Needs
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, may_configure

PRINCIPAL = identity(sign_in_name="application x")
GUEST = an_admin(is_guest=True)


def person(who: MicrosoftIdentity, *scopes: str) -> Caller:
    return Caller.person(who, frozenset(scopes))


def program(*roles: str) -> Caller:
    return Caller.application(PRINCIPAL, frozenset(roles))


@pytest.mark.parametrize(
    ("caller", "needs"),
    [
        (person(an_admin(), SCOPE), Needs.CHANGE),
        (person(an_admin(), SCOPE, "openid"), Needs.READ),
        (person(identity(), SCOPE), Needs.READ),
        (program(AppRole.ADMIN), Needs.CHANGE),
        (program(AppRole.ADMIN), Needs.READ),
        (program(AppRole.READER), Needs.READ),
        (program(AppRole.READER, AppRole.ADMIN), Needs.CHANGE),
    ],
)
def test_who_may_is_let_through(caller: Caller, needs: Needs) -> None:
    caller.require(needs)


@pytest.mark.parametrize(
    ("caller", "needs", "named"),
    [
        (person(identity(), SCOPE), Needs.CHANGE, "Virtual Visits Administrator"),
        (person(GUEST, SCOPE), Needs.CHANGE, "Teams Administrator"),
        (person(GUEST, SCOPE), Needs.READ, "Global Administrator"),
        (program(AppRole.READER), Needs.CHANGE, "Connector.Admin"),
        (program(), Needs.READ, "Connector.Admin, Connector.Reader"),
        (program("connector.admin"), Needs.CHANGE, "Connector.Admin"),
        (program(SCOPE), Needs.READ, "Connector.Reader"),
    ],
)
def test_who_may_not_is_told_which_role_is_missing(
    caller: Caller, needs: Needs, named: str
) -> None:
    with pytest.raises(Refused) as refused:
        caller.require(needs)
    assert refused.value.reason is Reason.ROLE_MISSING
    assert named in refused.value.facts["one_of"]


def test_a_reader_is_not_told_of_roles_that_would_not_help() -> None:
    with pytest.raises(Refused) as refused:
        program(AppRole.READER).require(Needs.CHANGE)
    assert refused.value.facts["one_of"] == "Connector.Admin"


@pytest.mark.parametrize(
    "scopes", [(), ("openid",), ("configuration.readwrite",), (f"{SCOPE}.All",), (AppRole.ADMIN,)]
)
@pytest.mark.parametrize("needs", list(Needs))
def test_an_administrators_token_without_the_scope_opens_nothing(
    scopes: tuple[str, ...], needs: Needs
) -> None:
    with pytest.raises(Refused) as refused:
        person(an_admin(), *scopes).require(needs)
    assert refused.value.reason is Reason.SCOPE_MISSING
    assert refused.value.facts == {"scope": SCOPE}


def test_directory_roles_of_an_application_count_for_nothing() -> None:
    caller = Caller.application(an_admin(), frozenset({AppRole.READER}))
    assert not may_configure(caller.identity)


def test_an_application_with_the_admin_role_counts_as_an_administrator_of_virtual_visits() -> None:
    """The use cases ask for directory roles, and none of them knows applications."""
    assert may_configure(program(AppRole.ADMIN).identity)
