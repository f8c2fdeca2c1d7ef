"""Who may change a configuration."""

import pytest
from tests.builders.configurations import identity

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography
from connector.domain.organization import ROLES_THAT_MAY_CONFIGURE, may_configure

HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"


@pytest.mark.parametrize("role", ROLES_THAT_MAY_CONFIGURE)
def test_each_of_the_three_administrators_may_configure(role: str) -> None:
    assert may_configure(identity(directory_roles=frozenset({role, HELPDESK_ADMINISTRATOR})))


@pytest.mark.parametrize("roles", [frozenset(), frozenset({HELPDESK_ADMINISTRATOR})])
def test_nobody_else_may_configure(roles: frozenset[str]) -> None:
    assert not may_configure(identity(directory_roles=roles))


@pytest.mark.parametrize("role", ROLES_THAT_MAY_CONFIGURE)
def test_a_guest_never_may_configure_whatever_the_role(role: str) -> None:
    assert not may_configure(identity(directory_roles=frozenset({role}), is_guest=True))


def test_there_are_three_geographies() -> None:
    assert {geography.value for geography in Geography} == {"americas", "emea", "apac"}


def test_an_audited_event_says_who_did_what_to_what() -> None:
    assert all(len(event.value.split(".")) == 3 for event in Event)
    assert {outcome.value for outcome in Outcome} == {"success", "refused", "failure"}


def test_a_refusal_says_its_reason_only_and_keeps_facts_of_its_own() -> None:
    facts = {"host": "ehr.example"}
    refused = Refused(Reason.URL_REFUSED, facts=facts, retry_after_seconds=3)
    facts["host"] = "changed.example"

    assert str(refused) == "url_refused"
    assert refused.facts == {"host": "ehr.example"}
    assert refused.retry_after_seconds == 3


def test_a_refusal_without_facts_has_none() -> None:
    assert Refused(Reason.VISIT_ENDED).facts == {}
