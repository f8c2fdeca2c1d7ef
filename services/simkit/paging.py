"""Long lists of a control plane: pages of rows, compact enough for a hundred thousand of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LARGEST_PAGE = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    offset: int
    limit: int

    def answer(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """`next` is the offset to ask for, null when fewer rows than wanted were left."""
        following = self.offset + len(rows) if len(rows) == self.limit else None
        return {"columns": columns, "rows": rows, "next": following}


def page_asked(query: Mapping[str, str]) -> Page:
    """From `offset` and `limit`. Raises ValueError."""
    offset, limit = int(query.get("offset", 0)), int(query.get("limit", LARGEST_PAGE))
    if offset < 0 or not 0 < limit <= LARGEST_PAGE:
        raise ValueError(f"offset must be 0 or more and limit 1 to {LARGEST_PAGE}")
    return Page(offset, limit)
