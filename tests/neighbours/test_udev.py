"""udev gives vxland's devices no other name, MAC address or anything."""

import pytest

from tests.neighbours.host import CONFIG, OWN, WITH_ANOTHER_PEER, Host
from vxland.identity import GROUP

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

LINK = """\
[Match]
Driver={kind}

[Link]
Alias=taken
MACAddress=02:00:5e:00:53:01
MTUBytes=1280
"""
ADMINISTRATORS = {
    "etc/systemd/network/10-bridges.link": LINK.format(kind="bridge"),
    "etc/systemd/network/10-tunnels.link": LINK.format(kind="vxlan") + "Name=taken0\n",
}
RANDOM, SET = "1", "3"  # include/uapi/linux/netdevice.h, NET_ADDR_*


def place(host: Host) -> None:
    """What an administrator might want for all devices of a kind."""
    for path, text in ADMINISTRATORS.items():
        host.place(path, text)


def assign_type(host: Host, device: str) -> str:
    """Where the device's MAC address is from."""
    return host.ask_inside(f"cat /sys/class/net/{device}/addr_assign_type").strip()


def properties(host: Host, device: str) -> set[str]:
    """What udev's database knows about a device."""
    return set(host.ask_inside(f"udevadm info --query=property /sys/class/net/{device}").split())


def test_udev_changes_every_tunnel_and_bridge_where_the_files_are_missing(bare_host: Host) -> None:
    """The control: this is what an administrator's file does, and what the default one does."""
    place(bare_host)
    wanted = bare_host.undisturbed()
    bare_host.apply(CONFIG)
    bare_host.start_udev()
    seen = bare_host.look(["taken0", *OWN])
    assert "taken0" in seen
    for name in {*seen} - {"taken0"}:
        assert seen[name]["address"] == "02:00:5e:00:53:01"
        assert seen[name] != wanted[name]


def test_udev_leaves_vxlands_devices_as_they_were_made(host: Host) -> None:
    """Those that were there before it, and those that are made while it runs."""
    place(host)
    wanted = host.undisturbed()
    host.apply(CONFIG)
    host.sh("ip link add ve9 type veth peer name ve8")
    random = host.look(["ve9"])
    assert assign_type(host, "ve9") == RANDOM
    host.start_udev()
    host.apply(WITH_ANOTHER_PEER)
    host.sh("ip link add vx9 type vxlan id 9 remote 192.0.2.9 dstport 4799")
    host.settle()
    assert host.look() == wanted
    for device in OWN:
        assert {
            "ID_NET_MANAGED_BY=vxland",
            "ID_NET_LINK_FILE=/usr/lib/systemd/network/05-vxland.link",
        } <= properties(host, device)
    # What is somebody else's gets what the administrator and the distribution want.
    assert assign_type(host, "ve9") == SET
    assert host.look(["ve9"]) != random
    for device in ("br0", "taken0"):
        assert host.look([device])[device]["address"] == "02:00:5e:00:53:01"
        assert "ID_NET_MANAGED_BY=vxland" not in properties(host, device)


def test_udev_knows_a_device_of_vxlands_that_somebody_put_into_another_group(host: Host) -> None:
    """By its alias, when it looks again."""
    host.start_udev()
    host.apply(CONFIG)
    host.sh("ip link set vxbr0 group 7; ip link set br0 alias vxlandish")
    host.trigger("change")
    assert "ID_NET_MANAGED_BY=vxland" in properties(host, "vxbr0")
    assert "ID_NET_MANAGED_BY=vxland" not in properties(host, "br0")


def test_udev_knows_a_device_that_was_not_marked_yet(host: Host) -> None:
    """By its group, which is there from the start; on other kinds of devices it means nothing."""
    host.start_udev()
    host.sh(
        f"ip link add vxbr0 group {GROUP} type bridge;"
        f"ip link add ve9 group {GROUP} type veth peer name ve8"
    )
    host.settle()
    assert "ID_NET_MANAGED_BY=vxland" in properties(host, "vxbr0")
    assert "ID_NET_MANAGED_BY=vxland" not in properties(host, "ve9")
