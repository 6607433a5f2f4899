"""When links of a namespace went away and came up, as the kernel tells it."""

import socket
import threading
import time
from collections.abc import Callable

from tests.lab.namespaces import Namespace
from tests.lab.waiting import PATIENCE
from tests.lab.worker import Worker
from vxland.kernel.links import IFINFO, Indexed, read_link
from vxland.kernel.netlink import NETLINK_ROUTE, SO_RCVBUFFORCE, widen
from vxland.kernel.wire import HEADER, split

RTM_NEWLINK, RTM_DELLINK = 16, 17
RTMGRP_LINK = 1
BUFFER = 32 << 20  # bytes, of which only what is there is taken


class Moments(Worker):
    """Notes when links are deleted, and when they are up again after that. Monotonic seconds.

    A subclass may listen to something else, or ask for more.
    """

    group = RTMGRP_LINK

    def __init__(self, namespace: Namespace) -> None:
        self.gone: dict[str, float] = {}
        self.back: dict[str, float] = {}
        self._noted = threading.Condition()
        with namespace.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        # A broadcast through a thousand tunnels makes a thousand neighbours, each of them an event.
        widen(self._socket, SO_RCVBUFFORCE, socket.SO_RCVBUF, BUFFER)
        self._socket.bind((0, self.group))
        self._socket.settimeout(0.05)
        super().__init__()

    def _close(self) -> None:
        self._socket.close()

    def outage(self, link: str) -> float | None:
        """How long a link was gone or down, in seconds; None while it is."""
        back = self.back.get(link)
        return None if back is None else back - self.gone[link]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until what is noted fulfils it, and go on at once. Raises AssertionError."""
        with self._noted:
            if not self._noted.wait_for(condition, PATIENCE):
                message = f"not within {PATIENCE:.0f} s: {what}"
                raise AssertionError(message)

    def _work(self) -> None:
        while not self.ended.is_set():
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                continue
            now = time.monotonic()
            for kind, _, message in split(data):
                self._note(self._read(kind, message), now)

    def _read(self, kind: int, message: bytes) -> tuple[str, bool] | None:
        """What went, or is back; None for all else."""
        if IFINFO.unpack_from(message, HEADER.size)[0] == socket.AF_UNSPEC:
            seen = read_link(message)
            if kind == RTM_DELLINK or (kind == RTM_NEWLINK and self._is_back(seen)):
                return seen.name, kind == RTM_NEWLINK
        return None

    def _is_back(self, seen: Indexed) -> bool:
        return seen.link.up

    def _note(self, seen: tuple[str, bool] | None, now: float) -> None:
        name, back = seen or ("", False)
        if not name or (back and name not in self.gone):
            return
        if back:
            self.back.setdefault(name, now)
        else:
            self.gone[name] = now
            self.back.pop(name, None)
        with self._noted:
            self._noted.notify_all()
