"""Three servers, one device each: what comes and goes touches its own flood entry alone."""

from collections.abc import Iterator

import pytest

from tests.daemon.test_config_reload import nothing_lost
from tests.lab import Site, eventually
from tests.shared.segment import (
    DEVICE,
    entries,
    flood,
    index,
    learned,
    once,
    repairs,
    rows,
    shared,
)

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

ALL = shared(1, 2, 3)
STRAY = "192.0.2.66"
SECOND = """
[[overlay]]
name = "dmz"
bridge = "vxbr1"
mode = "shared"
vni = 4711
port = {}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers, with a container behind each."""
    with Site(tmp_path_factory.mktemp("segment"), 3) as made:
        made.start(ALL)
        made.add_containers()
        yield made


@pytest.fixture(autouse=True)
def _as_at_first(site: Site) -> Iterator[None]:
    """Whatever a test did to the file."""
    yield
    for server in site.servers:
        server.configure(ALL)


def test_it_is_one_device_that_learns(site: Site) -> None:
    """Without a remote, with a flood list of all others, and in sync by every peer's row."""
    server = site.servers[0]
    link = server.link(DEVICE)
    assert link is not None
    data = link["linkinfo"]["info_data"]
    assert (data["id"], data["local"], data["learning"]) == (4711, "192.0.2.1", True)
    assert not {"remote", "group"} & data.keys()
    assert flood(server) == ["192.0.2.2", "192.0.2.3"]
    found = {
        peer: (row["address"], row["device"], row["state"], row["in_sync"])
        for peer, row in rows(server).items()
    }
    assert found == {
        "lxd2": ("192.0.2.2", DEVICE, "up", True),
        "lxd3": ("192.0.2.3", DEVICE, "up", True),
    }


def test_a_broadcast_arrives_once(site: Site) -> None:
    """Whoever sends it."""
    one, two, three = site.containers
    once(one, two, three)
    once(two, one, three)
    once(three, one, two)


def test_a_peer_that_leaves_and_comes_back_touches_nobody_else(site: Site) -> None:
    """Its flood entry goes and comes, and what was learned from it goes along."""
    server = site.servers[0]
    one, two, three = site.containers
    assert one.reaches(two.address)
    assert one.reaches(three.address)
    before = index(server)
    known = learned(server, "192.0.2.2")
    assert known
    assert learned(server, "192.0.2.3")
    site.underlay.sh("ip link set p3 down")  # or it would be learned again
    try:
        with nothing_lost(one, two):
            server.configure(shared(1, 2))
            assert flood(server) == ["192.0.2.2"]
            assert learned(server, "192.0.2.3") == set()
            assert rows(server).keys() == {"lxd2"}
            server.configure(ALL)
            assert flood(server) == ["192.0.2.2", "192.0.2.3"]
        assert learned(server, "192.0.2.2") >= known
        assert index(server) == before
    finally:
        site.underlay.sh("ip link set p3 up")
    site.all_reach()


def test_drift_of_the_flood_list(site: Site) -> None:
    """A foreign entry goes, a deleted one comes back, and it is told whose it was."""
    server = site.servers[0]
    told = len(repairs(server))
    server.sh(f"bridge fdb append 00:00:00:00:00:00 dev {DEVICE} dst {STRAY}")
    eventually(lambda: STRAY not in flood(server), lambda: f"{entries(server)}")
    server.sh(f"bridge fdb del 00:00:00:00:00:00 dev {DEVICE} dst 192.0.2.3")
    eventually(lambda: "192.0.2.3" in flood(server), lambda: f"{entries(server)}")
    eventually(lambda: len(repairs(server)) >= told + 2, lambda: f"{repairs(server)}")
    assert repairs(server)[-2:] == [
        ("*", f"flood entry to {STRAY} too many"),
        ("lxd3", "192.0.2.3 not in its flood list"),
    ]
    eventually(server.in_sync, "all is well")
    assert rows(server)["lxd3"]["last_repair"] is not None


def test_a_remote_that_somebody_sets_goes(site: Site) -> None:
    """And what the kernel takes along with it comes back."""
    server = site.servers[0]
    before = index(server)
    server.sh(f"ip link set {DEVICE} type vxlan remote 192.0.2.2")

    def mended() -> bool:
        link = server.link(DEVICE)
        bare = link is not None and "remote" not in link["linkinfo"]["info_data"]
        return bare and flood(server) == ["192.0.2.2", "192.0.2.3"]

    eventually(mended, lambda: f"{server.link(DEVICE)} {entries(server)}")
    assert index(server) == before


def test_a_deleted_device_comes_back(site: Site) -> None:
    """With its whole list."""
    server = site.servers[0]
    before = index(server)
    server.sh(f"ip link del {DEVICE}")
    eventually(
        lambda: (
            index(server) not in {0, before}
            and flood(server) == ["192.0.2.2", "192.0.2.3"]
            and server.in_sync()
        ),
        server.tail,
    )
    site.all_reach()


def test_a_restart_keeps_all(site: Site) -> None:
    """Device, list, what was learned, and every frame."""
    server = site.servers[0]
    one, two, _ = site.containers
    before = index(server)
    known = {(entry["mac"], entry["dst"]) for entry in entries(server)}
    with nothing_lost(one, two):
        server.stop()
        server.start()
        server.settled()
    assert index(server) == before
    assert {(entry["mac"], entry["dst"]) for entry in entries(server)} >= known
    assert repairs(server) == []


@pytest.mark.parametrize("guard", ['guard = ["isolated", "ebtables"]\n', 'guard = ["nftables"]\n'])
def test_guards_come_and_go(site: Site, guard: str) -> None:
    """None is needed, any may be had, and no frame is lost when that changes."""
    one, two, _ = site.containers
    server = site.servers[0]
    with nothing_lost(one, two):
        server.configure(shared(1, 2, 3, more=guard))
        server.configure(ALL)
    assert "VXLAND" not in server.sh("ebtables-save")


def test_down_takes_all_of_it(site: Site) -> None:
    """And nothing else; whoever comes back later, learns again."""
    server = site.servers[0]
    server.stop()
    server.vxland("down", check=True)
    assert server.link(DEVICE) is None
    server.start()
    server.settled()
    site.all_reach()


def test_it_is_not_alone_on_a_node(site: Site) -> None:
    """The same VNI on another port is another one's; on the same port it is refused."""
    server = site.servers[0]
    server.configure(ALL + SECOND.format(4790))
    assert index(server, "vxl-dmz")
    server.write(ALL + SECOND.format(4789))
    (error,) = server.ask("reload")["errors"]
    assert 'overlay "lan" and overlay "dmz" have the same VNI' in error
