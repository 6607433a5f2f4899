"""What is to be seen of a server's tunnels, by iproute2 and by the daemon."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from tests.lab import Container, Listener, Server, broadcast, eventually

ICMP = 28  # bytes of the IPv4 and ICMP headers


def outer(server: Server, device: str) -> dict[str, Any]:
    """What a VXLAN device's outer packets carry; empty where there is none."""
    link = server.link(device)
    return {} if link is None else dict(link["linkinfo"]["info_data"])


def ends(server: Server, device: str) -> tuple[str | None, str | None]:
    """Local and remote, of whichever family."""
    seen = outer(server, device)
    return seen.get("local", seen.get("local6")), seen.get("remote", seen.get("remote6"))


def mtu(server: Server, device: str) -> int | None:
    """A device's MTU."""
    link = server.link(device)
    return None if link is None else int(link["mtu"])


def index(server: Server, device: str) -> int | None:
    """A device's number, which another one of the same name hasn't."""
    link = server.link(device)
    return None if link is None else int(link["ifindex"])


def tunnel(server: Server, peer: str) -> dict[str, Any]:
    """A tunnel's row of the status; empty where there is none."""
    overlays = server.status().get("overlays") or [{"tunnels": []}]
    return next((dict(row) for row in overlays[0]["tunnels"] if row["peer"] == peer), {})


def says(server: Server, *words: str, kind: str = "waiting") -> dict[str, Any]:
    """Wait until the status has a problem with all these words; returns it."""

    def found() -> list[dict[str, Any]]:
        problems = server.status().get("problems", [])
        return [
            p for p in problems if p["kind"] == kind and all(word in p["text"] for word in words)
        ]

    eventually(
        found,
        lambda: f"{words}; there are {server.status().get('problems')}; logged:\n{server.tail()}",
    )
    return found()[0]


def quiet(server: Server) -> None:
    """Wait until there is nothing to say, not even a hint."""
    eventually(
        lambda: server.in_sync() and not server.status()["problems"],
        lambda: f"nothing to say: {server.status().get('problems')}; logged:\n{server.tail()}",
    )


def carries(one: Container, other: Container, *, size: int) -> None:
    """Frames as large as the MTU go through, whole, and larger ones aren't even sent."""
    ping = ["ping", "-c1", "-W1", "-n", "-M", "do", "-s"]
    eventually(
        lambda: one.run([*ping, str(size - ICMP), other.address], check=False).returncode == 0,
        f"{one.name} sends {size} bytes to {other.name}",
    )
    assert one.run([*ping, str(size + 1 - ICMP), other.address], check=False).returncode != 0


def one_copy_each(containers: list[Container]) -> None:
    """A broadcast of each arrives at every other once."""
    for sender in containers:
        with ExitStack() as stack:
            others = [container for container in containers if container is not sender]
            listeners = [stack.enter_context(Listener(other)) for other in others]
            first = arrive(sender, listeners)
            arrive(sender, listeners)  # whatever circled would have come before this one
            assert [listener.copies(first) for listener in listeners] == [1] * len(listeners)


def arrive(sender: Container, listeners: list[Listener]) -> int:
    """Send broadcasts until all have one; returns its flow's number. A busy machine drops some."""
    flows: list[int] = []

    def all_have_it() -> bool:
        flows.append(broadcast(sender))
        with suppress(AssertionError):
            eventually(lambda: all(at.arrived(flows[-1]) for at in listeners), "it", patience=2)
        return all(at.arrived(flows[-1]) for at in listeners)

    eventually(all_have_it, f"a broadcast of {sender.name} arrives everywhere")
    return flows[-1]


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """The daemon doesn't see what happens until all of it has."""
    assert server.daemon is not None
    server.daemon.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.daemon.send_signal(signal.SIGCONT)
