"""What promotion and the API ask of storage: completed visits, kept answers, the first release's data."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, make_url, text
from tests.builders.store import BASE_URL, ENVIRONMENT, NOON, VISIT

from connector.adapters.sql.migrate import _config, upgrade
from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import RevisionState
from connector.domain.launch import LaunchKind
from connector.domain.visit_settings import VisitSettings
from connector.ports.idempotency import KeptAnswer

MET = replace(VISIT, met=True)
ANSWER = KeptAnswer("tenant", "caller", "key-1", "hash", 201, '{"id": "x"}', NOON)


def completed(store: SqlStore, since: timedelta = timedelta()) -> int:
    with store.read() as tx:
        return tx.visits.completed_with_write_back(ENVIRONMENT.id, NOON + since)


def report(store: SqlStore, *keys: str, delivered: int) -> None:
    with store.write() as tx:
        for key in keys:
            tx.outbox.add(VISIT, key, b"sealed", NOON)
        for message in tx.outbox.claim_due(NOON, delivered) if delivered else []:
            tx.outbox.delivered(message.id, NOON)


def meet(store: SqlStore) -> None:
    with store.write() as tx:
        tx.visits.save(MET)


def test_a_visit_counts_when_both_met_and_the_ehr_took_the_report(visited: SqlStore) -> None:
    meet(visited)
    report(visited, "joined", delivered=1)
    assert completed(visited) == 1


def test_a_visit_nobody_met_in_does_not_count(visited: SqlStore) -> None:
    report(visited, "joined", delivered=1)
    assert completed(visited) == 0


def test_a_visit_without_reports_does_not_count(visited: SqlStore) -> None:
    meet(visited)
    assert completed(visited) == 0


def test_a_visit_whose_report_the_ehr_has_not_taken_does_not_count(visited: SqlStore) -> None:
    meet(visited)
    report(visited, "joined", "left", delivered=1)
    assert completed(visited) == 0


def test_visits_begun_before_the_approval_do_not_count(visited: SqlStore) -> None:
    meet(visited)
    report(visited, "joined", delivered=1)
    assert completed(visited, since=timedelta(seconds=1)) == 0


def test_an_answer_is_kept_under_the_first_key(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.idempotency.keep(ANSWER)
        assert not tx.idempotency.keep(replace(ANSWER, answer="other"))
    with store.read() as tx:
        assert tx.idempotency.find("tenant", "caller", "key-1") == ANSWER


@pytest.mark.parametrize("stranger", [("other", "caller"), ("tenant", "other")])
def test_an_answer_is_its_callers_own(store: SqlStore, stranger: tuple[str, str]) -> None:
    with store.write() as tx:
        tx.idempotency.keep(ANSWER)
        assert tx.idempotency.find(*stranger, "key-1") is None


def test_answers_are_purged_by_age(store: SqlStore) -> None:
    with store.write() as tx:
        tx.idempotency.keep(ANSWER)
        assert tx.idempotency.purge(NOON) == 0
        assert tx.idempotency.purge(NOON + timedelta(seconds=1)) == 1


FIRST_RELEASE = """
INSERT INTO tenant VALUES ('t', 'emea', '2026-11-20 12:00:00');
INSERT INTO organization VALUES ('o', 't', 'Contoso', '2026-11-20 12:00:00');
INSERT INTO ehr_environment VALUES ('e', 't', 'o', 'test', 'Europe/Berlin', '2026-11-20 12:00:00');
INSERT INTO configuration_revision VALUES ('r', 'e', 't', 1, 'active', '{base}', 'p', 'm', 'b',
 'i', 'a', 'tok', 'jwks', {yes}, {no}, 'RS384', 'who', 'who@t.example', '2026-11-20 12:00:00',
 'admin@t.example', NULL, NULL, '2026-11-20 12:00:00', '');
INSERT INTO issuer_claim VALUES ('{base}', 'e', 'r');
INSERT INTO integration_record VALUES ('rec', 'e', 'provider')
"""


@pytest.fixture
def first_release(empty_url: str) -> Iterator[Connection]:
    backend = make_url(empty_url).get_backend_name()
    driver = {"postgresql": "postgresql+psycopg"}.get(backend, backend)
    engine = create_engine(make_url(empty_url).set(drivername=driver))
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001_initial")
        words = {"yes": "true", "no": "false"} if backend == "postgresql" else {"yes": 1, "no": 0}
        for statement in FIRST_RELEASE.format(base=BASE_URL, **words).split(";"):
            connection.execute(text(statement))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_what_the_first_release_stored_goes_on_working(
    first_release: Connection, empty_url: str
) -> None:
    upgrade(empty_url)
    store = SqlStore(empty_url)
    with store.read() as tx:
        door = tx.configurations.door(BASE_URL)
        by_record = tx.configurations.door_of_record(BASE_URL, "rec")
        [record] = tx.records.of("e")
    store.close()
    assert door is not None
    assert by_record == (door, record)
    assert door.revision.state is RevisionState.ACTIVE
    assert door.revision.settings == VisitSettings()
    assert (record.kind, record.group, record.verified_at) == (LaunchKind.PROVIDER, False, None)
