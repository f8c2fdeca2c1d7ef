"""`connector db`: the tables."""

import click

from connector.cli.speech import say, settings, with_json


@click.group()
def db() -> None:
    """The connector's database."""


@db.command("upgrade")
@with_json
def db_upgrade(*, as_json: bool) -> None:
    """Bring the database to this version's tables.

    Runs in one transaction and does nothing when the database is up to date. Run it before the
    processes of a new version start; processes of the old version go on meanwhile.

    Example:
      connector db upgrade

    Exit codes: 0 up to date, 1 the database cannot be used, 2 wrong settings.
    """
    from connector.adapters.sql.migrate import head, upgrade

    upgrade(settings().database_url)
    say({"revision": head()}, "the database is up to date", as_json=as_json)
