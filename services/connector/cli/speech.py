"""How every command speaks: settings checked first, answers for people or as JSON, exit codes."""

import errno
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from inspect import cleandoc
from typing import Any, NoReturn, TypeVar

import click

from connector.cli.vault_words import words_of
from connector.ports.audit_log import AnchorUnavailable
from connector.ports.errors import OutsideError
from connector.ports.storage import StorageConflict, StorageUnavailable
from connector.settings import Settings, SettingsInvalid, load_settings

Facts = Mapping[str, Any]
_AS_WRITTEN = re.compile(r"\n\n(?=Examples?:|Exit codes:)")
F = TypeVar("F", bound=Callable[..., Any])


class Operators(click.Group):
    """The command group; what the database, the disk or the key vault refuses is said in one line, exit 1."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        _keep_lines(cmd)
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StorageUnavailable as err:
            fail(_without_database(err))
        except StorageConflict:
            fail("somebody else changed the same rows at the same moment; run it again")
        except FileNotFoundError as err:
            fail(f"{err}: run `connector keys init` if the keys were never made")
        except OutsideError as err:
            fail(words_of(err))
        except AnchorUnavailable:
            fail("the anchor of the audit trail cannot be read or written now")
        except OSError as err:
            if err.errno == errno.EPIPE:
                raise  # who reads our output has enough; click ends quietly
            fail(f"a file cannot be read or written now: {err}")


def _without_database(err: StorageUnavailable) -> str:
    """A token that is not to be had is the identity's trouble, not the database's."""
    if isinstance(err.__cause__, OutsideError):
        return words_of(err.__cause__)
    return f"the database cannot be used now ({err.code}); is it up, and upgraded?"


def _keep_lines(command: click.Command) -> None:
    """Examples and exit codes stay as they are written: click joins the lines of a paragraph.

    https://click.palletsprojects.com/en/stable/documentation/#escaping-click-s-wrapping
    """
    command.help = _AS_WRITTEN.sub("\n\n\b\n", cleandoc(command.help or ""))
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _keep_lines(below)


def settings() -> Settings:
    """The settings; exits 2 with one line per wrong one."""
    try:
        return load_settings()
    except SettingsInvalid as err:
        for problem in err.problems:
            click.echo(problem, err=True)
        sys.exit(2)


def fail(why: str) -> NoReturn:
    """Say why it could not be done, and exit 1."""
    click.echo(why, err=True)
    sys.exit(1)


def with_json(command: F) -> F:
    """The option of every command that prints what it found."""
    words = "Print JSON for other programs."
    return click.option("--json", "as_json", is_flag=True, help=words)(command)


def say(facts: Facts, words: str, *, as_json: bool) -> None:
    """One answer: the facts as a JSON object, or a sentence for people."""
    click.echo(json.dumps(facts) if as_json else words)


def say_lines(lines: Sequence[Facts], *, as_json: bool) -> None:
    """Many of a kind: one JSON array, or a line each of `name=value`."""
    if as_json:
        click.echo(json.dumps(list(lines)))
    for line in [] if as_json else lines:
        click.echo(" ".join(f"{name}={value}" for name, value in line.items()))
