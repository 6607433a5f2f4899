"""What ``vxland plan --commands`` prints, pasted into a shell, makes what ``apply`` makes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.shell_twins import UNDERLAY, settled
from tests.lab import Server

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

OVERLAY = '[[overlay]]\nname = "lan"\nbridge = "vxbr0"\n'
ADDRESSES = 'addresses = ["10.1.0.1/24", "10.1.0.9/24", "10.2.0.1/31", "fd00:1::1/64"]\n'
OPTIONS = 'ttl = 64\ntos = 16\ndf = "set"\nageing = 100\nudp_csum = false\nlearning = true\n'
SECOND = '[[overlay]]\nname = "dmz"\nbridge = "vxdmz"\nvni = "index"\n'
THIRD = '[[overlay]]\nname = "bulk"\nbridge = "vxbulk"\nmode = "shared"\nvni = 5\nport = 4790\n'
V4 = ("203.0.113.1", "203.0.113.2", "198.51.100.3", "203.0.113.4")
V6 = ("2001:db8::1", "2001:db8::2", "2001:db8:1::3")
MIXED = (*V4[:3], "2001:db8::4")
BRIDGE = """
ip link add vxbr0 address 02:66:66:66:66:66 mtu 1400 type bridge
ip link set vxbr0 up
ip address add 10.1.0.77/24 dev vxbr0
ip link set g0 master vxbr0 up
ebtables -A FORWARD -p 0x88cc -j DROP
"""
NODES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "mesh": (OVERLAY + ADDRESSES, V4, ""),
    "mesh over IPv6": (f'{OVERLAY}guard = ["nftables"]\n{ADDRESSES}', V6, ""),
    "by index": (f'{OVERLAY}vni = "index"\nguard = ["ebtables"]\nport = 8472\n', V4, ""),
    "options": (f'{OVERLAY}guard = ["isolated"]\nmtu = 1400\n{OPTIONS}', V4, ""),
    "shared": (f'{OVERLAY}mode = "shared"\nvni = 77\nguard = []\n{ADDRESSES}', V4, ""),
    "shared, both families": (f'{OVERLAY}mode = "shared"\nvni = 77\n', MIXED, ""),
    "all guards, in others' bridge": (
        f'{OVERLAY}guard = ["isolated", "ebtables", "nftables"]\n{ADDRESSES}',
        V4,
        BRIDGE,
    ),
    "several overlays": (
        f"{OVERLAY}{SECOND}{OPTIONS}{THIRD}",
        V4,
        "",
    ),
}


@pytest.fixture
def twins(tmp_path: Path, laboratory: None) -> Iterator[tuple[Server, Server]]:
    """Two servers that are alike, with routes and nothing else."""
    del laboratory
    both = Server("applied", tmp_path / "applied"), Server("pasted", tmp_path / "pasted")
    for one in both:
        one.sh(UNDERLAY)
        one.sh("ip route add default via 203.0.113.2; ip route add default via 2001:db8::2")
    yield both
    for one in both:
        one.delete()


def paste(server: Server, lines: str) -> str:
    """Paste lines into a shell, which goes on when one fails; returns what complained."""
    shell = server.command("sh")
    done = subprocess.run(
        shell, input=lines, text=True, check=False, timeout=60, capture_output=True
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", NODES)
def test_the_plan_pasted_is_the_plan_applied(name: str, twins: tuple[Server, Server]) -> None:
    """Links, port flags, entries, addresses, rules and marks; and nothing is left to do."""
    head, addresses, before = NODES[name]
    peers = [f'\n[[peer]]\nname = "n{n}"\naddress = "{a}"\n' for n, a in enumerate(addresses)]
    for one in twins:
        one.write("".join((head, *peers)))
        one.sh(before)
    applied, pasted = twins
    assert applied.vxland("apply").returncode == 0
    planned = pasted.vxland("plan", "--commands")
    assert planned.returncode == 2, planned.stderr
    assert paste(pasted, planned.stdout) == ""
    made, like = settled(twins)
    assert made == like
    assert {"vxlan", "bridge"} <= {
        link.get("linkinfo", {}).get("info_kind") for link in made["links"]
    }
    left = pasted.vxland("plan")
    assert left.returncode == 0, left.stdout
