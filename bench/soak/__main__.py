"""Lets a daemon run for long while something is done to it every second: nothing may grow."""

import argparse
import json
import platform
import secrets
import sys
import tempfile
from pathlib import Path

from bench.soak.run import soak
from bench.soak.samples import growth
from tests.lab import own_mounts

LOOKS = 360  # in all


def main() -> int:
    """0: nothing grew; 1: something did."""
    options = _options()
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
    found = growth(samples)
    if options.json:
        about = {
            "kernel": platform.release(),
            "python": platform.python_version(),
            "peers": options.peers,
            "seed": options.seed,
        }
        looks = [one.json() for one in samples]
        options.json.write_text(json.dumps({"about": about, "samples": looks}, indent=1) + "\n")
    for one in found:
        print(one.line())
    return 0 if all(one.held for one in found) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
