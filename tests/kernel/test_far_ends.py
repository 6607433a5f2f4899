"""What containers have of their veths, on the real kernel."""

from collections.abc import Iterator

import pytest

from tests.lab import Namespace, eventually
from vxland.kernel.linux import LinuxKernel
from vxland.observed import FarEnd

pytestmark = [pytest.mark.kernel]
ONE = frozenset({"br1"})


@pytest.fixture(name="server")
def _server(laboratory: None) -> Iterator[Namespace]:
    """Two bridges with a container each, and a veth both of whose ends are here."""
    del laboratory
    server, guests = Namespace("host"), [Namespace("guest1"), Namespace("guest2")]
    for number, guest in enumerate(guests, 1):
        server.sh(f"ip link add br{number} type bridge")
        peer = f"peer name eth0 mtu 1400 netns {guest.path}"
        server.sh(f"ip link add veth{number} type veth {peer}")
        server.sh(f"ip link set veth{number} master br{number}")
    server.sh("ip link add here type veth peer name there; ip link set here master br1")
    yield server
    for namespace in (server, *guests):
        namespace.delete()


def test_they_are_seen_as_they_are_now(server: Namespace) -> None:
    """Through the ports of the bridges that are asked for."""
    with server.entered():
        kernel = LinuxKernel()
    with kernel:
        kernel.observe()
        assert kernel.read_far_ends(ONE) == {"veth1": FarEnd("eth0", 1400)}
        assert set(kernel.read_far_ends(frozenset({"br1", "br2"}))) == {"veth1", "veth2"}
        assert kernel.read_far_ends(frozenset()) == {}
        server.sh("ip link set veth1 nomaster")
        kernel.observe()
        assert kernel.read_far_ends(ONE) == {}
        server.sh("ip link set veth1 master br1")
        kernel.observe()
        server.sh("ip link del veth1")  # between the two looks
        assert kernel.read_far_ends(ONE) == {}


@pytest.fixture(name="guest")
def _guest(server: Namespace) -> Iterator[Namespace]:
    guest = Namespace("guest3")
    server.sh(f"ip link add veth3 type veth peer name eth0 netns {guest.path}")
    server.sh("ip link set veth3 master br1")
    yield guest
    guest.delete()


def test_a_guest_renames_its_interface(server: Namespace, guest: Namespace) -> None:
    """And gives it another MTU: nothing tells of it, so all are looked at again in a while."""
    with server.entered():
        kernel = LinuxKernel()
    with kernel:
        kernel.observe()
        assert kernel.read_far_ends(ONE)["veth3"] == FarEnd("eth0", 1500)
        guest.sh("ip link set eth0 name lan0; ip link set lan0 mtu 1300")
        eventually(
            lambda: kernel.read_far_ends(ONE)["veth3"] == FarEnd("lan0", 1300), "it is seen again"
        )


def test_one_whose_port_changes_is_seen_at_once(
    server: Namespace, guest: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others aren't looked at: with hundreds that would take too long."""
    monkeypatch.setattr("vxland.kernel.far_ends.PAUSE", 1e9)
    with server.entered():
        kernel = LinuxKernel()
    with kernel:
        kernel.observe()
        before = kernel.read_far_ends(ONE)
        guest.sh("ip link set eth0 mtu 1300")
        kernel.observe()
        assert kernel.read_far_ends(ONE) == before
        server.sh("ip link set veth3 mtu 1300")
        kernel.observe()
        assert kernel.read_far_ends(ONE) == {**before, "veth3": FarEnd("eth0", 1300)}
