"""`connector db`: the tables."""

import click

from connector.cli.speech import fail, say, settings, with_json


@click.group()
def db() -> None:
    """The connector's database."""


@db.command("upgrade")
@with_json
def db_upgrade(*, as_json: bool) -> None:
    """Bring the database to this version's tables.

    Runs in one transaction and does nothing when the database is up to date. Run it before the
    processes of a new version start; processes of the old version go on meanwhile. Where
    CONNECTOR_DATABASE_APP_ROLE names the role of the running processes, that role may then do what
    they need and nothing else. Where Entra signs in it then creates the extension pgaudit; a server
    that does not offer it is told of, and upgraded all the same.

    Example:
      connector db upgrade

    Exit codes: 0 up to date, 1 it could not be done, 2 wrong settings.
    """
    from connector.adapters.sql.app_role import RoleUnusable
    from connector.adapters.sql.migrate import head
    from connector.bootstrap import upgrade_database

    try:
        notes = list(upgrade_database(settings()))
    except RoleUnusable as err:
        fail(str(err))
    words = "\n".join(["the database is up to date", *notes])
    say({"revision": head(), "notes": notes}, words, as_json=as_json)
