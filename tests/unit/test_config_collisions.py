"""Two tunnels of a node never have one VNI or one name; where they would, the cure cures."""

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.unit import written
from tests.unit.written import PEERS, complaints, errors_in, peer
from vxland import identity
from vxland.config.file import ConfigFile

LINE = re.compile(r'(Add|Change) this line in \[overlay.vnis\] of overlay "([a-z]+)": (".*" = \d+)')


def twins(value: Callable[[str], object]) -> tuple[str, str]:
    """Two peer names for which a function gives the same."""
    seen: dict[object, str] = {}
    for number in count():
        name = f"server-{number:05}"
        other = seen.setdefault(value(name), name)
        if other != name:
            return other, name
    raise AssertionError


def overlay(name: str, more: str = "") -> str:
    """An [[overlay]] with a bridge of its own."""
    return written.overlay(name, f"br-{name}", more)


ONE, OTHER = twins(lambda name: identity.pair_vni("lan", "hub", name))
VNI = identity.pair_vni("lan", "hub", ONE)
MANY = 300  # peers
HUB = peer("hub", "203.0.113.1")
TWINS = peer(ONE, "203.0.113.2") + peer(OTHER, "203.0.113.3")


def test_two_pairs_with_one_vni(tmp_path: Path) -> None:
    """The error names both pairs, the node they meet on, and the line to add."""
    (error,) = errors_in(tmp_path, overlay("lan") + HUB + TWINS)
    assert (
        "overlay[0].vnis (lan)",
        (
            f'pair "hub {ONE}" of overlay "lan" and pair "hub {OTHER}" of overlay "lan"'
            f" have the same VNI {VNI} on hub"
        ),
        f'Add this line in [overlay.vnis] of overlay "lan": "hub {OTHER}" = {VNI + 1}',
    ) == (error.path, error.message, error.cure)


def test_the_line_cures_it(tmp_path: Path) -> None:
    """Copied as it is."""
    text = overlay("lan", f'[overlay.vnis]\n"hub {OTHER}" = {VNI + 1}') + HUB + TWINS
    assert complaints(tmp_path, text) == []


def test_pairs_that_meet_nowhere_may_have_one_vni(tmp_path: Path) -> None:
    """Without the hub the two are a pair of their own; and so where one is disabled."""
    assert complaints(tmp_path, overlay("lan") + TWINS) == []
    assert complaints(tmp_path, overlay("lan") + HUB + f"{TWINS}disabled = true\n") == []


def test_this_machine_counts_where_it_is_no_peer(tmp_path: Path) -> None:
    """It has tunnels to all of them."""
    node = '[node]\nname = "hub"\naddress = "10.0.0.1"\n'
    (error,) = errors_in(tmp_path, node + overlay("lan") + TWINS)
    assert f"have the same VNI {VNI} on hub" in error.message


def test_the_kernel_tells_families_and_ports_apart(tmp_path: Path) -> None:
    """One VNI may be there once for each of them."""
    other = peer(ONE, "203.0.113.2") + peer(OTHER, "2001:db8::3")
    assert complaints(tmp_path, overlay("lan") + HUB + other) == []
    dmz = overlay("dmz", f'port = 4790\n[overlay.vnis]\n"hub {ONE}" = {VNI}')
    assert complaints(tmp_path, overlay("lan") + dmz + HUB + peer(ONE, "203.0.113.2")) == []


def test_overlays_of_one_port_share_the_vnis(tmp_path: Path) -> None:
    """Both ends have both tunnels: still it is one error."""
    dmz = overlay("dmz", f'[overlay.vnis]\n"hub {ONE}" = {VNI}')
    (error,) = errors_in(tmp_path, overlay("lan") + dmz + HUB + peer(ONE, "203.0.113.2"))
    line = f'"hub {ONE}" = {VNI + 1}'
    assert f'Change this line in [overlay.vnis] of overlay "dmz": {line}' == error.cure


def test_a_position_is_not_what_gives_way(tmp_path: Path) -> None:
    """The pair of the other overlay gets another VNI, in whichever order they are written."""
    index = overlay("index", 'vni = "index"')
    pair = overlay("pair", '[overlay.vnis]\n"lxd1 lxd2" = 1')
    line = 'Change this line in [overlay.vnis] of overlay "pair": "lxd1 lxd2" = 2'
    for text in (index + pair, pair + index):
        (error,) = errors_in(tmp_path, text + PEERS)
        assert line == error.cure


def test_an_explicit_vni_among_positions(tmp_path: Path) -> None:
    """The third peer in lxd1's list has position 1 already."""
    index = overlay("lan", 'vni = "index"\n[overlay.vnis]\n"lxd1 lxd2" = 1')
    cures = {error.cure for error in errors_in(tmp_path, index + PEERS)}
    line = 'Change this line in [overlay.vnis] of overlay "lan": "lxd1 lxd2" = 2'
    expected = {line}
    assert expected == cures


def test_an_explicit_vni_among_positions_of_the_same_overlay(tmp_path: Path) -> None:
    """With two schemes it is the pair's alone, and positions stay as they are."""
    both = overlay("lan", 'vni = ["index", "pair"]\n[overlay.vnis]\n"lxd1 lxd2" = 1')
    cures = {error.cure for error in errors_in(tmp_path, both + PEERS)}
    assert cures == {'Change this line in [overlay.vnis] of overlay "lan": "lxd1 lxd2" = 2'}


def test_two_devices_with_one_name(tmp_path: Path) -> None:
    """Names that don't fit are cut and numbered, and may meet."""
    one, other = twins(lambda name: identity.pair_device("lan", name))
    text = overlay("lan") + HUB + peer(one, "203.0.113.2") + peer(other, "203.0.113.3")
    (error,) = errors_in(tmp_path, text)
    assert (
        "overlay[0] (lan)",
        (
            f'pair "hub {one}" of overlay "lan" and pair "hub {other}" of overlay "lan"'
            f' have the same device name "{identity.pair_device("lan", one)}" on hub'
        ),
    ) == (error.path, error.message)


def test_two_devices_of_two_overlays_with_one_name(tmp_path: Path) -> None:
    """``vxl-a-b-c`` is b-c's in a, and c's in a-b."""
    text = overlay("a") + overlay("a-b") + HUB + peer("b-c", "203.0.113.2") + peer("c", "::2:1")
    (error,) = errors_in(tmp_path, text)
    assert error.message.endswith('have the same device name "vxl-a-b-c" on hub')


def test_each_pair_is_numbered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those of nodes where two meet; and every line that is asked for is one that cures."""
    numbered: list[tuple[str, ...]] = []
    number = identity.pair_vni

    def counting(*names: str) -> int:
        numbered.append(names)
        return number(*names)

    monkeypatch.setattr(identity, "pair_vni", counting)
    peers = "".join(peer(f"p{n}", f"10.0.{n >> 8}.{n & 255}") for n in range(MANY))
    errors = errors_in(tmp_path, overlay("lan") + peers)
    lines = [match[3] for error in errors if (match := LINE.fullmatch(error.cure))]
    assert len(numbered) <= MANY * (MANY - 1) // 2 + len(lines) * MANY
    text = overlay("lan", "\n".join(["[overlay.vnis]", *lines])) + peers
    assert [line for line in complaints(tmp_path, text) if "VNI" in line] == []


def test_a_node_that_is_to_be_so_numbers_no_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at its own tunnels, once it knows who it is; what hasn't changed isn't read anew."""
    monkeypatch.delattr(identity, "pair_vni")
    path = tmp_path / "vxland.toml"
    path.write_text(overlay("lan") + HUB + TWINS)
    file = ConfigFile(path)
    settings = file.read()
    assert len(settings.peers) == 3
    assert file.read() is settings
    path.write_text(overlay("lan") + HUB)
    assert len(file.read().peers) == 1
