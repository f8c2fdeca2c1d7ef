"""Visits: one row per appointment, one organizer, one meeting; people, roster and live page."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.builders.store import ENVIRONMENT, NOON, TENANT, VISIT, visit_number

from connector.adapters.sql.store import SqlStore
from connector.domain.participant import Moment, Participant, Presence, Role
from connector.domain.visit import FINAL, Meeting, Visit, VisitState
from connector.ports.storage import StorageConflict, VisitPerson, VisitSecrets

MEETING = Meeting("meeting-1", "https://teams.example/j/1", "https://teams.example/p/1")
PERSON = VisitPerson(Role.PROVIDER, "object-1", "hash-1", b"sealed")
SECRETS = VisitSecrets(b"wrapped", b"conference")


def get(store: SqlStore, visit_id: str = VISIT.id) -> Visit | None:
    with store.read() as tx:
        return tx.visits.get(visit_id)


def test_a_claimed_visit_is_found_by_key_and_by_id(environment: SqlStore) -> None:
    with environment.write() as tx:
        assert tx.visits.claim(VISIT) == VISIT
    with environment.read() as tx:
        assert tx.visits.find(ENVIRONMENT.id, VISIT.visit_key) == VISIT
        assert tx.visits.get(VISIT.id) == VISIT


def test_every_value_of_a_visit_comes_back(environment: SqlStore) -> None:
    full = replace(
        VISIT,
        organizer_id="object-1",
        meeting=MEETING,
        met=True,
        state=VisitState.ENDED,
        ended_at=NOON + timedelta(minutes=20, microseconds=7),
    )
    with environment.write() as tx:
        tx.visits.claim(full)
    assert get(environment) == full


def test_claiming_again_returns_the_first_visit(visited: SqlStore) -> None:
    late = replace(VISIT, id="late", state=VisitState.WAITING_FOR_PROVIDER)
    with visited.write() as tx:
        assert tx.visits.claim(late) == VISIT
    assert get(visited, "late") is None


def test_the_same_key_in_another_environment_is_another_visit(visited: SqlStore) -> None:
    other = replace(ENVIRONMENT, id="elsewhere", organization_name="Hillside")
    other = replace(other, organization_id="organization-2")
    with visited.write() as tx:
        tx.configurations.add_environment(other, NOON)
        theirs = replace(VISIT, id="theirs", environment_id="elsewhere")
        assert tx.visits.claim(theirs) == theirs


def test_a_visit_of_an_unknown_environment_is_refused(environment: SqlStore) -> None:
    with pytest.raises(StorageConflict), environment.write() as tx:
        tx.visits.claim(replace(VISIT, environment_id="nobody's"))


def test_an_id_that_is_taken_by_another_key_is_refused(visited: SqlStore) -> None:
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.claim(replace(VISIT, visit_key="another"))


def test_unknown_visits_are_not_found(visited: SqlStore) -> None:
    with visited.read() as tx:
        assert tx.visits.get("nobody's") is None
        assert tx.visits.find(ENVIRONMENT.id, "nobody's") is None
        assert tx.visits.find("nobody's", VISIT.visit_key) is None
        assert tx.visits.secrets("nobody's") is None
        assert tx.visits.people("nobody's") == []
        assert tx.visits.roster("nobody's") == []
        assert tx.visits.events_of("nobody's") == []


def test_the_first_organizer_named_stays(visited: SqlStore) -> None:
    with visited.write() as tx:
        assert tx.visits.name_organizer(VISIT.id, "object-1") == "object-1"
        assert tx.visits.name_organizer(VISIT.id, "object-2") == "object-1"
    stored = get(visited)
    assert stored is not None
    assert stored.organizer_id == "object-1"


def test_a_released_organizer_makes_room_for_the_next(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.name_organizer(VISIT.id, "object-1")
        tx.visits.release_organizer(VISIT.id, "object-1")
        assert tx.visits.name_organizer(VISIT.id, "object-2") == "object-2"


def test_only_the_named_organizer_is_released(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.name_organizer(VISIT.id, "object-1")
        tx.visits.release_organizer(VISIT.id, "object-2")
        assert tx.visits.name_organizer(VISIT.id, "object-3") == "object-1"


def test_the_organizer_of_a_recorded_meeting_is_not_released(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.name_organizer(VISIT.id, "object-1")
        tx.visits.record_meeting(VISIT.id, MEETING)
        tx.visits.release_organizer(VISIT.id, "object-1")
        assert tx.visits.name_organizer(VISIT.id, "object-2") == "object-1"


def test_the_first_meeting_recorded_stays(visited: SqlStore) -> None:
    """Case 50: whatever a late answer of Graph says."""
    with visited.write() as tx:
        tx.visits.record_meeting(VISIT.id, MEETING)
        tx.visits.record_meeting(VISIT.id, Meeting("meeting-2", "https://x", "https://y"))
    stored = get(visited)
    assert stored is not None
    assert stored.meeting == MEETING


def test_patients_address_is_unknown_until_it_is_kept(visited: SqlStore) -> None:
    plain = replace(MEETING, patient_join_url=None)
    with visited.write() as tx:
        tx.visits.record_meeting(VISIT.id, plain)
        tx.visits.record_meeting("visit-2", plain)
    assert get(visited) == replace(VISIT, meeting=plain)
    with visited.write() as tx:
        tx.visits.keep_patient_join_url(VISIT.id, "https://teams.example/p/1")
    assert get(visited) == replace(VISIT, meeting=MEETING)
    assert get(visited, "visit-2") == replace(visit_number(2), meeting=plain)


def test_patients_address_without_a_meeting_is_not_kept(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.keep_patient_join_url(VISIT.id, "https://teams.example/p/1")
        tx.visits.keep_patient_join_url("nobody's", "https://teams.example/p/1")
    assert get(visited) == VISIT


def test_a_meeting_changes_no_other_visit(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.record_meeting(VISIT.id, MEETING)
    assert get(visited, "visit-2") == visit_number(2)


def test_what_would_be_lost_on_an_unknown_visit_is_refused(visited: SqlStore) -> None:
    unknown = replace(VISIT, id="nobody's")
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.record_meeting(unknown.id, MEETING)
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.name_organizer(unknown.id, "object-1")
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.save(unknown)
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.keep_secrets(unknown.id, SECRETS, NOON)
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.add_person(unknown.id, PERSON)
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.first_news(unknown.id, "key")
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.add_event(unknown.id, "state", "", "lobby", NOON)


def test_saving_stores_state_met_and_end_and_nothing_else(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.record_meeting(VISIT.id, MEETING)
        stale = replace(VISIT, state=VisitState.ENDED, met=True, ended_at=NOON)
        tx.visits.save(stale)
    assert get(visited) == replace(stale, meeting=MEETING)


def test_a_visit_can_be_taken_up_again(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.save(replace(VISIT, state=VisitState.ENDED, ended_at=NOON))
        tx.visits.save(VISIT)
    assert get(visited) == VISIT


def test_the_first_secrets_stay(visited: SqlStore) -> None:
    with visited.write() as tx:
        assert tx.visits.keep_secrets(VISIT.id, SECRETS, NOON)
        assert not tx.visits.keep_secrets(VISIT.id, VisitSecrets(b"other", b"other"), NOON)
        assert tx.visits.secrets(VISIT.id) == SECRETS


def test_a_person_belongs_to_a_visit_once(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.add_person(VISIT.id, PERSON)
        tx.visits.add_person(VISIT.id, replace(PERSON, ehr_id_sealed=b"sealed anew"))
        assert tx.visits.people(VISIT.id) == [PERSON]
        assert tx.visits.people("visit-2") == []


def test_the_same_person_in_another_role_is_another_entry(visited: SqlStore) -> None:
    as_patient = VisitPerson(Role.PATIENT, None, PERSON.ehr_id_hash, b"sealed")
    with visited.write() as tx:
        tx.visits.add_person(VISIT.id, PERSON)
        tx.visits.add_person(VISIT.id, as_patient)
        assert set(tx.visits.people(VISIT.id)) == {PERSON, as_patient}


def test_a_participant_is_replaced_by_their_newest_state(visited: SqlStore) -> None:
    joined = Participant("p-1", Role.OTHER, (Moment(NOON, Presence.LOBBY),), b"sealed")
    later = Moment(NOON + timedelta(1, microseconds=1), Presence.DISCONNECTED)
    left = replace(joined, role=Role.PATIENT, story=(*joined.story, later))
    other = replace(joined, key="p-2", ehr_id_sealed=None)
    with visited.write() as tx:
        for participant in (joined, other, left):
            tx.visits.save_participant(VISIT.id, participant)
    with visited.read() as tx:
        assert tx.visits.roster(VISIT.id) == [left, other]


def test_a_story_without_a_time_zone_is_never_stored(visited: SqlStore) -> None:
    naive = Moment(NOON.replace(tzinfo=None), Presence.LOBBY)
    with pytest.raises(ValueError, match="time zone"), visited.write() as tx:
        tx.visits.save_participant(VISIT.id, Participant("p-1", Role.PATIENT, (naive,)))


def forgotten(store: SqlStore, quiet_since: datetime) -> set[str]:
    with store.read() as tx:
        return set(tx.visits.forgotten(quiet_since, 10))


def test_a_visit_nobody_hears_of_is_forgotten_after_its_time(visited: SqlStore) -> None:
    assert forgotten(visited, NOON) == set()
    assert VISIT.id in forgotten(visited, NOON + timedelta(seconds=1))


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_visit_that_ended_is_not_forgotten(visited: SqlStore, state: VisitState) -> None:
    with visited.write() as tx:
        tx.visits.save(replace(VISIT, state=state, ended_at=NOON))
    assert VISIT.id not in forgotten(visited, NOON + timedelta(days=9))


def test_an_event_a_launch_or_a_living_key_keeps_a_visit_open(visited: SqlStore) -> None:
    later = NOON + timedelta(days=1)
    with visited.write() as tx:
        tx.visits.add_event("visit-1", "state", "", "lobby", later)
        tx.redemptions.redeem("state", "visit-2", later)
        tx.visits.keep_secrets("visit-3", SECRETS, later)
    assert forgotten(visited, later) == set()
    assert forgotten(visited, later + timedelta(seconds=1)) == {"visit-1", "visit-2", "visit-3"}


def test_a_notification_is_news_once_for_each_visit(visited: SqlStore) -> None:
    """Case 51."""
    with visited.write() as tx:
        assert tx.visits.first_news(VISIT.id, "same")
        assert not tx.visits.first_news(VISIT.id, "same")
        assert tx.visits.first_news("visit-2", "same")
    with visited.write() as tx:
        assert not tx.visits.first_news(VISIT.id, "same")


def test_events_are_numbered_in_order(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.add_event("visit-2", "state", "", "lobby", NOON)
        tx.visits.add_event(VISIT.id, "participant", "patient", "connected", NOON)
    with visited.write() as tx:
        tx.visits.add_event("visit-2", "state", "", "in_visit", NOON)
    with visited.read() as tx:
        events = tx.visits.events_after(0, limit=10)
        assert [e.label for e in events] == ["lobby", "connected", "in_visit"]
        assert [e.number for e in events] == sorted({e.number for e in events})
        assert tx.visits.last_event_number() == events[-1].number
        assert [e.label for e in tx.visits.events_of("visit-2")] == ["lobby", "in_visit"]
        assert tx.visits.events_of("visit-2", after=events[0].number) == [events[2]]
        assert tx.visits.events_after(events[0].number, limit=1) == [events[1]]
        assert tx.visits.events_after(events[-1].number, limit=10) == []


def test_without_events_the_last_number_is_zero(visited: SqlStore) -> None:
    with visited.read() as tx:
        assert tx.visits.last_event_number() == 0


def test_purging_takes_ended_visits_with_everything_that_hangs_on_them(visited: SqlStore) -> None:
    ended = replace(VISIT, state=VisitState.ENDED, ended_at=NOON)
    with visited.write() as tx:
        tx.visits.save(ended)
        tx.visits.save(replace(visit_number(2), ended_at=NOON + timedelta(days=2)))
        tx.visits.add_person(VISIT.id, PERSON)
        tx.visits.first_news(VISIT.id, "key")
        tx.visits.add_event(VISIT.id, "state", "", "ended", NOON)
        tx.outbox.add(ended, "key", b"sealed", NOON)
        tx.watches.want(VISIT.id, TENANT, MEETING.join_url, NOON)
    with visited.write() as tx:
        assert tx.visits.purge(NOON + timedelta(days=1)) == 1
        assert tx.visits.purge(NOON + timedelta(days=1)) == 0
    with visited.read() as tx:
        assert tx.visits.get(VISIT.id) is None
        assert tx.visits.people(VISIT.id) == []
        assert tx.visits.events_after(0, limit=10) == []
        assert tx.outbox.counts()["pending"] == 0
        assert tx.visits.get("visit-2") is not None
        assert tx.visits.get("visit-3") == visit_number(3)


def test_numbers_of_purged_events_do_not_come_back(visited: SqlStore) -> None:
    """A live page that saw number 1 would take a second number 1 for an old line."""
    with visited.write() as tx:
        tx.visits.add_event(VISIT.id, "state", "", "ended", NOON)
        tx.visits.save(replace(VISIT, ended_at=NOON))
    with visited.write() as tx:
        seen = tx.visits.last_event_number()
        tx.visits.purge(NOON + timedelta(days=1))
        tx.visits.add_event("visit-2", "state", "", "lobby", NOON)
    with visited.read() as tx:
        assert [e.label for e in tx.visits.events_after(seen, limit=10)] == ["lobby"]
