"""The same request sent twice under one key has its effect once, and the same answer twice (docs/api.md).

Only an answer that says the request was carried out is kept: what was refused changed nothing, so
it is tried again. A request whose process died lets go of its key after `LEASE`; it is run again
then, which every operation of the API stands.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.domain.errors import Reason, Refused
from connector.ports.idempotency import IN_PROGRESS, KeptAnswer
from connector.ports.storage import Store, Transaction
from connector.ports.system import Clock

# Longer than an entered configuration takes to ask the EHR, Entra and Graph, each at its slowest.
LEASE = timedelta(seconds=40)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """`actor` is the caller's Entra object id; `request_hash` covers method, path and body."""

    tenant_id: str
    actor: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Answered:
    """`answer` is JSON text; `replayed` says that an earlier request earned it."""

    status: int
    answer: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class AnswerOnce:
    store: Store
    clock: Clock

    def __call__(self, request: KeyedRequest, run: Callable[[], Answered]) -> Answered:
        """What `run` answers, or what it answered before; what it raises is not remembered.

        Raises:
            Refused: `IDEMPOTENCY_KEY_REUSED`; `IDEMPOTENCY_KEY_IN_USE`, with seconds to wait.
        """
        with self.store.write() as tx:
            held = self._take(tx, request)
        if held.status != IN_PROGRESS:
            return Answered(held.status, held.answer, replayed=True)
        with ExitStack() as undo:
            undo.callback(self._let_go, held)
            answered = run()
            undo.pop_all()
        done = replace(held, status=answered.status, answer=answered.answer)
        with self.store.write() as tx:
            tx.idempotency.replace(held, replace(done, created_at=self.clock.now()))
        return answered

    def _take(self, tx: Transaction, request: KeyedRequest) -> KeptAnswer:
        """The key, free or left behind, for this request; or the answer that is kept under it."""
        mine = KeptAnswer(
            tenant_id=request.tenant_id,
            actor=request.actor,
            key=request.key,
            request_hash=request.request_hash,
            status=IN_PROGRESS,
            answer="",
            created_at=self.clock.now(),
        )
        if tx.idempotency.keep(mine):
            return mine
        known = tx.idempotency.find(mine.tenant_id, mine.actor, mine.key) or mine
        if known.request_hash != mine.request_hash:
            raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
        if known.status != IN_PROGRESS:
            return known
        running = known.created_at + LEASE - mine.created_at
        if running <= timedelta() and tx.idempotency.replace(known, mine):
            return mine
        seconds = max(running.total_seconds(), 1.0)
        raise Refused(Reason.IDEMPOTENCY_KEY_IN_USE, retry_after_seconds=seconds)

    def _let_go(self, held: KeptAnswer) -> None:
        with self.store.write() as tx:
            tx.idempotency.drop(held)
