"""docs/guests/libvirt.md: virtual machines on two servers, with the interface that it shows."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guests import recipes
from tests.guests.segment import (
    assert_content,
    assert_mtu_matters,
    assert_one_segment,
    assert_told,
)
from tests.guests.site import GuestSite
from tests.guests.vm import VirtualMachine, start_libvirt
from tests.system.roots import unpacked

pytestmark = [
    pytest.mark.guests,
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.whole,
    pytest.mark.timeout(600, func_only=True),
]


@pytest.fixture
def machines(release: str, tmp_path: Path) -> Iterator[tuple[VirtualMachine, VirtualMachine]]:
    """One on each server, whose interface is the document's."""
    (interface,) = re.findall(r"```xml\n(.*?)```", recipes.text("libvirt.md"), re.DOTALL)
    with (
        GuestSite(tmp_path, unpacked(release, "libvirt")) as site,
        contextlib.ExitStack() as stack,
    ):
        site.start()
        one, other = site.pair
        web = VirtualMachine(one, "web", interface, "10.10.10.1")
        db = VirtualMachine(other, "db", interface, "10.10.10.2")
        for machine in (web, db):
            start_libvirt(machine.host)
            machine.switch_on()
            stack.callback(machine.switch_off)
        for machine in (web, db):
            machine.booted()
        yield web, db


def test_the_recipe(machines: tuple[VirtualMachine, VirtualMachine]) -> None:
    """Its port has the bridge's MTU in any case: from outside nobody sees what it has itself."""
    servers = [machine.host.server for machine in machines]
    assert_one_segment(*machines)
    for server in servers:
        assert_content(server)
    assert_mtu_matters(*machines)
    for server in servers:
        assert_content(server)
        (port,) = server.json("ip -j link show type tun")
        server.sh(f"ip link set {port['ifname']} mtu 1500")
        assert_told(server, "libvirt: ")
