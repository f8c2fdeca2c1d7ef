"""A Dockerfile as its stages and their instructions: as much of the format as ours uses."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_STAGE: Final = re.compile(r"^(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instruction:
    word: str
    value: str

    @property
    def words(self) -> list[str]:
        """Split as a shell would; of ENV, LABEL and ARG the `name=value` pairs."""
        return shlex.split(self.value)

    @property
    def exec_form(self) -> list[str] | None:
        """The JSON array, or None where the shell would take the line."""
        try:
            found = json.loads(self.value)
        except ValueError:
            return None
        return found if isinstance(found, list) else None


@dataclass(frozen=True, slots=True)
class Stage:
    """`image` is what it stands on: a reference, or the name of an earlier stage."""

    name: str
    image: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        return [each for each in self.instructions if each.word == word]

    def last(self, word: str) -> Instruction | None:
        found = self.all(word)
        return found[-1] if found else None


def read_stages(file: Path) -> list[Stage]:
    """Every stage, top to bottom.

    Raises:
        ValueError: an instruction stands before the first FROM, or a FROM is not understood.
    """
    stages: list[Stage] = []
    for instruction in _instructions(file.read_text(encoding="utf-8")):
        if instruction.word == "FROM":
            stages.append(_stage(instruction.value, len(stages)))
        elif stages:
            stages[-1].instructions.append(instruction)
        else:
            raise ValueError(f"{instruction.word} before the first FROM")
    return stages


def _stage(value: str, number: int) -> Stage:
    found = _STAGE.match(value)
    if not found:
        raise ValueError(f"FROM {value} is not understood")
    return Stage(found["name"] or str(number), found["image"])


def _instructions(text: str) -> list[Instruction]:
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(kept))
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    pairs = [line.split(maxsplit=1) for line in lines]
    return [Instruction(word.upper(), " ".join(rest)) for word, *rest in pairs]
