"""`connector outbox`: write-backs the EHR has not taken (reliability.md case 68)."""

import sys
from collections.abc import Sequence

import click

from connector.cli.speech import Facts, say_lines, settings, with_json
from connector.ports.storage import OwedMessage


@click.group()
def outbox() -> None:
    """Write-backs the EHR has not taken."""


@outbox.command("list")
@with_json
def outbox_list(*, as_json: bool) -> None:
    """List what is owed, why it waits, and whether it can be replayed.

    Prints ids, states and codes only: what is sealed stays sealed.

    Example:
      connector outbox list --json

    Exit codes: 0 listed, 1 the database cannot be used, 2 wrong settings.
    """
    from connector.bootstrap import build_outbox_desk

    say_lines(_lines(build_outbox_desk(settings()).owed()), as_json=as_json)


@outbox.command("replay")
@click.option("--id", "message_id", type=int, help="This parked message.")
@click.option("--all", "everything", is_flag=True, help="Every parked message that still can be.")
@with_json
def outbox_replay(*, message_id: int | None, everything: bool, as_json: bool) -> None:
    """Send parked messages again.

    Do it after what parked them is repaired; the EHR takes a repeated report only once.

    Examples:
      connector outbox replay --id 17
      connector outbox replay --all --json

    Exit codes: 0 due again, 1 there was none to send, 2 wrong usage or settings.
    """
    from connector.bootstrap import build_outbox_desk

    if (message_id is None) is not everything:
        raise click.UsageError("give either --id N or --all")
    replayed = build_outbox_desk(settings())(message_id)
    say_lines(_lines(replayed), as_json=as_json)
    sys.exit(0 if replayed else 1)


def _lines(messages: Sequence[OwedMessage]) -> list[Facts]:
    return [
        {
            "id": message.id,
            "visit": message.visit_id,
            "environment": message.environment_id,
            "state": message.state.value,
            "code": message.code,
            "attempts": message.attempts,
            "since": message.created_at.isoformat(),
            "replayable": message.replayable,
        }
        for message in messages
    ]
