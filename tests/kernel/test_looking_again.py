"""A look at a few devices shows what a look at everything does, and costs what they cost."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.place import MESH, OVERLAY, Place, name
from bench.turns import Turns
from tests.counts.asked import counted
from tests.lab import eventually
from vxland.identity import pair_device
from vxland.kernel.events import FEW, LinkEvents
from vxland.kernel.linux import LinuxKernel
from vxland.loop.nearby import Onlooker
from vxland.observed import Observed, Since
from vxland.process.doorbell import Trigger

pytestmark = [pytest.mark.kernel]

PEERS = 5
B, C = (pair_device(OVERLAY, name(number)) for number in (2, 3))
MOVED = "ip netns add there; ip link set {device} netns there; ip netns del there"
GETLINK, GETROUTE, GETNEIGH = 18, 26, 30
NFNETLINK = 1 << 8  # where nfnetlink's types begin


class Node:
    """One whose tunnels are made, with a look at it and whoever listens since."""

    def __init__(self, place: Place, turns: Turns, events: LinkEvents[Trigger]) -> None:
        self.place, self.turns, self.events = place, turns, events
        self.before: Observed = Observed()
        eventually(self.is_quiet, "nothing changes", pause=0.3)

    def is_quiet(self) -> bool:
        """Whether the kernel has told all that follows from new devices."""
        self.events.drain()
        self.events.forget()
        self.before = self.turns.kernel.observe()
        same = self.turns.kernel.observe() == self.before
        return same and not self.events.drain()

    def touched(self) -> frozenset[int] | None:
        """What the kernel has told of since."""
        self.events.drain()
        return self.events.touched


@pytest.fixture
def node(laboratory: None, tmp_path: Path) -> Iterator[Node]:
    del laboratory
    with (
        Place("again", tmp_path) as place,
        place.entered(),
        LinkEvents(Trigger.NETLINK) as events,
        Turns(PEERS, MESH) as turns,
    ):
        turns.turn(Trigger.START)
        turns.turn()
        events.watch(turns.reconciler.remotes)
        yield Node(place, turns, events)


DEEDS = {
    "deleted": f"ip link del {B}",
    "deleted, and its name given to another": f"ip link del {B}; ip link set {C} name {B}",
    "deleted and made again": f"ip link del {B}; ip link add {B} type vxlan id 7 remote 192.0.2.9",
    "down": f"ip link set {B} down",
    "out of its bridge": f"ip link set {B} nomaster",
    "not isolated": f"ip link set {B} type bridge_slave isolated off",
    "a flag of its port": f"bridge link set dev {B} flood off",
    "MTU": f"ip link set {B} mtu 1300",
    "MAC": f"ip link set {B} address 02:00:00:00:00:66",
    "alias": f"ip link set {B} alias something",
    "altname": f"ip link property add dev {B} altname something",
    "remote": f"ip link set {B} type vxlan id $(id {B}) remote 192.0.2.66",
    "flood entry": f"bridge fdb append 00:00:00:00:00:00 dev {B} dst 192.0.2.66",
    "no flood entry": f"bridge fdb del 00:00:00:00:00:00 dev {B}",
    "static entry": f"bridge fdb add 02:00:00:00:00:01 dev {B} dst 192.0.2.66 self",
    "moved": MOVED.format(device=B),
    "renamed": f"ip link set {B} name foo",
    "bridge renamed": "ip link set vxbr0 name foo",  # by whose name ports go, too
    "two of them": f"ip link del {B}; ip link set {C} down",
}
OF_ANY = {"deleted, and its name given to another", "renamed", "bridge renamed"}


@pytest.mark.parametrize("name", DEEDS)
def test_sees_what_a_whole_look_sees(node: Node, name: str) -> None:
    vni = "ip -d link show $1 | sed -n 's/.*vxlan id \\([0-9]*\\).*/\\1/p'"
    node.place.sh(f"id() {{ {vni}; }}; {DEEDS[name]}")
    touched = node.touched()
    assert touched
    again, since = node.turns.kernel.look_again(node.before, touched)
    with LinuxKernel() as other:
        whole = other.observe()
    assert again.links == whole.links
    assert again.fdb == whole.fdb
    assert again.addresses == whole.addresses
    assert (since is None) is (name in OF_ANY)
    assert since is None or _differing(node.before, again) <= since.names
    directory = node.turns.kernel._directory.indexes
    assert directory == {name: index for index, name in other._links.names.items()}
    assert node.turns.kernel.observe() == replace(again, host=node.turns.kernel.host())


def test_what_is_foreseen_is_what_is_seen_then(node: Node) -> None:
    """Else it is thought about for nothing."""
    kernel = node.turns.kernel
    node.place.sh(f"ip link del {B}")
    touched, leaving = node.touched(), node.events.leaving
    assert touched is not None
    assert touched == leaving == frozenset({kernel._links.indexes[B]})
    foreseen, since = kernel.foresee(node.before, leaving)
    assert since == Since(node.before, frozenset({B}))
    assert kernel.look_again(node.before, touched) == (foreseen, since)


LEAVING = {
    "deleted": True,
    "no flood entry": True,
    "flood entry": False,
    "down": False,
    "MTU": False,
    "alias": False,
}


@pytest.mark.parametrize("name", LEAVING)
def test_what_is_leaving(node: Node, name: str) -> None:
    """What loses something; what is made or changed isn't."""
    index = node.turns.kernel._links.indexes[B]
    node.place.sh(DEEDS[name])
    assert node.touched() == frozenset({index})
    assert node.events.leaving == (frozenset({index}) if LEAVING[name] else frozenset())
    node.events.forget()
    assert not node.events.leaving


def _differing(before: Observed, now: Observed) -> set[str]:
    parts = [(before.links, now.links), (before.fdb, now.fdb), (before.addresses, now.addresses)]
    return {n for then, seen in parts for n in {**then, **seen} if then.get(n) != seen.get(n)}


def test_what_isnt_about_a_few_devices(node: Node) -> None:
    """Addresses and routes are about anything, and so is what is lost, or too much."""
    index = node.turns.kernel._links.indexes["lo"]
    node.place.sh("ip link set lo mtu 60000")
    assert node.touched() == frozenset({index})
    for change in ("ip address add 198.51.100.1/32 dev lo", "ip rule add pref 7 table main"):
        assert node.touched() is not None
        node.place.sh(change)
        assert node.touched() is None
        node.events.forget()
    node.place.sh("".join(f"ip link add b{n} type bridge\n" for n in range(FEW + 1)))
    assert node.touched() is None


def test_what_was_lost_may_have_been_about_anything(node: Node) -> None:
    with LinkEvents(Trigger.NETLINK, buffer=1) as events:
        events.forget()
        node.place.sh("".join(f"ip link set lo mtu {60_000 + n}\n" for n in range(50)))
        events.drain()
        assert events.overruns
        assert events.touched is None


def test_costs_what_they_cost(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else is there isn't asked about."""
    node.place.sh(f"ip link set {B} down")
    touched = node.touched()
    assert touched is not None
    sent = counted(monkeypatch)
    decoded = node.turns.kernel._links.decoded
    again, _ = node.turns.kernel.look_again(node.before, touched)
    routing = {kind: count for kind, count in sent.items() if kind < NFNETLINK}
    assert routing == {GETLINK: len(touched), GETNEIGH: len(touched & _vxlans(node, again))}
    assert node.turns.kernel._links.decoded == decoded + 1


def _vxlans(node: Node, seen: Observed) -> frozenset[int]:
    names = node.turns.kernel._links.names.items()
    return frozenset(index for index, name in names if seen.links[name].vxlan)


def test_reading_back_some(node: Node) -> None:
    """What is named, new or known, and what was touched."""
    kernel = node.turns.kernel
    node.place.sh(f"ip link add new type bridge; ip link set {C} down")
    seen = kernel.read_back_some(["new", B, "gone"], {kernel._links.indexes[C]})
    assert seen.links.keys() == {"new", B, C}
    assert not seen.links[C].up
    assert (seen.ebtables, seen.nftables) == (node.before.ebtables, node.before.nftables)


def test_an_onlooker_sees_routes(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """To whomever it is asked about, without asking for links."""
    kernel, known = node.turns.kernel, node.turns.reconciler.remotes
    more = known | {ip_address("10.0.1.1"), ip_address("192.0.2.1")}  # nothing leads to one
    node.before = kernel.observe(known)
    sent = counted(monkeypatch)
    for remotes in (known, more, known):
        sent.clear()
        touched = node.touched()
        assert touched is not None
        seen = Onlooker(kernel, node.before, touched).observe(remotes)
        assert sent[GETROUTE] == len(remotes)
        assert not sent[GETLINK]
        with LinuxKernel() as other:
            assert seen.host == other.host(remotes)
        node.before = seen
    node.place.sh("ip link set far0 mtu 1400; ip link set eth0 mtu 1400")
    touched = node.touched()
    assert touched
    sight = Onlooker(kernel, node.before, touched)
    seen = sight.observe(more)
    assert {route.mtu for route in seen.host.routes.values()} >= {1400}
    with LinuxKernel() as other:
        assert seen.host == sight.host(more) == other.host(more)
