"""VTEPs that aren't vxland's, in a segment with two servers of its: by docs/shared.md's recipes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Namespace, Site, eventually
from tests.neighbours.host import Host
from tests.shared.segment import flood, learned, once, shared
from tests.system.roots import PROJECT, RELEASES, unpacked

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

DOCUMENT = (PROJECT / "docs" / "shared.md").read_text(encoding="utf-8")
GUEST = "10.10.10.9"
NETWORKD = "/usr/lib/systemd/systemd-networkd"
DATABASE = "/run/openvswitch/conf.db"
# Its userspace datapath, for kernels without its module: the underlay is a port of its own.
USERSPACE = """
ovs-vsctl add-br underlay -- set bridge underlay datapath_type=netdev
ovs-vsctl add-port underlay eth0
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev
"""
MOVED = """
ip addr flush dev eth0
ip addr add 192.0.2.9/24 dev underlay
ip link set underlay up
ip link set br0 up
"""


def recipe(name: str) -> str:
    """What a person is told to write."""
    block = rf"^```\w+ {re.escape(name)}\n(.*?)^```"
    found = re.search(block, DOCUMENT, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two servers that know of a third, which isn't there yet."""
    with Site(tmp_path, 2) as made:
        made.start(shared(1, 2, 9))
        made.attach_containers()
        yield made


@pytest.fixture
def host(site: Site, tmp_path: Path) -> Iterator[Host]:
    """The third, on the same underlay."""
    with Host(tmp_path / "host", unpacked(RELEASES[-1], "vteps")) as made:
        made.sh("ip addr del 192.0.2.1 dev lo; ip link del br0")
        _connect(site, made)
        yield made


@pytest.fixture
def plain(site: Site) -> Iterator[Namespace]:
    """The third without anything but a kernel."""
    made = Namespace("plain")
    try:
        _connect(site, made)
        yield made
    finally:
        made.delete()


def _connect(site: Site, namespace: Namespace) -> None:
    site.underlay.sh(f"ip link add p9 type veth peer name eth0 netns {namespace.path}")
    site.underlay.sh("ip link set p9 master br0 up")
    namespace.sh("ip addr add 192.0.2.9/24 dev eth0; ip link set eth0 up")
    namespace.await_carrier("eth0")


def _one_segment(site: Site, guest: Namespace, port: Namespace, attach: str) -> None:
    """A guest behind the third and those behind vxland's servers reach each other, once."""
    port.sh(f"ip link add g9 mtu 1450 type veth peer name eth0 mtu 1450 netns {guest.path}")
    port.sh(f"ip link set g9 up; {attach}")
    guest.sh(f"ip addr add {GUEST}/24 dev eth0; ip link set eth0 up")
    one, other = site.containers
    for container in (one, other):
        eventually(
            lambda one=container: one.reaches(GUEST),  # type: ignore[misc]
            f"{container.name} reaches the guest",
        )
    assert one.reaches(other.address)
    once(guest, one, other)
    once(one, guest, other)
    link = guest.link("eth0")
    assert link is not None
    for server in site.servers:
        assert link["address"] in learned(server, "192.0.2.9")
        assert server.in_sync()


@pytest.fixture
def guest() -> Iterator[Namespace]:
    """Somebody behind the third."""
    made = Namespace("stranger")
    yield made
    made.delete()


def test_a_device_by_hand(site: Site, plain: Namespace, guest: Namespace) -> None:
    """A standard VTEP."""
    plain.sh(recipe("by-hand"))
    _one_segment(site, guest, plain, "ip link set g9 master br0")


def test_systemd_networkd(site: Site, host: Host, guest: Namespace) -> None:
    """With [BridgeFDB]."""
    for name in ("br0.netdev", "br0.network", "vx0.netdev", "vx0.network"):
        host.place(f"etc/systemd/network/{name}", recipe(f"networkd {name}"))
    host.go_without_udev()
    host.start_bus()
    host.start_inside(NETWORKD)

    def ready() -> bool:
        link = host.link("vx0")
        return bool(link and link.get("master")) and flood(host, "vx0") == [
            "192.0.2.1",
            "192.0.2.2",
        ]

    eventually(ready, lambda: f"{host.link('vx0')}; it logged:\n{host.tail()}")
    _one_segment(site, guest, host, "ip link set g9 master br0")


def test_open_vswitch(site: Site, host: Host, guest: Namespace) -> None:
    """Which floods to a port for each peer."""
    for namespace in (*site.servers, *site.containers):  # it drops what has no checksum yet
        namespace.sh("ethtool -K eth0 tx off")
    host.ask_inside("mkdir -p /dev/net /run/openvswitch")
    host.ask_inside("mknod /dev/net/tun c 10 200")
    schema = "/usr/share/openvswitch/vswitch.ovsschema"
    host.ask_inside(f"ovsdb-tool create {DATABASE} {schema}")
    host.start_inside(f"ovsdb-server {DATABASE} --remote=punix:/run/openvswitch/db.sock")
    eventually(
        lambda: host.run(host.inside("ovs-vsctl --no-wait init"), check=False).returncode == 0,
        lambda: f"its database answers; it logged:\n{host.tail()}",
    )
    host.start_inside("ovs-vswitchd unix:/run/openvswitch/db.sock --disable-system")
    host.run([*host.inside("sh -ec"), USERSPACE])
    host.sh(MOVED)
    host.run([*host.inside("sh -ec"), recipe("openvswitch")])
    attach = " ".join(host.inside("ovs-vsctl add-port br0 g9"))
    _one_segment(site, guest, host, attach)
