"""systemd-networkd neither configures vxland's devices nor clears them of what it didn't set."""

import pytest

from tests.lab import eventually
from tests.neighbours.host import CONFIG, OWN, WITH_ANOTHER_PEER, Host
from vxland.identity import GROUP

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

ADMINISTRATORS = "etc/systemd/network/10-all-tunnels.network"
NETWORK = """\
[Match]
Kind=vxlan bridge veth

[Network]
Address=203.0.113.1/24
LinkLocalAddressing=no
IPv6AcceptRA=no
ConfigureWithoutCarrier=yes
"""
DAEMON = "/usr/lib/systemd/systemd-networkd"


def setup_states(host: Host) -> dict[str, str]:
    """What networkd says that it does with each device."""
    lines = host.ask_inside("networkctl list --no-legend --no-pager", check=False).splitlines()
    return {words[1]: words[4] for words in map(str.split, lines)}


def taken(host: Host, *devices: str) -> bool:
    """Whether networkd has given these devices what the administrator wants."""
    seen, states = host.look(devices), setup_states(host)
    return all(
        states.get(device) == "configured" and "203.0.113.1" in seen[device]["addresses"]
        for device in devices
    )


def test_networkd_takes_what_it_sees_until_the_files_are_there(bare_host: Host) -> None:
    """Tunnels leave their bridge, and the bridge loses its address; a late package mends it."""
    bare_host.place(ADMINISTRATORS, NETWORK)
    bare_host.apply(CONFIG)
    wanted = bare_host.look()
    bare_host.start_bus()
    bare_host.start_udev()
    bare_host.start_inside(DAEMON)
    own = ("vxbr0", "vxl-lan-b", "vxlan0")
    eventually(
        lambda: taken(bare_host, *own),
        lambda: f"networkd takes {own}: {setup_states(bare_host)} {bare_host.look()}",
    )
    for seen in bare_host.look().values():
        assert seen["master"] is None
        assert seen["addresses"] == {"203.0.113.1"}

    bare_host.install()
    bare_host.ask_inside("udevadm control --reload")
    bare_host.trigger("change")
    bare_host.ask_inside("networkctl reload")
    unmanaged = dict.fromkeys(own, "unmanaged")
    eventually(
        lambda: unmanaged.items() <= setup_states(bare_host).items(),
        lambda: f"networkd lets go: {setup_states(bare_host)}",
    )
    bare_host.apply(CONFIG)
    for device, seen in bare_host.look().items():  # networkd 257 leaves its address there
        assert {**seen, "addresses": seen["addresses"] - {"203.0.113.1"}} == wanted[device]


def test_networkd_leaves_vxlands_devices_alone(host: Host) -> None:
    """Those that were there before it, and those that are made while it runs."""
    host.place(ADMINISTRATORS, NETWORK)
    wanted = host.undisturbed()
    host.apply(CONFIG)
    host.start_bus()
    host.start_udev()
    host.start_inside(DAEMON)
    eventually(lambda: taken(host, "br0"), lambda: f"networkd takes br0: {setup_states(host)}")
    host.apply(WITH_ANOTHER_PEER)
    host.sh(f"ip link add newborn group {GROUP} type bridge")
    host.add_tunnel("vxl-my-own")
    foreign = ("br0", "vxl-my-own")
    eventually(lambda: taken(host, *foreign), lambda: f"it takes them: {setup_states(host)}")
    states, own = setup_states(host), (*OWN, "newborn")
    assert {device: states[device] for device in own} == dict.fromkeys(own, "unmanaged")
    assert host.look() == wanted


def test_networkd_knows_tunnels_by_their_names_where_there_is_no_udev(host: Host) -> None:
    """From the first moment; and everything that has its altname when networkd starts."""
    host.place(ADMINISTRATORS, NETWORK)
    wanted = host.undisturbed()
    host.go_without_udev()
    host.apply(CONFIG)
    host.start_bus()
    host.start_inside(DAEMON)
    eventually(lambda: taken(host, "br0"), lambda: f"networkd takes br0: {setup_states(host)}")
    host.apply(WITH_ANOTHER_PEER)
    host.sh(
        "ip link add vxl-lan-d type vxlan id 8 remote 192.0.2.9 dstport 4799;"
        "ip link add vxl-my-own type veth peer name ve9"
    )
    host.add_tunnel("vx9")
    foreign = ("br0", "vx9", "vxl-my-own")
    eventually(lambda: taken(host, *foreign), lambda: f"it takes them: {setup_states(host)}")
    states, seen = setup_states(host), host.look()
    assert states["vxl-lan-d"] == "unmanaged"
    for device in set(OWN) - {"vxlan1"}:  # made under networkd's eyes, and it has no telling name
        assert states[device] == "unmanaged"
        assert seen[device] == wanted[device]
