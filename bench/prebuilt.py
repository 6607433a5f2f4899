"""Batches of netlink requests as bytes, numbered beforehand, and the socket that sends them."""

from collections.abc import Iterable, Sequence

from vxland.kernel.netlink import BATCH, DATAGRAM, FLAGS, FLAGS_AT, NUMBERED, open_socket
from vxland.kernel.transactions import BEGIN, END
from vxland.kernel.wire import NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR, refused, split
from vxland.process.closing import Closing

ONLY = 1  # the number of whoever is acknowledged; all others have none


class Line(Closing):
    """A socket over which batches go as they are."""

    def __init__(self, protocol: int) -> None:
        self._socket = open_socket(protocol)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, batches: Iterable[bytes]) -> None:
        """Send each once the one before it has been acknowledged. Raises NetlinkError."""
        for batch in batches:
            self._socket.sendall(batch)
            while not self._acknowledged():
                pass

    def _acknowledged(self) -> bool:
        for kind, sequence, message in split(self._socket.recv(DATAGRAM)):
            if kind == NLMSG_ERROR:
                if error := refused(message):
                    raise error
                if sequence == ONLY:
                    return True
        return False


def requests(messages: Sequence[bytes]) -> list[bytes]:
    """Batches of as many requests as vxland sends at once."""
    return [_batch(messages[at : at + BATCH]) for at in range(0, len(messages), BATCH)]


def transaction(messages: Sequence[bytes]) -> bytes:
    """What nftables carries out together."""
    return _numbered(BEGIN) + _batch(messages) + _numbered(END)


def _batch(messages: Sequence[bytes]) -> bytes:
    """Only the last is to be acknowledged."""
    *others, last = messages
    return b"".join(map(_numbered, others)) + _numbered(last, NLM_F_ACK, ONLY)


def _numbered(message: bytes, flags: int = 0, sequence: int = 0) -> bytes:
    out = bytearray(message)
    (own,) = FLAGS.unpack_from(out, FLAGS_AT)
    NUMBERED.pack_into(out, FLAGS_AT, own | NLM_F_REQUEST | flags, sequence)
    return bytes(out) + bytes(-len(out) % 4)
