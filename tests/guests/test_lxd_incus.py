"""docs/guests/lxd-incus.md, typed on two servers, for each of the two."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.kernel_view import Snapshot, assert_equal, snapshot
from tests.guests import incus
from tests.guests.recipes import config, type_recipe
from tests.guests.segment import (
    assert_content,
    assert_mtu_matters,
    assert_one_segment,
    assert_told,
)
from tests.guests.site import GuestSite
from tests.lab import eventually
from tests.system.roots import unpacked

pytestmark = [
    pytest.mark.guests,
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.whole,
    pytest.mark.timeout(300, func_only=True),
]

OWN_BRIDGE = "Its own bridge as the overlay's"


@pytest.fixture(params=incus.KINDS, ids=lambda kind: str(kind.name))
def kind(request: pytest.FixtureRequest, laboratory: None) -> incus.Kind:
    """LXD, and Incus."""
    del laboratory
    assert isinstance(request.param, incus.Kind)
    return request.param


@pytest.fixture
def daemons(kind: incus.Kind, tmp_path: Path) -> Iterator[GuestSite]:
    """Two servers where it runs; vxland isn't started yet."""
    with GuestSite(tmp_path, unpacked(kind.release, kind.name)) as site:
        for host in site.pair:
            kind.start(host)
        yield site


def test_instances_in_vxlands_bridge(daemons: GuestSite, kind: incus.Kind) -> None:
    daemons.start()
    type_recipe(daemons.hosts, "lxd-incus.md", "Instances in vxbr0", kind.typed)
    one, other = daemons.pair
    web, db = kind.guest(one, "web"), kind.guest(other, "db")
    assert_one_segment(web, db)
    for server in daemons.servers:
        assert_content(server)
    assert_mtu_matters(web, db)
    for server in daemons.servers:
        assert_told(server, "Incus or LXD: ")


def test_its_own_bridge_as_the_overlays(daemons: GuestSite, kind: incus.Kind) -> None:
    """It is neither altered nor deleted; and an instance gets its address across the overlay."""
    type_recipe(daemons.hosts, "lxd-incus.md", OWN_BRIDGE, kind.typed)
    found: list[Snapshot] = [snapshot(server) for server in daemons.servers]
    daemons.start_with(kind.translated(config("lxd-incus.md", OWN_BRIDGE)))

    one, other = daemons.pair
    web, db = kind.guest(one, "web"), kind.guest(other, "db")
    for guest in (web, db):
        eventually(
            lambda g=guest: g.json("ip -j -4 addr show dev eth0"),  # type: ignore[misc]
            f"{guest.name} has an address by DHCP",
        )
    assert_one_segment(web, db)
    for server, before in zip(daemons.servers, found, strict=True):
        now = snapshot(server)
        assert_equal(before.of(before.links), now.of(before.links))
        server.stop()
        assert server.vxland("down").returncode == 0
        assert_equal(before, snapshot(server))
