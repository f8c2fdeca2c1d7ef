"""A request that is sent twice under one key has its effect once (docs/api.md)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.builders.configurations import ADMIN_ID, OTHER_TENANT, TENANT
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.usecases.answer_once import LEASE, Answered, AnswerOnce, KeyedRequest
from connector.usecases.tidy_up import ANSWERS_KEPT

REQUEST = KeyedRequest(TENANT, ADMIN_ID, "key-1", "hash-1")
CREATED = Answered(201, '{"id":"1"}')


class Effect:
    """Counts how often it happened; `fail` raises after that."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.times = 0
        self.fail = fail

    def __call__(self) -> Answered:
        self.times += 1
        if self.fail:
            raise self.fail
        return CREATED


@pytest.fixture
def once(world: World) -> AnswerOnce:
    return AnswerOnce(world.store, world.clock)


def refused(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def test_the_second_request_gets_the_first_answer_and_no_effect(once: AnswerOnce) -> None:
    effect = Effect()
    assert once(REQUEST, effect) == CREATED
    assert once(REQUEST, effect) == replace(CREATED, replayed=True)
    assert effect.times == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, key="key-2"),
        replace(REQUEST, actor="somebody-else"),
        replace(REQUEST, tenant_id=OTHER_TENANT),
    ],
)
def test_another_key_person_or_tenant_is_another_request(
    once: AnswerOnce, other: KeyedRequest
) -> None:
    effect = Effect()
    once(REQUEST, effect)
    assert once(other, effect) == CREATED
    assert effect.times == 2


def test_another_request_under_the_same_key_is_refused_unrun(once: AnswerOnce) -> None:
    effect = Effect()
    once(REQUEST, effect)
    other = replace(REQUEST, request_hash="hash-2")
    assert refused(lambda: once(other, effect)).reason is Reason.IDEMPOTENCY_KEY_REUSED
    assert effect.times == 1


def test_the_same_request_at_the_same_time_is_told_to_wait(once: AnswerOnce) -> None:
    inner = Effect()

    def meanwhile() -> Answered:
        waiting = refused(lambda: once(REQUEST, inner))
        assert waiting.reason is Reason.IDEMPOTENCY_KEY_IN_USE
        assert waiting.retry_after_seconds == LEASE.total_seconds()
        return CREATED

    assert once(REQUEST, meanwhile) == CREATED
    assert inner.times == 0


@pytest.mark.parametrize("failure", [Refused(Reason.URL_TAKEN), RuntimeError("a bug")])
def test_what_failed_is_not_remembered_and_runs_again(
    once: AnswerOnce, failure: Exception, world: World
) -> None:
    effect = Effect(failure)
    with pytest.raises(type(failure)):
        once(REQUEST, effect)
    assert world.rows("idempotency_key") == []
    effect.fail = None
    assert once(REQUEST, effect) == CREATED
    assert effect.times == 2


def test_a_key_whose_process_died_is_free_after_a_while(once: AnswerOnce, world: World) -> None:
    """Nobody lets go of it: the row stays as the dead process left it."""
    again = Effect()

    def dies() -> Answered:
        world.clock.advance(LEASE / 2)
        early = refused(lambda: once(REQUEST, again))
        assert early.retry_after_seconds == LEASE.total_seconds() / 2
        world.clock.advance(LEASE / 2)
        assert once(REQUEST, again) == CREATED
        return Answered(201, "too late")

    assert once(REQUEST, dies).answer == "too late"
    assert once(REQUEST, again) == replace(CREATED, replayed=True)
    assert again.times == 1


def test_who_waited_too_little_is_never_told_to_wait_no_time(
    once: AnswerOnce, world: World
) -> None:
    def nearly() -> Answered:
        world.clock.advance(LEASE.total_seconds() - 0.01)
        assert refused(lambda: once(REQUEST, Effect())).retry_after_seconds == 1.0
        return CREATED

    assert once(REQUEST, nearly) == CREATED


def test_a_request_that_failed_late_does_not_free_the_key_of_its_successor(
    once: AnswerOnce, world: World
) -> None:
    successor = Effect()

    def overtaken() -> Answered:
        world.clock.advance(LEASE)
        once(REQUEST, successor)
        raise Refused(Reason.URL_TAKEN)

    refused(lambda: once(REQUEST, overtaken))
    assert once(REQUEST, successor).replayed
    assert successor.times == 1


def test_answers_are_forgotten_after_a_day(once: AnswerOnce, world: World) -> None:
    effect = Effect()
    once(REQUEST, effect)
    world.clock.advance(ANSWERS_KEPT)
    world.tidy_up()
    assert once(REQUEST, effect).replayed
    world.clock.advance(1)
    world.tidy_up()
    assert not once(REQUEST, effect).replayed
    assert effect.times == 2
