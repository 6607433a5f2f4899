"""Names and addresses in the files: what fits into marks, and what the kernel takes."""

from pathlib import Path

import pytest

from tests.unit.written import PEERS, complaints, errors_in, overlay, peer, settings_of
from vxland import identity

LONGEST = "n" * identity.NAME_LENGTH


@pytest.mark.parametrize("name", ["a", "9", "A.b_c-d", LONGEST, "vxlan0", "vxl-a"])
def test_a_name_that_fits_into_every_mark(tmp_path: Path, name: str) -> None:
    """Of an overlay and of a peer."""
    text = overlay(name, "vxbr0") + peer(name, "203.0.113.1")
    actual = settings_of(tmp_path, text)
    assert (name, name) == (actual.overlays[0].name, actual.peers[0].name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "can't be a name"),
        ("-a", "can't be a name"),
        (".a", "can't be a name"),
        ("_a", "can't be a name"),
        ("a b", "can't be a name"),
        ("a:b", "can't be a name"),
        ("a+b", "can't be a name"),
        ("a/b", "can't be a name"),
        ("ä", "can't be a name"),
        ("a\\n", "can't be a name"),
        ("a\\u0000", "can't be a name"),
        (f"{LONGEST}n", "is too long"),
    ],
)
def test_a_name_that_fits_into_no_mark(tmp_path: Path, name: str, message: str) -> None:
    """Of an overlay, of a peer, and of this machine."""
    text = (
        f'[node]\nname = "{name}"\naddress = "10.0.0.1"\n'
        + overlay(name, "vxbr0")
        + peer(name, "203.0.113.1")
    )
    errors = errors_in(tmp_path, text)
    expected = ["node.name", "overlay[0].name", "peer[0].name"]
    assert expected == [error.path.partition(" ")[0] for error in errors]
    assert all(message in error.message for error in errors)


def test_a_bridge_whose_name_is_no_overlays_name(tmp_path: Path) -> None:
    """The overlay needs a name of its own then."""
    (error,) = errors_in(tmp_path, '[[overlay]]\nbridge = "br+0"\n')
    expected = ('overlay[0].name ("br+0")', 'Write name = "lan", for example')
    assert expected == (
        error.path,
        error.cure,
    )


@pytest.mark.parametrize(
    "bridge", ["b", "vxbr0", "vxlan", "vxlan-br", "vxl", "br+0", "n" * 15, "brü", "br.100"]
)
def test_a_bridge_that_the_kernel_takes(tmp_path: Path, bridge: str) -> None:
    """All of these were made by the kernel."""
    assert bridge == settings_of(tmp_path, overlay("lan", bridge)).overlays[0].bridge


DEVICE = "can't be a device's name"
OWN = "begins like the names of vxland's own tunnels"
KEPT = "is a name that the kernel keeps for itself"


@pytest.mark.parametrize(
    ("bridge", "message"),
    [
        ("", "is not 1 to 15 bytes long"),
        ("n" * 16, "is not 1 to 15 bytes long"),
        ("ü" * 8, "is not 1 to 15 bytes long"),
        (".", DEVICE),
        ("..", DEVICE),
        ("a/b", DEVICE),
        ("a:b", DEVICE),
        ("a b", DEVICE),
        ("a\\tb", DEVICE),
        ("a\\u0000", DEVICE),
        ("a\\u0001", DEVICE),
        ("à", DEVICE),
        ("\\u00a0", DEVICE),
        ("br%d", "can't be a bridge's name: % stands for a number"),
        ("all", KEPT),
        ("default", KEPT),
        ("lo", KEPT),
        ("vxl-br", OWN),
        ("vxlan0", OWN),
        ("vxlan12br", OWN),
    ],
)
def test_a_bridge_that_the_kernel_refuses(tmp_path: Path, bridge: str, message: str) -> None:
    """Or that has the name of a tunnel. The à has a byte that is white space for the kernel."""
    (error,) = errors_in(tmp_path, overlay("lan", bridge))
    expected = "overlay[0].bridge (lan)"
    assert expected == error.path
    assert error.message.endswith(message)


def test_devices_of_others_have_possible_names(tmp_path: Path) -> None:
    """vxland only looks for them, so they may be called as its own are, but for the kernel's no."""
    text = (
        '[node]\ninterface = "a b"\n'
        + overlay("lan", "vxbr0", 'allow_tunnel_ports = ["vxlan0", "gre%1", ""]')
        + PEERS
    )
    assert [
        f'node.interface: "a b" {DEVICE}',
        'overlay[0].allow_tunnel_ports[2] (lan): "" is not 1 to 15 bytes long',
    ] == complaints(tmp_path, text)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1", "is a loopback address"),
        ("2001:db8::1%eth0", "has a zone (the part from %)"),
        ("203.0.113.256", "is not an IP address"),
        ("two words", "is neither an IP address nor a host name"),
    ],
)
def test_an_address_that_is_no_servers(tmp_path: Path, address: str, message: str) -> None:
    """Of a peer, or of this machine. Which addresses these are, test_peers.py tests."""
    text = f'[node]\nname = "a"\naddress = "{address}"\n' + peer("a", address)
    assert [
        f'node.address: "{address}" {message}',
        f'peer[0].address (a): "{address}" {message}',
    ] == complaints(tmp_path, text)


def test_a_host_name_is_a_peers_but_not_this_machines(tmp_path: Path) -> None:
    """It has its own address itself, or the tunnels wait for it."""
    text = '[node]\nname = "a"\naddress = "a.example.org"\n' + peer("a", "a.example.org")
    assert complaints(tmp_path, text) == ['node.address: "a.example.org" is a host name']


def test_a_host_name_is_one_peers(tmp_path: Path) -> None:
    """However it is written, but for the dot that keeps search domains away."""
    text = overlay("lan", "vxbr0") + peer("a", "x.example.org") + peer("b", "X.Example.org")
    (complaint,) = complaints(tmp_path, text)
    assert "is already" in complaint
    assert complaint.startswith("peer[1].address (b)")


NO_PREFIX = "is not an address with a prefix length"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", NO_PREFIX),
        ("10.10.10.1", NO_PREFIX),
        ("10.10.10.1/", NO_PREFIX),
        ("10.10.10.1/33", NO_PREFIX),
        ("10.10.10.1/255.255.255.0", NO_PREFIX),
        ("10.10.10.01/24", NO_PREFIX),
        ("fe80::1%eth0/64", NO_PREFIX),
        ("fd00::1/129", NO_PREFIX),
        ("10.10.10.1/0", "has the whole Internet for its network"),
        ("0.0.0.0/8", "is the unspecified address"),
        ("::/64", "is the unspecified address"),
        ("224.0.0.1/24", "is a multicast address"),
        ("ff02::1/64", "is a multicast address"),
        ("127.0.0.1/8", "is a loopback address"),
        ("::1/128", "is a loopback address"),
        ("::ffff:10.0.0.1/120", "is an IPv4 address in IPv6 form"),
        ("10.10.10.0/24", "is the address of its network, not of a host in it"),
        ("fd00::/64", "is the address of its network, not of a host in it"),
        ("10.10.10.255/24", "is the broadcast address of its network"),
    ],
)
def test_an_address_that_no_host_has(tmp_path: Path, address: str, message: str) -> None:
    """On an overlay's bridge."""
    text = overlay("lan", "vxbr0", f'addresses = ["10.1.1.1/24", "{address}"]')
    expected = [f'overlay[0].addresses[1] (lan): "{address}" {message}']
    assert expected == complaints(tmp_path, text)


@pytest.mark.parametrize(
    "address", ["10.0.0.0/31", "10.0.0.1/31", "10.0.0.1/32", "fd00::/127", "fd00::ffff/112"]
)
def test_an_address_that_a_host_may_have(tmp_path: Path, address: str) -> None:
    """In a network of two both are hosts', and IPv6 has no broadcast address."""
    text = overlay("lan", "vxbr0", f'addresses = ["{address}"]')
    assert address == str(settings_of(tmp_path, text).overlays[0].addresses[0])
