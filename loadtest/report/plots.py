"""The plots of a run over time, each with its sentence and the same numbers as a table."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from matplotlib.axes import Axes

from loadtest.records import Gauge, Outcome
from loadtest.report import words
from loadtest.report.drawing import DASHES, INK, LINE, SERIES, SHADE, canvas, face, svg
from loadtest.verdict.cpu import CONNECTOR
from loadtest.verdict.evidence import Evidence
from loadtest.verdict.judgement import Judgement
from loadtest.verdict.percentiles import Percentile
from loadtest.verdict.series import Bucket, buckets, events_of, surge_of
from loadtest.verdict.slo import Indicator

_HEIGHT: Final = 2.9
_TALL: Final = 4.2
_MOST_ROWS: Final = 60
_LEAST_TOP: Final = 0.5  # of an axis on which nothing happened
_SIMULATORS: Final = ("mock_fhir", "mock_mychart", "mock_microsoft")
_PARTS: Final = (*CONNECTOR, "postgres", "simulators", "generator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """`rows` are what the lines are drawn from."""

    name: str
    title: str
    caption: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    label: str
    at: Sequence[float]
    values: Sequence[float | None]
    place: int
    is_stepped: bool = False

    def draw(self, plot: Axes) -> None:
        values = [nan if value is None else value for value in self.values]
        style = "steps-mid" if self.is_stepped else "default"
        plot.plot(
            self.at,
            values,
            label=self.label,
            color=SERIES[self.place],
            linestyle=DASHES[self.place],
            drawstyle=style,
        )


def of(judgement: Judgement) -> list[Plot]:
    """None for what nobody sampled."""
    if judgement.evidence is None:
        return []
    evidence, over_time = judgement.evidence, buckets(judgement.evidence)
    with face():
        drawn = [
            _latency(judgement, evidence, over_time),
            _throughput(evidence, over_time),
            _trouble(evidence, over_time),
            _cpu(evidence),
            _outbox(evidence),
        ]
    return [one for one in drawn if one is not None]


def _latency(judgement: Judgement, evidence: Evidence, over_time: list[Bucket]) -> Plot:
    at = [one.middle_seconds for one in over_time]
    measured = {one.words: [b.launch_ms.at(one) for b in over_time] for one in _DRAWN}
    measured["slowest"] = [one.launch_ms.slowest for one in over_time]
    lines = [
        _Line(label=label, at=at, values=values, place=place)
        for place, (label, values) in enumerate(measured.items())
    ]
    limit = _limit_of(judgement, Indicator.PROVIDER_P95, Indicator.SERVED_P95)
    width = f"{over_time[0].width_seconds:g} s"
    caption = f"Launches from the click, by when they were due, in steps of {width}."
    if limit is not None:
        caption += f" The thin line is the limit for p95, {words.number(limit)} ms."

    def draw(plots: Sequence[Axes]) -> None:
        _draw(plots[0], lines, "ms")
        if limit is not None:
            plots[0].axhline(limit, color=INK, linewidth=0.9)

    return _plot(evidence, "latency", "How long launches took", caption, lines, draw)


def _throughput(evidence: Evidence, over_time: list[Bucket]) -> Plot:
    at = [one.middle_seconds for one in over_time]
    due = [one.per_second(*Outcome) for one in over_time]
    launched = [one.launch_ms.count / one.width_seconds for one in over_time]
    lines = [
        _Line(label="launched", at=at, values=launched, place=0),
        _Line(label="asked", at=at, values=due, place=1, is_stepped=True),
        _Line(
            label="refused",
            at=at,
            values=[one.per_second(Outcome.SHED) for one in over_time],
            place=2,
        ),
        _Line(
            label="failed or dropped",
            at=at,
            values=[one.per_second(Outcome.FAILED, Outcome.DROPPED) for one in over_time],
            place=3,
        ),
    ]
    caption = "Launches a second: asked for, carried out, and what became of the others."
    return _plot(
        evidence,
        "throughput",
        "How many launched",
        caption,
        lines,
        lambda plots: _draw(plots[0], lines, "launches/s"),
    )


def _trouble(evidence: Evidence, over_time: list[Bucket]) -> Plot:
    width = over_time[0].width_seconds
    counts: dict[Outcome, Counter[int]] = defaultdict(Counter)
    for (second, outcome), times in evidence.requests.by_second.items():
        counts[outcome][int(second // width)] += times
    last = max((place for found in counts.values() for place in found), default=0)
    places = range(max(len(over_time), last + 1))
    at = [(place + 0.5) * width for place in places]
    lines = [
        _Line(label=label, at=at, values=[counts[outcome][n] for n in places], place=place)
        for place, (label, outcome) in enumerate(
            {"refused": Outcome.SHED, "failed": Outcome.FAILED}.items(), 2
        )
    ]
    total = sum(sum(counts[one].values()) for one in (Outcome.FAILED, Outcome.SHED))
    caption = f"Answers that were failures or refusals, in steps of {width:g} s: {total:,} in all."
    return _plot(
        evidence,
        "errors",
        "What went wrong",
        caption,
        lines,
        lambda plots: _draw(plots[0], lines, "answers"),
    )


def _outbox(evidence: Evidence) -> Plot | None:
    known = [one for one in evidence.gauges if one.outbox_pending >= 0 and one.at_seconds >= 0]
    if not known:
        return None
    known.sort(key=lambda one: one.at_seconds)
    at = [one.at_seconds for one in known]
    pending = _Line(
        label="messages owed", at=at, values=[one.outbox_pending for one in known], place=0
    )
    ages = [max(one.outbox_oldest_seconds, 0) for one in known]
    oldest = _Line(label="age of the oldest", at=at, values=ages, place=1)
    caption = f"What the EHR had still to be told: at most {max(one.outbox_pending for one in known):,.0f} messages, the oldest {max(ages):.1f} s."

    def draw(plots: Sequence[Axes]) -> None:
        _draw(plots[0], [pending], "messages")
        _draw(plots[1], [oldest], "seconds")

    return _plot(
        evidence, "outbox", "What was owed to the EHR", caption, [pending, oldest], draw, rows=2
    )


def _cpu(evidence: Evidence) -> Plot | None:
    used: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for one in evidence.gauges:
        if one.cpu_seconds >= 0 and one.at_seconds >= 0:
            used[_group(one)][int(one.at_seconds)] += one.cpu_seconds
    if not used:
        return None
    seconds = sorted({second for found in used.values() for second in found})
    lines = [
        _Line(
            label=part,
            at=seconds,
            values=_smooth([used[part].get(second, 0.0) for second in seconds]),
            place=place,
        )
        for place, part in enumerate(_PARTS)
        if part in used
    ]
    return _plot(
        evidence,
        "cpu",
        "Who used the processor",
        "Cores in use, by part of the system, over five seconds each.",
        lines,
        lambda plots: _draw(plots[0], lines, "cores"),
    )


_DRAWN: Final = (Percentile.P50, Percentile.P95)
_SMOOTH_OVER: Final = 5


def _group(gauge: Gauge) -> str:
    return "simulators" if gauge.part in _SIMULATORS else gauge.part


def _smooth(values: list[float]) -> list[float]:
    """Mean of this second and the four before it."""
    windows = (values[max(0, n - _SMOOTH_OVER + 1) : n + 1] for n in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def _limit_of(judgement: Judgement, *indicators: Indicator) -> float | None:
    limits = (
        one.slo.limit
        for wanted in indicators
        for one in judgement.findings
        if one.slo.indicator is wanted
    )
    return next(limits, None)


def _draw(plot: Axes, lines: Sequence[_Line], unit: str) -> None:
    for line in lines:
        line.draw(plot)
    plot.set_ylabel(unit)
    plot.margins(y=0.14)
    plot.set_ylim(0, max(plot.get_ylim()[1], _LEAST_TOP))
    if len(lines) > 1:
        plot.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)


def _plot(  # noqa: PLR0913 - the caption, the lines and how they are drawn belong to one plot
    evidence: Evidence,
    name: str,
    title: str,
    caption: str,
    lines: Sequence[_Line],
    draw: Callable[[Sequence[Axes]], None],
    *,
    rows: int = 1,
) -> Plot:
    figure, plots = canvas(rows, _TALL if rows > 1 else _HEIGHT)
    draw(plots)
    for plot in plots:
        _mark(plot, evidence)
    plots[-1].set_xlabel("seconds of the run")
    return Plot(
        name=name,
        title=title,
        caption=caption,
        svg=svg(figure, name, f"{title}. {caption} The table below has the same numbers."),
        columns=("second", *(line.label for line in lines)),
        rows=_table(lines),
    )


def _mark(plot: Axes, evidence: Evidence) -> None:
    """Shaded: not measured. Dark: the surge. Numbered: what the stage did, listed under the plots."""
    run = evidence.run
    plot.set_xlim(0, max(run.ended_seconds, run.measured_to_seconds))
    plot.axvspan(0, run.measured_from_seconds, color=SHADE, linewidth=0)
    plot.axvspan(run.measured_to_seconds, plot.get_xlim()[1], color=SHADE, linewidth=0)
    surge = surge_of(run)
    if surge:
        plot.axvspan(*surge, color=LINE, alpha=0.35, linewidth=0)
    for number, (at, _words) in enumerate(events_of(run), 1):
        plot.axvline(at, color=INK, linewidth=0.9, linestyle=":")
        plot.annotate(str(number), (at, 1), xycoords=("data", "axes fraction"), ha="left", va="top")


def _table(lines: Sequence[_Line]) -> tuple[tuple[str, ...], ...]:
    """At most as many rows as somebody can read: every n-th."""
    every = -(-len(lines[0].at) // _MOST_ROWS)
    return tuple(
        (f"{lines[0].at[n]:g}", *(words.rounded(line.values[n]) for line in lines))
        for n in range(0, len(lines[0].at), every)
    )
