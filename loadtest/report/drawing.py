"""SVG for a page with a light and a dark face: matplotlib draws in stand-in colours, which become the page's own variables.

Text stays text, so that it can be read, searched and scaled; nothing is loaded from anywhere.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from html import escape
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, LINE, SHADE = "#010101", "#020202", "#030303"
SERIES: Final = ("#040401", "#040402", "#040403", "#040404", "#040405", "#040406")
DASHES: Final = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (9, 3)), "-")
_VARIABLES: Final[Mapping[str, str]] = {
    INK: "var(--ink)",
    LINE: "var(--line)",
    SHADE: "var(--shade)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, 1)},
}
_FACE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kit",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.8,
}
_WIDTH_INCHES: Final = 5.4
_HEAD: Final = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_OPENING: Final = re.compile(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", re.DOTALL)
_IDS: Final = re.compile(r'(\bid="|url\(#|href="#)')


def face() -> AbstractContextManager[None]:
    """What every figure is drawn in."""
    return mpl.rc_context(_FACE)


def canvas(rows: int, height_inches: float) -> tuple[Figure, Sequence[Axes]]:
    """Plots one above the other over the same time."""
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    figure.patch.set_visible(False)
    FigureCanvasSVG(figure)
    plots = figure.subplots(rows, 1, sharex=True, squeeze=False)
    for plot in plots[:, 0]:
        plot.patch.set_visible(False)
        plot.set_axisbelow(True)
    return figure, list(plots[:, 0])


def svg(figure: Figure, name: str, alternative: str) -> str:
    """Inline SVG; `name` keeps its ids apart from those of the page's other figures."""
    drawn = io.StringIO()
    blank = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(drawn, format="svg", metadata=blank)
    text = _METADATA.sub("", _HEAD.sub("", drawn.getvalue()))
    title = f'<title id="{name}-title">{escape(alternative)}</title>'
    opening = rf'<svg role="img" aria-labelledby="{name}-title" \1>'
    text = _IDS.sub(rf"\g<1>{name}-", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    return _OPENING.sub(lambda found: found.expand(opening) + title, text, count=1)
