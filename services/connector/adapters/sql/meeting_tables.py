"""What is kept of a meeting's life at Graph: its subscription, and the looks at its attendance."""

from sqlalchemy import Index, Table, TypedColumns, UniqueConstraint

from connector.adapters.sql.columns import (
    METADATA,
    count,
    flag,
    kept,
    of_tenant,
    of_visit,
    text,
    text_or_none,
    time_or_none,
)


class MeetingWatchColumns(TypedColumns):
    visit_id = of_visit(primary_key=True)
    tenant_id = of_tenant()
    join_url = text("address of the meeting that is watched")
    graph_id = text_or_none("Graph's id of the subscription")
    expires_at = time_or_none("when Graph lets it lapse")
    wanted = flag("false when it is to be deleted")
    attempts = count("how often a worker took it since Graph confirmed it")
    due_at = time_or_none("next look, empty while Graph has confirmed it")


meeting_watch = kept(
    "deleted when the meeting is over",
    Table(
        "meeting_watch",
        METADATA,
        MeetingWatchColumns,
        UniqueConstraint("graph_id"),
        Index(None, "due_at"),
        Index(None, "expires_at"),
    ),
)


class AttendanceCheckColumns(TypedColumns):
    visit_id = of_visit(primary_key=True)
    due_at = time_or_none("next look at Graph's attendance reports, empty when none is due")
    awaited = flag("true while the report of a call that ended has not been read")
    failures = count("how often in a row a look brought nothing")
    claims = count("how often a worker took it, or a call ended")
    code = text("why there is no report, empty unless it was given up")


attendance_check = kept(
    "deleted with the visit's data key",
    Table(
        "attendance_check",
        METADATA,
        AttendanceCheckColumns,
        Index(None, "due_at"),
        Index(None, "awaited"),
    ),
)
