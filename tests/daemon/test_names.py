"""Peers by host name, before a real name server that moves them, lies, is silent or is gone."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.daemon_view import problem, problems
from tests.daemon.kernel_view import assert_equal, eventually_equal, snapshot
from tests.lab import Moments, Server, Site, eventually
from tests.lab.dns import LOCAL, ZONE, NameServer, name_servers
from tests.lab.site import HEAD

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

RECORDS = {f"lxd{n}": f"192.0.2.{n}" for n in (1, 2, 3)}
LXD2, LXD3 = "vxl-lan-lxd2", "vxl-lan-lxd3"


def config(**names: str) -> str:
    """The same for all: every peer by its name."""
    hosts = {f"lxd{n}": f"lxd{n}.{ZONE}" for n in (1, 2, 3)} | names
    peers = (f'\n[[peer]]\nname = "{n}"\naddress = "{host}"\n' for n, host in hosts.items())
    return HEAD + "".join(peers)


@dataclass
class Scene:
    """Servers that know each other by name, each with a name server of its own."""

    site: Site
    names: list[NameServer]

    @property
    def server(self) -> Server:
        return self.site.servers[0]

    @property
    def dns(self) -> NameServer:
        return self.names[0]

    def records(self, **changed: str) -> None:
        """Other answers everywhere."""
        for names in self.names:
            names.records(RECORDS | changed)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def scene(stack: ExitStack, folder: Path, count: int = 1) -> Scene:
    """So many servers, all as wanted."""
    stack.enter_context(name_servers("nameserver 127.0.0.1\nsearch other.test mesh.test\n"))
    site = stack.enter_context(Site(folder, count))
    names = [stack.enter_context(NameServer(s, folder, RECORDS)) for s in site.servers]
    site.write(config())
    for server in site.servers:
        server.start(wait=False)
    for server in site.servers:
        laid_out(server)
    return Scene(site, names)


def laid_out(server: Server) -> None:
    """Wait until both tunnels are there and all is as wanted."""
    eventually(
        lambda: server.in_sync() and len(tunnels(server)) == 2,
        lambda: f"{server.name} has its tunnels: {server.status()}; it logged:\n{server.tail()}",
    )


def tunnels(server: Server) -> dict[str, dict[str, Any]]:
    """Its tunnels by peer."""
    overlays = server.status().get("overlays") or [{"tunnels": []}]
    return {tunnel["peer"]: tunnel for tunnel in overlays[0]["tunnels"]}


def remote(server: Server, device: str = LXD2) -> str | None:
    """Where the kernel has a tunnel lead."""
    link = server.link(device)
    if link is None:
        return None
    data = link["linkinfo"]["info_data"]
    return str(data.get("remote", data.get("remote6")))


def leads_to(server: Server, address: str, device: str = LXD2) -> None:
    """Wait until a tunnel leads there, and frames for all go there alone."""
    eventually(
        lambda: remote(server, device) == address and server.in_sync(),
        lambda: f"{device} leads to {remote(server, device)}; logged:\n{server.tail()}",
    )
    flood = [e["dst"] for e in server.json(f"bridge -j fdb show dev {device}") if "dst" in e]
    assert flood == [address]


def asked_again(scene: Scene) -> None:
    """Have all names looked up, and wait until another turn knows what came of it."""
    assert scene.server.ask("reload")["errors"] == []


def test_a_machine_and_its_peers_are_found_by_name(stack: ExitStack, tmp_path: Path) -> None:
    """With the same file everywhere, and frames go through."""
    found = scene(stack, tmp_path, 3)
    assert [s.status()["node"] for s in found.site.servers] == ["lxd1", "lxd2", "lxd3"]
    one = found.site.servers[0]
    hosts = {name: tunnel["host"] for name, tunnel in tunnels(one).items()}
    assert hosts == {name: f"{name}.{ZONE}" for name in ("lxd2", "lxd3")}
    found.site.add_containers()


def test_another_answer_moves_one_tunnel_in_place(stack: ExitStack, tmp_path: Path) -> None:
    """The device stays, the flood entry follows, the other tunnel isn't touched."""
    found = scene(stack, tmp_path, 3)
    one, two, _ = found.site.servers
    found.site.add_containers()
    before = snapshot(one)
    two.sh("ip addr del 192.0.2.2/24 dev eth0; ip addr add 192.0.2.22/24 dev eth0")
    with Moments(one) as moments:
        found.records(lxd2="192.0.2.22")  # seen when the TTL is over
        leads_to(one, "192.0.2.22")
        found.site.all_reach()
    after = snapshot(one)
    assert after.indexes == before.indexes
    assert_equal(before.of([LXD3, "vxbr0"]), after.of([LXD3, "vxbr0"]))
    assert moments.gone == {}
    assert tunnels(one)["lxd2"]["address"] == "192.0.2.22"


def test_peers_that_change_places(stack: ExitStack, tmp_path: Path) -> None:
    """Each tunnel is moved in place, whichever answer comes first."""
    found = scene(stack, tmp_path)
    before = snapshot(found.server).indexes
    found.records(lxd2="192.0.2.3", lxd3="192.0.2.2")
    asked_again(found)
    leads_to(found.server, "192.0.2.3")
    leads_to(found.server, "192.0.2.2", LXD3)
    assert snapshot(found.server).indexes == before


def silence(dns: NameServer) -> None:
    dns.signal(signal.SIGSTOP)


def refusal(dns: NameServer) -> None:
    """It has no records, and nobody to ask."""
    dns.stop()
    dns.records({})
    dns.start("--no-negcache")


def nothing(dns: NameServer) -> None:
    dns.records({})


def empty(dns: NameServer) -> None:
    """The names are there, without addresses."""
    dns.stop()
    dns.records({})
    dns.start(*LOCAL, *(f"--txt-record={name}.{ZONE},none" for name in RECORDS))


DOWN = {
    "killed": NameServer.stop,
    "silent": silence,
    "no such name": nothing,
    "empty": empty,
    "refused": refusal,
}


@pytest.mark.parametrize("harm", DOWN.values(), ids=DOWN.keys())
def test_nothing_changes_while_dns_is_down(
    stack: ExitStack,
    tmp_path: Path,
    harm: Any,  # noqa: ANN401 - one of DOWN
) -> None:
    """Not when it is asked again, and not by a restart: repairs go on at once all the while."""
    found = scene(stack, tmp_path)
    server = found.server
    before = snapshot(server)
    harm(found.dns)
    asked_again(found)
    eventually(
        lambda: problems(server, "hint") and f"lxd1.{ZONE}" in problem(server, "hint")["text"],
        lambda: f"a hint: {server.status()}; it logged:\n{server.tail()}",
    )
    assert server.in_sync()
    assert_equal(before, snapshot(server))

    server.stop()
    server.start()
    eventually(server.in_sync, lambda: f"in sync: {server.status()}\n{server.tail()}")
    assert (server.status()["node"], len(tunnels(server))) == ("lxd1", 2)
    assert_equal(before, snapshot(server))
    server.sh(f"ip link set {LXD2} type vxlan remote 192.0.2.99; ip link delete {LXD3}")
    eventually_equal(before.still, lambda: snapshot(server).still, server.tail)


def test_dns_that_comes_back_moves_what_moved(stack: ExitStack, tmp_path: Path) -> None:
    """Without a word from anybody."""
    found = scene(stack, tmp_path)
    found.dns.stop()
    found.server.stop()
    found.server.start()
    found.server.settled()
    found.dns.records(RECORDS | {"lxd3": "192.0.2.33"})
    found.dns.start()
    leads_to(found.server, "192.0.2.33", LXD3)
    assert remote(found.server) == "192.0.2.2"


def test_a_name_without_an_address_waits_alone(stack: ExitStack, tmp_path: Path) -> None:
    """The others have their tunnels; reload looks it up at once."""
    found = scene(stack, tmp_path)
    server = found.server
    server.write(config(lxd9=f"lxd9.{ZONE}"))
    said = problem(server, "waiting")
    assert (said["peer"], said["overlay"]) == ("lxd9", "lan")
    assert f"lxd9.{ZONE}" in said["text"]
    eventually(lambda: "NXDOMAIN" in problem(server, "waiting")["text"], server.tail)
    assert server.status()["overlays"][0]["waiting"] == ["lxd9"]
    assert {t["in_sync"] for t in tunnels(server).values()} == {True}
    assert server.vxland("plan").returncode == 1  # nothing that can be done
    found.records(lxd9="192.0.2.9")
    asked_again(found)
    leads_to(server, "192.0.2.9", "vxl-lan-lxd9")


def test_one_address_for_two_peers(stack: ExitStack, tmp_path: Path) -> None:
    """Who had it first has it; the other one's tunnel stays as it is."""
    found = scene(stack, tmp_path)
    found.records(lxd3="192.0.2.2")
    asked_again(found)
    said = problem(found.server, "conflict")
    assert (said["peer"], "192.0.2.2" in said["text"]) == ("lxd3", True)
    assert [remote(found.server), remote(found.server, LXD3)] == ["192.0.2.2", "192.0.2.3"]


def test_several_addresses(stack: ExitStack, tmp_path: Path) -> None:
    """The one that is used stays while it is among them, else it is the smallest."""
    found = scene(stack, tmp_path)
    found.records(lxd2="192.0.1.9 192.0.2.200 192.0.2.2", lxd3="192.0.2.202 192.0.2.33")
    asked_again(found)
    leads_to(found.server, "192.0.2.33", LXD3)
    assert remote(found.server) == "192.0.2.2"


def test_another_family_is_another_device(stack: ExitStack, tmp_path: Path) -> None:
    """Where both ends have only that one; the plan says so."""
    found = scene(stack, tmp_path)
    server = found.server
    server.sh("ip addr add 2001:db8::1/64 dev eth0 nodad")
    before = snapshot(server).indexes
    found.records(lxd1="192.0.2.1 2001:db8::1", lxd2="2001:db8::2")
    said = server.vxland("plan").stdout
    assert ("2001:db8::2" in said, f"delete {LXD2}" in said) == (True, True)
    asked_again(found)
    leads_to(server, "2001:db8::2")
    after = snapshot(server).indexes
    assert (after[LXD2] != before[LXD2], after[LXD3]) == (True, before[LXD3])


def test_commands_ask_by_themselves(stack: ExitStack, tmp_path: Path) -> None:
    """Without the daemon; and where nobody answers, tunnels are what is remembered."""
    found = scene(stack, tmp_path)
    server = found.server
    server.stop()
    assert server.vxland("check").returncode == 0
    assert server.vxland("plan").returncode == 0
    found.records(lxd2="192.0.2.22")
    assert "192.0.2.22" in server.vxland("plan").stdout
    found.dns.stop()
    silent = server.vxland("plan")
    assert (silent.returncode, "can't be looked up" in silent.stdout) == (0, True)
    server.sh(f"ip link delete {LXD3}")
    assert "lxd3" in server.vxland("apply").stderr
    assert (remote(server), remote(server, LXD3)) == ("192.0.2.2", None)


def test_slow_dns_delays_nothing(stack: ExitStack, tmp_path: Path) -> None:
    """While every lookup hangs, drift is put right, and a reload answered."""
    found = scene(stack, tmp_path)
    server = found.server
    found.dns.signal(signal.SIGSTOP)
    asked_again(found)
    before = found.dns.log.read_text()
    with Moments(server) as moments:
        server.sh(f"ip link delete {LXD2}")
        eventually(lambda: LXD2 in moments.back, server.tail, patience=3.9)
    assert found.dns.log.read_text() == before  # nothing was answered meanwhile


def test_a_short_ttl_is_lengthened(stack: ExitStack, tmp_path: Path) -> None:
    """One of a second: the server isn't asked every second."""
    found = scene(stack, tmp_path)
    eventually(lambda: found.dns.queries("lxd2") >= 3, "it is asked again and again")
    lines = [line for line in found.dns.log.read_text().splitlines() if "query[A] lxd2" in line]
    seconds = [
        sum(60**n * int(t) for n, t in enumerate(reversed(line.split()[2].split(":"))))
        for line in lines
    ]
    gaps = [(b - a) % 86400 for a, b in pairwise(seconds)]
    assert min(gaps) >= 4  # 5, as whole seconds show it


@pytest.mark.parametrize("by", ["reload", "SIGHUP"])
def test_who_asks_neednt_wait_for_the_ttl(stack: ExitStack, tmp_path: Path, by: str) -> None:
    """All names are looked up at once."""
    found = scene(stack, tmp_path)
    server = found.server
    found.dns.stop()
    found.dns.start(ttl=3600)
    questions = found.dns.queries("lxd3")
    eventually(lambda: found.dns.queries("lxd3") > questions, "it is asked for once more")
    found.records(lxd3="192.0.2.33")
    assert remote(server, LXD3) == "192.0.2.3"
    if by == "reload":
        assert server.vxland("reload").returncode == 0
    elif server.daemon is not None:
        server.daemon.send_signal(signal.SIGHUP)
    leads_to(server, "192.0.2.33", LXD3)


def test_names_from_hosts_and_by_search_domain(stack: ExitStack, tmp_path: Path) -> None:
    """As anything else on the machine finds them; the machine's own 127.0.1.1 says nothing."""
    found = scene(stack, tmp_path)
    server = found.server
    text = f"127.0.0.1 localhost\n127.0.1.1 lxd1\n192.0.2.77 there lxd3.{ZONE}  # here\n"
    stack.enter_context(name_servers(text, Path("/etc/hosts")))
    server.configure(config(lxd1="lxd1", lxd2="LXD2", lxd3="there"))
    leads_to(server, "192.0.2.77", LXD3)
    assert (server.status()["node"], remote(server)) == ("lxd1", "192.0.2.2")
