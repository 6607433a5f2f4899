"""The floor: what vxland's safe order sends to the kernel, made beforehand, in its phases.

All that goes by netlink is bytes, numbered for its batches, before the clock starts: links,
forwarding entries, and tables of nftables'. Devices are given numbers at their creation, so that
later messages can be made before there is a device. Rules of ebtables' are written by vxland's own
writer, a process that takes a text, in their place of the order. Nothing is read.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

from bench.place import clean
from bench.prebuilt import Line, requests, transaction
from bench.turns import Turns
from vxland.kernel.directory import Directory
from vxland.kernel.ebtables import SCRIPTS
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.messages import MESSAGES
from vxland.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, SEND_BUFFER
from vxland.kernel.own_table import OWNER, PERSIST, OwnTable
from vxland.kernel.wire import HEADER
from vxland.observed import TableState
from vxland.operations import CreateBridge, CreateVtep, Operation

FIRST = 1_000_000  # of the numbers; no device of the kernel's own has one as large
INDEX = slice(HEADER.size + 4, HEADER.size + 8)  # in struct ifinfomsg

Step = Callable[[LinuxKernel, Line, Line], None]


class Floor:
    """The steps that make everything of so many peers, from nothing."""

    def __init__(self, peers: int, mode: str) -> None:
        clean()
        with Turns(peers, mode) as turns:
            report, _ = turns.turn()
            if report.failures:
                message = f"vxland itself failed: {report.failures[0].failure}"
                raise RuntimeError(message)
            kernel = turns.kernel
            tables: dict[str, OwnTable[Any]] = {
                table.table: table for table in (kernel.nftables, kernel.ingress, kernel.tally)
            }
            self._directory = Directory({}, {})
            self._steps = list(self._made(report.plan.operations, tables))
        clean()

    def __call__(self) -> float:
        """Carry them out; returns the seconds."""
        with (
            LinuxKernel(keeps=True) as kernel,
            Line(NETLINK_ROUTE) as route,
            Line(NETLINK_NETFILTER) as netfilter,
        ):
            kernel.observe()  # the writer of rules wants to have looked
            started = time.perf_counter()
            for step in self._steps:
                step(kernel, route, netfilter)
            return time.perf_counter() - started

    def _made(
        self, operations: Iterable[Operation], tables: dict[str, OwnTable[Any]]
    ) -> Iterator[Step]:
        for _, group in groupby(operations, lambda o: (o.phase, o.step, _way(o))):
            step = list(group)
            if type(step[0]) in MESSAGES:
                yield partial(_send, requests([self._message(operation) for operation in step]))
            elif type(step[0]) in SCRIPTS:
                yield partial(_perform, step)
            else:
                yield partial(_transact, [b for o in step for b in _batches(tables[o.device], o)])

    def _message(self, operation: Operation) -> bytes:
        message = bytearray(MESSAGES[type(operation)](operation, self._directory))
        if isinstance(operation, CreateVtep | CreateBridge):
            index = FIRST + len(self._directory.indexes)
            message[INDEX] = index.to_bytes(4, "little")
            self._directory.indexes[operation.device] = index
        return bytes(message)


def _way(operation: Operation) -> tuple[bool, bool]:
    return type(operation) in MESSAGES, type(operation) in SCRIPTS


def _batches(table: OwnTable[Any], operation: Operation) -> Iterator[bytes]:
    """The transactions of a table that is made as it was made here."""
    state = table.read()
    kept = isinstance(state, TableState) and state.table is not None and state.table.persistent
    for messages in table.batches(operation, OWNER | PERSIST if kept else 0, SEND_BUFFER):
        yield transaction([*messages])


def _send(batches: list[bytes], _kernel: LinuxKernel, route: Line, _netfilter: Line) -> None:
    route.send(batches)


def _transact(batches: list[bytes], _kernel: LinuxKernel, _route: Line, netfilter: Line) -> None:
    netfilter.send(batches)


def _perform(
    operations: list[Operation], kernel: LinuxKernel, _route: Line, _netfilter: Line
) -> None:
    if failures := {**kernel.perform(operations), **kernel.settle()}:
        raise RuntimeError(str(failures))
