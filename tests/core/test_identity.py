"""Names, marks, MAC addresses and VNIs, against values computed another way."""

import subprocess
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from vxland import identity

names = st.from_regex(identity.NAME, fullmatch=True).filter(
    lambda name: len(name) <= identity.NAME_LENGTH
)


def test_a_pairs_vni_is_what_the_shell_computes() -> None:
    """By sha256sum and bc, as the documentation has it; the same from both ends."""
    script = "printf 'lan\\0lxd1\\0lxd2' | sha256sum | cut -c1-16"
    digits = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    expected = int(digits.stdout, 16) % 0xFFFFFF + 1
    assert expected == 10883308
    assert identity.pair_vni("lan", "lxd1", "lxd2") == expected
    assert identity.pair_vni("lan", "lxd2", "lxd1") == expected


@given(overlay=names, one=names, other=names)
def test_every_pairs_vni_is_a_vni(overlay: str, one: str, other: str) -> None:
    """24 bits, never 0, whichever end asks."""
    vni = identity.pair_vni(overlay, one, other)
    assert 1 <= vni < identity.VNI_LIMIT
    assert identity.pair_vni(overlay, other, one) == vni


def test_short_names_are_in_the_devices_name_whole() -> None:
    """Fifteen characters are the kernel's limit."""
    assert identity.pair_device("lan", "lxd1") == "vxl-lan-lxd1"
    assert identity.pair_device("lan", "lxd1234") == "vxl-lan-lxd1234"
    assert identity.pair_device("lan", "lxd12345") == "vxl-lxd1-wrvzys"


@given(overlay=names, peer=names)
def test_every_devices_name_fits_and_has_the_prefix(overlay: str, peer: str) -> None:
    """And says something of the peer."""
    device = identity.pair_device(overlay, peer)
    assert len(device) <= identity.DEVICE_NAME_LENGTH
    assert device.startswith(identity.PAIR_PREFIX)
    assert peer[:4] in device


def test_three_hundred_long_names_have_as_many_devices() -> None:
    """Though all begin alike."""
    peers = [f"frontend-{number:03}.example" for number in range(300)]
    assert len({identity.pair_device("production", peer) for peer in peers}) == 300


def test_index_devices_are_the_scripts() -> None:
    """vxlan0, vxlan1, and so on."""
    assert [identity.index_device(position) for position in range(2)] == ["vxlan0", "vxlan1"]


def test_marks() -> None:
    """What the design says that they are."""
    assert identity.vtep_alias("lan", "lxd2") == "vxland:lan:lxd2"
    assert identity.vtep_altname("lan", "lxd2") == "vxland-lan+lxd2"
    assert identity.bridge_alias("lan") == "vxland:lan"
    assert identity.bridge_altname("lan") == "vxland-lan"


@given(overlay=names, peer=names)
def test_marks_fit_into_the_kernels_limits(overlay: str, peer: str) -> None:
    """An altname has at most 127 bytes, an alias 255."""
    assert len(identity.vtep_altname(overlay, peer)) <= 127
    assert len(identity.vtep_alias(overlay, peer)) <= 255


@given(node=names, overlay=names, peer=names)
def test_every_mac_is_unicast_and_locally_administered(node: str, overlay: str, peer: str) -> None:
    """The first byte's two lowest bits are 10; six bytes."""
    octets = bytes.fromhex(identity.mac(node, overlay, peer).replace(":", ""))
    assert len(octets) == 6
    assert octets[0] & 0b11 == 0b10


def test_a_tunnels_mac_is_higher_than_others() -> None:
    """So that a bridge that takes its ports' lowest doesn't take a tunnel's. Bridges' needn't."""
    assert identity.mac("a", "lan", "b").startswith("fe:")
    assert not identity.mac("a", "lan").startswith("fe:")


def test_a_mac_is_known_by_all_but_its_first_byte() -> None:
    """Which was another once."""
    mac = identity.mac("a", "lan", "b")
    assert identity.is_mac_of(mac, "a", "lan", "b")
    assert identity.is_mac_of(f"02{mac[2:]}", "a", "lan", "b")
    assert not identity.is_mac_of(mac, "a", "lan", "c")


def test_macs_differ_between_nodes_overlays_and_peers() -> None:
    """Also between a bridge and the tunnels in it."""
    places = [("a", "lan", "b"), ("b", "lan", "a"), ("a", "dmz", "b"), ("a", "lan", "")]
    macs = [identity.mac(*place) for place in places]
    assert all(one != other for one, other in combinations(macs, 2))
    assert identity.mac("a", "lan", "b") == macs[0]
