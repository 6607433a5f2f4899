"""One who asks by the daemon's socket: never waited for, whatever it does."""

import json
import os
import socket
import struct
import time

from vxland.control import ANSWER_TIMEOUT, HEARD, LONGEST_REQUEST

TIMEOUT = 5.0  # seconds for it to say what it wants, and to take the answer
UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)


class Caller:
    """It says a line, waits, and is told one. Its methods raise OSError where it has gone."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self.socket = connection
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
        # Root, or the daemon's own user.
        self.trusted: bool = UCRED.unpack(credentials)[1] in (0, os.geteuid())
        self.until = time.monotonic() + TIMEOUT  # one byte now and then doesn't buy more time
        self._said = b""
        self._untold = b""

    @property
    def is_told(self) -> bool:
        """Whether it has all of its answer."""
        return not self._untold

    def listen(self) -> bool:
        """Take what it has said; whether that is all."""
        try:
            part = self.socket.recv(LONGEST_REQUEST - len(self._said))
        except BlockingIOError:
            return False
        self._said += part
        return not part or b"\n" in part or len(self._said) == LONGEST_REQUEST

    def wish(self) -> object:
        """What it wants; None where that can't be understood."""
        try:
            return json.loads(self._said.partition(b"\n")[0])["do"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def wait(self) -> None:
        """Let it know that it is heard, and that it has to wait."""
        self.socket.send(HEARD)
        self.until = time.monotonic() + ANSWER_TIMEOUT

    def tell(self, answer: bytes) -> None:
        """Begin to tell it this."""
        self._untold += answer
        self.until = time.monotonic() + TIMEOUT
        self.go_on()

    def go_on(self) -> None:
        """Tell it more of that."""
        try:
            self._untold = self._untold[self.socket.send(self._untold) :]
        except BlockingIOError:
            return
