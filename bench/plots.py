"""The pictures of docs/performance.md: what it costs against peers, and how long repairs take."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench.drawing import save
from bench.growth import growths
from bench.harness import Row

# One look for each of those that are compared, in all panels.
LOOKS = {
    "vxland": ("#0b6e4f", "-"),
    "floor": ("#000000", ":"),
    "reading it raw": ("#000000", ":"),
    "the kernel's": ("#000000", ":"),
    "one group": ("#000000", ":"),
}
OTHERS = ("#d1495b", "#edae49", "#30638e", "#8d6a9f", "#6b705c")
BINS = [10 ** (power / 20) for power in range(-20, 81)]  # milliseconds: 20 for each power of ten

SOLID = "stepfilled"  # one outline, not hundreds of bars
REPAIR = "repair"
GROWING = (
    *("cold convergence, mesh", "cold convergence, shared"),
    *("a check that finds nothing", REPAIR),
    *("a peer added", "teardown"),
)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the pictures beside the file of results, under its name."""
    save(_growing(rows), path.with_name(f"{path.stem}-growth.svg"))
    save(_latencies(rows), path.with_name(f"{path.stem}-repair.svg"))


def _growing(rows: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(9, 9))
    for place, what in enumerate(GROWING, 1):
        axes = figure.add_subplot(3, 2, place, xscale="log", yscale="log", title=what)
        colours = iter(OTHERS)
        for growth in growths(row for row in rows if row.what == what):
            colour, style = LOOKS.get(growth.who) or (next(colours), "--")
            sizes, costs = zip(*growth.points, strict=True)
            label = f"{growth.who}, n^{growth.exponents[-1]:.2f}"
            axes.plot(sizes, costs, style, color=colour, marker="o", markersize=3, label=label)
        _whole_powers(axes)
        _name(axes, "peers", "seconds")
    figure.tight_layout()
    return figure


def _whole_powers(axes: Axes) -> None:
    """Numbers at powers of ten alone, and costs from one of these to another."""
    least, most = (math.log10(limit) for limit in axes.get_ylim())
    axes.set_ylim(10 ** math.floor(least), 10 ** math.ceil(most))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def _latencies(rows: Sequence[Row]) -> Figure:
    """A histogram for each size, one below the other, with the kernel's own time in the same."""
    repairs = [row for row in rows if row.what == REPAIR]
    figure = Figure(figsize=(9, 1 + 2 * len(repairs)))
    for place, row in enumerate(repairs, 1):
        title = f"a deleted tunnel of {row.peers:,} forwards again"
        axes = figure.add_subplot(len(repairs), 1, place, xscale="log", title=title)
        for who, spread in row.series().items():
            milliseconds = [value * 1e3 for value in spread.values]
            axes.hist(milliseconds, BINS, histtype=SOLID, alpha=0.6, color=LOOKS[who][0], label=who)
        worst = row.figure.share(0.99) * 1e3
        axes.axvline(worst, color=OTHERS[0], label=f"vxland, 99th percentile: {worst:.3g} ms")
        axes.xaxis.set_major_formatter("{x:g}")
        _name(axes, "milliseconds", "deletions")
    figure.tight_layout()
    return figure


def _name(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)
