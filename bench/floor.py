"""The floor: what vxland's safe order sends to the kernel, made beforehand, in its phases.

Devices are given numbers at their creation, so that later messages can be made before there is a
device. Rules, what lets only peers in among them, are written by vxland's own writers, in their
place of the order. Nothing is read.
"""

import time
from collections.abc import Callable, Iterator
from itertools import groupby

from bench.place import clean
from bench.turns import Turns
from vxland.kernel.directory import Directory
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.messages import MESSAGES
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER
from vxland.operations import CreateBridge, CreateVtep, Operation

FIRST = 1_000_000  # of the numbers; no device of the kernel's own has one as large
INDEX = slice(HEADER.size + 4, HEADER.size + 8)  # in struct ifinfomsg

Step = Callable[[LinuxKernel, Netlink], None]


class Floor:
    """The steps that make everything of so many peers, from nothing."""

    def __init__(self, peers: int, mode: str) -> None:
        clean()
        with Turns(peers, mode) as turns:
            report, _ = turns.turn()
        if report.failures:
            message = f"vxland itself failed: {report.failures[0].failure}"
            raise RuntimeError(message)
        clean()
        self._directory = Directory({}, {})
        self._steps = list(self._made(report.plan.operations))

    def __call__(self) -> float:
        """Carry them out; returns the seconds."""
        with LinuxKernel(keeps=True) as kernel, Netlink() as netlink:
            kernel.observe()  # the writers of rules want to have looked
            started = time.perf_counter()
            for step in self._steps:
                step(kernel, netlink)
            return time.perf_counter() - started

    def _made(self, operations: tuple[Operation, ...]) -> Iterator[Step]:
        for _, group in groupby(operations, lambda o: (o.phase, o.step, type(o) in MESSAGES)):
            step = list(group)
            if type(step[0]) in MESSAGES:
                yield _sending([self._message(operation) for operation in step])
            else:
                yield _performing(step)

    def _message(self, operation: Operation) -> bytes:
        message = bytearray(MESSAGES[type(operation)](operation, self._directory))
        if isinstance(operation, CreateVtep | CreateBridge):
            index = FIRST + len(self._directory.indexes)
            message[INDEX] = index.to_bytes(4, "little")
            self._directory.indexes[operation.device] = index
        return bytes(message)


def _sending(messages: list[bytes]) -> Step:
    def send(_kernel: LinuxKernel, netlink: Netlink) -> None:
        refusals = [error for error in netlink.request(messages) if error is not None]
        if refusals:
            raise refusals[0]

    return send


def _performing(operations: list[Operation]) -> Step:
    def perform(kernel: LinuxKernel, _netlink: Netlink) -> None:
        if failures := kernel.perform(operations):
            raise RuntimeError(str(failures))

    return perform
