"""A database as after years: rows made from those of one visit that was really held, in the database itself.

Each new row is a copy of a real one with other ids and times, so that sizes, states and columns are the
connector's own; a table nobody decided about stops it. The audit trail is chained by the connector's own rule.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import Table

from connector.adapters.sql import tables
from connector.adapters.sql.audit import HASHED, hash_of
from connector.adapters.sql.columns import METADATA
from connector.adapters.sql.meeting_tables import attendance_check, meeting_watch

# Half of the environments are production's, beside test's of the same organization.
_OF_ORGANIZATION = "'org-' || (n / 2)"
_OF_TENANT = "'tenant-' || (n / 2)"
_ENVIRONMENT = "'env-' || n"
_ADDRESS = "'https://ehr-' || n || '.example.org/FHIR/R4'"
_HELD = "current_setting('bench.visit')"
_ITS_ENVIRONMENT = "current_setting('bench.environment')"
_OURS = f"environment_id = {_ITS_ENVIRONMENT}"
_VISIT = "'v' || substr(md5('visit' || n), 1, 21)"
_ENDED = "now() - n * interval '26 seconds'"
_LINKS_OF_ONE: Final = 10
# Visits of the last hour or so, whose key is not destroyed yet (usecases.tidy_up).
_ALIVE: Final = 500
_SPENT_STATES: Final = 1_000
_AUDIT_EVERY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; configurations are environments with a revision in use."""

    visits: int = 100_000
    audit_lines: int = 1_000_000
    configurations: int = 10_000


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows of `table`: for each n of 1 to `count` the rows of it that are `like`, with what varies set.

    Attributes:
        like: SQL condition on the rows that are copied.
        varied: SQL expressions of n and of the copied row `old`, by column.
    """

    table: Table[Any]
    count: int
    like: str
    varied: Mapping[str, str]

    def statement(self) -> str:
        """Raises: KeyError: a column that varies is none of the table."""
        known = [c.name for c in self.table.columns if c.identity is None]
        if unknown := set(self.varied) - set(known):
            raise KeyError(f"{self.table.name} has no {', '.join(sorted(unknown))}")
        columns = ", ".join(_quoted(name) for name in known)
        values = ", ".join(self.varied.get(name, f"old.{_quoted(name)}") for name in known)
        return (
            f"INSERT INTO {_quoted(self.table.name)} ({columns}) SELECT {values} "  # noqa: S608 - no input
            f"FROM generate_series(1, {self.count}) AS n "
            f"CROSS JOIN (SELECT * FROM {_quoted(self.table.name)} WHERE {self.like}) AS old"
        )


def _quoted(name: str) -> str:
    return f'"{name}"'


def copies(size: Size) -> list[Copies]:
    """Everything but the audit trail, in an order that references allow.

    The session's `bench.visit` names a visit that was held to its end, `bench.environment` its environment, which
    is the one launches are measured in: every tenth visit is its own.
    """
    return [*_configurations(size.configurations), *_visits(size.visits, size.configurations)]


_TENANT_OF_IT = (
    "id = (SELECT tenant_id FROM ehr_environment WHERE id = current_setting('bench.environment'))"
)
_ORGANIZATION_OF_IT = (
    "id = (SELECT organization_id FROM ehr_environment"
    " WHERE id = current_setting('bench.environment'))"
)
_ONE_USER = (
    "ctid = (SELECT min(ctid) FROM ehr_user_link"
    " WHERE environment_id = current_setting('bench.environment'))"
)


def _configurations(count: int) -> list[Copies]:
    of_it = {"tenant_id": _OF_TENANT, "environment_id": _ENVIRONMENT}
    revision = {**of_it, "fhir_base_url": _ADDRESS, "approver_object_id": "'approver-' || (n / 2)"}
    active = f"{_OURS} AND state = 'active'"
    superseded = {"id": "'earlier-' || n", "state": "'superseded'"}
    in_use = {"id": "'revision-' || n", "number": "old.number + 1"}
    claim = {"environment_id": _ENVIRONMENT, "fhir_base_url": _ADDRESS}
    # Users 0 to 10 of each environment in turn.
    link = {
        "ehr_user_id": f"'user-' || (n / {count})",
        "environment_id": f"'env-' || (1 + n % {count})",
        "tenant_id": f"'tenant-' || ((1 + n % {count}) / 2)",
    }
    return [
        Copies(tables.tenant, count // 2 + 1, _TENANT_OF_IT, {"id": "'tenant-' || (n - 1)"}),
        Copies(
            tables.organization,
            count // 2 + 1,
            _ORGANIZATION_OF_IT,
            {"id": "'org-' || (n - 1)", "tenant_id": "'tenant-' || (n - 1)"},
        ),
        Copies(
            tables.ehr_environment,
            count,
            f"id = {_ITS_ENVIRONMENT}",
            {
                "id": _ENVIRONMENT,
                "tenant_id": _OF_TENANT,
                "organization_id": _OF_ORGANIZATION,
                "kind": "CASE n % 2 WHEN 0 THEN 'test' ELSE 'production' END",
            },
        ),
        Copies(tables.configuration_revision, count, active, revision | in_use),
        Copies(tables.configuration_revision, count, active, revision | superseded),
        Copies(tables.issuer_claim, count, _OURS, claim | {"revision_id": "'revision-' || n"}),
        Copies(
            tables.integration_record,
            count,
            _OURS,
            {
                "id": "'record-' || n || old.kind || old.\"group\"",
                "environment_id": _ENVIRONMENT,
            },
        ),
        Copies(
            tables.ehr_user_link,
            count * _LINKS_OF_ONE,
            _ONE_USER,
            link,
        ),
    ]


_OF_HELD = f"visit_id = {_HELD}"
_THEIRS = {"visit_id": _VISIT}


def _visits(count: int, configurations: int) -> list[Copies]:
    """Kept as long as the setting says, their seals destroyed but for those that are alive."""
    elsewhere = f"'env-' || (1 + n % {configurations})"
    tenant = f"'tenant-' || ((1 + n % {configurations}) / 2)"
    where = {
        "environment_id": f"CASE n % 10 WHEN 0 THEN {_ITS_ENVIRONMENT} ELSE {elsewhere} END",
        "tenant_id": f"CASE n % 10 WHEN 0 THEN old.tenant_id ELSE {tenant} END",
    }
    visit = {
        "id": _VISIT,
        "visit_key": "md5('key' || n) || md5('more' || n)",
        "created_at": f"{_ENDED} - interval '20 minutes'",
        "ended_at": _ENDED,
        "call_ended_at": _ENDED,
    }
    told = {
        "key": "md5(old.key || n)",
        "sealed": _sealed("sealed", "''"),
        "created_at": _ENDED,
        "delivered_at": _ENDED,
    }
    person = {"ehr_id_sealed": _sealed("ehr_id_sealed", "''")}
    in_call = {"ehr_id_sealed": _sealed("ehr_id_sealed", "NULL")}
    return [
        Copies(tables.visit, count, f"id = {_HELD}", where | visit),
        Copies(tables.visit_person, count, _OF_HELD, _THEIRS | person),
        Copies(tables.participant, count, _OF_HELD, _THEIRS | in_call),
        Copies(tables.applied_notification, count, _OF_HELD, _THEIRS),
        Copies(tables.visit_event, count, _OF_HELD, _THEIRS | {"at": _ENDED}),
        Copies(tables.outbox_message, count, _OF_HELD, _THEIRS | where | told),
        *_alive(where["tenant_id"]),
    ]


def _sealed(column: str, destroyed: str) -> str:
    return f"CASE WHEN n <= {_ALIVE} THEN old.{column} ELSE {destroyed} END"


def _alive(tenant: str) -> list[Copies]:
    """What is kept of visits of the last hours only."""
    watch = {"tenant_id": tenant, "graph_id": "md5('graph' || n)"}
    spent = {"state_hash": "md5('a' || n) || md5('b' || n)", "redeemed_at": "now()"}
    one_state = "state_hash = (SELECT min(state_hash) FROM redeemed_launch)"
    return [
        Copies(tables.visit_secret, _ALIVE, _OF_HELD, _THEIRS | {"kept_at": "now()"}),
        Copies(meeting_watch, _ALIVE, _OF_HELD, _THEIRS | watch),
        Copies(attendance_check, _ALIVE, _OF_HELD, _THEIRS),
        Copies(tables.redeemed_launch, _SPENT_STATES, one_state, spent),
    ]


# What is empty on a calm day, or holds one row whatever happens; grants are few.
LEFT_ALONE: Final = frozenset({"graph_notification", "heartbeat", "idempotency_key", "share_grant"})


def decided(planned: list[Copies]) -> frozenset[str]:
    """Names of the tables that grow, the audit trail's included.

    Raises:
        LookupError: a table of the connector neither grows nor is left alone.
    """
    grown = {one.table.name for one in planned} | {tables.audit_event.name}
    if forgotten := set(METADATA.tables) - grown - LEFT_ALONE:
        raise LookupError(f"nobody decided how these tables grow: {', '.join(sorted(forgotten))}")
    return frozenset(grown)


Line = tuple[datetime, str, str, str, str | None, str | None, str, str, str, str]


def chained(like: Mapping[str, Any], count: int, last_hash: str, since: datetime) -> Iterator[Line]:
    """Lines of the audit trail that go on from `last_hash`, each like the one given but for its visit.

    Args:
        like: the words of a line, by the names of `HASHED`.
        count: how many.
        last_hash: of the newest line there is.
        since: time of the first, aware.
    """
    previous = last_hash
    words = dict(like)
    facts = json.loads(like["facts"])
    for number in range(count):
        at = since + timedelta(seconds=number * _AUDIT_EVERY_SECONDS)
        reference = f"{number:08X}"
        words["reference"] = f"{reference[:4]}-{reference[4:]}"
        words["facts"] = json.dumps(facts | {"visit": f"seeded-{number:014d}"}, sort_keys=True)
        sealed = hash_of(previous, at, words)
        yield (at, *(words[name] for name in HASHED), previous, sealed)
        previous = sealed


def grow(url: str, size: Size) -> None:
    """Fill the database at rest and gather its statistics, as autovacuum would have.

    Raises:
        LookupError: no visit was held there to its end, or a table is new to us.
    """
    planned = copies(size)
    decided(planned)
    with ThreadPoolExecutor() as both:
        grown = (both.submit(_grow_rows, url, planned), both.submit(_grow_audit, url, size))
    for one in grown:
        one.result()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _grow_rows(url: str, planned: list[Copies]) -> None:
    with psycopg.connect(url) as connection:
        _name_what_is_copied(connection)
        for one in planned:
            connection.execute(one.statement())


def _name_what_is_copied(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute(
        "SELECT set_config('bench.visit', id, false),"
        " set_config('bench.environment', environment_id, false)"
        " FROM visit WHERE state = 'ended' AND met ORDER BY id LIMIT 1"
    ).fetchone()
    if found is None:
        raise LookupError("no visit was held to its end: there is nothing to copy")


def _grow_audit(url: str, size: Size) -> None:
    with psycopg.connect(url) as connection:
        _add_lines(connection, size.audit_lines)


def _add_lines(connection: psycopg.Connection[Any], count: int) -> None:
    words = ", ".join(HASHED)
    like = connection.execute(
        f"SELECT {words} FROM audit_event WHERE event = 'person.launch.complete' LIMIT 1"  # noqa: S608
    ).fetchone()
    last = connection.execute(
        "SELECT hash, now() FROM audit_event ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if like is None or last is None:
        raise LookupError("nobody launched: there is no line to copy")
    since = last[1] - timedelta(seconds=count * _AUDIT_EVERY_SECONDS)
    lines = chained(dict(zip(HASHED, like, strict=True)), count, last[0], since)
    into = f"COPY audit_event (at, {words}, previous_hash, hash) FROM STDIN"
    with connection.cursor().copy(into) as copying:
        for line in lines:
            copying.write_row(line)
