"""Other people's things: left as they are, named where they are in the way, never taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import strangers
from tests.daemon.daemon_view import (
    frozen,
    logged,
    metrics,
    problem,
    problems,
    quiet,
)
from tests.daemon.kernel_view import (
    Snapshot,
    assert_equal,
    eventually_equal,
    has_addresses,
    rules,
    snapshot,
)
from tests.lab import Namespace, Server, Site, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

TUNNELS = ("vxl-lan-lxd2", "vxl-lan-lxd3")
PEERS = range(1, 4)
VNI = 10883308  # of lxd1 and lxd2 in overlay lan
TUNNEL_IN_THE_BRIDGE = """\
ip link add stranger0 type vxlan id 99 remote 192.0.2.201 local 192.0.2.1 dstport 4791
ip link set stranger0 master vxbr0 up
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One of three servers, with its configuration and without anything of vxland's."""
    with Site(tmp_path, 1) as site:
        site.write(config(PEERS))
        yield site.servers[0]


def calm(server: Server) -> Snapshot:
    """The server once the kernel has given its devices the addresses that it gives by itself."""
    eventually(lambda: has_addresses(server), "the kernel's own addresses are there")
    return snapshot(server)


def down(server: Server) -> str:
    """Stop the daemon and take everything of vxland's away; returns what that printed."""
    server.stop()
    done = server.vxland("down")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def assert_removed(server: Server, before: Snapshot) -> None:
    """Nothing is left of vxland, and nothing else gone."""
    assert_equal(before, snapshot(server))


def up(server: Server, *devices: str) -> dict[str, bool]:
    """Which of these devices are there and up."""
    links = {name: server.link(name) for name in devices}
    return {name: link is not None and "UP" in link["flags"] for name, link in links.items()}


@pytest.mark.parametrize("rules_of_others", [True, False])
def test_strangers_are_left_alone(server: Server, *, rules_of_others: bool) -> None:
    """At the start, at a reload and at the stop; and after ``down`` all is as before the start."""
    server.sh(strangers.ELSEWHERE)
    if rules_of_others:
        strangers.write_rules(server)
    before = calm(server)
    foreign = before.of(strangers.NAMES)

    server.start()
    quiet(server)
    assert set(TUNNELS) <= snapshot(server).links.keys()
    assert_equal(foreign, snapshot(server).of(strangers.NAMES))

    overlay = HEAD + 'guard = ["isolated"]\nttl = 9\naddresses = ["10.10.10.1/24"]\n'
    server.write(config([1, 3, 4], overlay))
    assert server.vxland("reload").returncode == 0
    quiet(server)
    assert {"vxl-lan-lxd3", "vxl-lan-lxd4"} <= snapshot(server).links.keys()
    assert_equal(foreign, snapshot(server).of(strangers.NAMES))

    running = snapshot(server)
    server.stop()
    assert_equal(running, snapshot(server))
    down(server)
    assert_removed(server, before)


def test_existing_bridge_is_used_as_it_is(server: Server) -> None:
    """Its settings and addresses stay; vxland's address comes and goes; ``down`` leaves it."""
    server.sh(
        "ip link add vxbr0 address 02:00:00:00:00:b0 type bridge forward_delay 300 priority 99"
        " mcast_snooping 1 ageing_time 4200; ip link set vxbr0 mtu 1400 up;"
        "ip addr add 10.10.10.77/24 dev vxbr0"
    )
    server.sh(strangers.IN_THE_BRIDGE)
    before = calm(server)
    server.write(config(PEERS, HEAD + 'addresses = ["10.10.10.1/24"]\n'))
    server.start()
    quiet(server)

    now = snapshot(server)
    assert_equal(before.links["vxbr0"], now.links["vxbr0"])
    assert {"vxbr0"} == {now.links[name]["master"] for name in TUNNELS}
    have = {address["local"] for address in now.addresses["vxbr0"]}
    assert {"10.10.10.1"} == have - {a["local"] for a in before.addresses["vxbr0"]}

    server.write(config(PEERS))
    eventually_equal(before.addresses["vxbr0"], lambda: snapshot(server).addresses["vxbr0"])
    quiet(server)
    assert_equal(before.links["vxbr0"], snapshot(server).links["vxbr0"])
    down(server)
    assert_removed(server, before)


def test_existing_bridge_that_is_down_stays_down(server: Server) -> None:
    """vxland says so, and waits for its owner."""
    server.sh("ip link add vxbr0 type bridge")
    server.start()
    assert problem(server, "waiting")["device"] == "vxbr0"
    assert up(server, "vxbr0") == {"vxbr0": False}
    server.sh("ip link set vxbr0 up")
    server.settled()


def test_down_leaves_a_bridge_with_others_ports(server: Server) -> None:
    """It says which ports those are, and takes the bridge once they are out."""
    before = calm(server)
    server.write(config(PEERS, HEAD + 'addresses = ["10.10.10.1/24"]\n'))
    server.start()
    server.settled()
    server.sh(strangers.IN_THE_BRIDGE)
    server.sh("ip addr add 10.10.20.77/24 dev vxbr0")
    quiet(server)
    guests = calm(server).of(strangers.NAMES_IN_THE_BRIDGE)

    said = down(server)
    assert "bridge vxbr0 stays" in said
    assert all(name in said for name in ("guest0", "vxl-guest0", "10.10.20.77/24"))
    now = snapshot(server)
    assert_equal(guests, now.of(strangers.NAMES_IN_THE_BRIDGE))
    assert set() == now.links.keys() & set(TUNNELS)
    addresses = {a["local"] for a in now.addresses["vxbr0"] if a["family"] == "inet"}
    assert {"10.10.20.77"} == addresses
    assert now.rules == ()

    server.sh("ip link del guest0; ip link del vxl-guest0; ip addr del 10.10.20.77/24 dev vxbr0")
    assert "delete vxbr0" in down(server)
    assert_removed(server, before)


@pytest.mark.parametrize("text", ["[[overlay\nbridge = 7", "", None])
def test_down_needs_no_config(server: Server, text: str | None) -> None:
    """A broken file, an empty one and none at all keep nothing from being removed."""
    before = calm(server)
    assert server.vxland("apply").returncode == 0
    assert set(TUNNELS) <= snapshot(server).links.keys()
    if text is None:
        server.config.unlink()
    else:
        server.write(text)
    down(server)
    assert_removed(server, before)


CONFLICTS = {
    "name of a tunnel": ("ip link add vxl-lan-lxd2 type veth peer name other0", "vxl-lan-lxd2"),
    "name of a tunnel, a VXLAN device": (
        "ip link add vxl-lan-lxd2 type vxlan id 55 remote 192.0.2.2 dstport 4789",
        "vxl-lan-lxd2",
    ),
    "name of a tunnel, as an altname": (
        "ip link property add dev eth0 altname vxl-lan-lxd2",
        "eth0",
    ),
    "altname of a tunnel": ("ip link property add dev eth0 altname vxland-lan+lxd2", "eth0"),
    "VNI": (f"ip link add mine0 type vxlan id {VNI} remote 192.0.2.2 dstport 4789", "mine0"),
    "name of the bridge": ("ip link add vxbr0 type veth peer name other0", "vxbr0"),
    "altname of the bridge": ("ip link property add dev eth0 altname vxland-lan", "eth0"),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_conflict_is_reported_and_nothing_taken(server: Server, name: str) -> None:
    """plan, status, the log and a metric name what holds it; once that is gone, all comes right."""
    script, holder = CONFLICTS[name]
    server.sh(script)
    before = calm(server)
    server.start()
    found = problem(server, "conflict")
    assert holder == found["device"]
    logged(server, "conflict: ", holder, found["cure"])

    seen = metrics(server)
    assert seen("vxland_problems", overlay="lan", kind="conflict") == 1
    assert seen("vxland_in_sync") == 0
    planned = server.vxland("plan")
    assert f"conflict: {found['text']}" in planned.stdout
    shown = server.vxland("status")
    assert shown.returncode == 2
    assert f"conflict: {found['text']}" in shown.stdout

    assert_equal(before.of(before.links), snapshot(server).of(before.links))
    assert up(server, "vxl-lan-lxd3") == {"vxl-lan-lxd3": "bridge" not in name}
    release = f"ip link property del dev eth0 altname {script.split()[-1]}"
    server.sh(release if holder == "eth0" else f"ip link del {holder}")
    server.settled()
    assert dict.fromkeys(TUNNELS, True) == up(server, *TUNNELS)
    logged(server, "no longer: ", found["text"])


def test_device_that_lost_both_marks_is_not_taken_back(server: Server) -> None:
    """It might be anybody's now: a conflict, and once it isn't guarded a hazard to the others.

    A mark brings it back.
    """
    server.start()
    server.settled()
    with frozen(server):
        server.sh(
            "ip link property del dev vxl-lan-lxd2 altname vxland-lan+lxd2;"
            "ip link set vxl-lan-lxd2 alias ''"
        )
    before = snapshot(server)
    eventually(lambda: problems(server, "conflict"), lambda: f"a conflict: {server.status()}")
    assert {"vxl-lan-lxd2"} == {found["device"] for found in problems(server, "conflict")}
    assert "vxland plan --adopt" in problems(server, "conflict")[0]["cure"]
    assert problems(server, "hazard") == []
    assert up(server, *TUNNELS) == dict.fromkeys(TUNNELS, True)
    names = {"vxl-lan-lxd2"}
    assert_equal(before.of(names), snapshot(server).of(names))

    server.sh("ip link set vxl-lan-lxd2 type bridge_slave isolated off")
    assert problem(server, "hazard")["device"] == "vxl-lan-lxd2"
    assert up(server, *TUNNELS) == {"vxl-lan-lxd2": True, "vxl-lan-lxd3": False}

    server.sh("ip link set vxl-lan-lxd2 alias vxland:lan:lxd2")
    server.settled()
    assert dict.fromkeys(TUNNELS, True) == up(server, *TUNNELS)
    assert before.indexes == snapshot(server).indexes


def test_foreign_tunnel_in_the_bridge(server: Server) -> None:
    """vxland's ports there go down, and come back when it is taken out, or allowed by name."""
    server.start()
    server.settled()
    server.sh(TUNNEL_IN_THE_BRIDGE)
    found = problem(server, "hazard")
    assert found["device"] == "stranger0"
    assert 'allow_tunnel_ports = ["stranger0"]' in found["cure"]
    logged(server, "hazard: ", "stranger0")
    eventually_equal(dict.fromkeys(TUNNELS, False), lambda: up(server, *TUNNELS))
    stranger = snapshot(server).of({"stranger0"})
    seen = metrics(server)
    assert seen("vxland_problems", overlay="lan", kind="hazard") == 1
    assert seen("vxland_overlay_looping_port_pairs") == 0
    assert server.vxland("status").returncode == 2
    assert "hazard: stranger0" in server.vxland("plan").stdout

    # What is done to a port that is kept down is put right, but the port stays down.
    server.sh("ip link set vxl-lan-lxd2 up; ip link del vxl-lan-lxd3")
    eventually(lambda: server.link("vxl-lan-lxd3"), "the tunnel is made again")
    eventually_equal(dict.fromkeys(TUNNELS, False), lambda: up(server, *TUNNELS))
    assert_equal(stranger, snapshot(server).of({"stranger0"}))

    server.sh("ip link set stranger0 nomaster")
    server.settled()
    assert dict.fromkeys(TUNNELS, True) == up(server, *TUNNELS)

    server.sh("ip link set stranger0 master vxbr0")
    problem(server, "hazard")
    server.write(config(PEERS, HEAD + 'allow_tunnel_ports = ["stranger0"]\n'))
    server.settled()
    assert dict.fromkeys((*TUNNELS, "stranger0"), True) == up(server, *TUNNELS, "stranger0")
    assert_equal(stranger, snapshot(server).of({"stranger0"}))


def homeless(server: Server) -> list[dict[str, str]]:
    """The hints about a port; that their MTU is too large is a hint about the bridge."""
    return [hint for hint in problems(server, "hint") if hint["device"]]


def test_others_ports_of_a_deleted_bridge(server: Server) -> None:
    """They are named with the command that puts them back, or put back where the file says so."""
    server.start()
    server.settled()
    server.sh(strangers.IN_THE_BRIDGE)
    quiet(server)
    server.sh("ip link del vxbr0")
    eventually(lambda: server.link("vxbr0"), "the bridge is made again")
    eventually(lambda: len(homeless(server)) == 2, lambda: f"hints: {server.status()}")
    hints = {hint["device"]: hint for hint in homeless(server)}
    assert {"guest0", "vxl-guest0"} == hints.keys()
    assert "ip link set guest0 master vxbr0" in hints["guest0"]["cure"]
    server.settled()
    assert {None} == {snapshot(server).links[name].get("master") for name in hints}

    server.sh("ip link set guest0 master vxbr0")
    eventually(lambda: len(homeless(server)) == 1, "one hint is left")
    server.write(config(PEERS, HEAD + "reattach = true\n"))
    eventually(lambda: not homeless(server), "no hint is left")
    for _ in range(2):
        eventually_equal(
            {"vxbr0"}, lambda: {snapshot(server).links[name].get("master") for name in hints}
        )
        quiet(server)
        server.sh("ip link del vxbr0")


def test_others_ports_reach_each_other(server: Server) -> None:
    """Though they are named like tunnels; and an administrator's rule drops what it dropped."""
    ports = {"vxl-one": "10.10.10.51", "vxl-two": "10.10.10.52"}
    guests = {port: Namespace(f"guest-{port}") for port in ports}
    try:
        server.start()
        server.settled()
        for port, guest in guests.items():
            server.sh(f"ip link add {port} type veth peer name eth0 netns {guest.path}")
            server.sh(f"ip link set {port} master vxbr0 up")
            guest.sh(f"ip addr add {ports[port]}/24 dev eth0; ip link set eth0 up")
        quiet(server)
        ping = ["ping", "-c1", "-W1", "-n", "10.10.10.52"]
        one = guests["vxl-one"]
        eventually(lambda: one.run(ping, check=False).returncode == 0, "one reaches two")
        server.sh("ebtables -A FORWARD -p IPv4 -i vxl-one -j DROP")
        quiet(server)
        assert one.run(ping, check=False).returncode == 1
        server.sh("ebtables -D FORWARD -p IPv4 -i vxl-one -j DROP")
        eventually(lambda: one.run(ping, check=False).returncode == 0, "one reaches two again")
    finally:
        for guest in guests.values():
            guest.delete()


def tunnels(server: Server) -> dict[str, tuple[int, str, bool]]:
    """Every VXLAN device's VNI, remote and learning."""
    found = {}
    for name, link in snapshot(server).links.items():
        if link.get("linkinfo", {}).get("info_kind") == "vxlan":
            data = link["linkinfo"]["info_data"]
            found[name] = (link["vni"], data["remote"], data["learning"])
    return found


def test_index_scheme_numbers_as_the_script(server: Server) -> None:
    """vxlan0 with VNI 0 first, learning on; a peer less renumbers those after it, as plan says."""
    index = HEAD + 'vni = "index"\n'
    server.write(config(range(1, 5), index))
    server.start()
    server.settled()
    assert tunnels(server) == {
        "vxlan0": (0, "192.0.2.2", True),
        "vxlan1": (1, "192.0.2.3", True),
        "vxlan2": (2, "192.0.2.4", True),
    }
    chain = "-A VXLAND -i vxlan+ -o vxlan+ -j DROP"
    assert chain in rules(server)

    server.write("")  # refused by the daemon, so that plan is asked before it acts
    eventually(lambda: server.status()["config"]["errors"], "the empty file is refused")
    before = snapshot(server).indexes
    with frozen(server):
        server.write(config([1, 3, 4], index))
        planned = server.vxland("plan").stdout
    assert "recreated" in planned
    assert "vxlan0" in planned
    server.settled()
    eventually_equal(
        {"vxlan0": (0, "192.0.2.3", True), "vxlan1": (1, "192.0.2.4", True)},
        lambda: tunnels(server),
    )
    quiet(server)
    after = snapshot(server).indexes
    assert {name: index for name, index in before.items() if "vxlan" not in name} == {
        name: index for name, index in after.items() if "vxlan" not in name
    }
    assert chain in rules(server)
    down(server)
    assert tunnels(server) == {}
