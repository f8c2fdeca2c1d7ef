"""`connector keys`: make, list and rotate the connector's keys (docs/operating.md)."""

from collections.abc import Sequence
from datetime import timedelta

import click

from connector.cli.speech import Facts, fail, say, say_lines, settings, with_json
from connector.ports.vault import CERTIFIED, KeyCertificate, KeyGeneration, KeyKind

# Entra's certificate is not among them: Entra must be told of the new one first.
_BY_THEMSELVES = (KeyKind.ASSERTIONS, KeyKind.NOTIFICATIONS, KeyKind.SEALING)
_THEN = (
    "Running processes find the new keys within seconds: restart nothing. "
    "What was signed or sealed before is accepted as before."
)
_ENTRA = (
    "Upload what `connector keys certificates --which entra` prints to the app registration before it is used: "
    "from then on Entra is met with it."
)


@click.group()
def keys() -> None:
    """The connector's keys."""


@keys.command("init")
@with_json
def keys_init(*, as_json: bool) -> None:
    """Make the keys that are missing in CONNECTOR_KEYS_DIRECTORY or CONNECTOR_KEY_VAULT_URL.

    Run it again whenever you like: nothing that is there is changed. In a key vault it adds
    secrets; the two keys that sign client assertions were made with the vault and never leave it.

    Example:
      connector keys init

    Exit codes: 0 all are there, 1 they cannot be made, 2 wrong settings.
    """
    from connector.adapters.system.clock import SystemClock
    from connector.adapters.vault import generation
    from connector.bootstrap import build_keys_desk

    stock = build_keys_desk(settings())
    missing = [str(key) for key in stock.signing.values() if not key.versions()]
    if missing:
        fail(
            f"there is no enabled version of {' nor of '.join(missing)}: Pulumi makes them with the "
            "vault (RSA 2048 and EC P-384, operations sign and verify); run `pulumi up` first"
        )
    make = generation.make_secrets if stock.signing else generation.make_keys
    make(stock.place, SystemClock().now())
    kind = "vault" if stock.signing else "directory"
    say({kind: str(stock.place)}, f"keys are in {stock.place}", as_json=as_json)


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
@click.option(
    "--now",
    "at_once",
    is_flag=True,
    help="As soon as every process has them: in 15 seconds, 90 with a key vault.",
)
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


@keys.command("certificates")
@click.option(
    "--which",
    type=click.Choice([kind.value for kind in CERTIFIED]),
    multiple=True,
    help="Only this kind; may be given several times.",
)
@with_json
def keys_certificates(*, which: Sequence[str], as_json: bool) -> None:
    """Print the public certificates of the newest keys, in use or coming.

    entra is what the app registration must know before it is used; notifications is what Graph
    encrypts for, told to it with each subscription. PEM goes to standard output, what it is to
    standard error, so the output can be uploaded as it is. No private key is read.

    Examples:
      connector keys certificates --which entra > entra.pem
      connector keys certificates --json

    Exit codes: 0 printed, 1 there are none or they cannot be read, 2 wrong usage or settings.
    """
    from connector.bootstrap import build_key_rotation

    rotation = build_key_rotation(settings())
    kinds = [KeyKind(name) for name in dict.fromkeys(which)] or CERTIFIED
    try:
        found = rotation.certificates(kinds)
    except ValueError:
        fail(
            "what lies beside a key is no certificate: see `connector keys list`, put the right one there"
        )
    if as_json:
        return say_lines([{**_about(each), "pem": each.pem} for each in found], as_json=True)
    for each in found:
        click.echo(" ".join(f"{name}={value}" for name, value in _about(each).items()), err=True)
        click.echo(each.pem, nl=False)
    return None


def _about(certificate: KeyCertificate) -> Facts:
    return {
        "kind": certificate.kind.value,
        "generation": certificate.number,
        "state": certificate.state.value,
        "sha256": certificate.thumbprint,
        "not_after": certificate.not_after.isoformat(),
    }


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
