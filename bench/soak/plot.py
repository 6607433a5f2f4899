"""The picture of a soak: what may not grow, over the minutes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from bench.drawing import save
from bench.soak.samples import Sample

COLOUR = "#0b6e4f"
ROOM = 1.1  # above the highest
PANELS: Mapping[str, Callable[[Sample], float]] = {
    "memory, MB": lambda one: one.memory / 1e6,
    "file descriptors": lambda one: one.fds,
    "threads": lambda one: one.threads,
    "rules": lambda one: one.rules,
    "devices": lambda one: one.links,
    "lines logged so far": lambda one: one.lines,
}


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Write it there; everything begins at zero, so that no change looks larger than it is."""
    figure = Figure(figsize=(9, 6))
    minutes = [one.seconds / 60 for one in samples]
    for place, (what, of) in enumerate(PANELS.items(), 1):
        axes = figure.add_subplot(2, 3, place, title=what, xlabel="minutes")
        figures = [of(one) for one in samples]
        axes.plot(minutes, figures, color=COLOUR)
        axes.set_ylim(0, ROOM * max(figures))
    figure.tight_layout()
    save(figure, path)
