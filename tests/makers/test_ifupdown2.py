"""What ifupdown2 made, for itself and for Proxmox SDN, becomes vxland's, and is let go of."""

import pytest

from tests.lab import eventually
from tests.makers.maker import Maker, shown

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

MESH, SDN = "etc/network/interfaces.d/mesh", "etc/network/interfaces.d/sdn"
FILE = """\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 192.0.2.1/32

source /etc/network/interfaces.d/*
"""
UNDERLAY = "ip addr del 192.0.2.1 dev lo; ip link add eth0 type veth peer name uplink"
GUEST = "ip link add veth1 type veth peer name guest; ip link set veth1 mtu 1450 master {} up"
OLD, NEW = {"vxbr0", "vxlan0", "vxlan1"}, {"vxbr0", "vxl-lan-lxd2", "vxl-lan-lxd3"}


def made(maker: Maker, path: str, title: str) -> dict[str, int]:
    """Have ifupdown2 make what the document shows; gives the indexes."""
    maker.sh(UNDERLAY)
    maker.place("etc/network/interfaces", FILE)
    maker.place(path, shown(title, "interfaces"))
    maker.typed("mkdir -p /run/network; ifup -a")
    return maker.numbers()


def test_a_mesh_by_the_documented_steps(maker: Maker) -> None:
    """The devices are the same ones, ifreload leaves them alone; and back."""
    before = made(maker, MESH, "From ifupdown2")
    assert set(before) == OLD
    maker.write(shown("From systemd-networkd", "toml").replace("udp_csum", "# udp_csum"))
    maker.sh(GUEST.format("vxbr0"))

    said = maker.type_steps("From ifupdown2")
    assert f"ifupdown is to configure vxlan0 (/{MESH}:2), vxlan1 (/{MESH}:8), vxbr0 (" in said
    after = maker.numbers()
    assert set(after) == NEW
    assert sorted(after.values()) == sorted(before.values())
    maker.typed("ifreload -a; ifup -a")
    maker.settled()
    assert maker.numbers() == after
    assert maker.master("veth1") == "vxbr0"
    maker.is_vxlands()

    maker.sh("ip link del veth1")
    maker.type_steps("Back to ifupdown2")
    assert set(maker.numbers()) == OLD


def test_a_mesh_whose_stanzas_stay(maker: Maker) -> None:
    """Each ifreload undoes a part, which the daemon puts right; taken out too early, all goes."""
    made(maker, MESH, "From ifupdown2")
    maker.write(shown("From systemd-networkd", "toml").replace("udp_csum", "# udp_csum"))
    maker.vxland("apply", "--adopt", check=True)
    before = maker.numbers()
    maker.type_line("systemctl enable --now vxland")
    maker.run([*maker.inside("ifreload -a")], check=False)  # it misses the ports by their old names
    eventually(lambda: maker.vxland("plan").stdout == "nothing to do\n", maker.tail, patience=60)
    assert maker.numbers() == before
    assert any("ifupdown is to configure" in p["text"] for p in maker.status()["problems"])

    maker.typed(f"rm /{MESH}; ifreload -a")
    eventually(
        lambda: maker.numbers().get("vxbr0", before["vxbr0"]) != before["vxbr0"],
        "the daemon makes another bridge",
    )


def test_proxmox_sdn_by_the_documented_steps(maker: Maker) -> None:
    """One device for all peers in a bridge; guests stay in it when Proxmox applies its SDN."""
    before = made(maker, SDN, "From Proxmox SDN")
    assert set(before) == {"myvnet", "vxlan_myvnet"}
    maker.write(shown("From Proxmox SDN", "toml"))
    maker.sh(GUEST.format("myvnet"))

    said = maker.type_steps("From Proxmox SDN")
    assert f"Proxmox SDN is to make myvnet (/{SDN}:4), vxlan_myvnet (/{SDN}:11)" in said
    maker.place(SDN, "#version:2\n")  # Apply
    maker.typed("ifreload -a")
    maker.settled()
    after = maker.numbers()
    assert (after["myvnet"], after["vxl-myvnet"]) == (before["myvnet"], before["vxlan_myvnet"])
    assert maker.master("veth1") == "myvnet"
    maker.is_vxlands()

    maker.type_steps("Back to Proxmox SDN")
    assert set(maker.numbers()) == {"myvnet"}
    maker.place(SDN, shown("From Proxmox SDN", "interfaces"))  # Apply
    maker.typed("ifreload -a")
    assert set(maker.numbers()) == set(before)
    assert maker.numbers()["myvnet"] == before["myvnet"]
