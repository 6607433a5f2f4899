"""What is worth knowing: each hint with what mends it, and nothing where all is well."""

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, desired, seen
from vxland.culprits import STOP, fight_problem
from vxland.fights import Fight
from vxland.hints import HINTS, hints
from vxland.hints.guests import guests_of
from vxland.identity import CHAIN, INGRESS_TABLE
from vxland.model import Desired
from vxland.observed import Element, FarEnd, ForwardChain, Link, Observed, VxlanState
from vxland.operations import MakeIngress
from vxland.ports import foreign_ports
from vxland.problems import Kind, Problem
from vxland.settings import VxlanOptions
from vxland.tables.in_force import after

IPTABLES = ForwardChain("ip", "filter", "FORWARD", frozenset({"FORWARD"}))
DOCKER = replace(IPTABLES, chains=frozenset({"FORWARD", "DOCKER-USER"}))
IP6 = ForwardChain("ip6", "filter", "FORWARD")
NFT = ForwardChain("inet", "mine", "forward")


def with_ports(*ports: Link) -> Observed:
    """The bridge, the tunnel, and these in the bridge too."""
    links = {port.name: replace(port, master="vxbr0") for port in ports}
    bridge = replace(seen().links["vxbr0"], mtu=1450)
    return Observed(links={**seen().links, "vxbr0": bridge, **links})


def guest(name: str, mtu: int = 1500, *, isolated: bool = False) -> Link:
    """Somebody's port."""
    return Link(name, "veth", mtu=mtu, up=True, isolated=isolated)


def the_hint(observed: Observed, wanted: Desired | None = None) -> Problem:
    """The only one."""
    (problem,) = hints(wanted or desired(), observed)
    assert problem.kind is Kind.HINT
    assert problem.overlay == "lan"
    return problem


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    """Guests with the overlay's MTU, a tunnel of somebody's, a bridge that is let through."""
    own = replace(IPTABLES, accepts=frozenset({"eth0", "vxbr0"}))
    geneve = Link("gen0", "geneve", mtu=9000)
    observed = with_ports(guest("veth1", 1450), guest("veth2", 1400), geneve)
    assert hints(desired(), replace(observed, forward=(own,))) == ()
    assert len(HINTS) == 11
    assert foreign_ports(desired().overlays[0], observed).count == 3


def test_others_tunnels_on_a_port_of_ones_own_are_named() -> None:
    """Those of this namespace, whatever their VNI; what isn't vxland's yet is said elsewhere."""
    home = desired()
    (lan,) = home.overlays
    (vtep,) = lan.vteps
    alone = replace(home, overlays=(replace(lan, exclusive=True),))
    state = VxlanState(99, vtep.port, None, None, VxlanOptions())
    links = {
        name: Link(name, "vxlan", vxlan=each)
        for name, each in (
            ("swarm1", state),
            ("swarm0", state),
            ("apart", replace(state, port=vtep.port + 1)),
            ("legacy", replace(state, vni=vtep.vni)),
        )
    }
    own = replace(seen().links[DEVICE], vxlan=state)
    shared = replace(seen(), links={**seen().links, DEVICE: own, **links})
    closed = (Element("exclusive", vtep.port),)
    observed = after(shared, [MakeIngress("", INGRESS_TABLE, closed, replaces=False)])
    assert hints(alone, shared) == hints(alone, replace(seen(), ingress=observed.ingress)) == ()
    hint = the_hint(observed, alone)
    assert "somebody else's tunnels use, too: swarm0, swarm1. What comes" in hint.text
    assert hint.cure.startswith('Write ingress = "peers"')
    assert hints(home, observed) == hints(alone, seen()) == ()


def test_ports_that_are_too_large_are_named() -> None:
    """The first few, with what to do now and for good; it stays one and the same hint."""
    hint = the_hint(with_ports(guest("veth9"), guest("veth1a2b3c4d"), guest("vnet0", 9000)))
    assert "veth1a2b3c4d (1500), veth9 (1500), vnet0 (9000). Their" in hint.text
    loop = "for port in veth1a2b3c4d veth9 vnet0; do ip link set $port mtu 1450; done. For good: "
    assert f"here: {loop}" in hint.cure
    assert hint.cure.startswith("Inside the guest: ip link set eth0 mtu 1450 (or ")
    assert "incus profile device set PROFILE eth0 mtu=1450, or" in hint.cure
    assert "incus config device set INSTANCE eth0 mtu=1450 (" in hint.cure
    assert "<mtu size='1450'/>" in hint.cure
    more = the_hint(with_ports(*(guest(f"port{number}") for number in range(9))))
    assert "port2 (1500) and 6 more" in more.text
    assert "in port0 port1 port2; do" in more.cure
    assert "For good: give the guest an MTU of 1450" in more.cure
    assert more.identity == hint.identity


def test_a_container_that_can_be_seen_is_what_counts() -> None:
    """It is what sends: its port's MTU alone neither harms nor helps."""
    ports = [guest("veth1"), guest("veth2", 1450), guest("veth3"), guest("veth4", 1450)]
    inside = {"veth1": FarEnd("eth0", 1450), "veth2": FarEnd("eth0", 1500)}
    observed = replace(with_ports(*ports), far_ends=inside)
    hint = the_hint(observed)
    assert ": veth2 (1500), veth3 (1500). Their" in hint.text
    assert "(or as its interface is called). Then here: ip link set veth3 mtu 1450." in hint.cure
    hint = the_hint(replace(observed, far_ends={**inside, "veth3": FarEnd("host0", 1450)}))
    assert hint.cure.startswith("Inside the guest: ip link set eth0 mtu 1450. For good: ")
    hint = the_hint(replace(observed, far_ends={**inside, "veth3": FarEnd("host0", 1500)}))
    assert hint.cure.startswith(
        "Inside the guest: ip link set eth0 mtu 1450; or: ip link set host0 mtu 1450."
        " Then here: ip link set veth3 mtu 1450. "
    )


def test_a_name_can_not_play_with_the_shell() -> None:
    """The kernel takes nearly any."""
    hint = the_hint(with_ports(guest("a;b$(c)")))
    assert "here: ip link set 'a;b$(c)' mtu 1450. " in hint.cure
    more = the_hint(with_ports(guest("a;b$(c)"), guest("d")))
    assert "here: for port in 'a;b$(c)' d; do ip link set $port mtu 1450; done. " in more.cure


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("veth1a2b3c4d", "Incus"),
        ("tap1a2b3c4d", "Incus"),
        ("veth1a2b3c4", "Docker"),
        ("vethX3bA9z", "LXC"),
        ("veth1001_aB3d", "LXC"),
        ("veth101i0", "Proxmox"),
        ("tap100i0", "Proxmox"),
        ("fwpr100p0", "Proxmox"),
        ("vnet7", "libvirt"),
        ("vif3.0", "Xen"),
        ("vif3.0-emu", "Xen"),
        ("vb-web", "systemd-nspawn"),
    ],
)
def test_a_ports_name_tells_whose_it_is(name: str, whose: str) -> None:
    """As far as it does."""
    guests = guests_of(name)
    assert guests is not None
    assert guests.mtu.startswith(whose)
    assert "1450" in guests.mtu.format(mtu=1450)


@pytest.mark.parametrize("name", ["eth1", "veth1", "enp3s0", "vxl-lan-lxd2", "vethernet"])
def test_other_names_tell_nothing(name: str) -> None:
    """A physical port, say."""
    assert guests_of(name) is None


def test_isolated_guests_are_named() -> None:
    """Where the tunnels are isolated, too."""
    observed = with_ports(guest("veth1a2b3c4d", 1450, isolated=True))
    hint = the_hint(observed)
    assert "veth1a2b3c4d" in hint.text
    assert hint.cure.startswith("bridge link set dev veth1a2b3c4d isolated off. For good: Incus")
    assert "security.port_isolation=false" in hint.cure
    two = the_hint(with_ports(*(guest(f"eth{n}", 1450, isolated=True) for n in (1, 2))))
    loop = "for port in eth1 eth2; do bridge link set dev $port isolated off; done. Or guard"
    assert two.cure.startswith(loop)
    unknown = the_hint(with_ports(guest("eth1", 1450, isolated=True)))
    assert unknown.cure.startswith("bridge link set dev eth1 isolated off. Or guard")
    (overlay,) = desired().overlays
    unguarded = replace(desired(), overlays=(replace(overlay, guards=("ebtables",)),))
    assert hints(unguarded, observed) == ()


@pytest.mark.parametrize(
    ("chain", "command", "switch"),
    [
        (
            IPTABLES,
            "iptables -I FORWARD -i vxbr0 -o vxbr0 -j ACCEPT",
            "net.bridge.bridge-nf-call-iptables=0",
        ),
        (
            DOCKER,
            "iptables -I DOCKER-USER -i vxbr0 -o vxbr0 -j ACCEPT",
            "net.bridge.bridge-nf-call-iptables=0",
        ),
        (
            IP6,
            "ip6tables -I FORWARD -i vxbr0 -o vxbr0 -j ACCEPT",
            "net.bridge.bridge-nf-call-ip6tables=0",
        ),
        (
            NFT,
            "nft insert rule inet mine forward iifname vxbr0 oifname vxbr0 accept",
            "net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0",
        ),
    ],
)
def test_a_bridge_whose_frames_are_dropped(chain: ForwardChain, command: str, switch: str) -> None:
    """By the policy of FORWARD, with what lets them through."""
    hint = the_hint(replace(seen(), forward=(chain,)))
    assert f"{chain.family} {chain.table} {chain.name}" in hint.text
    assert f"Accept it: {command}. Or" in hint.cure
    assert hint.cure.endswith(f"sysctl -w {switch}")


def test_a_bridge_that_is_not_there_filters_nothing() -> None:
    """It is made with its tunnels."""
    links = {name: link for name, link in seen().links.items() if name != "vxbr0"}
    assert hints(desired(), replace(seen(), links=links, forward=(IPTABLES,))) == ()


def test_two_chains_are_one_hint() -> None:
    """With both commands; a chain that lets the bridge through is none of them."""
    through = replace(NFT, accepts=frozenset({"vxbr+"}))
    hint = the_hint(replace(seen(), forward=(IPTABLES, through, IP6)))
    assert "ACCEPT; ip6tables" in hint.cure
    assert "nft" not in hint.cure


@pytest.mark.parametrize(
    ("accepts", "through"),
    [("vxbr0", True), ("vxbr+", True), ("+", True), ("vxbr", False), ("vxbr00", False)],
)
def test_a_chain_lets_through_what_its_rules_name(accepts: str, *, through: bool) -> None:
    """Exactly, or by how it begins."""
    chain = replace(IPTABLES, accepts=frozenset({"eth0", accepts}))
    assert chain.lets_through("vxbr0") is through


@pytest.mark.parametrize(
    ("culprit", "device", "begins"),
    [
        (None, DEVICE, "See when it happens: ip -ts monitor link. See if it is known who"),
        (None, CHAIN, "See when it happens: nft monitor. See if it is known who"),
        ("NetworkManager (pid 7)", DEVICE, f"nmcli device set {DEVICE} managed no"),
        ("systemd-network (pid 7)", DEVICE, f"See which file matches: networkctl status {DEVICE}"),
        ("firewalld (pid 7)", CHAIN, "Take out what it does to bridges: firewall-cmd"),
        ("dockerd (pid 7)", "vxbr0", "See which network uses the bridge: docker network ls"),
        ("libvirtd (pid 7)", "vxbr0", "See which network has the bridge: virsh net-list"),
        ("a program (pid 7)", DEVICE, f"See what it is: ps -fp 7. {STOP}"),
        ("NetworkManager (pid 7)", CHAIN, f"See what it is: ps -fp 7. {STOP}"),
        ("foo (bar) (pid 12)", DEVICE, f"See what it is: ps -fp 12. {STOP}"),
    ],
)
def test_a_fight_is_ended_where_it_comes_from(
    culprit: str | None, device: str, begins: str
) -> None:
    """By what is known of who it is; nmcli has no say in rules."""
    problem = fight_problem(Fight((device, "mtu"), 0.0, 20, 1.0, 1.0), culprit)
    assert problem.kind is Kind.FIGHT
    assert problem.cure.startswith(begins)
    assert ("likely" in problem.text) is (culprit is not None)
