"""What becomes of large packets from one namespace to another, as a program there sees it."""

import contextlib
import errno
import socket
import struct
import threading
import time
from ipaddress import ip_address

from tests.lab import Namespace
from tests.lab.frames import PACKET_IGNORE_OUTGOING, SOL_PACKET

BULK = 1 << 18  # bytes
PIECE = bytes(1 << 14)
MTU_DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}  # IP_MTU_DISCOVER, …
PMTUDISC_DONT, PMTUDISC_DO = 0, 2  # include/uapi/linux/in.h
HEADERS = {4: 28, 6: 48}  # of IP and UDP, bytes
AGAIN = 0.1  # seconds until a datagram is sent once more
ALL = 3  # ETH_P_ALL
TAG = b"\x81\x00\x00\x07\x08\x00"  # VLAN 7, and IPv4

ARRIVES, TOLD, LOST = "arrives", "told", "lost"


Pair = tuple[Namespace, Namespace]  # who sends, and to whom


def _family(address: str) -> tuple[int, socket.AddressFamily]:
    version = ip_address(address).version
    return version, socket.AF_INET if version == 4 else socket.AF_INET6


def tcp(pair: Pair, address: str, patience: float) -> str:
    """Whether all of many bytes arrive at this address of the other."""
    return ARRIVES if tcp_bytes(pair, address, patience) == BULK else LOST


def tcp_bytes(pair: Pair, address: str, patience: float) -> int:
    """How many of BULK bytes arrive at this address of the other."""
    one, other = pair
    _, family = _family(address)
    with other.entered():
        listener = socket.create_server((address, 0), family=family)
    came = []

    def take() -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(patience)
                while piece := connection.recv(len(PIECE)):
                    came.append(len(piece))

    taker = threading.Thread(target=take, daemon=True)
    with listener:
        listener.settimeout(patience)
        taker.start()
        with one.entered():
            sender = socket.socket(family)
        # Closed with a reset: what goes on being sent would change what the next test finds.
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with sender, contextlib.suppress(TimeoutError):
            sender.settimeout(patience)
            sender.connect(listener.getsockname()[:2])
            for _ in range(0, BULK, len(PIECE)):
                sender.sendall(PIECE)
            sender.shutdown(socket.SHUT_WR)
            taker.join(patience)
        taker.join()
    return sum(came)


def udp(pair: Pair, address: str, size: int, patience: float, *, whole: bool) -> str:
    """What becomes of datagrams whose IP packet has this size in bytes.

    ``whole``: nobody may fragment it. It is sent until one arrives or its sender is told that it
    is too large.
    """
    one, other = pair
    version, family = _family(address)
    with other.entered():
        receiver = socket.socket(family, socket.SOCK_DGRAM)
    with one.entered():
        sender = socket.socket(family, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((address, 0))
        receiver.settimeout(AGAIN)
        sender.setsockopt(*MTU_DISCOVER[version], PMTUDISC_DO if whole else PMTUDISC_DONT)
        sender.connect(receiver.getsockname()[:2])
        started = time.monotonic()
        while time.monotonic() - started < patience:
            try:
                sender.send(bytes(size - HEADERS[version]))
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
                return TOLD
            with contextlib.suppress(TimeoutError):
                receiver.recv(1)
                return ARRIVES
    return LOST


def tagged(pair: Pair, size: int, patience: float) -> str:
    """What becomes of broadcast frames with a VLAN tag around an IP packet of this size."""
    one, other = pair
    with _raw(other, ALL) as receiver, _raw(one, 0) as sender:
        header = b"\xff" * 6 + sender.getsockname()[4] + TAG
        packet = b"\x45\x00" + size.to_bytes(2, "big") + bytes(size - 4)
        started = time.monotonic()
        while time.monotonic() - started < patience:
            sender.send(header + packet)
            with contextlib.suppress(TimeoutError):
                while len(receiver.recv(1 << 14)) < size:  # something else's
                    pass
                return ARRIVES
    return LOST


def _raw(namespace: Namespace, kind: int) -> socket.socket:
    with namespace.entered():
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    opened.settimeout(AGAIN)
    opened.bind(("eth0", kind))
    return opened
