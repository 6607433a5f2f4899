"""A guest's network, seen from outside of it: what it reaches, and how much of it arrives."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any, Self

from tests.lab import Namespace, Server

ETHERNET = 1500  # what a guest has that nobody told
BULK = 4 << 20  # bytes
PIECE = bytes(1 << 16)


class Guest(Namespace):
    """A container: a network namespace that somebody else made."""

    def __init__(self, server: Server, name: str, path: Path, interface: str) -> None:
        self.name = f"{server.name}-{name}"
        self.server = server
        self._path = path
        self._interface = interface

    @property
    def path(self) -> Path:
        """Where its process has it."""
        return self._path

    def _own(self) -> dict[str, Any]:
        (link,) = self.json(f"ip -j addr show dev {self._interface}")
        return link

    @property
    def address(self) -> str:
        """Its IPv4 address; there is one."""
        (address,) = (a["local"] for a in self._own()["addr_info"] if a["family"] == "inet")
        return str(address)

    @property
    def mac(self) -> str:
        """Its MAC address."""
        return str(self._own()["address"])

    @property
    def mtu(self) -> int:
        """Its interface's MTU."""
        return int(self._own()["mtu"])

    def reaches(self, other: "Guest") -> bool:
        """Whether one ping comes back."""
        words = ["ping", "-c1", "-W1", "-n", other.address]
        return self.run(words, check=False).returncode == 0

    def bulk(self, other: "Guest", patience: float) -> int:
        """How many bytes of many arrive by TCP."""
        with other.entered():
            listener = socket.create_server((other.address, 0))
        with listener, _Counter(listener, patience) as counter:
            with self.entered():
                sender = socket.socket()
            with sender, contextlib.suppress(TimeoutError):
                sender.settimeout(patience)
                sender.connect(listener.getsockname())
                for _ in range(0, BULK, len(PIECE)):
                    sender.sendall(PIECE)
                sender.shutdown(socket.SHUT_WR)
                counter.wait()
        return counter.bytes

    def without_offload(self) -> None:
        """Have it cut its packets itself: left whole, they'd hide that they are too large."""
        self.sh(f"ethtool -K {self._interface} tx off tso off gso off")

    def raise_mtu(self) -> None:
        """Be a guest that nobody told: its port in the bridge is as large, too."""
        self.sh(f"ip link set {self._interface} mtu {ETHERNET}")
        index = self._own()["link_index"]
        ports = self.server.json("ip -j link show type veth")
        (port,) = (link["ifname"] for link in ports if link["ifindex"] == index)
        self.server.sh(f"ip link set {port} mtu {ETHERNET}")


class _Counter(threading.Thread):
    """Takes one connection, and counts what comes."""

    def __init__(self, listener: socket.socket, patience: float) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._listener = listener
        self._patience = patience
        listener.settimeout(patience)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()

    def wait(self) -> None:
        """Wait until all has come that was sent."""
        self.join(self._patience)

    def run(self) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(self._patience)
                while piece := connection.recv(len(PIECE)):
                    self.bytes += len(piece)
