"""docs/conformance.md says what the tests say."""

from scripts.conformance import DOCUMENT, page

# Cases of faults and abuse that the launch, the visit and its events must hold.
HELD = [*range(1, 24), *range(48, 57)]


def test_the_conformance_page_is_made_from_the_tests_as_they_are() -> None:
    assert DOCUMENT.read_text() == page()


def test_every_case_of_launch_and_visit_is_held_by_a_test() -> None:
    rows = DOCUMENT.read_text()
    assert [case for case in HELD if f"| case {case} |" not in rows] == []
