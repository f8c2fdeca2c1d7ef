"""Subscriptions: to create, to renew, to delete; one worker at a time, never forgotten."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.builders.store import NOON, TENANT, VISIT

from connector.adapters.sql.store import SqlStore
from connector.domain.visit import VisitState
from connector.ports.storage import StorageConflict, WatchedMeeting

URL = "https://teams.example/j/1"
HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=120)
UNCLAIMED = WatchedMeeting(VISIT.id, TENANT, URL, None, None, wanted=True, attempts=-1)
SECOND = timedelta(seconds=1)


def want(store: SqlStore, visit_id: str = VISIT.id, at: datetime = NOON) -> None:
    with store.write() as tx:
        tx.watches.want(visit_id, TENANT, URL, at)


def claim(store: SqlStore, now: datetime = NOON, limit: int = 10) -> list[WatchedMeeting]:
    with store.write() as tx:
        return list(tx.watches.claim_due(now, now + HOUR, limit))


def confirm(
    store: SqlStore,
    watch: WatchedMeeting = UNCLAIMED,
    *,
    graph_id: str = "sub-1",
    expires_at: datetime = NOON + 12 * HOUR,
) -> None:
    with store.write() as tx:
        tx.watches.confirmed(watch, graph_id, expires_at)


def test_a_wanted_meeting_is_due_to_be_created(visited: SqlStore) -> None:
    want(visited)
    assert claim(visited) == [
        WatchedMeeting(VISIT.id, TENANT, URL, None, None, wanted=True, attempts=0)
    ]


def test_wanting_twice_is_wanting_once(visited: SqlStore) -> None:
    want(visited)
    claim(visited)
    want(visited)
    assert claim(visited) == []


def test_a_watch_of_an_unknown_visit_is_refused(visited: SqlStore) -> None:
    with pytest.raises(StorageConflict):
        want(visited, "nobody's")


def test_a_claim_is_as_large_as_asked_for(visited: SqlStore) -> None:
    for visit_id in ("visit-1", "visit-2", "visit-3"):
        want(visited, visit_id)
    assert len(claim(visited, limit=2)) == 2
    assert len(claim(visited, limit=2)) == 1


def test_a_leased_watch_is_nobody_elses(visited: SqlStore, other_store: SqlStore) -> None:
    want(visited)
    claim(visited)
    assert claim(other_store, NOON + LEASE - SECOND) == []


def test_the_watch_of_a_killed_worker_comes_back(visited: SqlStore, other_store: SqlStore) -> None:
    """Case 73."""
    want(visited)
    claim(visited)
    [again] = claim(other_store, NOON + LEASE)
    assert (again.graph_id, again.attempts) == (None, 1)


def test_a_confirmed_watch_is_left_alone_until_it_is_about_to_lapse(visited: SqlStore) -> None:
    want(visited)
    confirm(visited, *claim(visited))
    assert claim(visited, NOON + 11 * HOUR) == []
    [renewal] = claim(visited, NOON + 11 * HOUR + SECOND)
    assert renewal.graph_id == "sub-1"
    assert renewal.expires_at == NOON + 12 * HOUR
    assert renewal.attempts == 0


def test_a_renewal_under_way_is_leased_too(visited: SqlStore, other_store: SqlStore) -> None:
    want(visited)
    confirm(visited)
    later = NOON + 11 * HOUR + SECOND
    assert len(claim(visited, later)) == 1
    assert claim(other_store, later + LEASE - SECOND) == []
    assert len(claim(other_store, later + LEASE)) == 1


def test_a_failed_attempt_waits_for_its_time(visited: SqlStore) -> None:
    want(visited)
    [held] = claim(visited)
    with visited.write() as tx:
        tx.watches.retry(held, NOON + HOUR)
    assert claim(visited, NOON + HOUR - SECOND) == []
    assert [w.attempts for w in claim(visited, NOON + HOUR)] == [1]


def test_an_unwanted_watch_is_due_to_be_deleted(visited: SqlStore) -> None:
    want(visited)
    confirm(visited)
    with visited.write() as tx:
        tx.watches.unwant(VISIT.id, NOON + HOUR)
    [deletion] = claim(visited, NOON + HOUR)
    assert (deletion.graph_id, deletion.wanted) == ("sub-1", False)
    with visited.write() as tx:
        tx.watches.removed(VISIT.id)
    assert claim(visited, NOON + timedelta(days=9)) == []


def test_a_watch_unwanted_while_graph_makes_it_is_deleted_afterwards(visited: SqlStore) -> None:
    want(visited)
    [held] = claim(visited)
    with visited.write() as tx:
        tx.watches.unwant(VISIT.id, NOON + SECOND)
    confirm(visited, held)
    [deletion] = claim(visited, NOON + SECOND)
    assert (deletion.graph_id, deletion.wanted) == ("sub-1", False)


def test_a_watch_wanted_again_while_it_is_deleted_is_created_anew(visited: SqlStore) -> None:
    want(visited)
    confirm(visited)
    with visited.write() as tx:
        tx.watches.unwant(VISIT.id, NOON)
    claim(visited)
    want(visited)
    with visited.write() as tx:
        tx.watches.removed(VISIT.id)
    [creation] = claim(visited)
    assert (creation.graph_id, creation.wanted) == (None, True)


def test_a_lost_subscription_is_created_anew_at_once(visited: SqlStore) -> None:
    """Case 65."""
    want(visited)
    confirm(visited)
    with visited.write() as tx:
        tx.watches.lost(UNCLAIMED)
    [creation] = claim(visited)
    assert (creation.graph_id, creation.expires_at) == (None, None)


def test_graph_may_ask_for_a_renewal_now(visited: SqlStore) -> None:
    want(visited)
    confirm(visited)
    with visited.write() as tx:
        tx.watches.renew_now(VISIT.id, TENANT, NOON + HOUR)
    assert [w.graph_id for w in claim(visited, NOON + HOUR)] == ["sub-1"]


def test_another_tenant_renews_nothing(visited: SqlStore) -> None:
    want(visited)
    confirm(visited)
    with visited.write() as tx:
        tx.watches.renew_now(VISIT.id, "another", NOON + HOUR)
    assert claim(visited, NOON + HOUR) == []


def test_what_is_being_made_is_not_renewed_beside_it(visited: SqlStore) -> None:
    want(visited)
    claim(visited)
    with visited.write() as tx:
        tx.watches.renew_now(VISIT.id, TENANT, NOON)
    assert claim(visited) == []


def test_a_worker_that_lost_its_lease_decides_nothing_any_more(visited: SqlStore) -> None:
    want(visited)
    [lost] = claim(visited)
    [held] = claim(visited, NOON + LEASE)
    confirm(visited, held, graph_id="sub-2")
    with visited.write() as tx:
        tx.watches.confirmed(lost, "sub-1", NOON)
        tx.watches.retry(lost, NOON)
        tx.watches.lost(lost)
    assert claim(visited, NOON + LEASE) == []
    [renewal] = claim(visited, NOON + 12 * HOUR)
    assert renewal.graph_id == "sub-2"


def test_the_watches_of_visits_that_ended_long_ago_are_unwanted(visited: SqlStore) -> None:
    want(visited)
    want(visited, "visit-2")
    with visited.write() as tx:
        tx.visits.save(replace(VISIT, state=VisitState.ENDED, ended_at=NOON))
        tx.watches.unwant_ended(NOON, NOON)
        tx.watches.unwant_ended(NOON + SECOND, NOON)
    assert {w.visit_id: w.wanted for w in claim(visited)} == {"visit-1": False, "visit-2": True}


def test_two_visits_never_share_a_subscription(visited: SqlStore) -> None:
    want(visited)
    want(visited, "visit-2")
    confirm(visited)
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.watches.confirmed(replace(UNCLAIMED, visit_id="visit-2"), "sub-1", NOON)


def test_news_about_unknown_watches_changes_nothing(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.watches.unwant(VISIT.id, NOON)
        tx.watches.confirmed(UNCLAIMED, "sub-1", NOON)
        tx.watches.removed(VISIT.id)
        tx.watches.retry(UNCLAIMED, NOON)
        tx.watches.lost(UNCLAIMED)
        tx.watches.renew_now(VISIT.id, TENANT, NOON)
        tx.watches.unwant_ended(NOON, NOON)
    assert claim(visited, NOON + timedelta(days=9)) == []
