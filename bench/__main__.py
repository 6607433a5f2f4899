"""Measures what docs/performance.md tells of: see ``scripts/bench --help``."""

import argparse
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench.growth import growths
from bench.harness import Row
from bench.results import RUN, Results, circumstances, this_run
from bench.scale import Scale, quick
from bench.table import growth_line, line
from tests.lab import own_mounts

ROWS = (
    *("starting", "loading", "check", "cold", "change", "repair"),
    *("scraping", "idle", "memory", "teardown", "plane", "storms"),
)


def main() -> int:
    """Measure, print, write; 0 also where a limit was missed, since machines are noisy.

    What can't be measured is 1, and the rest is measured all the same.
    """
    options = _options()
    if options.draw:
        _draw(options.draw)
        return 0
    own_mounts()
    started, failed, run = time.monotonic(), False, this_run()
    with tempfile.TemporaryDirectory() as folder:
        scale = quick(Path(folder)) if options.quick else Scale(Path(folder))
        scale = replace(scale, networkd=options.networkd)
        for name in options.rows or ROWS:
            rows, error = _measured(name, scale)
            failed |= error
            if options.json:  # at once: somebody may end it
                new = Results(rows, (circumstances(run, name),) * len(rows))
                old = Results.read(options.json)
                old.renewed(new, complete=not error).write(options.json)
    if options.json:
        if not options.rows and not failed:  # all that there is was measured
            Results.read(options.json).of_run(run[RUN]).write(options.json)
        _draw(options.json)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"(all took {minutes} min {seconds} s)", file=sys.stderr)
    return int(failed)


def _measured(name: str, scale: Scale) -> tuple[tuple[Row, ...], bool]:
    """The rows of a module that could be measured, and whether one couldn't."""
    started, rows, failed = time.monotonic(), [], False
    try:
        for row in import_module(f"bench.rows.{name}").rows(scale):
            rows.append(row)
            print(line(row), flush=True)
    except Exception:  # noqa: BLE001 - minutes of other measurements don't depend on it
        traceback.print_exc()
        failed = True
    for growth in growths(rows):
        print(f"  {growth_line(growth)}", flush=True)
    print(f"  ({name} took {time.monotonic() - started:.0f} s)", file=sys.stderr)
    return tuple(rows), failed


def _draw(path: Path) -> None:
    """What is drawn has the file's name and place; the document of its name has its tables filled.

    Imported here, since measuring needs no library that draws.
    """
    from bench.document import fill  # noqa: PLC0415
    from bench.plots import draw  # noqa: PLC0415

    results = Results.read(path)
    draw(results.rows, path)
    if (document := path.with_suffix(".md")).exists():
        fill(document, results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within five minutes")
    parser.add_argument(
        "--networkd", action="store_true", help="beside systemd-networkd, in a booted Debian 13"
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write all figures there, and draw them beside it; of a file that is there, those not"
        " measured now are kept, and the tables of a document of its name are filled in",
    )
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="FILE",
        help="measure nothing: draw the figures of such a file, docs/performance.json for one",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
