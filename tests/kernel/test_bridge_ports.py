"""Ports are read back before some come up: alone where that tells enough, and else all links."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.place import MESH, OVERLAY, Place, name
from bench.turns import Turns
from vxland.identity import pair_device
from vxland.kernel import linux
from vxland.kernel.link_table import LinkTable
from vxland.kernel.netlink import Netlink
from vxland.kernel.reading_back import read_back
from vxland.operations import DeleteLink
from vxland.process.doorbell import Trigger

pytestmark = [pytest.mark.kernel]

PEERS = 3
B, C = (pair_device(OVERLAY, name(number)) for number in (2, 3))
BRIDGE = "vxbr0"


class Node:
    """One whose tunnels are made and were looked at; and how often all links were read back."""

    def __init__(self, place: Place, turns: Turns) -> None:
        self.kernel, self.sh = turns.kernel, place.sh
        self.whole = 0
        self.kernel.observe()

    def traits(self) -> dict[str, tuple[str | None, bool, bool]]:
        """What guards go by, of each port that was read back."""
        seen = self.kernel.read_back().links.values()
        return {link.name: (link.master, link.up, link.isolated) for link in seen if link.master}

    def is_whole(self) -> bool:
        """Whether reading ports back takes reading all links."""
        before = self.whole
        self.kernel.read_back()
        return self.whole > before


@pytest.fixture
def node(laboratory: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    del laboratory
    with Place("ports", tmp_path) as place, place.entered(), Turns(PEERS, MESH) as turns:
        turns.turn(Trigger.START)
        node = Node(place, turns)

        def counting(netlink: Netlink, table: LinkTable) -> object:
            node.whole += 1
            return read_back(netlink, table)

        monkeypatch.setattr(linux, "read_back", counting)
        yield node


def test_ports_are_seen_as_they_are(node: Node) -> None:
    """Known ones, changed ones and new ones."""
    guarded = (BRIDGE, True, True)
    assert node.traits() == {pair_device(OVERLAY, name(n)): guarded for n in range(2, PEERS + 2)}
    node.sh(
        f"bridge link set dev {B} isolated off; ip link set {C} down;"
        f" ip link add new type veth peer name far; ip link set new master {BRIDGE};"
        " bridge link set dev new isolated on"
    )
    seen = node.traits()
    assert (seen[B], seen[C]) == ((BRIDGE, True, False), (BRIDGE, False, True))
    assert seen["new"] == (BRIDGE, False, True)
    assert not node.whole
    assert node.kernel.read_back().links[B].alias  # whose it is was seen before


def test_what_is_no_port_is_as_it_was(node: Node) -> None:
    """A bridge has no entry of its own, and other links are in no bridge."""
    before = node.kernel.observe().links
    seen = node.kernel.read_back().links
    assert seen == before
    assert not node.whole


@pytest.mark.parametrize(
    "change",
    [
        f"ip link set new master {BRIDGE} up",
        f"ip link set {B} nomaster",
        f"ip link del {B}",
        f"ebtables -I VXLAND -i new -j RETURN; ip link set new master {BRIDGE}",
    ],
)
def test_where_it_matters_whose_a_port_is_all_links_are_read(node: Node, change: str) -> None:
    """It is up and wasn't there, a rule names it, or one that was seen is none any more."""
    node.sh("ip link add new type veth peer name far")
    assert not node.is_whole()
    node.sh(change)
    assert node.is_whole()


def test_what_was_deleted_is_looked_for(node: Node) -> None:
    """Whatever the kernel said of it: nothing is disarmed while it is there."""
    node.sh("ip link add new type bridge")
    node.kernel.observe()
    assert not node.is_whole()
    assert not node.kernel.perform([DeleteLink("lan", "new")])
    assert "new" not in node.kernel.read_back().links
    assert node.whole


def test_somebodys_tunnel_that_is_up_may_be_vxlands_by_now(node: Node) -> None:
    """It may have been taken over since it was seen."""
    node.sh(
        "ip link add other type vxlan id 9 local 127.0.0.1 remote 127.0.0.2 dstport 9999;"
        f" ip link set other master {BRIDGE}; bridge link set dev other isolated on"
    )
    node.kernel.observe()
    assert not node.is_whole()
    node.sh("ip link set other up")
    assert node.is_whole()
