"""A daemon's first turn in a process of its own, that is killed: ``python -m tests.faults.doomed``.

A line on its input has the place: before which datagram that changes something it is killed, by
itself and by SIGKILL, so that nothing is done any more. The answer is the exit code of subprocess.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.fake.surroundings import File, NoNames
from tests.faults.stage import HOME, Others
from tests.faults.wire import SENDING, Fault, Wire, is_acknowledged, parts
from tests.lab.server import BOUND
from vxland.kernel import netlink
from vxland.kernel.linux import LinuxKernel
from vxland.loop.reconciler import Reconciler
from vxland.process.doorbell import Trigger


class Doom:
    """It comes when this many datagrams that change something have been given to the socket."""

    def __init__(self, place: int) -> None:
        self._left = place

    def __call__(self, _: object, data: bytes) -> bytes:
        self._left -= any(map(is_acknowledged, parts(data)))
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return data


@contextmanager
def doomed() -> Iterator[Callable[[int], int]]:
    """Gives what has it take a turn in this namespace, and returns how that ended.

    It is forked each time by a process that has but one thread, and has imported all.
    """
    words = [*BOUND, sys.executable, "-m", "tests.faults.doomed"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:

        def ended(place: int) -> int:
            assert it.stdin
            assert it.stdout
            it.stdin.write(f"{place}\n")
            it.stdin.flush()
            return int(it.stdout.readline())

        yield ended


def turn(place: int) -> None:
    """What is killed."""
    wire = Wire(lambda: None)
    wire.arm(Fault(SENDING, Doom(place), lasts=True), 1)
    vars(netlink)["open_socket"] = wire.open
    with LinuxKernel(keeps=True) as kernel:
        Reconciler(kernel, File(HOME), HOME, NoNames(), Others(None)).turn({Trigger.START})


def main() -> None:
    """Fork for each line, and say what became of it."""
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            turn(int(line))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
