"""Servers in shared mode, and what is seen of their one device."""

from contextlib import suppress
from typing import Any

from tests.lab import Listener, Namespace, Server, broadcast, eventually
from tests.lab.site import HEAD, config

VNI = 4711
DEVICE, DEVICE6 = "vxl-lan", "vxl-lan6"
NULL = "00:00:00:00:00:00"
SHARED = f'{HEAD}mode = "shared"\nvni = {VNI}\n'
MESH = HEAD


def shared(*peers: int, more: str = "guard = []\n") -> str:
    """The file of a segment of these peers."""
    return config(peers, SHARED + more)


def entries(namespace: Namespace, device: str = DEVICE) -> list[dict[str, Any]]:
    """The device's own forwarding entries."""
    shown = namespace.json(f"bridge -j fdb show dev {device}")
    return [entry for entry in shown if "dst" in entry]


def flood(namespace: Namespace, device: str = DEVICE) -> list[str]:
    """Its flood list."""
    listed = (entry["dst"] for entry in entries(namespace, device) if entry["mac"] == NULL)
    return sorted(listed)


def learned(namespace: Namespace, address: str, device: str = DEVICE) -> set[str]:
    """The MAC addresses that it has learned to be behind this VTEP."""
    found = entries(namespace, device)
    return {entry["mac"] for entry in found if entry["dst"] == address and entry["mac"] != NULL}


def index(namespace: Namespace, device: str = DEVICE) -> int:
    """The device's number, which is another one once it was made anew."""
    link = namespace.link(device)
    return int(link["ifindex"]) if link else 0


def once(sender: Namespace, *receivers: Namespace) -> None:
    """A broadcast comes to each of these exactly once: none is still under way after a second."""
    for receiver in receivers:
        with Listener(receiver) as listener:
            eventually(
                lambda listener=listener: _come(sender, listener),  # type: ignore[misc]
                f"{receiver.name} hears of {sender.name}",
            )


def _come(sender: Namespace, listener: Listener) -> bool:
    """Whether two broadcasts came. A busy machine drops some, and makes no copies."""
    first, second = broadcast(sender), broadcast(sender)
    with suppress(AssertionError):
        eventually(lambda: listener.arrived(second), "the second one", patience=2)
    copies = [listener.copies(first), listener.copies(second)]
    assert max(copies) <= 1
    return copies == [1, 1]


def rows(server: Server) -> dict[str, dict[str, Any]]:
    """The tunnels in the daemon's status, by peer."""
    (overlay,) = server.status()["overlays"]
    return {row["peer"]: row for row in overlay["tunnels"]}


def repairs(server: Server) -> list[tuple[str, str]]:
    """What was put right lately: whose, and what was found."""
    told = server.ask("events")["events"]
    return [(event["peer"], event["found"]) for event in told if event["kind"] == "repaired"]
