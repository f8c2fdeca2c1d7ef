"""One stack file: its values by PyYAML, its changes line by line, so that every comment and every other line stays."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from scripts.release.outcomes import Unreadable

PROJECT: Final = "teams-ehr-connector"
STACKS: Final = Path("infra/stacks")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
REVISION: Final = re.compile(r"[a-z][a-z0-9]{7}")
Value = str | int | dict[str, Any]
_CONFIG: Final = re.compile(r"^config:\s*(#.*)?$")
_PLAIN: Final = re.compile(r"[A-Za-z0-9:._-]+\Z")
# What stands behind a key that can be edited: one word, or nothing or {…} where an object is.
_WORD: Final = r"""\ +(?P<mark>["']?)[A-Za-z0-9:._-]+(?P=mark)"""
_OBJECT: Final = r"(?P<flow>\ +\{[^#]*\})?"


@dataclass(frozen=True, slots=True)
class StackFile:
    """`text` is the file as it stands, `config` the values of our project in it."""

    path: Path
    text: str
    config: Mapping[str, Any]

    @classmethod
    def read(cls, root: Path, stack: str) -> "StackFile":
        """Raises Unreadable."""
        path = root / STACKS / f"Pulumi.{stack}.yaml"
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as err:
            raise Unreadable(f"{STACKS / path.name} cannot be read: {err}") from err
        return cls.of(path, text)

    @classmethod
    def of(cls, path: Path, text: str) -> "StackFile":
        """As it is or once was. Raises Unreadable."""
        return cls(path, text, _ours(text, path.name))

    @property
    def image_digest(self) -> str | None:
        """Raises Unreadable: something else than a digest stands there."""
        found = self.config.get("imageDigest")
        if found is not None and not (isinstance(found, str) and DIGEST.fullmatch(found)):
            raise Unreadable(f"imageDigest in {self.path.name} is no digest sha256:<64 hex>")
        return found

    @property
    def stable_revision(self) -> str | None:
        found = self.config.get("stableRevision")
        return None if found in (None, "") else str(found)

    @property
    def candidate_weight(self) -> int:
        """Raises Unreadable: no whole number from 0 to 100."""
        return self._number("candidateWeight", 0, 0, 100)

    @property
    def release(self) -> int:
        """Raises Unreadable: no whole number above 0."""
        return self._number("release", 1, 1, 999_999)

    def _number(self, key: str, default: int, least: int, most: int) -> int:
        """In quotes or without: `pulumi config set` of any key puts every number of the file into quotes."""
        found = str(self.config.get(key, default))
        if not re.fullmatch(r"\d{1,6}", found, re.ASCII) or not least <= int(found) <= most:
            raise Unreadable(f"{key} in {self.path.name} is no number from {least} to {most}")
        return int(found)

    def with_values(self, values: Mapping[str, Value], heading: str = "") -> str:
        """The text with these values, all else as it was.

        Args:
            values: a word or a number goes on its key's line, an object into lines below it.
            heading: comment above what is new, which then goes to the end of `config`.

        Raises:
            Unreadable: a line has a form that is not edited; nothing may change beside the values.
        """
        lines = self.text.splitlines(keepends=True)
        for key, value in values.items():
            if not isinstance(value, dict) or self.config.get(key) != value:
                lines = self._with_value(lines, key, value, heading)
        text = "".join(lines)
        expected = {**self.config, **values}
        if _ours(text, self.path.name) != expected or _others(text) != _others(self.text):
            raise self._by_hand()
        return text

    def diff(self, text: str) -> str:
        """Unified, with the path from the repository's root: what the commit will show."""
        name = str(STACKS / self.path.name)
        before, after = self.text.splitlines(), text.splitlines()
        return "\n".join(
            difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", n=2, lineterm="")
        )

    def write(self, text: str) -> None:
        """Whole or not at all."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        partial.write_bytes(text.encode("utf-8"))
        partial.chmod(self.path.stat().st_mode & 0o777)
        partial.replace(self.path)

    def _with_value(self, lines: list[str], key: str, value: Value, heading: str) -> list[str]:
        found = [number for number, line in enumerate(lines) if _line_of(key).match(line)]
        if len(found) > 1:
            raise Unreadable(f"{key} stands {len(found)} times in {self.path.name}")
        if bool(found) != (key in self.config):
            raise self._by_hand()
        end = "\r\n" if lines[0].endswith("\r\n") else "\n"
        behind, below = _written(key, value)
        block = [f"    {line}".rstrip() + end for line in below]
        if found:
            return self._replaced(lines, found[0], key, behind, block)
        place = _place(lines, key, at_end=bool(heading))
        if place is None:
            raise Unreadable(f"{self.path.name} has no line config:")
        new = [f"  {PROJECT}:{key}:{behind}{end}", *block]
        comment = f"  # {heading}{end}"
        is_first = bool(heading) and comment not in lines
        return [*lines[:place], *([comment] if is_first else []), *new, *lines[place:]]

    def _replaced(
        self, lines: list[str], number: int, key: str, behind: str, block: list[str]
    ) -> list[str]:
        """A comment behind the key stays; comments within an object are not lost unsaid."""
        form = _OBJECT if block else _WORD
        match = _line_of(key, form).match(lines[number])
        if match is None:
            raise self._by_hand()
        is_alone = not block or match["flow"]
        after = number + 1 if is_alone else _end_of_block(lines, number)
        if any(line.lstrip().startswith("#") for line in lines[number + 1 : after]):
            raise Unreadable(f"{key} in {self.path.name} has comments within: by hand, please")
        line = f"{match['before']}{behind}{match['after']}"
        return [*lines[:number], line, *block, *lines[after:]]

    def _by_hand(self) -> Unreadable:
        return Unreadable(
            f"{self.path.name} has a form this command does not edit: by hand, please"
        )


class _Block(yaml.SafeDumper):
    """Objects as the stack files are written: lists indented, several lines of text as lines."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text_node(dumper: _Block, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Block.add_representer(str, _text_node)


def _written(key: str, value: Value) -> tuple[str, list[str]]:
    """What goes behind the key, and the lines below it."""
    if isinstance(value, dict):
        text = yaml.dump(value, Dumper=_Block, sort_keys=False, allow_unicode=True, width=10_000)
        return (" {}", []) if not value else ("", text.splitlines())
    return f" {_word(key, value)}", []


def _word(key: str, value: str | int) -> str:
    """Words in quotes: a digest is one in every YAML, of other words nobody knows."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and not _PLAIN.match(value):
        raise Unreadable(f"{value!r} is no value for {key}")
    is_plain = isinstance(value, int) or DIGEST.fullmatch(value)
    return str(value) if is_plain else f'"{value}"'


def _line_of(key: str, form: str = "") -> re.Pattern[str]:
    """The key's line; with a form, only if this stands behind it and at most a comment after."""
    name = re.escape(f"{PROJECT}:{key}")
    rest = rf"{form}(?P<after>\ *(\ \#.*)?\r?\n?)$" if form else ""
    return re.compile(
        rf"""^(?P<before>\ +(?P<quote>["']?){name}(?P=quote):)(?=\s|$){rest}""", re.VERBOSE
    )


def _end_of_block(lines: list[str], number: int) -> int:
    """Past the last line that is indented deeper than this one; what follows is not the key's."""
    depth = _depth(lines[number])
    end = number + 1
    for position, line in enumerate(lines[number + 1 :], number + 2):
        if line.strip() and _depth(line) <= depth:
            break
        end = position if line.strip() else end
    return end


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _place(lines: list[str], key: str, *, at_end: bool) -> int | None:
    """Below the comment that shows the line as an example, else right below `config:` or at its end."""
    example = f"# {PROJECT}:{key}:"
    for is_place in (lambda line: line.strip().startswith(example), _CONFIG.match):
        for number, line in enumerate(lines):
            if is_place(line.rstrip("\r\n")):
                is_config = not line.startswith(" ")
                last = _end_of_block(lines, number) if at_end and is_config else number + 1
                return last if lines[last - 1].endswith("\n") else None
    return None


def _ours(text: str, name: str) -> dict[str, Any]:
    prefix = f"{PROJECT}:"
    config = _document(text, name).get("config")
    if not isinstance(config, dict):
        raise Unreadable(f"{name} has no config")
    return {
        str(key).removeprefix(prefix): value
        for key, value in config.items()
        if str(key).startswith(prefix)
    }


def _others(text: str) -> dict[str, Any]:
    document = _document(text, "")
    config = document["config"]
    kept = {key: value for key, value in config.items() if not str(key).startswith(PROJECT)}
    return {**document, "config": kept}


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise Unreadable(f"{name} is no YAML: {err}") from err
    if not isinstance(document, dict):
        raise Unreadable(f"{name} is no stack file")
    return document
