"""E10 and E14: nothing of the connector's fails, so its own page explains what does."""

from collections.abc import Sequence

from scripts.error_scenarios.shown import Shown, runbook_section
from scripts.error_scenarios.stage import Stage
from scripts.story.narrator import promise


def citrix(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E10: the errors page leads to the redirection rule."""
    reader = stage.cast.stranger.open(f"{stage.connector}/help/errors")
    shown = runbook_section(reader, "e10")
    reader.open(f"{stage.connector}/help/devices")
    table = reader.element("citrix").find_next("table")
    rule = table.get_text(" ", strip=True) if table else ""
    promise("teams.microsoft.com" in rule, "the page names the addresses to redirect")
    notes.append(f"{stage.connector}/help/devices#citrix: {' '.join(rule.split())}")
    return [shown]


def sms(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E14: out of scope, and what to do instead."""
    reader = stage.cast.stranger.open(f"{stage.connector}/help/errors")
    shown = runbook_section(reader, "e14")
    promise("sends no text messages" in shown.cause, "the page says that it is out of scope")
    notes.append("nobody is sent a text message by this kit; the page says what to do instead")
    return [shown]
