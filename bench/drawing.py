"""How all pictures look, and how they are written."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.use("svg")
mpl.rcParams |= {
    "svg.fonttype": "none",  # text stays text: small, and readable in a difference
    "svg.hashsalt": "vxland",  # the same figures make the same file
    "font.size": 9,
    "axes.grid": True,
    "axes.grid.which": "major",
    "grid.color": "#dddddd",
}


def save(figure: Figure, path: Path) -> None:
    """Write it, without the date: the same figures make the same file."""
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
