"""Storms: much that happens to a server at once, for as long as they are entered."""

import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.lab import Server, eventually
from tests.lab.worker import Worker
from vxland.kernel.fdb import AF_BRIDGE, LLADDR, NDMSG, NUD_PERMANENT
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import ATTRIBUTE, HEADER

NLM_F_CREATE = 0x400
RTM_NEWNEIGH, RTM_DELNEIGH = 28, 29
NTF_MASTER = 0x04

ETHERTYPE = b"\x88\xb5"  # IEEE 802's experimental one
BRIDGE = "vxbr0"
PORTS = ("guest0", "guest1")
STATIONS = 5000
GUST = 0.01  # seconds between two of a storm's gusts, where it is faster than that


class Storm(Worker):
    """Something that happens ``rate`` times a second; ``count`` says how often it did so far."""

    def __init__(self, happen: Callable[[int], None], rate: int) -> None:
        self.count = 0
        self._happen = happen
        self._rate = rate
        super().__init__()

    def _work(self) -> None:
        started = time.monotonic()
        while not self.ended.wait(max(GUST, 1 / self._rate)):
            due = int((time.monotonic() - started) * self._rate)
            for number in range(self.count, due):
                self._happen(number)
            self.count = due


@contextmanager
def learning(server: Server, rate: int) -> Iterator[Storm]:
    """Guests' stations that the bridge meets, each time behind the other of two ports.

    The frames are for the bridge itself, so that they go no further. Each makes an event.
    """
    bridge = bytes.fromhex(_seen(server, BRIDGE)["address"].replace(":", ""))
    senders = [_sender(server, port) for port in PORTS]

    def appear(number: int) -> None:
        turn, station = divmod(number, STATIONS)
        frame = bridge + _station(station) + ETHERTYPE + bytes(46)
        senders[turn % len(senders)].send(frame)

    with Storm(appear, rate) as storm:
        yield storm
    for sender in senders:
        sender.close()


@contextmanager
def writing(server: Server, rate: int, texts: Sequence[str]) -> Iterator[Storm]:
    """A configuration that is written again and again; afterwards it is the last of the texts."""
    with Storm(lambda number: server.write(texts[number % len(texts)]), rate) as storm:
        yield storm
    server.write(texts[-1])


@contextmanager
def teaching(server: Server, rate: int) -> Iterator[Storm]:
    """Somebody who adds and removes a guest's entry by hand: what may concern vxland, and rings."""
    messages = entries(server, 1)
    with server.entered():
        netlink = Netlink()
    with netlink, Storm(lambda number: _send(netlink, messages[number % 2 :][:1]), rate) as storm:
        yield storm


@contextmanager
def deaf(server: Server, events: int) -> Iterator[None]:
    """The daemon reads no events while so many happen, and what is done in here."""
    assert server.daemon is not None
    messages = entries(server, events // 2)
    with server.entered():
        netlink = Netlink()
    server.daemon.send_signal(signal.SIGSTOP)
    with netlink:
        _send(netlink, messages)
    yield
    server.daemon.send_signal(signal.SIGCONT)


def entries(server: Server, count: int) -> list[bytes]:
    """Messages that add a permanent entry to a port of the bridge, and remove it, so many times."""
    _guest(server, PORTS[0])
    index = _seen(server, PORTS[0])["ifindex"]
    body = NDMSG.pack(AF_BRIDGE, 0, 0, index, NUD_PERMANENT, NTF_MASTER, 0)
    station = _station(STATIONS)
    body += ATTRIBUTE.pack(ATTRIBUTE.size + len(station), LLADDR) + station + bytes(2)
    length = HEADER.size + len(body)
    pair = [
        HEADER.pack(length, RTM_NEWNEIGH, NLM_F_CREATE, 0, 0) + body,
        HEADER.pack(length, RTM_DELNEIGH, 0, 0, 0) + body,
    ]
    return pair * count


def _send(netlink: Netlink, messages: list[bytes]) -> None:
    refused = [error for error in netlink.request(messages) if error is not None]
    assert refused == []


def _seen(server: Server, name: str) -> dict[str, Any]:
    """A link that must be there, as ``ip`` shows it."""
    link = server.link(name)
    assert link is not None, f"{name} is there"
    return link


def _station(number: int) -> bytes:
    """A guest's MAC address, of those that anybody may use."""
    return b"\x02\x00" + number.to_bytes(4, "big")


def _guest(server: Server, port: str) -> None:
    """A port of a guest's in the bridge; one that is there stays."""
    if server.link(port) is None:
        server.sh(f"ip link add {port} type veth peer name {port}e")
        for end in (port, f"{port}e"):
            server.sh(f"ip link set {end} addrgenmode none")  # an address more makes events
        server.sh(f"ip link set {port} master {BRIDGE} up; ip link set {port}e up")
    eventually(
        lambda: "state forwarding" in server.sh(f"bridge link show dev {port}"),
        f"{port} forwards",
    )


def _sender(server: Server, port: str) -> socket.socket:
    _guest(server, port)
    with server.entered():
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((f"{port}e", 0))
    return sender
