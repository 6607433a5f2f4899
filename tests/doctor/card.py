"""A network card that is at fault: a wire between two namespaces on which some packets are spoilt.

What a veth leaves to be done (checksums, cutting into packets) is known to who reads with
PACKET_VNET_HDR. A card that doesn't finish checksums forgets that. None of these can cut what is in
a tunnel: the kernel has no way to tell a packet socket of that.
"""

import contextlib
import errno
import selectors
import socket

from tests.lab import Namespace
from tests.lab.frames import ETH_P_ALL, PACKET_IGNORE_OUTGOING, ROOM, SO_RCVBUFFORCE, SOL_PACKET
from tests.lab.worker import Worker

PACKET_VNET_HDR = 15
HEADER = 10  # bytes of struct virtio_net_hdr; zeros: nothing is left to be done
LONGEST = 1 << 17


class Card(Worker):
    """Carries frames from ``left`` to ``right`` and back, in a namespace that has both ends."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__()
        self.sums = True  # whether it finishes those of what comes from the left
        self._sockets = {}
        with namespace.entered():
            for name in ("left", "right"):
                opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
                opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
                opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
                opened.bind((name, ETH_P_ALL))
                self._sockets[name] = opened

    def _close(self) -> None:
        for opened in self._sockets.values():
            opened.close()

    def _work(self) -> None:
        left, right = self._sockets["left"], self._sockets["right"]
        with selectors.DefaultSelector() as selector:
            selector.register(left, selectors.EVENT_READ, right)
            selector.register(right, selectors.EVENT_READ, left)
            while not self.ended.is_set():
                for key, _ in selector.select(0.05):
                    with contextlib.suppress(OSError):
                        self._pass(left if key.data is right else right, key.data)

    def _pass(self, here: socket.socket, there: socket.socket) -> None:
        try:
            frame = here.recv(LONGEST)
        except OSError as error:
            assert error.errno == errno.EINVAL  # noqa: PT017 - what it can't cut, as below
            return
        if here is self._sockets["left"] and not self.sums:
            frame = bytes(HEADER) + frame[HEADER:]
        there.send(frame)
