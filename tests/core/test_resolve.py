"""From the configuration to what this machine should look like."""

from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from vxland.model import Desired, Overlay
from vxland.observed import Host, LocalAddress, Route
from vxland.peers import addresses
from vxland.problems import Kind, Unresolved
from vxland.resolve import identify, resolve
from vxland.settings import NodeSettings, OverlaySettings, PeerSettings, Settings, VniScheme

LAN = OverlaySettings("lan", "vxbr0")
PEERS = tuple(PeerSettings(f"lxd{n}", f"192.0.2.{n}") for n in (1, 2, 3))
SETTINGS = Settings(overlays=(LAN,), peers=PEERS)
HERE = Host(addresses=(LocalAddress(ip_interface("192.0.2.1/24"), "eth0"),))


def at(*texts: str, device: str = "eth0") -> Host:
    """A machine with these addresses."""
    return Host(addresses=tuple(LocalAddress(ip_interface(text), device) for text in texts))


def resolved(settings: Settings, host: Host = HERE) -> Desired:
    """What is wanted of this host."""
    return resolve(settings, addresses(settings.peers), host)


def overlay(settings: Settings, host: Host = HERE) -> Overlay:
    """Its one overlay."""
    return resolved(settings, host).overlays[0]


def routed(host: Host, **mtus: int) -> Host:
    """The same with routes by eth0 to peers, by name, of these MTUs."""
    routes = {ip_address(f"192.0.2.{name[-1]}"): Route("eth0", mtu) for name, mtu in mtus.items()}
    return replace(host, routes=routes)


def test_a_machine_finds_itself_by_its_address() -> None:
    """The others are its remotes, in the file's order."""
    desired = resolved(SETTINGS, at("10.0.0.9/8", "192.0.2.2/24"))
    assert desired.node == "lxd2"
    assert [vtep.peer for vtep in desired.vteps()] == ["lxd1", "lxd3"]
    assert {str(vtep.local) for vtep in desired.vteps()} == {"192.0.2.2"}
    assert desired.waiting == ()


@pytest.mark.parametrize(
    ("node", "host", "said"),
    [
        (NodeSettings(), at("10.0.0.9/8"), "has none of the peers' addresses; it has: 10.0.0.9 on"),
        (NodeSettings(), Host(), "it has: none"),
        (
            NodeSettings(),
            at("192.0.2.1/24", "192.0.2.2/24"),
            "more than one peer: lxd1 (192.0.2.1)",
        ),
        (NodeSettings(name="other"), HERE, '"other" is not among the peers (lxd1, lxd2, lxd3)'),
        (NodeSettings(address=ip_address("10.0.0.1")), HERE, "has none of the peers' addresses"),
    ],
)
def test_a_machine_that_is_not_found_says_what_it_has(
    node: NodeSettings, host: Host, said: str
) -> None:
    """And how to say which it is; that may come by itself."""
    with pytest.raises(Unresolved) as caught:
        resolved(replace(SETTINGS, node=node), host)
    (problem,) = caught.value.problems
    assert said in problem.text
    assert "[node]" in problem.cure or "[[peer]]" in problem.cure
    assert problem.kind is Kind.WAITING
    assert str(caught.value) == str(problem)


@pytest.mark.parametrize(
    ("node", "name", "address"),
    [
        (NodeSettings(name="lxd2"), "lxd2", "192.0.2.2"),
        (NodeSettings(name="lxd2", address=ip_address("10.0.0.2")), "lxd2", "10.0.0.2"),
        (NodeSettings(name="lxd9", address=ip_address("10.0.0.9")), "lxd9", "10.0.0.9"),
        (NodeSettings(address=ip_address("192.0.2.3")), "lxd3", "192.0.2.3"),
    ],
)
def test_the_file_may_say_which_machine_this_is(
    node: NodeSettings, name: str, address: str
) -> None:
    """Behind NAT, or not in the list at all."""
    settings = replace(SETTINGS, node=node)
    found = identify(settings, addresses(PEERS), Host())
    assert found.name == name
    assert str(found.address) == address


def test_a_machine_that_is_not_listed_meets_all_peers() -> None:
    """With name and address it needn't be."""
    node = NodeSettings(name="lxd9", address=ip_address("10.0.0.9"))
    desired = resolved(replace(SETTINGS, node=node), Host())
    assert [vtep.peer for vtep in desired.vteps()] == ["lxd1", "lxd2", "lxd3"]


def test_without_overlays_nobody_is_looked_for() -> None:
    """The daemon idles."""
    assert resolved(Settings(), Host()) == Desired("", ())


def test_a_peer_takes_part_where_the_file_says() -> None:
    """In all overlays, or those listed; this machine too."""
    dmz = OverlaySettings("dmz", "vxbr1")
    peers = (
        replace(PEERS[0], overlays=frozenset({"lan"})),
        PEERS[1],
        replace(PEERS[2], overlays=frozenset({"dmz"})),
    )
    settings = Settings(overlays=(LAN, dmz), peers=peers)
    desired = resolved(settings)
    assert [o.name for o in desired.overlays] == ["lan"]
    assert [vtep.peer for vtep in desired.vteps()] == ["lxd2"]


def test_a_disabled_peer_has_no_tunnel_but_is_listed() -> None:
    """So that an overlay with only disabled peers doesn't look like half a file."""
    peers = (PEERS[0], replace(PEERS[1], disabled=True), PEERS[2])
    wanted = overlay(replace(SETTINGS, peers=peers))
    assert [vtep.peer for vtep in wanted.vteps] == ["lxd3"]
    assert wanted.peers_listed == 2


def test_a_disabled_machine_has_no_tunnels() -> None:
    """The same file on it takes its own down."""
    peers = (replace(PEERS[0], disabled=True), *PEERS[1:])
    wanted = overlay(replace(SETTINGS, peers=peers))
    assert wanted.vteps == ()
    assert wanted.peers_listed == 2


def test_index_numbers_the_others_from_zero() -> None:
    """As vxlansetup.sh does in each server's own list; a disabled one isn't counted."""
    lan = replace(LAN, vni=VniScheme.INDEX, vnis=((frozenset({"lxd2", "lxd3"}), 77),))
    wanted = overlay(replace(SETTINGS, overlays=(lan,)), at("192.0.2.2/24"))
    assert [(v.peer, v.vni, v.device) for v in wanted.vteps] == [
        ("lxd1", 0, "vxlan0"),
        ("lxd3", 77, "vxlan1"),
    ]
    assert wanted.prefix == "vxlan"


@pytest.mark.parametrize("spoken", list(VniScheme))
def test_with_two_schemes_a_peer_has_two_devices(spoken: VniScheme) -> None:
    """One of which is quiet: nothing is flooded to it, and behind one by index nothing is learned.

    An explicit VNI is the pair's alone.
    """
    (heard,) = set(VniScheme) - {spoken}
    vnis = ((frozenset({"lxd1", "lxd2"}), 4711),)
    lan = replace(LAN, vni=spoken, heard=heard, vnis=vnis)
    wanted = overlay(replace(SETTINGS, overlays=(lan,)))
    floods = frozenset({"flood", "mcast_flood", "bcast_flood"})
    index = ("vxlan0", 0, True, floods | {"learning"} if spoken is VniScheme.PAIR else frozenset())
    pair = ("vxl-lan-lxd2", 4711, False, floods if spoken is VniScheme.INDEX else frozenset())
    both = [pair, index] if spoken is VniScheme.PAIR else [index, pair]
    vteps = [vtep for vtep in wanted.vteps if vtep.peer == "lxd2"]
    assert [(v.device, v.vni, v.options.learning, v.off) for v in vteps] == both
    assert [vtep.altname for vtep in vteps] == ["vxland-lan+lxd2", "vxland-lan~lxd2"]
    assert {vtep.alias for vtep in vteps} == {"vxland:lan:lxd2"}
    assert [vtep.quiet for vtep in vteps] == [False, True]
    assert [(tunnel.peer, tunnel.vtep.quiet) for tunnel in wanted.tunnels()] == [
        ("lxd2", False),
        ("lxd3", False),
    ]
    assert wanted.prefix == "vxl"


def test_a_pair_may_have_a_vni_of_its_own() -> None:
    """In either order."""
    lan = replace(LAN, vnis=((frozenset({"lxd3", "lxd1"}), 4711),))
    wanted = overlay(replace(SETTINGS, overlays=(lan,)))
    assert {vtep.peer: vtep.vni for vtep in wanted.vteps} == {"lxd2": 10883308, "lxd3": 4711}


def test_in_the_other_family_the_routes_address_is_the_local_one() -> None:
    """A link-local one isn't taken; without any, the tunnel waits and is left as it is."""
    remote = PeerSettings("lxd6", "lxd6.example.org")
    settings = replace(SETTINGS, peers=(*PEERS, remote))
    known = {**addresses(PEERS), "lxd6": ip_address("2001:db8::6")}
    route = {ip_address("2001:db8::6"): Route("eth0", 1500)}
    host = replace(at("192.0.2.1/24", "fe80::1/64", "2001:db8::1/64"), routes=route)
    (wanted,) = resolve(settings, known, host).overlays
    assert [str(v.local) for v in wanted.vteps if v.peer == "lxd6"] == ["2001:db8::1"]
    (wanted,) = resolve(settings, known, replace(host, routes={})).overlays
    assert [vtep.peer for vtep in wanted.vteps] == ["lxd2", "lxd3"]
    assert [problem.peer for problem in wanted.waiting] == ["lxd6"]
    assert "IPv6" in wanted.waiting[0].text


def test_a_peer_whose_address_is_not_known_waits() -> None:
    """A peer source may have no answer at the moment."""
    known = {name: address for name, address in addresses(PEERS).items() if name != "lxd2"}
    wanted = resolve(SETTINGS, known, HERE).overlays[0]
    assert [vtep.peer for vtep in wanted.vteps] == ["lxd3"]
    assert [problem.peer for problem in wanted.waiting] == ["lxd2"]


def test_a_broadcast_address_is_no_peers() -> None:
    """Known only where the network is."""
    settings = replace(SETTINGS, peers=(*PEERS, PeerSettings("all", "192.0.2.255")))
    with pytest.raises(Unresolved) as caught:
        resolved(settings)
    assert caught.value.problems[0].kind is Kind.REFUSED
    assert "broadcast address of 192.0.2.0/24 on eth0" in str(caught.value)
    assert len(list(resolved(settings, at("192.0.2.1/31")).vteps())) == 3


@pytest.mark.parametrize(
    ("host", "mtu"),
    [
        (HERE, 1450),
        (routed(HERE, lxd2=1500, lxd3=1500), 1450),
        (routed(HERE, lxd2=1400, lxd3=1500), 1350),
        (routed(HERE, lxd2=9000, lxd3=9000), 1450),
        (routed(HERE, lxd2=1280), 1230),
    ],
)
def test_one_mtu_for_the_overlay(host: Host, mtu: int) -> None:
    """The smallest route's, at most 1500, minus the outer packet."""
    wanted = overlay(SETTINGS, host)
    assert wanted.bridge.mtu == mtu
    assert {vtep.mtu for vtep in wanted.vteps} == {mtu}


def test_the_underlay_device_may_be_named() -> None:
    """Then its MTU counts; one that isn't there yet says nothing."""
    host = replace(routed(HERE, lxd2=1500, lxd3=1500), mtus={"wan0": 1492})
    for interface, mtu in (("wan0", 1442), ("gone0", 1450)):
        settings = replace(SETTINGS, node=NodeSettings(interface=interface))
        assert overlay(settings, host).bridge.mtu == mtu


def test_a_number_is_taken_as_it_is() -> None:
    """For jumbo frames, or for 1500."""
    settings = replace(SETTINGS, overlays=(replace(LAN, mtu=8950),))
    assert overlay(settings).bridge.mtu == 8950


def test_a_vtep_has_all_that_the_kernel_needs() -> None:
    """And a key that is unique in a namespace."""
    (vtep, _) = overlay(SETTINGS).vteps
    assert (vtep.device, vtep.alias, vtep.altname) == (
        "vxl-lan-lxd2",
        "vxland:lan:lxd2",
        "vxland-lan+lxd2",
    )
    assert vtep.flood == {ip_address("192.0.2.2")}
    assert (vtep.vni_key.vni, vtep.vni_key.port, vtep.vni_key.family) == (10883308, 4789, 4)


def test_a_change_leaves_the_other_vteps_alone() -> None:
    """Those that are what they were are the same objects, which cost nothing to compare."""
    before = overlay(SETTINGS).vteps
    more = replace(SETTINGS, peers=(*PEERS, PeerSettings("lxd4", "192.0.2.4")))
    *same, new = overlay(more).vteps
    assert all(vtep is old for vtep, old in zip(same, before, strict=True))
    assert new.peer == "lxd4"
    moved = replace(SETTINGS, overlays=(replace(LAN, port=8472),))
    assert {vtep.port for vtep in overlay(moved).vteps} == {8472}


def test_every_overlay_may_be_asked_to_adopt() -> None:
    """As by ``--adopt``."""
    overlays = tuple(OverlaySettings(name, f"br-{name}") for name in ("lan", "dmz"))
    asked = Settings(overlays=overlays).adopting()
    assert [overlay.adopt for overlay in asked.overlays] == [True, True]
