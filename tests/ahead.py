"""Makes ahead what tests would wait minutes for: ``python -m tests.ahead``, beside the first tests.

Whoever needs one of these waits until it is there, or makes it, and says what is wrong if it fails.
"""

import os
import signal
import sys

from tests.package.build import built
from tests.system.roots import RELEASES, unpacked

KINDS = ("neighbours", "build", "bare", "host")  # in the order in which the tests ask for them


def end(*_: object) -> None:
    """End all programs that were started here, too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    sys.exit(1)


if __name__ == "__main__":
    os.setsid()
    signal.signal(signal.SIGTERM, end)
    for kind in KINDS:
        for release in RELEASES:
            unpacked(release, kind)
            if kind == "build":
                built(release)
