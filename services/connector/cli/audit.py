"""`connector audit`: prove the trail, hand it over, anchor it (reliability.md case 77)."""

import sys
from datetime import UTC, datetime
from typing import Any

import click

from connector.cli.speech import fail, say, settings, with_json
from connector.domain.audit import Event
from connector.domain.audit_chain import AnchoredLine, ChainedLine, Damage, Finding, Verdict
from connector.ports.audit_log import AuditFilter

_WORDS = {
    Damage.ALTERED: "line {id} was altered: its words are not the ones that were sealed",
    Damage.MISSING_BEFORE: "before line {id} something is missing: the line it was written after is "
    "gone or was rewritten",
    Damage.REORDERED: "line {id} was moved: it was written after another line",
    Damage.GONE: "line {id} is gone: the anchor remembers it, the trail does not hold it",
    Damage.REWRITTEN: "line {id} was rewritten: the anchor remembers another hash",
    Damage.ANCHOR_UNREADABLE: "line {id} of the anchor file cannot be believed",
    Damage.ANCHOR_MISSING: "the anchor file is empty or not there, though the trail has lines",
}


@click.group()
def audit() -> None:
    """The audit trail: prove it, hand it over, anchor it."""


@audit.command("verify")
@with_json
def audit_verify(*, as_json: bool) -> None:
    """Read the whole trail and name the first line that is not as it was written.

    Altered, missing and moved lines show in the hash chain. That the end was cut off, or everything
    was written anew, shows by comparing with the anchor (CONNECTOR_AUDIT_ANCHOR_FILE).

    Example:
      connector audit verify --json

    Exit codes: 0 whole, 1 broken or unreadable, 2 wrong settings.
    """
    from connector.bootstrap import build_audit_verifier

    verdict = build_audit_verifier(settings())()
    say(_as_facts(verdict), _as_words(verdict), as_json=as_json)
    sys.exit(0 if verdict.whole else 1)


@audit.command("anchor")
@click.option("--print", "only_print", is_flag=True, help="Print the head, write nothing.")
@with_json
def audit_anchor(*, only_print: bool, as_json: bool) -> None:
    """Add the newest line's hash to the anchor now, as the worker does every minute.

    With --print the head goes to standard output instead: keep it wherever you trust, for example
    in a ticket, and compare it with a later `connector audit verify`.

    Examples:
      connector audit anchor
      connector audit anchor --print --json

    Exit codes: 0 done, 1 the trail is empty or there is no anchor, 2 wrong settings.
    """
    from connector.bootstrap import build_anchoring, build_audit_log

    loaded = settings()
    head: ChainedLine | AnchoredLine | None
    if only_print:
        head = build_audit_log(loaded).head()
    elif (anchoring := build_anchoring(loaded)) is None:
        fail("CONNECTOR_AUDIT_ANCHOR_FILE is not set: there is no anchor to add to")
    else:
        head = anchoring()
    if head is None:
        fail("the trail is empty")
    facts = {"id": head.id, "hash": head.hash}
    say(facts, f"line {head.id} has hash {head.hash}", as_json=as_json)


@audit.command("export")
@click.option("--tenant", help="Lines of this Entra tenant id only; without it, of all.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on, UTC.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Before this day, UTC.")
@click.option("--event", type=click.Choice([e.value for e in Event]), help="This event only.")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True
)
def audit_export(
    *,
    tenant: str | None,
    since: datetime | None,
    until: datetime | None,
    event: str | None,
    form: str,
) -> None:
    """Write the trail to standard output, oldest first, as JSON lines or CSV.

    It is streamed: a trail of any length needs no memory. CSV cells that a spreadsheet would take
    for a formula begin with an apostrophe.

    Examples:
      connector audit export --since 2026-03-01 --until 2026-04-01 > march.jsonl
      connector audit export --tenant 11111111-1111-4111-8111-111111111111 --format csv

    Exit codes: 0 written, 1 the database cannot be used, 2 wrong usage or settings.
    """
    from connector.bootstrap import build_audit_log
    from connector.usecases.read_audit import all_lines
    from connector.web.audit_export import as_csv, as_json_lines

    wanted = AuditFilter(tenant_id=tenant, event=event or "", since=_utc(since), until=_utc(until))
    lines = all_lines(build_audit_log(settings()), wanted)
    pieces = as_csv(lines) if form == "csv" else as_json_lines(lines)
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode())  # whatever the terminal's encoding is
    sys.stdout.buffer.flush()


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _as_facts(verdict: Verdict) -> dict[str, Any]:
    return {
        "whole": verdict.whole,
        "lines": verdict.lines,
        "head": verdict.head_id,
        "anchored_to": verdict.anchored_to,
        "lines_after_anchor": verdict.lines_after_anchor,
        "findings": [{"id": f.line_id, "what": f.damage.value} for f in verdict.findings],
    }


def _as_words(verdict: Verdict) -> str:
    if verdict.findings:
        return "\n".join(["BROKEN", *map(_sentence, verdict.findings)])
    if verdict.anchored_to is None:
        return (
            f"whole: {verdict.lines} lines. There is no anchor to compare with: that the end was cut "
            "off, or everything was written anew, would not show (CONNECTOR_AUDIT_ANCHOR_FILE)."
        )
    return (
        f"whole: {verdict.lines} lines, anchored up to line {verdict.anchored_to}; "
        f"{verdict.lines_after_anchor} newer ones by the chain only"
    )


def _sentence(finding: Finding) -> str:
    return _WORDS[finding.damage].format(id=finding.line_id)
