"""`connector export` and `connector erase`: what is stored of one person (GDPR 15 and 17)."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import click

from connector.cli.speech import F, fail, say, settings, with_json
from connector.ports.people import EhrAccount, Link, MicrosoftAccount, Person
from connector.usecases.tell_of_person import PersonFile
from connector.web.audit_export import as_json as audit_line


def _of_a_person(command: F) -> F:
    """The four options that name one person, either way they are known."""
    options: Sequence[Callable[[F], F]] = [
        click.option("--ehr-user", help="The EHR's unique ID of the user; needs --environment."),
        click.option("--environment", help="EHR environment id, as the portal's address shows it."),
        click.option("--account", help="Entra object id of the person; needs --tenant."),
        click.option("--tenant", help="Entra tenant id."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("export")
@_of_a_person
@click.option("--json", "as_json", is_flag=True, help="JSON on one line instead of indented.")
def export(*, as_json: bool, **named: str | None) -> None:
    """Print everything stored of one person, as JSON.

    Their links between EHR user and Microsoft account, the visits and whatever was set up that still
    name the account, and the audit lines of what they did. A revision holds the sign-in names of its
    approver and of who entered it (the audit line of that names it). Health data is not stored.

    Examples:
      connector export --ehr-user 4711 --environment 01J9X… --json
      connector export --account 5c0f… --tenant 1111…

    Exit codes: 0 printed, 1 nothing is stored, 2 wrong usage or settings.
    """
    from connector.bootstrap import build_people_desk

    person = _person(named)
    found = build_people_desk(settings()).file(person)
    click.echo(json.dumps(_as_facts(found), indent=None if as_json else 2))
    sys.exit(1 if found.empty else 0)


@click.command("erase")
@_of_a_person
@click.option("--yes", is_flag=True, help="Do it; without it nothing is erased.")
@with_json
def erase(*, yes: bool, as_json: bool, **named: str | None) -> None:
    """Erase the links between an EHR user and a Microsoft account.

    At the next launch that EHR user is asked for the one sign-in again. Visits that name the account
    are purged in their own time; audit lines stay, for they prove what was done. It cannot be undone.

    Examples:
      connector erase --ehr-user 4711 --environment 01J9X… --yes
      connector erase --account 5c0f… --tenant 1111… --yes --json

    Exit codes: 0 erased, 1 there was no link, 2 wrong usage (also: --yes is missing) or settings.
    """
    from connector.bootstrap import build_people_desk

    person = _person(named)
    desk = build_people_desk(settings())
    if not yes:
        found = len(desk.links(person))
        raise click.UsageError(f"{found} links would be erased for good: say so with --yes")
    erased = desk.erase(person)
    say({"erased": erased}, f"erased {erased} links", as_json=as_json)
    if not erased:
        fail("there was no link")


def _person(named: dict[str, str | None]) -> Person:
    ehr = named["ehr_user"], named["environment"]
    account = named["tenant"], named["account"]
    if all(ehr) and not any(account):
        return EhrAccount(environment_id=str(ehr[1]), ehr_user_id=str(ehr[0]))
    if all(account) and not any(ehr):
        return MicrosoftAccount(*map(str, account))
    raise click.UsageError(
        "name one person: either --ehr-user with --environment, or --account with --tenant"
    )


def _as_facts(found: PersonFile) -> dict[str, Any]:
    return {
        "links": [_link(link) for link in found.links],
        "mentions": [
            {
                "tenant": account.tenant_id,
                "account": account.object_id,
                **asdict(mentions),
            }
            for account, mentions in found.mentions.items()
        ],
        "audit_lines": [audit_line(line) for line in found.audit_lines],
    }


def _link(link: Link) -> dict[str, str]:
    return {
        "environment": link.ehr.environment_id,
        "ehr_user": link.ehr.ehr_user_id,
        "tenant": link.microsoft.tenant_id,
        "account": link.microsoft.object_id,
        "linked_at": link.linked_at.isoformat(),
    }
