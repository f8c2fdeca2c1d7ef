"""Looks at Graph's attendance reports."""

import sqlalchemy as sa
from alembic import op

revision = "0003_attendance"
down_revision = "0002_promotion"
branch_labels = None
depends_on = None

_KEPT = "deleted with the visit's data key"


def upgrade() -> None:
    op.create_table(
        "attendance_check",
        sa.Column("visit_id", sa.Text, nullable=False, comment=f"visit it belongs to; {_KEPT}"),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment=f"next look at Graph's attendance reports, empty when none is due; {_KEPT}",
        ),
        sa.Column(
            "awaited",
            sa.Boolean,
            nullable=False,
            comment=f"true while the report of a call that ended has not been read; {_KEPT}",
        ),
        _count("failures", "how often in a row a look brought nothing"),
        _count("claims", "how often a worker took it, or a call ended"),
        sa.Column(
            "code",
            sa.Text,
            nullable=False,
            comment=f"why there is no report, empty unless it was given up; {_KEPT}",
        ),
        sa.PrimaryKeyConstraint("visit_id", name="pk_attendance_check"),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name="fk_attendance_check_visit_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_attendance_check_due_at", "attendance_check", ["due_at"])
    op.create_index("ix_attendance_check_awaited", "attendance_check", ["awaited"])


def _count(name: str, about: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, nullable=False, comment=f"{about}; {_KEPT}")
