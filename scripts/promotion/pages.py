"""What the command prints, readable in 80 columns; a value too long for that keeps a line of its own."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

from scripts.promotion.readiness import words_for

COLUMNS: Final = 80
Document = Mapping[str, Any]


def plan_page(plan: Document) -> str:
    blockers = [item for item in plan["items"] if item["blocks"]]
    return "\n".join(
        [
            f"Plan {plan['digest'][:16]}…",
            "",
            *(line for item in plan["items"] for line in _item(item)),
            "",
            *_changes(plan["changes"]),
            "",
            _conclusion(plan, len(blockers)),
        ]
    )


def _conclusion(plan: Document, blockers: int) -> str:
    applied = plan.get("applied")
    if applied and applied["state"] == "active":
        return f"Production is live with this already: revision {applied['number']}."
    if applied:
        return f"Applied already: revision {applied['number']} waits for {applied['approver']}."
    if blockers:
        return f"Blocked: {blockers} {'point' if blockers == 1 else 'points'} to remedy."
    return "Ready to apply."


def _item(item: Document) -> Iterable[str]:
    mark = "x" if item["blocks"] else "ok" if item["ready"] else "!"
    words = words_for(item)
    yield f"  {mark:<3}{words.title}"
    if not item["ready"]:
        yield from _wrapped(words.remedy, "       ")


def _changes(changes: Iterable[Document]) -> Iterable[str]:
    listed = list(changes)
    yield f"Changes in production: {len(listed)}"
    for change in listed:
        yield f"  {change['field']}"
        if change["before"]:
            yield f"    - {change['before']}"
        yield f"    + {change['after'] or '(nothing)'}"


def status_page(test: Document, production: Document | None) -> str:
    return "\n".join(
        [*_standing("Test", test), *_standing("Production", production or {"active": None})]
    )


def _standing(title: str, environment: Document) -> Iterable[str]:
    active, newest = environment.get("active"), environment.get("newest")
    live = f"live with revision {active['number']}" if active else "takes no launches"
    yield f"{title}: {live}"
    if active:
        yield f"  {active['fhir_base_url']}"
    if newest and newest != active:
        yield f"  newest: revision {newest['number']}, {str(newest['state']).replace('_', ' ')}"
    if approval_url := environment.get("approval_url"):
        yield "  its approver opens"
        yield f"  {approval_url}"


def wrapped(text: str) -> str:
    return "\n".join(_wrapped(text, ""))


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
