"""Netlink's messages as bytes (netlink(7)): headers, attributes, and the kernel's refusals."""

import contextlib
import errno
import os
import struct
from collections.abc import Iterator

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x4, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x200, 0x400, 0x800
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLMSGERR_ATTR_MSG = 1

HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port id
ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length, type
UNREADABLE = "a message of the kernel's can't be read"


class NetlinkError(OSError):
    """The kernel's refusal, with its own explanation where it gives one (extended ack)."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(number, message or os.strerror(number))

    @property
    def name(self) -> str:
        """The error's symbol, as in errno(3)."""
        return errno.errorcode.get(self.errno or 0, str(self.errno))


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """A look at the kernel; NetlinkError (EBADMSG) where what it says can't be read."""
    try:
        yield
    except (struct.error, ValueError, LookupError) as error:
        raise NetlinkError(errno.EBADMSG, f"{UNREADABLE}: {error!r}") from error


def split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The messages of a datagram: type, sequence number, and all its bytes.

    Raises NetlinkError (EBADMSG) where it ends too early.
    """
    offset = 0
    while offset < len(data):
        if offset + HEADER.size > len(data):
            raise NetlinkError(errno.EBADMSG, UNREADABLE)
        length, kind, _, sequence, _ = HEADER.unpack_from(data, offset)
        if not HEADER.size <= length <= len(data) - offset:
            raise NetlinkError(errno.EBADMSG, UNREADABLE)
        yield kind, sequence, data[offset : offset + length]
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """The attributes from an offset on: type without flags, and payload (rtnetlink(7))."""
    while offset + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, offset)
        if length < ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def by_kind(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The same by type, of several of a type the last; in one go, since messages come by 1,000."""
    found: dict[int, bytes] = {}
    read, last = ATTRIBUTE.unpack_from, len(data) - ATTRIBUTE.size
    while offset <= last:
        length, kind = read(data, offset)
        if length < ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def refused(message: bytes) -> NetlinkError | None:
    """Why a request was refused; None where the message acknowledges it.

    Raises NetlinkError (EBADMSG) where it ends too early.
    """
    if len(message) < HEADER.size + 4:
        raise NetlinkError(errno.EBADMSG, UNREADABLE)
    code = struct.unpack_from("=i", message, HEADER.size)[0]
    if code == 0:
        return None
    flags = HEADER.unpack_from(message)[2]
    text = ""
    if flags & NLM_F_ACK_TLVS:
        length = struct.unpack_from("=I", message, HEADER.size + 4)[0]
        offset = HEADER.size + 4 + (HEADER.size if flags & NLM_F_CAPPED else length)
        for kind, value in attributes(message, (offset + 3) & ~3):
            if kind == NLMSGERR_ATTR_MSG:
                text = value.rstrip(b"\0").decode(errors="replace")
    return NetlinkError(-code, text)
