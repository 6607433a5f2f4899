"""From which address this machine reaches its peers, and what is waited for until it can."""

from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from vxland.addresses import parsed, unzoned, zone, zoned
from vxland.hints import hints
from vxland.model import Desired
from vxland.observed import Host, Link, LocalAddress, Observed, Route, Standing, VxlanState
from vxland.peers import addresses
from vxland.plan import plan
from vxland.problems import Kind, Problem
from vxland.resolve import resolve
from vxland.settings import NodeSettings, OverlaySettings, PeerSettings, Settings
from vxland.underlay.local import local_addresses
from vxland.underlay.whereabouts import Beyond

LAN = OverlaySettings("lan", "vxbr0")
DMZ = OverlaySettings("dmz", "vxbr1")
BEFORE = Beyond(before="lxd1")
PEERS = tuple(PeerSettings(f"lxd{n}", f"192.0.2.{n}") for n in (1, 2, 3))
SETTINGS = Settings(overlays=(LAN,), peers=PEERS)
STANDINGS = {"temporary": Standing.PASSING, "tentative": Standing.TENTATIVE}


def on(device: str, *texts: str) -> tuple[LocalAddress, ...]:
    """Addresses of a device; how one stands may follow it."""
    found = []
    for text in texts:
        address, _, standing = text.partition(" ")
        stands = STANDINGS.get(standing, Standing.LASTING)
        found.append(LocalAddress(ip_interface(address), device, stands))
    return tuple(found)


def host(*local: LocalAddress, source: str | None = None, to: str = "2001:db8:9::9") -> Host:
    """A machine with a route by eth0 to a peer, and the kernel's own choice of an address."""
    route = Route("eth0", 1500, None if source is None else ip_address(source))
    mtus = {"lo": 65536, "eth0": 1500, "eth1": 1500}
    return Host(local, {ip_address(to): route}, mtus=mtus)


def chosen(seen: Host, to: str = "2001:db8:9::9", own: str | None = None, **node: str) -> str:
    """The address that a peer is reached from."""
    given = None if own is None else ip_address(own)
    wanted = replace(NodeSettings(), **node)
    return str(local_addresses((given,), wanted, {"b": ip_address(to)}, seen).get("b"))


def test_zones() -> None:
    """They belong to link-local addresses alone."""
    plain, local, other = map(ip_address, ("192.0.2.1", "fe80::1%eth0", "2001:db8::1"))
    assert [zone(address) for address in (plain, local, other)] == [None, "eth0", None]
    assert [unzoned(address) for address in (plain, local)] == [plain, ip_address("fe80::1")]
    assert zoned(ip_address("fe80::1"), "eth0") == zoned(local, "eth0") == local
    assert [zoned(address, "eth0") for address in (plain, other)] == [plain, other]
    assert zoned(ip_address("fe80::1"), None) == ip_address("fe80::1")
    assert on("eth0", "fe80::1/64")[0].ip == local


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
def test_an_address_that_is_looked_up_is_one_like_any_other(text: str) -> None:
    """It may be found by another one, and the other way round."""
    known, other = parsed(text), ip_address(text)
    assert {known: 1}[other] == {other: 1}[known] == 1
    assert str(known) == text


@pytest.mark.parametrize(
    ("local", "source", "expected"),
    [
        (on("eth0", "2001:db8::5/64", "2001:db8::3/64"), None, "2001:db8::3"),
        (on("eth0", "2001:db8::5/64", "2001:db8::3/64"), "2001:db8::5", "2001:db8::5"),
        (
            on("eth0", "2001:db8::5/64 temporary", "2001:db8::7/64"),
            "2001:db8::5",
            "2001:db8::7",
        ),
        (on("eth0", "2001:db8::5/64 temporary"), "2001:db8::5", "2001:db8::5"),
        (on("eth0", "2001:db8::5/64 tentative"), "2001:db8::5", "None"),
        (on("eth0", "fd00::1/64", "2001:db8:f::1/64"), None, "2001:db8:f::1"),
        (on("eth0", "2001:db8:1::1/64", "2001:db8:9::1/64"), None, "2001:db8:9::1"),
        (on("eth0", "fe80::1/64"), None, "None"),
        (on("eth0", "192.0.2.1/24"), None, "None"),
        (on("eth1", "2001:db8::5/64"), None, "None"),
        (on("lo", "2001:db8::5/128"), "2001:db8::5", "2001:db8::5"),
    ],
)
def test_the_routes_address(
    local: tuple[LocalAddress, ...], source: str | None, expected: str
) -> None:
    """The kernel's choice, unless one lasts longer; of the peer's scope, and near it."""
    assert chosen(host(*local, source=source)) == expected


def test_a_link_local_peer_is_reached_from_its_interface() -> None:
    """By a link-local address; not from one that isn't there."""
    seen = host(*on("eth0", "fe80::5/64", "2001:db8::5/64"), *on("eth1", "fe80::1/64"))
    assert chosen(seen, "fe80::9%eth0") == "fe80::5%eth0"
    assert chosen(seen, "fe80::9%eth1", own="fe80::5%eth0") == "fe80::1%eth1"
    assert chosen(seen, "fe80::9%eth0", own="fe80::5%eth0") == "fe80::5%eth0"
    assert chosen(seen, "fe80::9%gone", own="fe80::5%gone") == "None"
    assert chosen(host(*on("eth0", "2001:db8::5/64")), "fe80::9%eth0") == "None"
    assert chosen(seen, own="fe80::5%eth0") == "2001:db8::5"


def test_what_the_file_says_counts_first() -> None:
    """In [node] whether it is here or not; of a peer's own, if it is here, or nothing else is."""
    seen = host(*on("eth0", "10.0.0.1/24"), source="10.0.0.1", to="192.0.2.2")
    assert chosen(seen, "192.0.2.2", own="10.0.0.1") == "10.0.0.1"
    assert chosen(seen, "192.0.2.2", own="192.0.2.1") == "192.0.2.1"
    assert chosen(seen, "192.0.2.2", own="192.0.2.1", name="lxd1") == "10.0.0.1"
    given = ip_address("192.0.2.7")
    node = NodeSettings("lxd1", given)
    two = ip_address("192.0.2.2")
    assert local_addresses((given,), node, {"b": two}, seen) == {"b": given}
    assert chosen(Host(), "192.0.2.2", own="192.0.2.1", name="lxd1") == "192.0.2.1"


def test_the_interface_may_be_named() -> None:
    """Then its addresses count, whatever the route's."""
    seen = host(
        *on("eth0", "10.0.0.1/24"), *on("eth1", "10.1.0.1/24"), source="10.0.0.1", to="192.0.2.2"
    )
    node = {"name": "lxd1", "interface": "eth1"}
    assert chosen(seen, "192.0.2.2", own="192.0.2.1", **node) == "10.1.0.1"


def wanted(seen: Host, settings: Settings = SETTINGS) -> Desired:
    """What this machine is to look like."""
    return resolve(settings, addresses(settings.peers), seen, BEFORE)


def told(seen: Host, settings: Settings = SETTINGS) -> list[Problem]:
    """What the whole node waits for."""
    return list(wanted(seen, settings).waiting)


def test_all_is_there() -> None:
    """Nothing to say."""
    assert told(Host(on("eth0", "192.0.2.1/24"))) == []


def test_the_own_address_is_away() -> None:
    """The machine is still who it was, and goes on to want its tunnels as they are."""
    desired = wanted(Host(on("eth0", "10.0.0.9/8")))
    assert desired.node == "lxd1"
    assert {str(vtep.local) for vtep in desired.vteps()} == {"192.0.2.1"}
    (problem,) = desired.waiting
    assert problem.kind is Kind.WAITING
    assert "192.0.2.1 isn't on any interface yet" in problem.text


def test_without_tunnels_the_own_address_is_waited_for_too() -> None:
    """They may be disabled."""
    alone = replace(SETTINGS, peers=PEERS[:1], node=NodeSettings(name="lxd1"))
    (problem,) = told(Host(), alone)
    assert "192.0.2.1 isn't on any interface yet" in problem.text
    unknown = replace(SETTINGS, node=NodeSettings(name="lxd1"))
    known = addresses(PEERS[1:])
    assert resolve(unknown, known, Host()).waiting == ()


def test_somebody_has_the_same_address() -> None:
    """Duplicate address detection says so; until it is over nothing is said."""
    peers = tuple(PeerSettings(f"lxd{n}", f"2001:db8::{n}") for n in (1, 2))
    settings = replace(SETTINGS, peers=peers)
    (address,) = on("eth0", "2001:db8::1/64")
    for standing, expected in ((Standing.TENTATIVE, 0), (Standing.DUPLICATE, 1)):
        said = told(Host((replace(address, standing=standing),)), settings)
        assert len([p for p in said if "another machine on the link has it" in p.text]) == expected


def test_behind_nat() -> None:
    """It is a hint as long as the file says only which peer this is."""
    settings = replace(SETTINGS, node=NodeSettings(name="lxd1"))
    seen = host(*on("eth0", "10.0.0.1/24"), source="10.0.0.1", to="192.0.2.2")
    seen = replace(seen, routes={**seen.routes, ip_address("192.0.2.3"): Route("eth0", 1500)})
    desired = wanted(seen, settings)
    assert {str(vtep.local) for vtep in desired.vteps()} == {"10.0.0.1"}
    (hint,) = desired.waiting
    assert hint.kind is Kind.HINT
    assert "192.0.2.1 isn't on any interface, so the tunnels go out from 10.0.0.1" in hint.text
    named = replace(settings, node=NodeSettings(name="lxd1", interface="eth0"))
    assert told(seen, named) == []


def test_the_named_interface_is_away() -> None:
    """It may be called otherwise now."""
    settings = replace(SETTINGS, node=NodeSettings(interface="wan0"))
    (problem,) = told(host(*on("eth0", "192.0.2.1/24")), settings)
    assert "no interface wan0, which [node] names" in problem.text


def test_no_route_to_one_peer() -> None:
    """It is that tunnel's problem, and of its overlay, if there is one."""
    seen = replace(
        Host(on("eth0", "192.0.2.1/24")), unreachable={ip_address("192.0.2.2"): "there is no route"}
    )
    (problem,) = told(seen)
    assert problem.text == "there is no route to peer lxd2 (192.0.2.2)"
    assert "ip route get 192.0.2.2 from 192.0.2.1" in problem.cure
    assert (problem.kind, problem.overlay, problem.peer) == (Kind.WAITING, "lan", "lxd2")
    (problem,) = told(seen, replace(SETTINGS, overlays=(LAN, DMZ)))
    assert (problem.overlay, problem.peer) == ("", "lxd2")


def test_no_route_to_many_is_one_problem() -> None:
    """For each reason; and none where the own address is what is missing."""
    reasons = {ip_address(f"192.0.2.{n}"): "there is no route" for n in (2, 3)}
    seen = replace(Host(on("eth0", "192.0.2.1/24")), unreachable=reasons)
    (problem,) = told(seen)
    assert problem.text == "there is no route to peers lxd2 (192.0.2.2), lxd3 (192.0.2.3)"
    assert problem.peer == ""
    (problem,) = told(replace(seen, addresses=()))
    assert "isn't on any interface" in problem.text


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (Host(on("eth0", "fe80::1/64")), "there is no interface eth1 yet to reach peer lxd2"),
        (host(*on("eth0", "fe80::1/64")), "eth1 has no link-local address yet to reach peer lxd2"),
    ],
)
def test_what_link_local_peers_wait_for(seen: Host, said: str) -> None:
    """Their interface, or its address."""
    peers = (PeerSettings("lxd1", "fe80::1%eth0"), PeerSettings("lxd2", "fe80::2%eth1"))
    desired = wanted(seen, replace(SETTINGS, peers=peers))
    assert list(desired.vteps()) == []
    (problem,) = desired.overlays[0].waiting
    assert problem.text.startswith(said)


def test_a_bound_device_has_room_for_the_outer_packet() -> None:
    """The kernel lets it have no larger MTU, whatever the overlay's is."""
    peers = (PeerSettings("lxd1", "fe80::1%eth0"), PeerSettings("lxd2", "fe80::2%eth0"))
    settings = replace(SETTINGS, peers=peers, overlays=(replace(LAN, mtu=1500),))
    desired = wanted(host(*on("eth0", "fe80::1/64")), settings)
    assert [(vtep.mtu, vtep.underlay) for vtep in desired.vteps()] == [(1430, "eth0")]
    assert desired.overlays[0].bridge.mtu == 1500


def test_what_a_bound_device_has_no_room_for_is_told() -> None:
    """The bridge drops it without a word, whatever the guests think."""
    peers = (PeerSettings("lxd1", "fe80::1%eth0"), PeerSettings("lxd2", "fe80::2%eth0"))
    seen = host(*on("eth0", "fe80::1/64"), to="fe80::2%eth0")
    large = replace(SETTINGS, peers=peers, overlays=(replace(LAN, mtu=1500),))
    (hint,) = hints(wanted(seen, large), Observed(host=seen))
    assert "the mtu of overlay lan is 1500, and 1430 fit into one packet to lxd2" in hint.text
    assert hints(wanted(seen, replace(large, overlays=(LAN,))), Observed(host=seen)) == ()


def test_what_a_device_is_bound_to_decides_about_its_mtu() -> None:
    """Not another interface that is named for all."""
    peers = (PeerSettings("lxd1", "fe80::1%eth0"), PeerSettings("lxd2", "fe80::2%eth0"))
    seen = replace(host(*on("eth0", "fe80::1/64")), mtus={"eth0": 1400, "eth1": 1500})
    node = NodeSettings(interface="eth1")
    desired = wanted(seen, replace(SETTINGS, node=node, peers=peers))
    assert [vtep.mtu for vtep in desired.vteps()] == [desired.overlays[0].bridge.mtu] == [1330]


def test_peers_without_a_version_in_common() -> None:
    """There is no tunnel, and it is said why; to the others there is."""
    peers = (*PEERS, PeerSettings("lxd6", "2001:db8::6"))
    desired = wanted(Host(on("eth0", "192.0.2.1/24")), replace(SETTINGS, peers=peers))
    assert [vtep.peer for vtep in desired.vteps()] == ["lxd2", "lxd3"]
    (problem,) = desired.overlays[0].waiting
    assert (problem.overlay, problem.peer) == ("lan", "lxd6")
    assert "no IP version in common" in problem.text


def test_names_without_a_version_in_common() -> None:
    """What they stand for tells."""
    peers = (PeerSettings("lxd1", "lxd1.example.org"), PeerSettings("lxd2", "2001:db8::2"))
    known = {"lxd1": ip_address("192.0.2.1"), "lxd2": ip_address("2001:db8::2")}
    settings = replace(SETTINGS, peers=peers)
    beyond = Beyond(apart=frozenset({"lxd2"}))
    (overlay,) = resolve(settings, known, Host(on("eth0", "192.0.2.1/24")), beyond).overlays
    assert [(problem.overlay, problem.peer) for problem in overlay.waiting] == [("lan", "lxd2")]


def test_who_it_was_before_counts_only_while_nobody_is_found() -> None:
    """And only where the file still lists it, and [node] says nothing."""
    known = addresses(PEERS)
    assert resolve(SETTINGS, known, Host(on("eth0", "192.0.2.2/24")), BEFORE).node == "lxd2"


def test_other_addresses_of_its_name() -> None:
    """A peer of the other version knows that one, so it is the one to come from."""
    peers = (PeerSettings("lxd1", "lxd1.example.org"), PeerSettings("lxd2", "2001:db8:9::9"))
    settings = replace(SETTINGS, peers=peers)
    known = {"lxd1": ip_address("192.0.2.1"), "lxd2": ip_address("2001:db8:9::9")}
    seen = host(
        *on("eth0", "192.0.2.1/24", "2001:db8::5/64", "2001:db8::7/64"), source="2001:db8::5"
    )
    for mine, expected in ((("2001:db8::7",), "2001:db8::7"), ((), "2001:db8::5")):
        beyond = Beyond(frozenset(map(ip_address, mine)))
        desired = resolve(settings, known, seen, beyond)
        assert [str(vtep.local) for vtep in desired.vteps()] == [expected]


@pytest.mark.parametrize(
    ("holder", "taken"),
    [("fe80::9%eth0", True), ("fe80::9%eth1", False), ("2001:db8::9", True), ("192.0.2.9", False)],
)
def test_a_link_local_peers_vni_is_taken_on_its_interface(holder: str, taken: bool) -> None:  # noqa: FBT001
    """By a device on no interface too: the kernel would give it what arrives for the other."""
    peers = (PeerSettings("lxd1", "fe80::1%eth0"), PeerSettings("lxd2", "fe80::2%eth0"))
    seen = host(*on("eth0", "fe80::1/64"))
    desired = wanted(seen, replace(SETTINGS, peers=peers))
    (vtep,) = desired.vteps()
    remote = ip_address(holder)
    state = VxlanState(vtep.vni, 4789, None, remote, vtep.options, underlay=zone(remote))
    theirs = Link("theirs", "vxlan", vxlan=state)
    made = plan(Observed(links={"theirs": theirs}, host=seen), desired)
    assert [p.device for p in made.problems if p.kind is Kind.CONFLICT] == ["theirs"] * taken
