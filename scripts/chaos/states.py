"""What the database says of test and production, and which of it is legal."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_REVISIONS = """
SELECT e.kind, r.number, r.state, r.fhir_base_url, r.backend_client_id, r.promotion_plan
FROM ehr_environment e LEFT JOIN configuration_revision r ON r.environment_id = e.id
ORDER BY e.kind, r.number
"""
_CLAIMS = """
SELECT e.kind, c.fhir_base_url, r.number
FROM issuer_claim c JOIN ehr_environment e ON e.id = c.environment_id
JOIN configuration_revision r ON r.id = c.revision_id
"""
_PENDING = ("awaiting_approval", "changes_requested")


@dataclass(frozen=True, slots=True)
class StoredRevision:
    kind: str
    number: int | None
    state: str | None
    fhir_base_url: str | None
    backend_client_id: str | None
    promotion_plan: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Revisions of both environments, oldest first, and which number launches use where."""

    revisions: tuple[StoredRevision, ...]
    claims: frozenset[tuple[str, str, int]]

    def of(self, kind: str) -> tuple[StoredRevision, ...]:
        return tuple(revision for revision in self.revisions if revision.kind == kind)

    def live(self, kind: str) -> int | None:
        return next((number for where, _, number in self.claims if where == kind), None)


def look(database: Path) -> Snapshot:
    """As another process sees it: what was committed, and nothing else."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        revisions = tuple(StoredRevision(*row) for row in connection.execute(_REVISIONS))
        claims = frozenset((kind, url, number) for kind, url, number in connection.execute(_CLAIMS))
    return Snapshot(revisions, claims)


def wrong_at_any_time(now: Snapshot) -> list[str]:
    """What must hold in every state, whoever was killed when."""
    wrong = [f"{r.kind} is an environment without a revision" for r in now.revisions if not r.state]
    for kind in ("test", "production"):
        states = Counter(revision.state for revision in now.of(kind))
        active = [r.number for r in now.of(kind) if r.state == "active"]
        if states["active"] > 1 or sum(states[state] for state in _PENDING) > 1:
            wrong.append(f"{kind} has {dict(states)}")
        if ([now.live(kind)] if now.live(kind) else []) != active:
            wrong.append(f"{kind} launches with {now.live(kind)}, active is {active}")
    return wrong


def wrong_after_apply(
    before: Snapshot, now: Snapshot, fhir_base_url: str, backend: str
) -> list[str]:
    """Production is as it was, or has exactly one revision more: this plan's, waiting."""
    wrong = wrong_at_any_time(now)
    if before.of("test") != now.of("test"):
        wrong.append("test has changed")
    if before.claims != now.claims:
        wrong.append("launches use something nobody approved")
    new = now.of("production")[len(before.of("production")) :]
    if not new and now.of("production") != before.of("production"):
        wrong.append("production has changed without a new revision")
    for revision in new:
        expected = ("awaiting_approval", fhir_base_url, backend)
        found = (revision.state, revision.fhir_base_url, revision.backend_client_id)
        if found != expected or not revision.promotion_plan:
            wrong.append(f"production has {found}, not {expected}")
    if len(new) > 1:
        wrong.append(f"one plan made {len(new)} revisions")
    return wrong
