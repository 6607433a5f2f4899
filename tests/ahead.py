"""Makes ahead what tests would wait minutes for: ``python -m tests.ahead``, beside the first tests.

Whoever needs one of these waits until it is there, or makes it, and says what is wrong if it fails.
"""

import contextlib
import os
import signal

from tests.package.build import built
from tests.prometheus.binary import program
from tests.system.roots import RELEASES, unpacked

KINDS = ("neighbours", "build", "bare", "host")  # in the order in which the tests ask for them
LAST = ("guests", "host", "vteps")  # before those, of the last release alone


def end(*_: object) -> None:
    """End all programs that were started here, too, once they have cleared up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(1)  # subprocess would kill what it has begun to wait for


if __name__ == "__main__":
    os.setpgid(0, 0)  # no session of its own: nice(1) would mean nothing (sched(7), autogroups)
    signal.signal(signal.SIGTERM, end)
    for kind in LAST:
        unpacked(RELEASES[-1], kind)
    program("prometheus")
    for kind in KINDS:
        for release in RELEASES:
            unpacked(release, kind)
            if kind == "build":
                built(release)
