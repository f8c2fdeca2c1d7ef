"""What the real command lines accept, from recorded `--help`: pulumi v3.259.0 and az 2.91.0.

Renew after an upgrade: `pulumi preview --help > tests/infra/cli_help/pulumi-preview.txt`, and so for each file.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HELP = ROOT / "tests/infra/cli_help"
TOOLS = ("pulumi", "az")
_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[a-zA-Z])(?![\w-])")
_INNERMOST = re.compile(r"\$\(([^()]*)\)")
_COMMAND = re.compile(r"(?:^|[\s(`$;|&])((?:pulumi|az) [a-z][^\n`;|)]*)")


def recorded(call: list[str]) -> Path | None:
    """The recording of the longest command the call begins with."""
    words = [word for word in call[1:6] if re.fullmatch(r"[a-z][a-z-]*", word)]
    names = ["-".join([call[0], *words[:size]]) for size in range(len(words), 0, -1)]
    return next((HELP / f"{n}.txt" for n in names if (HELP / f"{n}.txt").exists()), None)


def unknown_flags(call: list[str]) -> list[str]:
    """Flags of the call its command does not know; the command itself when it was never recorded."""
    file = recorded(call)
    if file is None:
        return [f"{' '.join(call[:4])}: no recorded help in {HELP}"]
    known = set(_FLAG.findall(file.read_text()))
    given = [word.split("=", 1)[0] for word in call[1:] if _FLAG.fullmatch(word.split("=", 1)[0])]
    return [f"{file.stem}: {flag}" for flag in given if flag not in known]


def commands_in(text: str) -> Iterator[list[str]]:
    """Commands written out in a script, a workflow or a page, those within `$(…)` each for itself.

    Lines continued with a backslash are joined.
    """
    text = re.sub(r"\\\n\s*", " ", text)
    while inner := _INNERMOST.search(text):
        yield from _plain_commands_in(inner[1])
        text = f"{text[: inner.start()]}X{text[inner.end() :]}"
    yield from _plain_commands_in(text)


def _plain_commands_in(text: str) -> Iterator[list[str]]:
    for found in _COMMAND.findall(text):
        try:
            words = shlex.split(found, comments=True)
        except ValueError:
            words = found.replace('"', "").replace("'", "").split()
        yield [word for word in words if word not in ("&&", "\\")]
