"""`connector keys`: make, list and rotate the connector's keys (docs/operating.md)."""

from collections.abc import Sequence
from datetime import timedelta

import click

from connector.cli.speech import Facts, say, say_lines, settings, with_json
from connector.ports.vault import KeyGeneration, KeyKind

# Entra's certificate is not among them: Entra must be told of the new one first.
_BY_THEMSELVES = (KeyKind.ASSERTIONS, KeyKind.NOTIFICATIONS, KeyKind.SEALING)
_THEN = (
    "Running processes find the new keys within seconds: restart nothing. "
    "What was signed or sealed before is accepted as before."
)
_ENTRA = (
    "Upload the newest entra-…-certificate.pem to the app registration before it is used: "
    "from then on Entra is met with it."
)


@click.group()
def keys() -> None:
    """The connector's keys."""


@keys.command("init")
@with_json
def keys_init(*, as_json: bool) -> None:
    """Make the keys that are missing in CONNECTOR_KEYS_DIRECTORY; existing ones stay.

    Run it again whenever you like: nothing that is there is changed.

    Example:
      connector keys init

    Exit codes: 0 all are there, 1 the directory cannot be written, 2 wrong settings.
    """
    from connector.adapters.system.clock import SystemClock
    from connector.adapters.vault.generation import make_keys

    directory = settings().keys_directory
    make_keys(directory, SystemClock().now())
    say({"directory": str(directory)}, f"keys are in {directory}", as_json=as_json)


@keys.command("list")
@with_json
def keys_list(*, as_json: bool) -> None:
    """List every generation of keys: which one is in use, which one comes, which are former.

    Ids are public: `kid` of the published key set, fingerprints of certificates.

    Example:
      connector keys list --json

    Exit codes: 0 listed, 1 there are no keys, 2 wrong settings.
    """
    from connector.bootstrap import build_key_rotation

    say_lines(_lines(build_key_rotation(settings()).known()), as_json=as_json)


@keys.command("rotate")
@click.option(
    "--which",
    type=click.Choice([kind.value for kind in KeyKind]),
    multiple=True,
    help="Only this kind; may be given several times. Without it all but entra.",
)
@click.option(
    "--activate-after",
    "hours",
    type=click.FloatRange(0, 24 * 90),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="When the new keys are used; until then they are published and accepted only.",
)
@click.option("--now", "at_once", is_flag=True, help="In 15 seconds, when every process has them.")
@click.option("--dry-run", is_flag=True, help="Say what would be made, make nothing.")
@with_json
def keys_rotate(
    *, which: Sequence[str], hours: float, at_once: bool, dry_run: bool, as_json: bool
) -> None:
    """Make new keys; the old ones go on until the new ones' time comes, and are accepted after.

    assertions sign as us at EHRs: EHRs keep our published key set for hours, so leave them a day.
    notifications are what Graph encrypts for. sealing is the master key of cookies and rows.
    entra is the certificate of the app registration: upload it before its time comes.

    Examples:
      connector keys rotate --dry-run
      connector keys rotate --which assertions --activate-after 48
      connector keys rotate --which sealing --now --json

    Exit codes: 0 made (or would be), 1 it could not be done, 2 wrong usage or settings.
    """
    from connector.bootstrap import build_key_rotation

    rotation = build_key_rotation(settings())
    kinds = [KeyKind(name) for name in dict.fromkeys(which)] or list(_BY_THEMSELVES)
    after = timedelta() if at_once else timedelta(hours=hours)
    if dry_run:
        begin = rotation.active_from(after).isoformat()
        plan = [{"kind": kind.value, "active_from": begin, "made": False} for kind in kinds]
        return say_lines(plan, as_json=as_json)
    say_lines(_lines(rotation(kinds, after)), as_json=as_json)
    if not as_json:
        click.echo(f"{_THEN} {_ENTRA}" if KeyKind.ENTRA in kinds else _THEN)
    return None


def _lines(generations: Sequence[KeyGeneration]) -> list[Facts]:
    return [
        {
            "kind": each.kind.value,
            "generation": each.number,
            "state": each.state.value,
            "active_from": each.active_from.isoformat() if each.active_from else "",
            "ids": ",".join(each.ids),
        }
        for each in generations
    ]
