"""The life of a service on three servers: enabled, edited, broken, drifted, rebooted, removed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.site import config
from tests.lab.waiting import eventually
from tests.package.build import built
from tests.system.installed import CONFIG, install, settled
from tests.system.machine import Machine
from tests.system.service import logged, status_line
from tests.system.site import Site

pytestmark = [pytest.mark.system, pytest.mark.timeout(600, func_only=True)]
MARKED = "grep -hs ^vxland: /sys/class/net/*/ifalias || true"


@pytest.fixture(scope="module")
def servers(release: str, root: Path) -> Iterator[list[Machine]]:
    """Three machines with the package installed, and nothing else done to them."""
    with Site(root) as site:
        for machine in site.machines:
            install(machine, built(release))
        yield site.machines


@pytest.fixture
def mesh(servers: list[Machine]) -> list[Machine]:
    """The three as a running mesh, whatever was done to them before."""
    for server in servers:
        server.write(CONFIG, config([1, 2, 3]))
        server.run("systemctl enable --now vxland; systemctl reload vxland")
    for number, server in enumerate(servers, 1):
        server.run(f"ip addr replace 10.10.10.{number}/24 dev vxbr0")
        settled(server)
    return servers


def tunnels(server: Machine) -> dict[str, int]:
    """Its VXLAN devices and their interface indexes."""
    links = json.loads(server.run("ip -json link show type vxlan"))
    return {link["ifname"]: link["ifindex"] for link in links}


def test_installed_it_does_not_run_and_enabled_unedited_it_idles(servers: list[Machine]) -> None:
    server = servers[0]
    assert server.attempt("systemctl is-enabled vxland").stdout == "disabled\n"
    assert server.attempt("systemctl is-active vxland").stdout == "inactive\n"

    server.run("systemctl enable --now vxland")

    assert server.run("systemctl is-active vxland") == "active\n"
    assert "no [[overlay]] is configured. Uncomment one" in status_line(server)
    assert any("no [[overlay]] is configured" in line for line in logged(server))
    assert server.run(MARKED) == ""
    assert server.run("ebtables-save").count("VXLAND") == 0


def test_enabled_it_makes_the_mesh(mesh: list[Machine]) -> None:
    for number, server in enumerate(mesh, 1):
        others = {f"vxl-lan-lxd{n}" for n in (1, 2, 3) if n != number}
        assert tunnels(server).keys() == others
        assert f"lxd{number}: overlays 1, tunnels 2, all in sync" in status_line(server)
    for server in mesh:
        for number in (1, 2, 3):
            server.run(f"ping -c1 -W5 -q 10.10.10.{number}")


def test_a_peer_leaves_and_comes_back_by_editing_the_file(mesh: list[Machine]) -> None:
    server = mesh[0]
    before = tunnels(server)

    server.write(CONFIG, config([1, 2]))
    eventually(lambda: tunnels(server).keys() == {"vxl-lan-lxd2"}, "the tunnel to lxd3 is gone")
    server.write(CONFIG, config([1, 2, 3]))
    eventually(lambda: len(tunnels(server)) == 2, "it is back")
    settled(server)

    after = tunnels(server)
    assert after["vxl-lan-lxd2"] == before["vxl-lan-lxd2"], "the other tunnel wasn't touched"
    assert after["vxl-lan-lxd3"] != before["vxl-lan-lxd3"]
    server.run("ping -c1 -W5 -q 10.10.10.3")


def test_a_broken_file_changes_nothing_and_is_told_until_it_is_mended(mesh: list[Machine]) -> None:
    server = mesh[0]
    before = tunnels(server)

    server.write(CONFIG, config([1, 2, 3]) + 'colour = "red"\n')
    eventually(lambda: "refused" in status_line(server), "the Status line says so")
    told = server.attempt("systemctl reload vxland")
    shown = server.attempt("systemctl status --no-pager --full vxland")

    assert told.returncode != 0
    assert shown.returncode == 0, "it goes on running"
    assert "colour" in shown.stdout
    assert any("colour" in line for line in logged(server, "PRIORITY=3"))
    assert tunnels(server) == before
    server.run("ip link delete vxl-lan-lxd2")
    eventually(lambda: len(tunnels(server)) == 2, "the last good one is kept true")

    server.write(CONFIG, config([1, 2, 3]))
    eventually(lambda: "all in sync" in status_line(server), "the mended one is in force")
    server.run("systemctl reload vxland")


def test_drift_is_put_right_and_told_with_its_fields(mesh: list[Machine]) -> None:
    server = mesh[0]
    # Not by --after-cursor=: with other matches, systemd 252 then leaves the first entry out.
    of_lxd2, of_lxd3 = "-u vxland VXLAND_PEER=lxd2", "-u vxland VXLAND_PEER=lxd3"
    before, elsewhere = len(server.journal(of_lxd2)), len(server.journal(of_lxd3))

    server.run("ip link delete vxl-lan-lxd2")
    eventually(lambda: len(server.journal(of_lxd2)) > before, "the journal tells")
    settled(server)

    (entry, *more) = server.journal(of_lxd2)[before:]
    assert not more, "one line for one thing put right"
    assert entry["VXLAND_DEVICE"] == "vxl-lan-lxd2"
    assert entry["VXLAND_OVERLAY"] == "lan"
    assert int(entry["VXLAND_DURATION_USEC"]) > 0
    assert entry["_SYSTEMD_UNIT"] == "vxland.service"
    explained = server.run(f"journalctl --no-pager -x -u vxland MESSAGE_ID={entry['MESSAGE_ID']}")
    assert "What to do" in explained
    assert len(server.journal(of_lxd3)) == elsewhere


def test_reload_returns_when_the_new_file_is_in_force(mesh: list[Machine]) -> None:
    server = mesh[0]
    for peers in ([1, 2], [1, 3], [1, 2, 3]):
        file = config(peers)
        server.run(
            f"cat >{CONFIG}.new; mv {CONFIG}.new {CONFIG}; systemctl reload vxland; "
            "ip -json link show type vxlan >/run/seen",
            given=file.encode(),
        )
        seen = {link["ifname"] for link in json.loads(server.run("cat /run/seen"))}
        assert seen == {f"vxl-lan-lxd{n}" for n in peers if n != 1}


def test_after_a_reboot_the_mesh_is_there(mesh: list[Machine]) -> None:
    server = mesh[1]
    server.reboot()
    settled(server)
    assert len(tunnels(server)) == 2
    server.run("ip addr replace 10.10.10.2/24 dev vxbr0; ping -c1 -W5 -q 10.10.10.3")


def test_removed_it_leaves_the_tunnels_and_purged_nothing(
    mesh: list[Machine], release: str
) -> None:
    server = mesh[2]
    before = tunnels(server)

    said = server.attempt("apt-get remove -y vxland")
    assert said.returncode == 0, said.stderr
    assert "vxland down" in said.stdout + said.stderr
    assert tunnels(server) == before
    assert "VXLAND" in server.run("ebtables-save")
    server.run("ping -c1 -W5 -q 10.10.10.2")
    assert server.attempt("systemctl cat vxland").returncode != 0

    server.run("ip link add mine type vxlan id 7 remote 192.0.2.9 dstport 4790")
    server.run("ip link add mine0 type veth peer name mine1; ip link set mine0 master vxbr0")
    server.run("apt-get purge -y vxland")
    assert tunnels(server).keys() == {"mine"}
    assert "VXLAND" not in server.run("ebtables-save")
    assert server.run("cat /sys/class/net/mine0/master/ifalias") == "vxland:lan\n", (
        "a bridge with a port of somebody else's stays"
    )
    server.run("ip link delete vxbr0; ip link delete mine0; ip link delete mine")
    assert left_behind(server) == ""

    install(server, built(release))
    assert tunnels(server) == {}


def left_behind(server: Machine) -> str:
    """What still has vxland's name, the package handed in and dpkg's own lists apart."""
    return server.run(
        "find / -xdev -iname '*vxland*' -not -path '/root/*' -not -path '/var/log/*' "
        "-not -path '/proc/*' -not -path '/sys/*'; find /run -iname '*vxland*'; "
        "getent passwd vxland || true; getent group vxland || true; dpkg -l vxland 2>/dev/null "
        f"| grep ^.[^un] | grep ' vxland ' || true; {MARKED}"
    )
