"""NetworkManager doesn't manage vxland's devices."""

import pytest

from tests.lab import eventually
from tests.neighbours.host import CONFIG, OWN, WITH_ANOTHER_PEER, Host

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

DAEMON = "NetworkManager --no-daemon"
TAKEN = "connected (externally)"


def states(host: Host) -> dict[str, str]:
    """What NetworkManager says about each device."""
    lines = host.ask_inside("nmcli --terse --fields DEVICE,STATE device", check=False).splitlines()
    return dict(line.rsplit(":", 1) for line in lines)


def test_networkmanager_takes_tunnels_and_bridges_where_the_files_are_missing(
    bare_host: Host,
) -> None:
    """The control: they get connections of NetworkManager's."""
    bare_host.start_bus()
    bare_host.start_udev()
    bare_host.start_inside(DAEMON)
    bare_host.apply(CONFIG)
    own = dict.fromkeys(("vxbr0", "vxl-lan-b", "vxlan0"), TAKEN)
    eventually(lambda: own.items() <= states(bare_host).items(), lambda: f"{states(bare_host)}")


def test_networkmanager_leaves_vxlands_devices_alone(host: Host) -> None:
    """Those that were there before it, and those that are made while it runs."""
    wanted = host.undisturbed()
    host.apply(CONFIG)
    host.start_bus()
    host.start_udev()
    host.start_inside(DAEMON)
    eventually(lambda: states(host).get("br0") == TAKEN, lambda: f"{states(host)}")
    host.apply(WITH_ANOTHER_PEER)
    host.add_tunnel("vx9")
    eventually(lambda: states(host).get("vx9") == TAKEN, lambda: f"{states(host)}")
    seen = states(host)
    assert {device: seen[device] for device in OWN} == dict.fromkeys(OWN, "unmanaged")
    assert host.look() == wanted


def test_networkmanager_knows_tunnels_by_their_names_where_there_is_no_udev(host: Host) -> None:
    """Those with telling names."""
    host.go_without_udev()
    host.start_bus()
    host.start_inside(DAEMON)
    eventually(lambda: states(host).get("br0") == TAKEN, lambda: f"{states(host)}")
    host.apply(WITH_ANOTHER_PEER)
    host.add_tunnel("vx9")
    eventually(lambda: states(host).get("vx9") == TAKEN, lambda: f"{states(host)}")
    own = dict.fromkeys(("vxl-lan-b", "vxl-lan-c", "vxl-all"), "unmanaged")
    assert own.items() <= states(host).items()
