"""Lets a daemon run for long while something is done to it every second: nothing may grow."""

import argparse
import json
import platform
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.soak.run import soak
from bench.soak.samples import Sample, growth
from tests.lab import own_mounts

LOOKS = 360  # in all


def main() -> int:
    """0: nothing grew; 1: something did."""
    options = _options()
    samples = _read(options.read) if options.read else _soak(options)
    if options.draw:
        from bench.soak.plot import draw  # noqa: PLC0415 - matplotlib is for this alone

        draw(samples, options.draw)
    found = growth(samples)
    for one in found:
        print(one.line())
    return 0 if all(one.held for one in found) else 1


def _soak(options: argparse.Namespace) -> Sequence[Sample]:
    own_mounts()
    print(f"seed {options.seed}: {options.peers} peers for {options.minutes:g} minutes", flush=True)
    seconds = options.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(
            Path(folder),
            peers=options.peers,
            seconds=seconds,
            seed=options.seed,
            every=max(seconds / LOOKS, 1.0),
        )
    if options.json:
        about = {
            "kernel": platform.release(),
            "python": platform.python_version(),
            "peers": options.peers,
            "seed": options.seed,
        }
        looks = [one.json() for one in samples]
        options.json.write_text(json.dumps({"about": about, "samples": looks}) + "\n")
    return samples


def _read(path: Path) -> Sequence[Sample]:
    return [Sample(**look) for look in json.loads(path.read_text())["samples"]]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--read", type=Path, metavar="FILE", help="take them from there instead")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="draw them there, as SVG")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
