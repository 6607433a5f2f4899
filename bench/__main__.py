"""Measures what docs/performance.md tells of: see ``scripts/bench --help``."""

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench.scale import Scale, quick
from bench.table import line
from tests.lab import own_mounts

ROWS = ("starting", "check", "cold", "change", "repair", "scraping", "idle", "teardown", "plane")


def main() -> int:
    """Measure, print, write; 0 also where a limit was missed, since machines are noisy."""
    options = _options()
    own_mounts()
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        scale = quick(Path(folder)) if options.quick else Scale(Path(folder))
        scale = replace(scale, networkd=options.networkd)
        for name in options.rows or ROWS:
            started = time.monotonic()
            for row in import_module(f"bench.rows.{name}").rows(scale):
                measured.append(row)
                print(line(row), flush=True)
            print(f"  ({name} took {time.monotonic() - started:.0f} s)", file=sys.stderr)
    if options.json:
        machine = {"kernel": platform.release(), "python": platform.python_version()}
        rows = [row.json() for row in measured]
        options.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within five minutes")
    parser.add_argument(
        "--networkd", action="store_true", help="beside systemd-networkd, in a booted Debian 13"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
