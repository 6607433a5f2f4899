"""Lines for journald, with fields, in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).

``systemd.journal.send`` keeps Python's interpreter lock while it waits for a journald that doesn't
read: every thread would stand still, until the watchdog ends the daemon. This handler waits for
PATIENCE, and from then on not at all until journald reads again. What it couldn't say it counts.
"""

import logging
import socket
import struct

from vxland.journal.entries import Entry
from vxland.journal.messages import Message

SOCKET = "/run/systemd/journal/socket"
PATIENCE = 0.1  # seconds
PRIORITIES = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


class Journald(logging.Handler):
    """Sends to journald; a record's ``entry`` gives the fields."""

    def __init__(self, path: str = SOCKET) -> None:
        super().__init__()
        self._path = path
        self.lost = 0  # lines that journald didn't take
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        patience = struct.pack("@ll", 0, int(PATIENCE * 1e6))  # struct timeval
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line, or count it as lost. Called with the handler's lock held."""
        entry: Entry | None = getattr(record, "entry", None)
        priority = entry.message.priority if entry else PRIORITIES.get(record.levelno, 3)
        line = _datagram(self.format(record), priority, entry)
        if self.lost:
            text = f"{self.lost} lines before this one are lost: journald did not take them"
            lost = Entry(Message.LINES_LOST, text)
            if not self._send(_datagram(text, lost.message.priority, lost)):
                self.lost += 1
                return
            self.lost = 0
        if not self._send(line):
            self.lost += 1

    def _send(self, datagram: bytes) -> bool:
        """Whether journald took it."""
        flags = socket.MSG_DONTWAIT if self.lost else 0
        try:
            self._socket.sendto(datagram, flags, self._path)
        except OSError:  # it doesn't read, or it isn't there
            return False
        return True

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def _datagram(text: str, priority: int, entry: Entry | None) -> bytes:
    fields: list[tuple[str, str]] = [
        ("MESSAGE", text),
        ("PRIORITY", str(priority)),
        ("SYSLOG_IDENTIFIER", "vxland"),
    ]
    if entry is not None:
        fields.append(("MESSAGE_ID", entry.message.id))
        fields += [(name, value) for name, values in entry.fields.items() for value in values]
    return b"".join(_encoded(name.encode(), value) for name, value in fields)


def _encoded(name: bytes, text: str) -> bytes:
    value = text.encode(errors="backslashreplace")
    if b"\n" not in value:
        return name + b"=" + value + b"\n"
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
