"""The hash chain of the audit trail, and what is wrong with one (reliability.md case 77).

A line's hash covers its words and the hash of the line before it, so what is changed, taken out or
moved shows in the chain itself. Who cuts the end off, or writes the whole trail anew, leaves a chain
that is whole: that shows by the anchor, an own copy of earlier heads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ChainedLine:
    """`hash` and `previous_hash` as stored; `computed` is what the stored words hash to.

    None when they are no words of ours: nothing they are stored with can be their hash.
    """

    id: int
    previous_hash: str
    hash: str
    computed: str | None


@dataclass(frozen=True, slots=True)
class AnchoredLine:
    """The newest line there was `at` that time."""

    at: datetime
    id: int
    hash: str


class Damage(StrEnum):
    ALTERED = "altered"  # its words are not the ones that were hashed
    MISSING_BEFORE = "missing_before"  # the line it was written after is gone or rewritten
    REORDERED = "reordered"  # the line it was written after stands elsewhere
    GONE = "gone"  # an anchored line is not there: the end, or the line, was cut out
    REWRITTEN = "rewritten"  # an anchored line has another hash: the trail was written anew
    ANCHOR_UNREADABLE = "anchor_unreadable"  # `line_id` is the line of the anchor file
    ANCHOR_MISSING = "anchor_missing"  # there are lines, and the anchor is empty or not there


@dataclass(frozen=True, slots=True)
class Finding:
    line_id: int
    damage: Damage


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reading of the whole trail found.

    `findings` are the first break of the chain, the first by the anchor, and what is wrong with the
    anchor itself. `anchored_to` is the newest anchored line, None without an anchor; the
    `lines_after_anchor` are proven by the chain only.
    """

    lines: int
    head_id: int | None
    anchored_to: int | None
    lines_after_anchor: int
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        return not self.findings


class ChainReader:
    """Reads lines oldest first and remembers the first break.

    Args:
        anchored: hash by id of the lines an anchor knows.
        is_hash: whether some line has this hash; asked once, at a break.
    """

    def __init__(self, anchored: Mapping[int, str], is_hash: Callable[[str], bool]) -> None:
        self.lines = 0
        self.lines_after_anchor = 0
        self.head_id: int | None = None
        self.broken: Finding | None = None
        self._rewritten: Finding | None = None
        self._unseen = dict(anchored)
        self._newest_anchored = max(anchored, default=0)
        self._is_hash = is_hash
        self._previous_hash = ""

    @property
    def anchor_broken(self) -> Finding | None:
        """The first anchored line that is another one now, or is not there."""
        gone = Finding(min(self._unseen), Damage.GONE) if self._unseen else None
        found = [each for each in (self._rewritten, gone) if each]
        return min(found, key=lambda each: each.line_id, default=None)

    def read(self, line: ChainedLine) -> None:
        self.lines += 1
        self.lines_after_anchor += line.id > self._newest_anchored
        self.head_id = line.id
        if self.broken is None:
            self.broken = self._break_at(line)
        self._previous_hash = line.hash
        if self._unseen.pop(line.id, line.hash) != line.hash and self._rewritten is None:
            self._rewritten = Finding(line.id, Damage.REWRITTEN)

    def _break_at(self, line: ChainedLine) -> Finding | None:
        if line.computed != line.hash:
            return Finding(line.id, Damage.ALTERED)
        if line.previous_hash == self._previous_hash:
            return None
        # The first line ever was written after nothing: anywhere else it was moved.
        moved = line.previous_hash == "" or self._is_hash(line.previous_hash)
        return Finding(line.id, Damage.REORDERED if moved else Damage.MISSING_BEFORE)
