"""Random vandalism by several processes at once, on five nodes under traffic."""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import chaos
from tests.lab import own_mounts


def main() -> int:
    """0: all came right, nothing stormed, nothing of others' was lost; 1: not so."""
    options = _options()
    own_mounts()
    print(f"seed {options.seed}: for {options.minutes:g} minutes", flush=True)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="vxland-chaos."))
    try:
        outcome = chaos(folder, options.seed, options.minutes * 60)
    except AssertionError as error:
        print(error, f"what was done, and the daemons' logs: {folder}", sep="\n")
        return 1
    print(*outcome.wrong, outcome.line(), f"logs: {folder}", sep="\n")
    return 1 if outcome.wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--seed",
        type=int,
        default=secrets.randbelow(1 << 32),
        help="the deeds of a run that printed this, not their moments",
    )
    parser.add_argument("--folder", type=Path, help="where the logs go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
