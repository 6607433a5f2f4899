"""What goes with a mode: numbers, guards, learning; and whom a number clashes with."""

from pathlib import Path

import pytest

from tests.unit.written import complaints, errors_in, peer, settings_of
from vxland.config.load import check
from vxland.settings import OverlaySettings, VxlanOptions

PEERS = "".join(
    f'\n[[peer]]\nname = "lxd{n}"\naddress = "{address}"\n'
    for n, address in enumerate(("203.0.113.1", "198.51.100.2"), 1)
)
SIXTH = '\n[[peer]]\nname = "lxd6"\naddress = "2001:db8::6"\noverlays = ["dmz"]\n'
LEARNS = VxlanOptions(learning=True)


def overlay(name: str, *lines: str) -> str:
    """An overlay with these keys."""
    head = f'\n[[overlay]]\nname = "{name}"\nbridge = "br-{name}"'
    return "\n".join((head, *lines)) + "\n"


def shared(name: str, vni: int, *lines: str) -> str:
    """One in shared mode."""
    return overlay(name, 'mode = "shared"', f"vni = {vni}", *lines)


def test_it_learns(tmp_path: Path) -> None:
    """Unless that is turned off; and it needs no guard."""
    (found,) = settings_of(tmp_path, shared("lan", 16777215, "guard = []") + PEERS).overlays
    assert found == OverlaySettings("lan", "br-lan", "shared", 16777215, guards=(), options=LEARNS)
    (deaf,) = settings_of(tmp_path, shared("lan", 1, "learning = false") + PEERS).overlays
    assert (deaf.guards, deaf.options) == (("isolated", "ebtables"), VxlanOptions())
    (warning,) = check(tmp_path / "vxland.toml").warnings
    assert 'with mode = "shared" sends every frame to every peer' in str(warning)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (('mode = "shared"',), 'overlay[0] (lan): has mode = "shared", and no vni'),
        (
            ('mode = "shared"', 'vni = "pair"'),
            'overlay[0].vni (lan): "pair" is for mode = "mesh"',
        ),
        (
            ('mode = "shared"', "vni = 0"),
            (
                'overlay[0].vni (lan): 0 is not "pair", "index", a list of both or a number from 1'
                " to 16777215"
            ),
        ),
        (("vni = 7",), 'overlay[0].vni (lan): 7 is for mode = "shared"'),
        (
            ('mode = "shared"', 'vni = ["index", "pair"]'),
            'overlay[0].vni (lan): ["index", "pair"] is for mode = "mesh"',
        ),
        (
            ('vni = ["index", "pair"]', "learning = true"),
            (
                "overlay[0].learning (lan): true is for one kind of VNIs: of two, devices by index"
                " learn, and those by pair don't"
            ),
        ),
        (
            ('mode = "shared"', "vni = 7", 'vnis = { "lxd1 lxd2" = 5 }'),
            'overlay[0].vnis (lan): is for mode = "mesh": here all peers have one VNI',
        ),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, lines: tuple[str, ...], complaint: str) -> None:
    """Each is one error."""
    assert complaints(tmp_path, overlay("lan", *lines) + PEERS) == [complaint]


def test_an_ill_formed_number_says_what_either_mode_takes(tmp_path: Path) -> None:
    """It was meant as the number that shared mode needs."""
    (error,) = errors_in(tmp_path, overlay("lan", 'mode = "shared"', 'vni = "4711"') + PEERS)
    assert error.cure.endswith('vni = "pair"  # with mode = "shared" a number: vni = 4711')


def test_two_ports_want_a_guard(tmp_path: Path) -> None:
    """Where some server has peers of both families; a name may stand for one alone."""
    both = SIXTH.replace('overlays = ["dmz"]', "")
    text = shared("lan", 7, "guard = []") + PEERS
    path = tmp_path / "vxland.toml"
    settings_of(tmp_path, text + both)
    (warning,) = check(path).warnings
    assert str(warning).startswith(f"{path}:7: overlay[0].guard (lan): [] is empty, and lxd1 has")
    for well in (text, text + both.replace("2001:db8::6", "lxd6.example.org")):
        settings_of(tmp_path, well)
        assert check(path).warnings == ()
    one_each = text.replace("198.51.100.2", "2001:db8::2")
    settings_of(tmp_path, one_each)
    assert check(path).warnings == ()


def test_a_number_is_one_overlays(tmp_path: Path) -> None:
    """On one port and in one address family, as the kernel has it."""
    one = shared("lan", 7)
    (error,) = errors_in(tmp_path, one + shared("dmz", 7) + PEERS)
    assert error.message == '7 is the VNI of overlay "lan" too, on the same port'
    assert (error.path, error.value) == ("overlay[1].vni (dmz)", "7")
    settings_of(tmp_path, one + shared("dmz", 7, "port = 4790") + PEERS)
    settings_of(tmp_path, one + shared("dmz", 8) + PEERS)


def test_another_family_is_another_device(tmp_path: Path) -> None:
    """No node has both overlays' peers in one family."""
    four = PEERS.replace("overlays", "").replace('"\n\n', '"\noverlays = ["lan"]\n\n')
    four = four.rstrip() + '\noverlays = ["lan"]\n'
    settings_of(tmp_path, shared("lan", 7) + shared("dmz", 7) + four + SIXTH)


def test_a_pair_makes_room(tmp_path: Path) -> None:
    """By a line of its own; a position can't, so the number does."""
    text = overlay("mesh", '[overlay.vnis]\n"lxd1 lxd2" = 7') + shared("lan", 7) + PEERS
    (error,) = errors_in(tmp_path, text)
    assert (
        error.message == 'overlay "lan" and pair "lxd1 lxd2" of overlay "mesh" have the same'
        " VNI 7 on lxd1"
    )
    text = overlay("mesh", 'vni = "index"') + shared("lan", 1)
    third = '\n[[peer]]\nname = "lxd3"\naddress = "198.51.100.3"\n'
    (error,) = errors_in(tmp_path, text + PEERS + third)
    assert error.path == "overlay[1].vni (lan)"


def test_devices_have_names_of_their_own(tmp_path: Path) -> None:
    """The second family's is another overlay's first."""
    (error,) = errors_in(
        tmp_path, shared("lan", 7) + shared("lan6", 8) + PEERS + SIXTH.replace("dmz", "lan")
    )
    assert 'overlay "lan" and overlay "lan6" have the same device name "vxl-lan6"' in error.message
    (error,) = errors_in(tmp_path, shared("a-lxd2", 7) + overlay("a") + PEERS)
    assert "have the same device name" in error.message


def test_this_machine_need_not_be_listed(tmp_path: Path) -> None:
    """Its own address counts as a family."""
    node = '[node]\nname = "me"\naddress = "2001:db8::1"\n'
    (error,) = errors_in(tmp_path, node + shared("lan", 7) + shared("lan6", 8) + PEERS)
    assert "vxl-lan6" in error.message


def test_many_peers_are_no_ports(tmp_path: Path) -> None:
    """A bridge's limit is the mesh's."""
    many = "".join(
        f'\n[[peer]]\nname = "p{n}"\naddress = "198.18.{n // 200}.{n % 200 + 1}"\n'
        for n in range(1100)
    )
    settings_of(tmp_path, shared("lan", 7) + many)
    (error,) = errors_in(tmp_path, overlay("lan") + many)
    assert 'Or set mode = "shared"' in error.cure


@pytest.mark.parametrize(
    ("more", "places"),
    [
        (peer("near", "fe80::9%eth0"), ["peer[2].address (near)"]),
        (peer("near", "fe80::9%eth0", 'overlays = ["mesh"]'), []),
        ('[node]\nname = "lxd9"\naddress = "fe80::9%eth0"\n', ["node.address"]),
        (
            '[node]\nname = "near"\naddress = "fe80::9%eth0"\n'
            + peer("near", "2001:db8::9", 'overlays = ["mesh"]'),
            [],
        ),
    ],
)
def test_link_local_addresses_need_a_device_each(
    tmp_path: Path, more: str, places: list[str]
) -> None:
    """Where they would be in an overlay that has one for all."""
    text = shared("lan", 7) + overlay("mesh") + PEERS + more
    errors = errors_in(tmp_path, text)
    assert [error.path for error in errors] == places
    assert all('is link-local, and overlay "lan" has mode' in error.message for error in errors)
