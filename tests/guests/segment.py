"""What must hold for two guests on two servers, whatever kind they are of."""

from typing import Any, Protocol

from tests.guests.guest import BULK
from tests.lab import Server, eventually

MTU = 1450  # what the recipes give a guest: the underlay's 1500 bytes, minus the tunnel's 50
WORKS, FAILS = 60.0, 3.0  # seconds until nothing more is waited for


class Member(Protocol):
    """A guest of any kind."""

    name: str

    @property
    def mac(self) -> str:
        """Its MAC address."""

    @property
    def mtu(self) -> int:
        """Its interface's MTU."""

    def reaches(self, other: Any) -> bool:  # noqa: ANN401
        """Whether one ping to a guest of the same kind comes back."""

    def bulk(self, other: Any, patience: float) -> int:  # noqa: ANN401
        """How many bytes of many arrive at a guest of the same kind, by TCP."""

    def without_offload(self) -> None:
        """Have it cut its packets itself."""

    def raise_mtu(self) -> None:
        """Be a guest that nobody told."""


def assert_one_segment(one: Member, other: Member) -> None:
    """Two guests reach each other, and what is large arrives, cut by themselves."""
    assert one.mac != other.mac, "guests have the same MAC address"
    assert (one.mtu, other.mtu) == (MTU, MTU)
    both_ways = ((one, other), (other, one))
    for guest, peer in both_ways:
        eventually(lambda a=guest, b=peer: a.reaches(b), f"{guest.name} reaches {peer.name}")  # type: ignore[misc]
    one.without_offload()
    other.without_offload()
    for guest, peer in both_ways:
        assert guest.bulk(peer, WORKS) == BULK, f"{guest.name} sends to {peer.name}"


def assert_mtu_matters(one: Member, other: Member) -> None:
    """What is large would never arrive if nobody had told the guests."""
    one.raise_mtu()
    other.raise_mtu()
    assert_large_is_lost(one, other)


def assert_large_is_lost(one: Member, other: Member) -> None:
    """The guests are too large for the overlay: ping works, and more doesn't."""
    one.without_offload()
    other.without_offload()
    eventually(lambda: one.reaches(other), f"{one.name} reaches {other.name}")
    assert one.bulk(other, FAILS) < BULK // 100  # small packets do arrive


def assert_told(server: Server, kind: str) -> None:
    """Status names a port that is too large, and whose guests have to be told."""
    eventually(
        lambda: any(kind in cure for cure in _cures(server)),
        lambda: f"{server.name} tells of {kind}: {server.status()}",
    )


def assert_content(server: Server) -> None:
    """No port is too large, and nothing else is wrong."""
    eventually(
        lambda: server.in_sync() and not server.status()["problems"],
        lambda: f"{server.name} is content: {server.status()}",
    )


def _cures(server: Server) -> list[str]:
    problems = server.status()["problems"]
    return [problem["cure"] for problem in problems if "MTU of guests" in problem["text"]]
