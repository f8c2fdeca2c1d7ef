"""Style sheet and scripts: contrast, size, and nothing from elsewhere."""

import re
from pathlib import Path

import pytest

import connector.web

STATIC = Path(next(iter(connector.web.__path__))) / "static"
SHEET = (STATIC / "connector.css").read_text(encoding="utf-8")
SCRIPTS = sorted(STATIC.glob("*.js"))

TEXT, GRAPHIC = 4.5, 3.0
# (foreground, background, least contrast): WCAG 2.2 1.4.3 for text, 1.4.11 for edges and focus.
PAIRS = [
    ("ink", "paper", TEXT),
    ("ink", "card", TEXT),
    ("ink", "wait-soft", TEXT),
    ("ink", "bad-soft", TEXT),
    ("ink", "good-soft", TEXT),
    ("muted", "paper", TEXT),
    ("muted", "card", TEXT),
    ("muted", "wait-soft", TEXT),
    ("muted", "bad-soft", TEXT),
    ("act", "paper", TEXT),
    ("act", "card", TEXT),
    ("act", "wait-soft", TEXT),
    ("act", "bad-soft", TEXT),
    ("act", "good-soft", TEXT),
    ("act-strong", "card", TEXT),
    ("on-act", "act", TEXT),
    ("on-act", "act-strong", TEXT),
    ("good", "card", TEXT),
    ("good", "good-soft", TEXT),
    ("wait", "card", TEXT),
    ("bad", "card", TEXT),
    ("bad", "bad-soft", TEXT),
    ("test", "test-soft", TEXT),
    ("test", "test-stripe", TEXT),
    ("production", "production-soft", TEXT),
    ("edge", "card", GRAPHIC),
    ("edge", "paper", GRAPHIC),
    ("focus", "paper", GRAPHIC),
    ("focus", "card", GRAPHIC),
    ("focus", "wait-soft", GRAPHIC),
    ("production-soft", "paper", 1.9),
]


def tokens(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)[:2]
    read = {block: dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in (light, dark)}
    return read[light] if scheme == "light" else read[light] | read[dark]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_have_enough_contrast(front: str, back: str, least: float, scheme: str) -> None:
    """WCAG 2.2 1.4.3 and 1.4.11; https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    known = tokens(scheme)
    assert contrast(known[front], known[back]) >= least


def test_the_dark_scheme_changes_every_colour_it_should() -> None:
    assert set(tokens("dark")) == set(tokens("light"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_a_script_is_small_and_takes_nothing_from_elsewhere(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    assert "://" not in text
    assert not re.search(r"innerHTML|eval\(|document\.write|\.style\b", text)
    for imported in re.findall(r'from "\./([\w.]+)"', text):
        assert (STATIC / imported).exists()


def test_the_style_sheet_takes_nothing_from_elsewhere() -> None:
    assert "url(" not in SHEET
    assert "@import" not in SHEET
