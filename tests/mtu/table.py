"""The table of docs/mtu.md: read from there, or made anew (``python -m tests.mtu.table``)."""

import re
import tempfile
from pathlib import Path

from tests.lab import own_mounts
from tests.mtu.crossing import Crossing, Fate, Way

DOCUMENT = Path(__file__).parents[2] / "docs" / "mtu.md"
ROW = re.compile(r"^\| (auto|\d+) \|.*\|$", re.MULTILINE)
PATHS = {"1500": (1500, False), "1400": (1400, False), "1400, silent": (1400, True)}


def read(row: str) -> tuple[Way, Fate]:
    """A line of the table: what was set, and what became of it."""
    mtu, df, guest, underlay, path, *fates = (cell.strip() for cell in row.strip("| ").split("|"))
    number, _, offloads = guest.partition(", ")
    (narrow, silent) = PATHS[path]
    way = Way(
        mtu=None if mtu == "auto" else int(mtu),
        df=df,
        guest=int(number),
        family=int(underlay.removeprefix("IPv")),
        path=narrow,
        silent=silent,
        offloads=offloads == "offloads",
    )
    return way, Fate(*(fate.strip("*") for fate in fates))


def rows() -> list[str]:
    """All lines that tell of something tried."""
    return [found[0] for found in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]


def written(row: str, fate: Fate) -> str:
    """The same line with another outcome; what is lost stands out."""
    settings = row.split("|")[1:6]
    fates = (fate.tcp, fate.udp, fate.whole)
    cells = (f" **{cell}** " if cell == "lost" else f" {cell} " for cell in fates)
    return "|".join(("", *settings, *cells, ""))


def main() -> None:
    """Try all of it, and print the table."""
    own_mounts()
    with tempfile.TemporaryDirectory() as folder, Crossing(Path(folder)) as crossing:
        for row in rows():
            crossing.lay(read(row)[0])
            print(written(row, crossing.fate()), flush=True)


if __name__ == "__main__":
    main()
