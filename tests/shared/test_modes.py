"""An overlay that is moved from one mode to the other by editing the file, and back."""

from collections.abc import Iterator

import pytest

from tests.daemon.daemon_view import problem
from tests.lab import Site, eventually
from tests.lab.site import config
from tests.shared.segment import DEVICE, flood, index, once, rows, shared

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

GUARDED = shared(1, 2, 3, more="")
MESHED = config((1, 2, 3))
HINT = 'overlay lan goes from mode = "mesh" to "shared"'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers of a mesh, with a container behind each, and addresses of both families."""
    with Site(tmp_path_factory.mktemp("modes"), 3) as made:
        for number, server in enumerate(made.servers, 1):
            server.sh(f"ip -6 addr add 2001:db8::{number}/64 dev eth0 nodad")
        made.start(MESHED)
        made.add_containers()
        yield made


def test_there_and_back(site: Site) -> None:
    """Plan says what it interrupts; traffic goes on once all have the other mode."""
    one, two, three = site.containers
    site.write(GUARDED)
    for server in site.servers:
        planned = server.vxland("plan").stdout
        assert "goes from mode" in planned or server.link(DEVICE), planned
    for server in site.servers:
        server.configure(GUARDED)
        assert server.link("vxl-lan-lxd2") is None
    site.all_reach()
    once(one, two, three)
    for server in site.servers:
        server.configure(MESHED)
        assert server.link(DEVICE) is None
    site.all_reach()
    once(two, one, three)


def test_it_is_told_once(site: Site) -> None:
    """As a hint of the one turn, in the journal and in the events; the node is in sync after it."""
    server = site.servers[0]
    server.configure(GUARDED)
    told = server.ask("events")["events"]
    assert any(HINT in event["found"] for event in told)
    assert HINT in server.log.read_text()
    eventually(server.in_sync, "all is well")
    assert not any(HINT in problem["text"] for problem in server.status()["problems"])


def test_families_have_a_device_each(site: Site) -> None:
    """Guarded from each other, and everybody reaches everybody once, whoever is of which."""
    both = GUARDED.replace("192.0.2.3", "2001:db8::3")
    for server in site.servers:
        server.configure(both)
    first, _, third = site.servers
    assert (flood(first), flood(first, "vxl-lan6")) == (["192.0.2.2"], ["2001:db8::3"])
    assert (flood(third), flood(third, "vxl-lan6")) == (["192.0.2.1", "192.0.2.2"], [])
    assert rows(first)["lxd3"]["device"] == "vxl-lan6"
    site.all_reach()
    one, two, three = site.containers
    once(one, two, three)
    once(three, one, two)


def test_two_families_need_a_guard(site: Site) -> None:
    """Without one the second port stays down, and it is said why."""
    server = site.servers[0]
    both = shared(1, 2, 3).replace("192.0.2.3", "2001:db8::3")
    server.write(both)
    assert server.ask("reload")["errors"] == []
    eventually(lambda: rows(server)["lxd3"]["state"] == "down", lambda: f"{rows(server)}")
    assert rows(server)["lxd2"]["in_sync"]
    assert "vxl-lan6 stays down" in problem(server, "guard")["text"]
    server.configure(GUARDED)


def test_a_thousand_peers(site: Site) -> None:
    """All at once, one less, and nothing fails."""
    server = site.servers[0]
    peers = "".join(
        f'\n[[peer]]\nname = "far{n}"\naddress = "198.18.{n // 250}.{n % 250 + 1}"\n'
        for n in range(1000)
    )
    server.sh("ip route add 198.18.0.0/15 dev eth0")
    server.configure(GUARDED + peers)
    before = index(server)
    assert len(flood(server)) == 1002
    server.configure(GUARDED + peers.rpartition("\n[[peer]]")[0])
    assert (len(flood(server)), index(server)) == (1001, before)
    (overlay,) = server.status()["overlays"]
    assert (overlay["peers_wanted"], overlay["tunnels_present"]) == (1001, 1001)
