"""When links of a namespace went away and came up, as the kernel tells it."""

import socket
import threading
import time
from collections.abc import Callable

from tests.lab.namespaces import Namespace
from tests.lab.waiting import PATIENCE
from tests.lab.worker import Worker
from vxland.kernel.links import IFINFO, read_link
from vxland.kernel.netlink import NETLINK_ROUTE
from vxland.kernel.wire import HEADER, split

RTM_NEWLINK, RTM_DELLINK = 16, 17
RTMGRP_LINK = 1


class Moments(Worker):
    """Notes when links are deleted, and when they are up again after that. Monotonic seconds."""

    def __init__(self, namespace: Namespace) -> None:
        self.gone: dict[str, float] = {}
        self.back: dict[str, float] = {}
        self._noted = threading.Condition()
        with namespace.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        self._socket.bind((0, RTMGRP_LINK))
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
                if IFINFO.unpack_from(message, HEADER.size)[0] == socket.AF_UNSPEC:
                    self._note(kind, message, now)

    def _note(self, kind: int, message: bytes, now: float) -> None:
        link = read_link(message).link
        if kind == RTM_DELLINK:
            self.gone[link.name] = now
            self.back.pop(link.name, None)
        elif kind == RTM_NEWLINK and link.up and link.name in self.gone:
            self.back.setdefault(link.name, now)
        else:
            return
        with self._noted:
            self._noted.notify_all()
