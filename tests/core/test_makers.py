"""What other programs' files are to do with vxland's devices, by their text alone."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, desired, seen
from vxland.hints import HINTS, hints
from vxland.makers import claims
from vxland.makers.interfaces import SDN
from vxland.makers.subjects import Subject, subjects
from vxland.makers.words import IN_FULL, is_said, words
from vxland.observed import Claim, Link, Observed, VxlanState
from vxland.observed.claims import NETWORKD
from vxland.settings import VxlanOptions

VNI = desired().overlays[0].vteps[0].vni
ETC, RUN, USR = (f"{folder}/systemd/network" for folder in ("/etc", "/run", "/usr/lib"))
NM = "/etc/NetworkManager/system-connections"
INTERFACES = "/etc/network/interfaces"
OTHER = f"""\
# comment
[NetDev]
Name=mesh-b
Kind=vxlan

[VXLAN]
VNI={VNI}
"""
NETDEV = f"{OTHER}DestinationPort=4789\n"
UNMANAGED = "\n[Link]\nUnmanaged=yes\n"


def foreign(**changes: Any) -> Link:  # noqa: ANN401 - any field
    """A device of somebody's with the VNI of the tunnel to lxd2."""
    vtep = desired().overlays[0].vteps[0]
    state = VxlanState(vtep.vni, vtep.port, vtep.local, vtep.remote, VxlanOptions())
    return replace(Link("mesh-b", "vxlan", master="vxbr0", vxlan=state), **changes)


def own(**properties: str) -> tuple[Subject, ...]:
    """The bridge and the tunnel, both vxland's; udev knows this of them."""
    bridge = Link("vxbr0", "bridge", alias="vxland:lan", mac="02:00:00:00:00:01")
    observed = Observed(links={**seen().links, "vxbr0": bridge})
    found = subjects(desired(), observed)
    assert [subject.device for subject in found] == ["vxbr0", DEVICE]
    return tuple(replace(subject, properties=properties or None) for subject in found)


def test_whom_it_concerns() -> None:
    """What is vxland's, what would be, and what has its VNI; not a bridge that stays somebody's."""
    links = {link.name: link for link in (Link("vxbr0", "bridge"), foreign())}
    names = [subject.device for subject in subjects(desired(), Observed(links=links))]
    assert names == ["vxbr0", "mesh-b"]
    card = Link("eth0", None, master="vxbr0")
    (tunnel,) = subjects(desired(), Observed(links={**links, "eth0": card}))
    assert tunnel.device == "mesh-b"
    assert tunnel.names == {"mesh-b", DEVICE}
    (tunnel,) = subjects(desired(), Observed(links={"vxbr0": Link("vxbr0", "bridge")}))
    assert (tunnel.device, tunnel.link) == (DEVICE, None)
    named = {DEVICE: Link(DEVICE, "veth"), "vxbr0": Link("vxbr0", "dummy")}
    (tunnel,) = subjects(desired(), Observed(links=named))
    assert tunnel.link is None
    named = {DEVICE: Link(DEVICE, "vxlan")}
    (tunnel,) = subjects(desired(), Observed(links=named))
    assert tunnel.link is not None


Row = tuple[dict[str, str], set[tuple[str, str, str, int]]]
NETWORKD_FILES: list[Row] = [
    ({f"{ETC}/a.netdev": NETDEV}, {(NETWORKD, DEVICE, f"{ETC}/a.netdev", 3)}),
    ({f"{ETC}/a.netdev": OTHER}, set()),  # the kernel's port, 8472
    (
        {f"{ETC}/a.netdev": OTHER, f"{USR}/a.netdev.d/b.conf": "[VXLAN]\nDestinationPort=4789"},
        {(NETWORKD, DEVICE, f"{ETC}/a.netdev", 3)},
    ),
    ({f"{ETC}/a.netdev": "", f"{USR}/a.netdev": NETDEV}, set()),  # hidden
    ({f"{ETC}/a.netdev": NETDEV.replace(str(VNI), "many")}, set()),
    (
        {f"{ETC}/a.netdev": "[NetDev]\nName=vxbr0\nKind=bridge"},
        {(NETWORKD, "vxbr0", f"{ETC}/a.netdev", 2)},
    ),
    ({f"{ETC}/a.netdev": "[NetDev]\nName=vxbr0\nKind=bond"}, set()),
    ({f"{ETC}/a.netdev": "[NetDev]\nName=vxbr0"}, set()),
    (
        {f"{RUN}/10-netplan-x.netdev": NETDEV},
        {("netplan", DEVICE, f"{RUN}/10-netplan-x.netdev", 3)},
    ),
    (
        {
            f"{RUN}/10-netplan-x.netdev": NETDEV,
            "/etc/netplan/x.yaml": f"network: {{tunnels: {{x: {{mode: vxlan, id: {VNI}}}}}}}",
        },
        {("netplan", DEVICE, "/etc/netplan/x.yaml", 1)},
    ),
]


@pytest.mark.parametrize(("files", "wanted"), NETWORKD_FILES)
def test_networkd_makes(files: dict[str, str], wanted: set[tuple[str, str, str, int]]) -> None:
    """By name and kind, or by the VNI; the first folder's file counts, with all drop-ins."""
    found = claims(files, own())
    assert {(c.program, c.device, c.where, c.line) for c in found} == wanted
    assert all(claim.makes and claim.overlay == "lan" for claim in found)


def network(match: str, more: str = "") -> str:
    """A file of networkd's."""
    return f"# comment\n[Match]\n{match}\n\n[Network]\nDHCP=yes\n{more}"


MATCHES: list[tuple[dict[str, str], dict[str, str], set[str]]] = [
    # properties, files, devices
    ({}, {f"{ETC}/a.network": network("Name=vxbr*")}, {"vxbr0"}),
    ({}, {f"{ETC}/a.network": network("Name=eth0 vxl-*")}, {DEVICE}),
    ({}, {f"{ETC}/a.network": network("Name=eth0\nName=vx*")}, {"vxbr0", DEVICE}),
    ({}, {f"{ETC}/a.network": network("OriginalName=!vxl-*")}, {"vxbr0"}),
    ({}, {f"{ETC}/a.network": network("Type=bridge")}, {"vxbr0"}),
    ({}, {f"{ETC}/a.network": network("Type=ether")}, set()),
    ({}, {f"{ETC}/a.network": network("Kind=vxlan\nName=eth*")}, set()),
    ({}, {f"{ETC}/a.network": network("MACAddress=02:00:00:00:00:01")}, {"vxbr0"}),
    ({}, {f"{ETC}/a.network": network("Name=")}, set()),
    ({}, {f"{ETC}/a.network": network("Name=vx*\nHost=lxd1")}, set()),
    ({}, {f"{ETC}/a.network": "DHCP=yes\n"}, set()),
    ({}, {f"{ETC}/a.network": "[Network]\nDHCP=yes\n"}, set()),
    ({}, {f"{ETC}/a.network": "", f"{USR}/a.network": network("Name=vx*")}, set()),
    (
        {},
        {
            f"{ETC}/a.network": network("Name=vx*", UNMANAGED),
            f"{ETC}/b.network": network("Name=vx*"),
        },
        set(),
    ),
    (
        {},
        {f"{ETC}/a.network": network("Name=vx*"), f"{RUN}/a.network.d/c.conf": UNMANAGED},
        set(),
    ),
    (
        {"ID_NET_MANAGED_BY": "vxland", "USEC_INITIALIZED": "1"},
        {
            f"{USR}/05.network": network("Property=ID_NET_MANAGED_BY=vxland", UNMANAGED),
            f"{ETC}/90.network": network("Name=vx*"),
        },
        set(),
    ),
    (
        {"USEC_INITIALIZED": "1"},
        {
            f"{USR}/05.network": network("Property=!USEC_INITIALIZED=*", UNMANAGED),
            f"{ETC}/90.network": network("Name=vx*"),
        },
        {"vxbr0", DEVICE},
    ),
    (
        {},
        {
            f"{USR}/05.network": network("Property=!USEC_INITIALIZED=*", UNMANAGED),
            f"{ETC}/90.network": network("Name=vx*"),
        },
        set(),
    ),
]


@pytest.mark.parametrize(("properties", "files", "devices"), MATCHES)
def test_networkd_manages(
    properties: dict[str, str], files: dict[str, str], devices: set[str]
) -> None:
    """The first file that matches counts; what isn't understood doesn't."""
    found = claims(files, own(**properties))
    assert {claim.device for claim in found} == devices
    assert {claim.line for claim in found} <= {3}
    assert not any(claim.makes for claim in found)


def test_a_device_that_is_not_there_is_matched_by_nothing() -> None:
    """Whether it would be, nobody knows yet; who makes it is said."""
    files = {f"{ETC}/a.network": network("Name=*"), f"{ETC}/a.netdev": NETDEV}
    (claim,) = claims(files, subjects(desired(), Observed()))
    assert (claim.device, claim.makes) == (DEVICE, True)


STANZAS = f"""\
auto vxbr0
# iface vxbr1 inet manual
iface vxbr0 inet manual
\tbridge-ports none

allow-hotplug eth0
iface eth0 inet dhcp
mapping eth1
\tscript /bin/true
iface \\
    mesh-b
\tvxlan_id {VNI}
iface mesh-c
\tvxlan-id {VNI}
\tvxlan-port 4790
iface
iface mesh-d
\tvxlan-id x
source more.d/*
source-directory sub
"""


def test_ifupdown() -> None:
    """Each stanza with the name or the VNI, in the file and in what it sources."""
    stanza = "iface vxbr0 inet6 auto\nsource /etc/network/interfaces\n"
    files = {
        INTERFACES: STANZAS,
        "/etc/network/more.d/a": stanza,
        "/etc/network/sub/b": stanza,
        "/etc/network/interfaces.d/c": stanza,  # which isn't sourced
        f"{ETC}/d": stanza,
    }
    found = claims(files, own())
    assert {(c.program, c.device, c.where, c.line) for c in found} == {
        ("ifupdown", "vxbr0", INTERFACES, 3),
        ("ifupdown", DEVICE, INTERFACES, 10),
        ("ifupdown", "vxbr0", "/etc/network/more.d/a", 1),
        ("ifupdown", "vxbr0", "/etc/network/sub/b", 1),
    }
    assert claims({"/etc/network/more.d/a": stanza}, own()) == ()
    files = {INTERFACES: "source /etc/network/interfaces.d/*", SDN: f"iface x\n\tvxlan-id {VNI}"}
    (claim,) = claims(files, own())
    assert (claim.program, claim.device, claim.line) == ("Proxmox SDN", DEVICE, 1)


PROFILE = f"""\
[connection]
id=mesh
type=vxlan
interface-name=mesh-b

[vxlan]
id={VNI}
"""


def test_network_manager() -> None:
    """By the interface's name, or the VNI; the same name in /run is hidden by /etc."""
    own_port = f"{PROFILE}destination-port=4789\n"
    files = {f"{NM}/a.nmconnection": own_port, "/run/NetworkManager/system-connections/b": PROFILE}
    (claim,) = claims(files, own())
    assert claim == Claim("NetworkManager", DEVICE, f"{NM}/a.nmconnection", 4, True, "lan")  # noqa: FBT003
    bridge = "[connection]\ntype=bridge\ninterface-name=vxbr0\n"
    (claim,) = claims({f"{NM}/b": bridge, f"{NM}/c": "[connection]\ntype=bridge"}, own())
    assert (claim.device, claim.line) == ("vxbr0", 3)
    assert claims({f"{NM}/b": "[connection]\ninterface-name=vxbr0"}, own()) == ()


YAML = f"""\
network:
  version: 2
  ethernets: {{eth0: {{dhcp4: true}}}}
  tunnels:
    mesh-b:
      mode: vxlan
      id: {VNI}
    mesh-c: {{mode: vxlan, id: {VNI}, port: 4790}}
    mesh-d: {{mode: gre}}
    ? [no, name]
    : {{}}
  bridges:
    vxbr0:
      interfaces: [mesh-b]
"""


def test_netplan() -> None:
    """Definitions of tunnels and bridges; what isn't such YAML says nothing."""
    files = {
        "/etc/netplan/50.yaml": YAML,
        "/etc/netplan/60.yaml": "network: [",
        "/etc/netplan/70.yaml": "- network",
        "/etc/netplan/80.yaml": "network: {tunnels: }",
        "/etc/netplan/90.yaml": "",
    }
    found = claims(files, own())
    assert {(c.program, c.device, c.line) for c in found} == {
        ("netplan", "vxbr0", 13),
        ("netplan", DEVICE, 5),
    }


SAID: list[tuple[list[Claim], str, Callable[[str], bool]]] = [
    (
        [
            Claim(NETWORKD, "vxlan0", f"{ETC}/0.netdev", 2, makes=True),
            Claim(NETWORKD, "vxlan1", f"{ETC}/1.netdev", 2, makes=True),
        ],
        f"systemd-networkd is to make vxlan0 ({ETC}/0.netdev:2), vxlan1 ({ETC}/1.netdev:2)",
        lambda cure: f"in {ETC}/0.netdev {ETC}/1.netdev; do mv" in cure,
    ),
    (
        [Claim(NETWORKD, f"vxlan{n}", f"{ETC}/{n}.netdev", 2, makes=True) for n in range(20)],
        f"vxlan2 ({ETC}/2.netdev:2) and 17 more",
        lambda cure: cure.count(".netdev") == IN_FULL and f"{IN_FULL - 1}.netdev ...;" in cure,
    ),
    (
        [Claim("ifupdown", name, INTERFACES, 3) for name in ("vxbr0", "vxl-a-b")],
        f"ifupdown is to configure vxbr0, vxl-a-b ({INTERFACES}:3)",
        lambda cure: f"out of {INTERFACES}. If" in cure,
    ),
    (
        [Claim("Proxmox SDN", "vnet", SDN, 3)],
        f"Proxmox SDN is to make vnet ({SDN}:3)",
        lambda cure: "Datacenter, SDN" in cure,
    ),
    (
        [Claim("NetworkManager", "vxlan0", f"{NM}/my net", 3, makes=True)],
        f"NetworkManager is to make vxlan0 ({NM}/my net:3)",
        lambda cure: f"managed no, for each; then rm '{NM}/my net'" in cure,
    ),
    (
        [Claim("netplan", "vxlan0", "/etc/netplan/a.yaml", 3, makes=True)],
        "netplan is to have vxlan0 (/etc/netplan/a.yaml:3) made",
        lambda cure: "netplan generate; udevadm trigger" in cure,
    ),
    (
        [Claim("netplan", "vxlan0", f"{RUN}/10-netplan-a.network", 3)],
        f"netplan is to have vxlan0 ({RUN}/10-netplan-a.network:3) managed",
        lambda cure: "netplan generate" in cure,
    ),
]


@pytest.mark.parametrize(("found", "text", "cured"), SAID)
def test_what_is_said(found: list[Claim], text: str, cured: Callable[[str], bool]) -> None:
    """What, where, and what ends it."""
    (said,) = words(found)
    assert text in said.text
    assert cured(said.cure)
    assert is_said(said.text)
    assert not is_said("NetworkManager manages vxlan0")


def test_it_is_a_hint_of_the_overlay() -> None:
    """As long as the file is there."""
    observed = replace(seen(), claims=claims({f"{ETC}/a.netdev": NETDEV}, own()))
    links = {**seen().links, "vxbr0": replace(seen().links["vxbr0"], mtu=1450)}
    (hint,) = hints(desired(), replace(observed, links=links))
    assert hint.text.startswith(f"systemd-networkd is to make {DEVICE} ({ETC}/a.netdev:3): it may")
    assert hint.overlay == "lan"
    assert len(HINTS) == 11
