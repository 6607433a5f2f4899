"""SIGKILL at a chosen point of an apply: after so many notifications of what it changes."""

import contextlib
import selectors
import socket
import time
from collections.abc import Iterable
from typing import Self

from tests.lab import Server

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
LINKS = 1  # RTMGRP_LINK
RULES = 1 << 6  # NFNLGRP_NFTABLES


class Trap:
    """Kills a server's daemon once the kernel has told of so many changes there."""

    def __init__(self, server: Server, after: int) -> None:
        self.server = server
        self.after = after
        self.changes = 0
        with server.entered():
            self.sockets = [
                socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
                for protocol in (NETLINK_ROUTE, NETLINK_NETFILTER)
            ]
        for opened, groups in zip(self.sockets, (LINKS, RULES), strict=True):
            opened.bind((0, groups))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self.sockets:
            opened.close()

    def look(self) -> bool:
        """Count what was told, and kill when it is enough; whether it was."""
        for opened in self.sockets:
            with contextlib.suppress(BlockingIOError):
                while opened.recv(1 << 16):
                    self.changes += 1
        if self.changes >= self.after:
            self.server.stop(kill=True)
        return self.server.daemon is None


def spring(traps: Iterable[Trap], patience: float = 20.0) -> int:
    """Wait until each trap has killed its daemon, or that has no more to do; returns the kills."""
    waiting = {opened: trap for trap in traps for opened in trap.sockets}
    killed = set()
    until = time.monotonic() + patience
    with selectors.DefaultSelector() as selector:
        for opened in waiting:
            selector.register(opened, selectors.EVENT_READ)
        while waiting:
            ready = selector.select(0.1)
            looked_at = {waiting[key.fileobj] for key, _ in ready}  # type: ignore[index]
            for trap in looked_at or set(waiting.values()):
                if trap.look():
                    killed.add(trap.server.name)
                elif not ready and trap.server.in_sync():
                    pass
                else:
                    continue
                for opened in trap.sockets:
                    selector.unregister(opened)
                    del waiting[opened]
            assert time.monotonic() < until, "neither killed nor in sync"
    return len(killed)
