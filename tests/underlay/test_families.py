"""Overlays over IPv6, over both families at once, and between link-local addresses."""

from pathlib import Path

import pytest

from tests.lab import Site, eventually
from tests.lab.dns import name_servers
from tests.lab.site import HEAD, config
from tests.underlay.view import (
    carries,
    ends,
    index,
    mtu,
    one_copy_each,
    outer,
    quiet,
    says,
    stopped,
)
from vxland.lookup.hosts import HOSTS

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

OVER_IPV6 = 1430
BOTH = ("192.0.2.{}/24", "2001:db8::{}/64")
LXD1, LXD2, LXD3 = "vxl-lan-lxd1", "vxl-lan-lxd2", "vxl-lan-lxd3"


@pytest.mark.parametrize("address", ["2001:db8::{}", "fd00:1::{}"])
def test_over_ipv6(tmp_path: Path, address: str) -> None:
    """Global or unique local: containers reach each other, with 70 bytes less than the underlay."""
    with Site(tmp_path, 2, addresses=[f"{address}/64"]) as site:
        site.start(config((1, 2), address=address))
        one, _ = site.servers
        site.add_containers(OVER_IPV6)
        quiet(one)
        assert ends(one, LXD2) == (address.format(1), address.format(2))
        assert {mtu(one, name) for name in ("vxbr0", LXD2)} == {OVER_IPV6}
        carries(*site.containers, size=OVER_IPV6)
        one_copy_each(site.containers)


def test_checksums_over_ipv6_are_the_kernels_default(tmp_path: Path) -> None:
    """On, both ways; a device that sends or takes packets without them isn't what is wanted."""
    address = "2001:db8::{}"
    with Site(tmp_path, 2, addresses=[f"{address}/64"]) as site:
        site.start(config((1, 2), address=address))
        one, _ = site.servers
        defaults = {"udp_zero_csum6_tx": False, "udp_zero_csum6_rx": False}

        def seen() -> dict[str, bool]:
            return {key: outer(one, LXD2).get(key, False) for key in defaults}

        assert seen() == defaults
        vni, before = outer(one, LXD2)["id"], index(one, LXD2)
        for flag in ("udp6zerocsumtx", "udp6zerocsumrx"):
            with stopped(one):
                one.sh(
                    f"ip link del {LXD2}; ip link add {LXD2} type vxlan id {vni} dstport 4789"
                    f" local {address.format(1)} remote {address.format(2)} {flag} nolearning;"
                    f" ip link set {LXD2} alias vxland:lan:lxd2"
                )
                assert seen() != defaults
            eventually(
                lambda: seen() == defaults and one.in_sync(),
                lambda: f"checksums again: {outer(one, LXD2)}; logged:\n{one.tail()}",
            )
        assert index(one, LXD2) != before
        site.add_containers(OVER_IPV6)


def test_a_mesh_over_both(tmp_path: Path) -> None:
    """Two servers with both families and one with IPv6 alone: each pair by what both have."""
    hosts = "".join(
        f"{plain.format(n).partition('/')[0]} lxd{n}.mesh.test\n" for n in (1, 2) for plain in BOTH
    )
    peers = "".join(
        f'\n[[peer]]\nname = "lxd{n}"\naddress = "{address}"\n'
        for n, address in ((1, "lxd1.mesh.test"), (2, "lxd2.mesh.test"), (3, "2001:db8::3"))
    )
    with name_servers(hosts, HOSTS), Site(tmp_path, 3, addresses=BOTH) as site:
        one, two, three = site.servers
        three.sh("ip addr flush dev eth0 scope global; ip addr add 2001:db8::3/64 dev eth0 nodad")
        # Others that lead there just as well, but the peers know none of these.
        one.sh(
            "ip addr add 2001:db8::a1/64 dev eth0 nodad; ip addr add 2001:1::1/64 dev eth0 nodad"
        )
        site.write(HEAD + peers)
        for server in site.servers:
            server.start(wait=False)
        for server in site.servers:
            eventually(
                lambda server=server: (
                    server.in_sync()  # type: ignore[misc]
                    and server.status()["overlays"][0]["tunnels_present"] == 2
                ),
                lambda server=server: f"{server.status()}; logged:\n{server.tail()}",  # type: ignore[misc]
            )
        site.add_containers(OVER_IPV6)
        assert ends(one, LXD2) == ("192.0.2.1", "192.0.2.2")
        assert ends(one, LXD3) == ("2001:db8::1", "2001:db8::3")
        assert ends(three, LXD1) == ("2001:db8::3", "2001:db8::1")
        assert {mtu(one, name) for name in ("vxbr0", LXD2, LXD3)} == {OVER_IPV6}
        assert {mtu(two, name) for name in ("vxbr0", LXD1, LXD3)} == {OVER_IPV6}
        carries(site.containers[0], site.containers[1], size=OVER_IPV6)
        one_copy_each(site.containers)


def test_no_version_in_common(tmp_path: Path) -> None:
    """An IPv4 and an IPv6 address alone make no tunnel: that is said, and the others are laid."""
    with Site(tmp_path, 2, addresses=BOTH) as site:
        one, two = site.servers
        third = '\n[[peer]]\nname = "lxd3"\naddress = "2001:db8::3"\n'
        site.write(config((1, 2)) + third)
        for server in site.servers:
            server.start()
        problem = says(one, "lxd3 (2001:db8::3)", "no IP version in common")
        assert "/etc/hosts" in problem["cure"]
        eventually(lambda: one.link(LXD2) and two.link(LXD1), "the other tunnel is there")
        assert one.link(LXD3) is None
        site.add_containers()
        checked = one.vxland("check")
        assert checked.returncode == 0
        assert "no tunnel between the two" in checked.stdout + checked.stderr


def test_between_link_local_addresses(tmp_path: Path) -> None:
    """By the interface's name; the tunnels go with the interface, and come back with it."""
    address = "fe80::1:{}"
    with Site(tmp_path, 2, addresses=[f"{address}/64"]) as site:
        site.start(config((1, 2), address=f"{address}%eth0"))
        one, _ = site.servers
        site.add_containers(OVER_IPV6)
        quiet(one)
        assert (*ends(one, LXD2), outer(one, LXD2)["link"]) == (*("fe80::1:1", "fe80::1:2"), "eth0")
        assert mtu(one, LXD2) == OVER_IPV6
        carries(*site.containers, size=OVER_IPV6)
        one_copy_each(site.containers)
        one.sh(f"bridge fdb append 00:00:00:00:00:00 dev {LXD2} dst fe80::99 self permanent")
        eventually(
            lambda: "fe80::99" not in one.sh(f"bridge fdb show dev {LXD2}") and one.in_sync(),
            lambda: f"the stray flood entry goes; logged:\n{one.tail()}",
        )
        one.sh("ip link del eth0")
        says(one, "no interface eth0", "lxd2 (fe80::1:2%eth0)")
        assert one.link(LXD2) is None
        site.underlay.sh(f"ip link add p1 type veth peer name eth0 netns {one.path}")
        site.underlay.sh("ip link set p1 master br0 up")
        one.sh(f"ip addr add {address.format(1)}/64 dev eth0 nodad; ip link set eth0 up")
        one.settled()
        site.all_reach()
