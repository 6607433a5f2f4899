"""Which programs claim a device, by the files that they leave."""

from pathlib import Path

import pytest

from vxland.observed import Link
from vxland.probe.managers import OWN, claims

BRIDGE = Link("vxbr0", "bridge", altnames=frozenset({"vxland-lan"}), mac="02:00:00:00:00:01")
TUNNEL = Link("vxl-lan-b", "vxlan")
INDEXES = {"vxbr0": 7, "vxl-lan-b": 8}


def write(root: Path, files: dict[str, str]) -> None:
    """Make these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def network(match: str, more: str = "") -> str:
    """A file of networkd's."""
    return f"# comment\n[Match]\n{match}\n\n[Network]\nDHCP=yes\n{more}"


UNMANAGED = "[Link]\nUnmanaged=yes\n"
ETC, USR = "etc/systemd/network", "usr/lib/systemd/network"


@pytest.mark.parametrize(
    ("files", "claimed"),
    [
        ({}, set()),
        ({f"{ETC}/a.network": network("Name=vxbr*")}, {"vxbr0"}),
        ({f"{ETC}/a.network": network("Name=eth0 vxl-*")}, {"vxl-lan-b"}),
        ({f"{ETC}/a.network": network("Name=eth0\nName=vx*")}, {"vxbr0", "vxl-lan-b"}),
        ({f"{ETC}/a.network": network("Name=!vxl-*")}, {"vxbr0"}),
        ({f"{ETC}/a.network": network("Name=vxland-lan")}, {"vxbr0"}),
        ({f"{ETC}/a.network": network("Type=bridge")}, {"vxbr0"}),
        ({f"{ETC}/a.network": network("Type=ether")}, set()),
        ({f"{ETC}/a.network": network("Kind=vxlan\nName=eth*")}, set()),
        ({f"{ETC}/a.network": network("MACAddress=02:00:00:00:00:01")}, {"vxbr0"}),
        ({f"{ETC}/a.network": network("Name=")}, set()),
        ({f"{ETC}/a.network": network("Name=vx*\nHost=lxd1")}, set()),
        ({f"{ETC}/a.network": "DHCP=yes\n"}, set()),
        ({f"{ETC}/a.network": "[Network]\nDHCP=yes\n"}, set()),
        (
            {
                f"{ETC}/a.network": network("Name=vx*", UNMANAGED),
                f"{ETC}/b.network": network("Name=vx*"),
            },
            set(),
        ),
        (
            {
                f"{ETC}/a.network": network("Name=eth0"),  # hides the next one
                f"{USR}/a.network": network("Name=vx*"),
            },
            set(),
        ),
        (
            {
                f"{USR}/05-vxland.network": f"[Match]\nProperty={OWN}=vxland\n{UNMANAGED}",
                f"{ETC}/90-all.network": network("Name=vx*"),
                "run/udev/data/n7": "I:1\nE:ID_NET_MANAGED_BY=vxland\n",
            },
            {"vxl-lan-b"},
        ),
    ],
)
def test_networkd(tmp_path: Path, files: dict[str, str], claimed: set[str]) -> None:
    """The first file that matches counts; what isn't understood doesn't."""
    write(tmp_path, files)
    found = claims([BRIDGE, TUNNEL], INDEXES, tmp_path)
    assert {claim.program for claim in found} <= {"systemd-networkd"}
    assert {claim.device for claim in found} == claimed


@pytest.mark.parametrize(
    ("files", "program"),
    [
        ({"run/NetworkManager/devices/7": "[device]\nmanaged=true\n"}, "NetworkManager"),
        ({"run/NetworkManager/devices/7": "[device]\nmanaged=false\n"}, ""),
        ({"run/systemd/netif/links/7": "ADMIN_STATE=unmanaged\n"}, ""),
        (
            {"run/systemd/netif/links/7": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/x.network\n"},
            "systemd-networkd",
        ),
        ({"etc/network/interfaces": "auto vxbr0\niface vxbr0 inet static\n"}, "ifupdown"),
        ({"etc/network/interfaces.d/br": "iface vxbr0 inet manual\n"}, "ifupdown"),
        ({"etc/network/interfaces": "iface eth0 inet dhcp\n"}, ""),
        ({"run/udev/data/n7": "E:ID_NET_DRIVER=bridge\n"}, "udev"),
        ({"run/udev/data/n7": "E:ID_NET_MANAGED_BY=vxland\n"}, ""),
    ],
)
def test_others(tmp_path: Path, files: dict[str, str], program: str) -> None:
    """Each by what it writes, or is told."""
    write(tmp_path, files)
    found = claims([BRIDGE], INDEXES, tmp_path)
    assert [(claim.program, claim.device) for claim in found] == (
        [(program, "vxbr0")] if program else []
    )
