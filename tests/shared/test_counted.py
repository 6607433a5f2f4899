"""What each peer sent and got, by the metrics of daemons in shared mode."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.daemon.daemon_view import metrics, problems
from tests.daemon.test_circumstances import LACKING
from tests.lab import Server, Site, eventually
from tests.lab.server import BOUND, VXLAND
from tests.lab.site import config
from tests.shared.segment import repairs, rows, shared

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.timeout(120, func_only=True)]

PACKETS = 20
SIZE = 1000  # bytes of an inner packet
INNER = PACKETS * SIZE
WAYS = ("receive", "transmit")
TABLE = "inet vxland"
THREE = shared(1, 2, 3)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers; guests speak only when they are told to, so that all can be counted."""
    with Site(tmp_path_factory.mktemp("counted"), 3) as made:
        for server in made.servers:
            server.sh("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
        made.start(THREE)
        made.add_containers()
        yield made


def start_lacking(server: Server, what: str) -> None:
    """Start a daemon whose kernel lacks something."""
    run = (*LACKING, what, str(VXLAND), "run", "--config", str(server.config))
    with server.log.open("ab") as log:
        server.daemon = subprocess.Popen(
            [*BOUND, *server.command(*run)], stdout=log, stderr=log, start_new_session=True
        )
    server.settled()


def counted(server: Server, peer: str) -> dict[str, tuple[float, float]]:
    """Packets and bytes each way, by a scrape."""
    seen = metrics(server)
    return {
        way: (
            seen(f"vxland_tunnel_{way}_packets_total", peer=peer),
            seen(f"vxland_tunnel_{way}_bytes_total", peer=peer),
        )
        for way in WAYS
    }


def ping(site: Site, one: int, other: int) -> None:
    """So many packets of this size, and as many back."""
    words = f"ping -q -c{PACKETS} -i0.01 -s {SIZE - 28} {site.containers[other].address}"
    site.containers[one].sh(words)


def grown(server: Server, peer: str, before: dict[str, tuple[float, float]]) -> bool:
    """By the pings in either way, at least; neighbours may have been asked for, too."""
    now = counted(server, peer)
    return all(
        PACKETS <= now[way][0] - before[way][0] < 2 * PACKETS
        and INNER <= now[way][1] - before[way][1] < 2 * INNER
        for way in WAYS
    )


def passed(site: Site, one: int, other: int) -> None:
    """Pings from one server to another are told of at both ends, each way, and of no third."""
    names = [f"lxd{number + 1}" for number in (one, other)]
    ends = ((site.servers[one], names[1]), (site.servers[other], names[0]))
    before = [counted(server, peer) for server, peer in ends]
    third = next(n for n in range(3) if n not in (one, other))
    quiet = counted(site.servers[third], names[0])
    ping(site, one, other)
    for (server, peer), then in zip(ends, before, strict=True):
        eventually(
            lambda server=server, peer=peer, then=then: grown(server, peer, then),  # type: ignore[misc]
            lambda server=server, peer=peer, then=then: (  # type: ignore[misc]
                f"{server.name} has counted for {peer}: {then}, {counted(server, peer)}"
            ),
        )
    after = counted(site.servers[third], names[0])
    assert all(after[way][1] - quiet[way][1] < INNER for way in WAYS)


def test_each_peer_is_counted_for_itself(site: Site) -> None:
    """As many packets and bytes as a tunnel's own device would count; status has the same."""
    passed(site, 0, 1)
    passed(site, 2, 0)
    server = site.servers[0]
    assert rows(server)["lxd2"]["traffic"]["receive_bytes"] >= INNER
    assert rows(server)["lxd2"]["traffic"]["receive_errors"] == 0
    by_eye = server.vxland("status", "--json").stdout
    assert '"receive_bytes"' in by_eye


def test_a_peer_that_goes_leaves_the_others_counters(site: Site) -> None:
    """And begins anew when it comes back."""
    server = site.servers[0]
    passed(site, 0, 1)
    passed(site, 0, 2)
    before = counted(server, "lxd2")
    made = server.sh("nft -a list tables")
    server.configure(shared(1, 2))
    assert "192.0.2.3" not in server.sh(f"nft list table {TABLE}")
    after = counted(server, "lxd2")
    assert all(after[way] >= before[way] for way in WAYS)
    server.configure(THREE)
    assert server.sh("nft -a list tables") == made
    assert all(counted(server, "lxd3")[way][1] < INNER for way in WAYS)
    passed(site, 0, 2)


def test_counters_go_on_where_rules_are_flushed(site: Site) -> None:
    """Where the kernel can, nobody but the daemon flushes them; else they are there again."""
    older = site.servers[1]
    older.stop()
    older.sh(f"nft delete table {TABLE}")
    start_lacking(older, "persist")
    passed(site, 1, 0)
    for server in site.servers[:2]:
        peer = "lxd1" if server is older else "lxd2"
        before = counted(server, peer)
        server.sh("nft flush ruleset")
        eventually(lambda server=server: is_there(server), "it is back")  # type: ignore[misc]
        server.settled()
        after = counted(server, peer)
        assert all(after[way] >= before[way] for way in WAYS)
        assert all(before[way][1] >= INNER for way in WAYS)
    assert ("", f"table {TABLE} missing") in repairs(older)
    passed(site, 1, 0)


def is_there(server: Server) -> bool:
    """Whether the server has the table."""
    return f"table {TABLE}" in server.sh("nft list tables").splitlines()


def test_it_goes_with_the_mode_and_with_vxland(site: Site) -> None:
    """Nothing of it is left in a mesh, nor after ``vxland down``."""
    server = site.servers[2]
    assert is_there(server)
    server.configure(config((1, 2, 3)))
    assert not is_there(server)
    server.configure(THREE)
    server.stop()
    assert is_there(server)
    server.vxland("down", check=True)
    assert not is_there(server)


def test_without_nftables_there_are_tunnels_and_a_hint(site: Site) -> None:
    """Told once, with what to do; no number is told for a peer."""
    server = site.servers[2]
    server.write(THREE.replace("vni", 'ingress = "off"\nvni', 1))
    start_lacking(server, "nfnetlink")
    hint = next(p for p in problems(server, "hint") if "counted" in p["text"])
    assert "aren't counted one by one" in hint["text"]
    assert "modprobe nf_tables" in hint["cure"]
    assert rows(server)["lxd1"]["traffic"] is None
    names = {name for name, _ in metrics(server).samples}
    assert "vxland_tunnel_in_sync" in names
    assert "vxland_tunnel_receive_bytes_total" not in names
    site.all_reach()
