"""What is stored of one person, on both databases."""

from dataclasses import asdict

import pytest
from sqlalchemy import Column
from sqlalchemy.sql.visitors import iterate
from tests.builders.store import BASE_URL, ENVIRONMENT, NOON, TENANT, seed_visits

from connector.adapters.sql.people import _MENTIONS
from connector.adapters.sql.store import SqlStore
from connector.adapters.sql.tables import METADATA, audit_event, ehr_user_link
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.participant import Role
from connector.domain.sharing import Grant, GrantState
from connector.ports.idempotency import KeptAnswer
from connector.ports.people import EhrAccount, Link, MicrosoftAccount, Person
from connector.ports.storage import VisitPerson

ADA, BEN = MicrosoftAccount(TENANT, "ada"), MicrosoftAccount(TENANT, "ben")
ADA_AT_THE_EHR = EhrAccount(ENVIRONMENT.id, "ehr-ada")
OFFERED = Grant("grant", BASE_URL, ENVIRONMENT.id, TENANT, "guest", GrantState.OFFERED, NOON, "ada")


@pytest.fixture
def linked(environment: SqlStore) -> SqlStore:
    with environment.write() as tx:
        tx.links.add(ENVIRONMENT.id, "ehr-ada", TENANT, "ada", NOON)
        tx.links.add(ENVIRONMENT.id, "ehr-ada-too", TENANT, "ada", NOON)
        tx.links.add(ENVIRONMENT.id, "ehr-ben", TENANT, "ben", NOON)
    return environment


@pytest.mark.parametrize(
    ("person", "found"),
    [
        (ADA_AT_THE_EHR, ["ehr-ada"]),
        (ADA, ["ehr-ada", "ehr-ada-too"]),
        (EhrAccount(ENVIRONMENT.id, "EHR-ADA"), []),
        (EhrAccount("elsewhere", "ehr-ada"), []),
        (MicrosoftAccount("elsewhere", "ada"), []),
    ],
)
def test_links_are_found_and_erased_by_either_side(
    linked: SqlStore, person: Person, found: list[str]
) -> None:
    with linked.write() as tx:
        assert [link.ehr.ehr_user_id for link in tx.people.links(person)] == found
        assert tx.people.erase_links(person) == len(found)
        assert tx.people.links(person) == []
        assert len(tx.people.links(ADA)) + len(tx.people.links(BEN)) == 3 - len(found)


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_a_name_no_database_can_hold_is_found_in_vain(linked: SqlStore, name: str) -> None:
    with linked.read() as tx:
        assert tx.people.links(MicrosoftAccount(TENANT, name)) == []
        assert tx.people.mentions(MicrosoftAccount(TENANT, name)).visits == []


def test_a_link_says_both_sides_and_since_when(linked: SqlStore) -> None:
    with linked.read() as tx:
        assert tx.people.links(ADA_AT_THE_EHR) == [Link(ADA_AT_THE_EHR, ADA, NOON)]


def test_visits_somebody_organized_or_joined_mention_them(store: SqlStore) -> None:
    seed_visits(store, 3)
    with store.write() as tx:
        tx.visits.name_organizer("visit-1", "ada")
        tx.visits.add_person("visit-2", VisitPerson(Role.PROVIDER, "ada", "hash", b"sealed"))
        tx.visits.add_person("visit-3", VisitPerson(Role.PROVIDER, "ben", "hash", b"sealed"))
    with store.read() as tx:
        assert tx.people.mentions(ADA).visits == ["visit-1", "visit-2"]
        assert tx.people.mentions(MicrosoftAccount("elsewhere", "ada")).visits == []


def test_what_somebody_set_up_mentions_them(linked: SqlStore) -> None:
    with linked.write() as tx:
        tx.records.add(IntegrationRecord("record", ENVIRONMENT.id, LaunchKind.PROVIDER))
        tx.records.mark_verified("record", "ada", NOON)
        tx.grants.add(OFFERED)
        tx.configurations.confirm_licence(TENANT, "ada", NOON)
        tx.idempotency.keep(KeptAnswer(TENANT, "ada", "key", "hash", 201, "{}", NOON))
    with linked.read() as tx:
        found = tx.people.mentions(ADA)
        strangers = [tx.people.mentions(who) for who in (BEN, MicrosoftAccount("other", "ada"))]
    assert (found.records_verified, found.shares) == (["record"], ["grant"])
    assert (found.tenants_confirmed, found.api_answers) == ([TENANT], ["key"])
    assert not any(any(asdict(each).values()) for each in strangers)


def test_every_column_that_holds_an_account_is_looked_into() -> None:
    """Links and audit lines are told by themselves."""
    told = {ehr_user_link.c.object_id, audit_event.c.actor}
    for statement in _MENTIONS.values():
        told |= {each for each in iterate(statement) if isinstance(each, Column)}
    columns = [column for table in METADATA.sorted_tables for column in table.columns]
    holding = [column for column in columns if "Entra object id" in str(column.comment)]
    assert len(holding) > 9
    assert [str(column) for column in holding if column not in told] == []


def test_a_read_transaction_erases_nothing(linked: SqlStore) -> None:
    with linked.read() as tx, pytest.raises(RuntimeError):
        tx.people.erase_links(ADA)
