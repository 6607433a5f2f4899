"""A node whose tunnels would meet says so, and makes none of them."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.core.test_resolve import HERE, LAN, PEERS, SETTINGS, resolved
from vxland.clashes import clashes
from vxland.identity import pair_vni
from vxland.model import Vtep
from vxland.problems import Kind, Unresolved
from vxland.settings import OverlaySettings, PeerSettings, Settings

TAKEN = pair_vni("lan", "lxd1", "lxd3")
LATER = "vxland check looks at all of them"


def said(settings: Settings) -> list[str]:
    """What lxd1 has against it."""
    with pytest.raises(Unresolved) as caught:
        resolved(settings, HERE)
    assert {problem.kind for problem in caught.value.problems} == {Kind.CONFLICT}
    return [str(problem) for problem in caught.value.problems]


def test_two_tunnels_with_one_vni() -> None:
    """With both pairs, and where the cure is; other nodes have nothing against it."""
    lan = replace(LAN, vnis=((frozenset({"lxd1", "lxd2"}), TAKEN),))
    settings = replace(SETTINGS, overlays=(lan,))
    one, other = 'pair "lxd1 lxd2" of overlay "lan"', 'pair "lxd1 lxd3" of overlay "lan"'
    line = f'Write in overlay "lan" on every server: [overlay.vnis] "lxd1 lxd3" = {TAKEN + 1}'
    assert said(settings) == [
        f"{one} and {other} have the same VNI {TAKEN} on lxd1. {line}; {LATER}"
    ]
    elsewhere = replace(settings, node=replace(settings.node, name="lxd3"))
    assert len(list(resolved(elsewhere).vteps())) == 2


def test_a_shared_device_with_a_pairs_vni() -> None:
    """It has no pair to be named by."""
    dmz = OverlaySettings("dmz", "vxbr1", "shared", TAKEN)
    text = f'pair "lxd1 lxd3" of overlay "lan" and overlay "dmz" have the same VNI {TAKEN} on lxd1'
    line = f'Write in overlay "dmz" on every server: vni = {TAKEN + 1}; {LATER}'
    assert said(replace(SETTINGS, overlays=(LAN, dmz))) == [f"{text}. {line}"]
    apart = replace(dmz, port=4790)
    assert resolved(replace(SETTINGS, overlays=(LAN, apart))).overlays


def test_two_tunnels_with_one_name() -> None:
    """``vxl-a-b-c`` is b-c's in a, and c's in a-b."""
    overlays = (OverlaySettings("a", "vxbr0"), OverlaySettings("a-b", "vxbr1"))
    peers = (PEERS[0], PeerSettings("b-c", "192.0.2.8"), PeerSettings("c", "192.0.2.9"))
    (text,) = said(Settings(overlays=overlays, peers=peers))
    assert 'have the same device name "vxl-a-b-c" on lxd1. Rename one of the peers' in text


@pytest.mark.parametrize(
    ("zones", "number"),
    [(("eth0", "eth1"), 0), (("eth0", "eth0"), 1), (("eth0", ""), 1), (("", "eth0"), 1)],
)
def test_interfaces_of_link_local_tunnels(zones: tuple[str, str], number: int) -> None:
    """Two may have a VNI each of its own interface, but not beside one that is on any."""
    (vtep, *_) = resolved(SETTINGS).vteps()

    def on(zone: str, name: str) -> Vtep:
        local = ip_address(f"fe80::1%{zone}" if zone else "2001:db8::1")
        return replace(vtep, local=local, device=name)

    both = [on(zone, name) for zone, name in zip(zones, "ab", strict=True)]
    assert len(list(clashes("lxd1", both))) == number
