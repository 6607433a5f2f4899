"""The commands of docs/runbook.md that only look, typed on a server, and what they show."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Server, Site, eventually
from tests.lab.server import VXLAND
from tests.lab.site import config
from tests.prometheus.shipped import RUNBOOK

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

LOOKS = re.compile(
    r"(vxland (status|events|plan|check|doctor)"
    r"|bridge -d|ip -|ip route get|ss -|ebtables|curl|ping) ?"
)
APART = re.compile("systemctl|monitor")  # not in a namespace; not for ever
SAID = {0, 1, 2}  # what status and plan end with, where something is wrong


def commands() -> list[str]:
    """Each line of each display that only looks."""
    displays = re.findall(r"^```sh\n(.*?)^```", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
    lines = (line.partition("  #")[0] for display in displays for line in display.splitlines())
    return sorted({line.strip() for line in lines if LOOKS.match(line) and not APART.search(line)})


def section(title: str) -> list[str]:
    """The commands of a section."""
    text = RUNBOOK.read_text().partition(f"### {title}\n")[2].partition("\n### ")[0]
    return [command for command in commands() if command in text]


def typed(server: Server, command: str) -> str:
    """What it prints on this server; it must succeed, and complain about nothing."""
    places = {"ADDRESS_OF_THE_PEER": "192.0.2.2", "OWN_ADDRESS": "192.0.2.1", "HOLDER": "tun9"}
    for place, what in places.items():
        command = command.replace(place, what)
    vxland = f'vxland() {{ {VXLAND} "$@" --config {server.config}; }}'
    done = server.run(["sh", "-c", f"{vxland}; {command}"], check=False)
    fine = SAID if "vxland " in command else {0}
    assert done.returncode in fine, command
    assert done.stderr == "", command
    return done.stdout


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of two, with a guest whose port is isolated and too large, and a tunnel of somebody's."""
    with Site(tmp_path_factory.mktemp("runbook"), 2) as site:
        site.start(config([1, 2]))
        server = site.servers[0]
        site.attach_containers()
        server.sh("ip link set veth1 mtu 1500; bridge link set dev veth1 isolated on")
        server.sh("ip link add tun9 type vxlan id 99 dstport 4790 remote 192.0.2.9")
        server.sh("ip link set tun9 master vxbr0")
        eventually(lambda: not server.in_sync(), "it is seen")
        yield server


@pytest.mark.parametrize("command", commands())
def test_a_command_works(server: Server, command: str) -> None:
    """It is known here, and finds something."""
    assert typed(server, command)


def test_the_mtu_of_guests_is_compared(server: Server) -> None:
    """Of each port, and of the bridge."""
    (command,) = section("Guest ports with too large an MTU")
    shown = typed(server, command)
    assert re.search(r"veth1@.* mtu 1500 ", shown)
    assert re.search(r"vxbr0: .* mtu 1450 ", shown)


@pytest.mark.parametrize(
    ("title", "port"), [("Isolated guest ports", "veth1@if2"), ("hazard", "tun9")]
)
def test_only_others_ports_are_listed(server: Server, title: str, port: str) -> None:
    """None of vxland's own, which are isolated tunnels too."""
    (command,) = section(title)
    assert typed(server, command).split() == [port]


def test_the_ping_is_as_large_as_a_full_frame(server: Server) -> None:
    """It passes an underlay of 1500, and not a byte more would."""
    (command,) = section("VxlandTunnelErrors")[-1:]
    assert typed(server, command).count("1480 bytes from") == 3
    server.sh(f"! {command.replace('1472', '1473').replace('ADDRESS_OF_THE_PEER', '192.0.2.2')}")


def test_one_that_lost_its_marks_is_given_them_again(tmp_path: Path) -> None:
    """As the section about conflicts says."""
    with Site(tmp_path, 1, "marks") as site:
        site.start(config([1, 2]))
        (server,) = site.servers
        server.stop()
        device = "vxl-lan-lxd2"
        server.sh(f"ip link set {device} alias ''")
        server.sh(f"ip link property del dev {device} altname vxland-lan+lxd2")
        server.start(wait=False)
        eventually(lambda: "conflict" in str(server.status()), "it is a conflict")
        server.sh(f"ip link set {device} alias vxland:lan:lxd2")
        eventually(server.in_sync, "it is vxland's again")
