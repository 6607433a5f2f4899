"""What a purge of the Debian package takes down, once vxland itself is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.kernel_view import assert_equal, rules, snapshot
from tests.lab import Server, Site
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

POSTRM = Path(__file__).resolve().parents[2] / "packaging" / "debian" / "postrm"
# Its functions, with the /sys of the namespace that it runs in.
SCRIPT = f"""
mount -t sysfs sysfs /sys
set -- nothing
. {POSTRM}
take_down
"""
STRANGERS = """
ip link add mine type vxlan id 7 remote 192.0.2.9 dstport 4790
ip link add bridge9 type bridge
ip link add veth9 type veth peer name veth8
ip link set veth9 master bridge9 alias vxland-like
ebtables -N MINE
ebtables -A FORWARD -j MINE
"""
USERS = {
    "a port": "ip link add veth7 type veth peer name veth6; ip link set veth7 master vxbr0",
    "a device on it": "ip link add macvlan7 link vxbr0 type macvlan",
}
ADDRESS = "ip address add 10.9.9.9/24 dev vxbr0"


@pytest.fixture
def server(tmp_path: Path, laboratory: None) -> Iterator[Server]:
    """One with things of other people's beside vxland's."""
    del laboratory
    with Site(tmp_path, 1) as site:
        (server,) = site.servers
        server.write(config([1, 2, 3]).replace('"vxbr0"', '"vxbr0"\naddresses = ["10.10.10.1/24"]'))
        server.sh(STRANGERS)
        yield server


def purge(server: Server) -> None:
    """What postrm does to the network."""
    server.run(["unshare", "--mount", "sh", "-ec", SCRIPT])


def test_nothing_of_vxlands_is_left_and_nothing_else_is_touched(server: Server) -> None:
    before = snapshot(server)
    server.vxland("apply", check=True)
    assert "VXLAND" in "".join(rules(server))
    assert server.link("vxl-lan-lxd3")
    purge(server)
    assert_equal(before, snapshot(server))


def test_the_tables_go_and_no_others(server: Server) -> None:
    """Also those that a daemon owned, with the flag persist."""
    more = '"vxbr0"\nguard = ["nftables"]\nmode = "shared"\nvni = 4711'
    server.config.write_text(server.config.read_text().replace('"vxbr0"', more))
    server.sh("nft 'add table bridge mine; add table inet mine'")
    before = server.sh("nft list tables")
    server.start()
    server.settled()
    server.stop()
    tables = server.sh("nft list tables")
    assert "table bridge vxland" in tables
    assert "table inet vxland" in tables
    purge(server)
    assert server.sh("nft list tables") == before


@pytest.mark.parametrize("name", USERS)
def test_a_bridge_that_somebody_uses_stays(server: Server, name: str) -> None:
    server.vxland("apply", check=True)
    server.sh(USERS[name])
    purge(server)
    assert server.link("vxbr0")
    assert server.link("vxl-lan-lxd3") is None
    assert "VXLAND" not in "".join(rules(server))


def test_an_address_of_somebody_elses_keeps_the_bridge_where_ip_tells_them_apart(
    server: Server,
) -> None:
    """Debian 12's doesn't; docs/service.md says so."""
    server.vxland("apply", check=True)
    server.sh(ADDRESS)
    tells = "ADDRPROTO" in server.sh("ip address help 2>&1 || true")
    purge(server)
    assert (server.link("vxbr0") is not None) == tells
