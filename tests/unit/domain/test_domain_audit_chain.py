"""The chain itself: what a break is called, and which one is the first (case 77)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from connector.domain.audit_chain import ChainedLine, ChainReader, Damage, Finding, Verdict


def chain(*ids: int) -> list[ChainedLine]:
    """Whole lines; the hash of line 3 is `hash-3`."""
    previous = ["", *(f"hash-{i}" for i in ids)]
    return [
        ChainedLine(i, before, f"hash-{i}", f"hash-{i}")
        for i, before in zip(ids, previous, strict=False)
    ]


def read(lines: Sequence[ChainedLine], anchored: dict[int, str] | None = None) -> ChainReader:
    known = {line.hash for line in lines}
    reader = ChainReader(anchored or {}, known.__contains__)
    for line in lines:
        reader.read(line)
    return reader


@pytest.mark.parametrize("ids", [(), (1,), (1, 2, 3), (1, 5, 9)])
def test_a_whole_chain_has_no_break_whatever_its_numbers(ids: tuple[int, ...]) -> None:
    reader = read(chain(*ids))
    assert (reader.broken, reader.anchor_broken) == (None, None)
    assert (reader.lines, reader.head_id) == (len(ids), ids[-1] if ids else None)


def test_a_line_whose_words_were_changed_is_altered() -> None:
    lines = chain(1, 2, 3)
    lines[1] = replace(lines[1], computed="other")
    assert read(lines).broken == Finding(2, Damage.ALTERED)


def test_a_line_that_was_sealed_anew_breaks_at_the_next_one() -> None:
    lines = chain(1, 2, 3)
    lines[1] = replace(lines[1], hash="new", computed="new")
    assert read(lines).broken == Finding(3, Damage.MISSING_BEFORE)


def test_a_line_taken_out_is_missing_before_the_next_one() -> None:
    lines = chain(1, 2, 3)
    del lines[1]
    assert read(lines).broken == Finding(3, Damage.MISSING_BEFORE)


def test_the_first_line_taken_out_is_missing_too() -> None:
    assert read(chain(1, 2, 3)[1:]).broken == Finding(2, Damage.MISSING_BEFORE)


def test_lines_that_changed_places_are_reordered() -> None:
    one, two, three = chain(1, 2, 3)
    assert read([one, three, two]).broken == Finding(3, Damage.REORDERED)


def test_a_second_beginning_is_reordered() -> None:
    one, two = chain(1, 2)
    begun_again = replace(one, id=3)
    assert read([one, two, begun_again]).broken == Finding(3, Damage.REORDERED)


def test_only_the_first_break_is_named() -> None:
    lines = chain(1, 2, 3, 4)
    lines[1] = replace(lines[1], computed="other")
    lines[3] = replace(lines[3], computed="other")
    assert read(lines).broken == Finding(2, Damage.ALTERED)


def test_lines_after_the_anchor_are_counted() -> None:
    assert read(chain(1, 2, 3), {1: "hash-1"}).lines_after_anchor == 2


def test_an_anchored_line_with_another_hash_was_rewritten() -> None:
    reader = read(chain(1, 2, 3), {1: "hash-1", 2: "before", 3: "before"})
    assert reader.broken is None
    assert reader.anchor_broken == Finding(2, Damage.REWRITTEN)


def test_an_anchored_line_that_is_not_there_is_gone() -> None:
    assert read(chain(1, 2), {2: "hash-2", 3: "hash-3", 4: "x"}).anchor_broken == Finding(
        3, Damage.GONE
    )


@pytest.mark.parametrize(
    ("anchored", "first"),
    [
        ({2: "before", 9: "x"}, Finding(2, Damage.REWRITTEN)),
        ({1: "hash-1", 3: "before"}, Finding(3, Damage.REWRITTEN)),
        ({0: "x", 3: "before"}, Finding(0, Damage.GONE)),
    ],
)
def test_of_several_anchored_lines_the_first_is_named(
    anchored: dict[int, str], first: Finding
) -> None:
    assert read(chain(1, 2, 3), anchored).anchor_broken == first


def test_a_verdict_is_whole_without_findings() -> None:
    assert Verdict(1, 1, None, 1, ()).whole
    assert not Verdict(1, 1, None, 1, (Finding(1, Damage.ALTERED),)).whole
