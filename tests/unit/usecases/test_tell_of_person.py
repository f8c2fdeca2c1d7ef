"""`TellOfPerson`: everything stored of one person, and its erasure."""

import pytest
from tests.builders.configurations import (
    ADMIN_ID,
    APPROVER_ID,
    NOON,
    OTHER_TENANT,
    TENANT,
    identity,
)
from tests.builders.launches import PROVIDER_USER
from tests.builders.world import World

from connector.ports.people import EhrAccount, MicrosoftAccount, Person

EHR_USER = PROVIDER_USER.user_id
BY_EHR = EhrAccount("env-test", EHR_USER)
BY_ACCOUNT = MicrosoftAccount(TENANT, ADMIN_ID)
BOTH = pytest.mark.parametrize("person", [BY_EHR, BY_ACCOUNT], ids=["ehr user", "account"])


@pytest.fixture
def linked(world: World) -> World:
    """One provider who launched once, and a colleague."""
    launched = world.launch().launch
    world.link_account(launched, identity(), "REF0")
    with world.store.write() as tx:
        tx.links.add("env-test", "colleague", TENANT, "another account", NOON)
    return world


@BOTH
def test_the_link_is_told_either_way(linked: World, person: Person) -> None:
    (link,) = linked.tell_of_person.file(person).links
    assert (link.ehr, link.microsoft, link.linked_at) == (BY_EHR, BY_ACCOUNT, NOON)


@BOTH
def test_what_the_account_did_is_told(linked: World, person: Person) -> None:
    events = [line.event for line in linked.tell_of_person.file(person).audit_lines]
    assert "provider.account.link" in events
    assert not linked.tell_of_person.file(person).empty


@BOTH
def test_the_persons_tenant_finds_both_in_its_trail(linked: World, person: Person) -> None:
    linked.tell_of_person.file(person)
    linked.tell_of_person.erase(person)
    rows = [r for r in linked.rows("audit_event") if r["event"].startswith("operator.")]
    assert [row["tenant_id"] for row in rows] == [TENANT, TENANT]


def test_visits_and_revisions_that_name_the_account_are_told(linked: World) -> None:
    (mentions,) = linked.tell_of_person.file(
        MicrosoftAccount(TENANT, APPROVER_ID)
    ).mentions.values()
    assert (mentions.visits, mentions.revisions_to_approve) == ([], ["rev-test-1"])


def test_who_is_only_mentioned_is_not_nobody(linked: World) -> None:
    assert not linked.tell_of_person.file(MicrosoftAccount(TENANT, APPROVER_ID)).empty


@pytest.mark.parametrize(
    "person",
    [
        EhrAccount("env-test", "nobody"),
        EhrAccount("elsewhere", EHR_USER),
        MicrosoftAccount(TENANT, "nobody"),
        MicrosoftAccount(OTHER_TENANT, ADMIN_ID),
    ],
    ids=str,
)
def test_of_a_stranger_nothing_is_told_and_nothing_erased(linked: World, person: Person) -> None:
    assert linked.tell_of_person.file(person).empty
    assert linked.tell_of_person.erase(person) == 0
    assert len(linked.rows("ehr_user_link")) == 2
    assert linked.audited("operator.link.erase") == []


@BOTH
def test_an_erasure_takes_that_link_only(linked: World, person: Person) -> None:
    assert [link.ehr for link in linked.tell_of_person.links(person)] == [BY_EHR]
    assert linked.tell_of_person.erase(person) == 1
    assert [row["ehr_user_id"] for row in linked.rows("ehr_user_link")] == ["colleague"]
    assert linked.tell_of_person.links(person) == []


@BOTH
def test_the_audit_lines_count_and_name_nobody(linked: World, person: Person) -> None:
    linked.tell_of_person.file(person)
    linked.tell_of_person.erase(person)
    rows = [r for r in linked.rows("audit_event") if r["event"].startswith("operator.")]
    assert [row["event"] for row in rows] == ["operator.person.export", "operator.link.erase"]
    assert {row["actor"] for row in rows} == {"operator"}
    written = str([{k: v for k, v in row.items() if "hash" not in k} for row in rows])
    assert EHR_USER not in written
    assert ADMIN_ID not in written
    assert linked.audited("operator.link.erase")[0]["links"] == "1"


def test_after_an_erasure_the_ehr_user_is_asked_to_sign_in_again(linked: World) -> None:
    assert linked.launch().account == ADMIN_ID
    linked.tell_of_person.erase(BY_EHR)
    assert linked.launch().account is None
