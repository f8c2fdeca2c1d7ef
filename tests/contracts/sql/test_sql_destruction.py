"""What is sealed is destroyed on time, with its key, wherever it lies (design.md section 6)."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.builders.store import NOON, VISIT, seed_visits, sqlite_store, visit_number

from connector.adapters.sql.store import SqlStore
from connector.adapters.sql.tables import METADATA
from connector.domain.participant import Moment, Participant, Presence, Role
from connector.ports.storage import VisitPerson, VisitSecrets

SECRETS = VisitSecrets(b"canary key", b"canary conference")
PERSON = VisitPerson(Role.PATIENT, None, "hash-1", b"canary person")
STORY = (Moment(NOON, Presence.CONNECTED),)
PARTICIPANT = Participant("p-1", Role.PATIENT, STORY, b"canary participant")
HOUR = timedelta(hours=1)
LONG_AGO = NOON - timedelta(days=1)


def seal(store: SqlStore, visit: int = 1, *, ended_at: datetime | None, owed: bool = False) -> None:
    """A visit with secrets, a person, a participant and a write-back, delivered or still owed."""
    of = replace(visit_number(visit), ended_at=ended_at)
    with store.write() as tx:
        tx.visits.save(of)
        tx.visits.keep_secrets(of.id, SECRETS, NOON)
        tx.visits.add_person(of.id, PERSON)
        tx.visits.save_participant(of.id, PARTICIPANT)
        tx.outbox.add(of, f"key-{visit}", b"canary report", NOON)
        if not owed:
            [message] = tx.outbox.claim_due(NOON, 1)
            tx.outbox.delivered(message.id, NOON)


def destroy(store: SqlStore, ended_before: datetime, kept_before: datetime = LONG_AGO) -> int:
    with store.write() as tx:
        return tx.visits.destroy_secrets(ended_before, kept_before)


def test_an_ended_visit_loses_its_key_and_everything_sealed(visited: SqlStore) -> None:
    seal(visited, ended_at=NOON)
    assert destroy(visited, NOON + HOUR) == 1
    with visited.read() as tx:
        assert tx.visits.secrets(VISIT.id) is None
        assert tx.visits.people(VISIT.id) == [replace(PERSON, ehr_id_sealed=b"")]
        assert tx.visits.roster(VISIT.id) == [replace(PARTICIPANT, ehr_id_sealed=None)]
        assert tx.outbox.counts()["delivered"] == 1


def test_the_sealed_report_is_gone_from_the_delivered_row(visited: SqlStore) -> None:
    seal(visited, ended_at=NOON)
    destroy(visited, NOON + HOUR)
    assert b"canary report" not in everything_in(visited)


def test_nothing_is_destroyed_twice(visited: SqlStore) -> None:
    seal(visited, ended_at=NOON)
    destroy(visited, NOON + HOUR)
    assert destroy(visited, NOON + HOUR) == 0


def test_a_visit_that_goes_on_keeps_its_secrets(visited: SqlStore) -> None:
    seal(visited, ended_at=None)
    assert destroy(visited, NOON + HOUR) == 0
    with visited.read() as tx:
        assert tx.visits.secrets(VISIT.id) == SECRETS


def test_a_visit_that_ended_just_now_keeps_its_secrets(visited: SqlStore) -> None:
    seal(visited, ended_at=NOON)
    assert destroy(visited, NOON) == 0


def test_a_visit_that_still_owes_a_write_back_keeps_its_secrets(visited: SqlStore) -> None:
    """Case 67: an EHR that is down for hours still gets everything."""
    seal(visited, ended_at=NOON, owed=True)
    assert destroy(visited, NOON + HOUR) == 0


def test_a_parked_write_back_can_still_be_replayed(visited: SqlStore) -> None:
    seal(visited, ended_at=NOON, owed=True)
    with visited.write() as tx:
        [message] = tx.outbox.claim_due(NOON, 1)
        tx.outbox.park(message, "http_400")
    assert destroy(visited, NOON + HOUR) == 0


def test_old_keys_are_destroyed_whatever_is_owed(visited: SqlStore) -> None:
    """24 hours at most; what cannot be said any more is parked for the operator to see."""
    seal(visited, ended_at=None, owed=True)
    assert destroy(visited, LONG_AGO, kept_before=NOON + HOUR) == 1
    with visited.read() as tx:
        assert tx.visits.secrets(VISIT.id) is None
        assert tx.outbox.counts()["parked"] == 1
    assert b"canary" not in everything_in(visited)


def test_other_visits_keep_theirs(visited: SqlStore) -> None:
    seal(visited, 1, ended_at=NOON)
    seal(visited, 2, ended_at=None)
    destroy(visited, NOON + HOUR)
    with visited.read() as tx:
        assert tx.visits.secrets("visit-2") == SECRETS
        assert tx.visits.people("visit-2") == [PERSON]


def test_who_comes_back_is_sealed_anew_under_the_new_key(visited: SqlStore) -> None:
    seal(visited, ended_at=NOON)
    destroy(visited, NOON + HOUR)
    fresh = VisitSecrets(b"wrapped anew", b"conference anew")
    with visited.write() as tx:
        tx.visits.keep_secrets(VISIT.id, fresh, NOON + HOUR)
        tx.visits.add_person(VISIT.id, replace(PERSON, ehr_id_sealed=b"sealed anew"))
        assert tx.visits.secrets(VISIT.id) == fresh
        assert tx.visits.people(VISIT.id) == [replace(PERSON, ehr_id_sealed=b"sealed anew")]


def test_destroyed_secrets_are_not_left_in_the_free_pages_of_the_file(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    seed_visits(store, 3)
    seal(store, ended_at=NOON)
    destroy(store, NOON + HOUR)
    store.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"visit-1" in left
    assert [
        word for word in (b"canary key", b"canary conference", b"sealed p") if word in left
    ] == []


def everything_in(store: SqlStore) -> bytes:
    """Every stored value of every row, one after the other."""
    with store._engines.reading.connect() as connection:
        rows = [
            row for table in METADATA.sorted_tables for row in connection.execute(table.select())
        ]
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
