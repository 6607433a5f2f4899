"""A running daemon doesn't take a configuration that looks like half a file."""

import pytest

from vxland.loop.reload import refusal
from vxland.settings import NodeSettings, OverlaySettings, PeerSettings, Settings

LAN = OverlaySettings("lan", "vxbr0")
DMZ = OverlaySettings("dmz", "vxbr1")
A = PeerSettings("a", "203.0.113.1")
B = PeerSettings("b", "203.0.113.2")
C = PeerSettings("c", "203.0.113.3", overlays=frozenset({"dmz"}))
B_OFF = PeerSettings("b", "203.0.113.2", disabled=True)
B_ELSEWHERE = PeerSettings("b", "203.0.113.2", overlays=frozenset({"dmz"}))


def mesh(*peers: PeerSettings, overlays: tuple[OverlaySettings, ...] = (LAN,)) -> Settings:
    """A configuration in which the machine finds itself by its addresses."""
    return Settings(overlays=overlays, peers=peers)


def named(name: str, *peers: PeerSettings) -> Settings:
    """A configuration that says which machine this is."""
    return Settings(node=NodeSettings(name=name), overlays=(LAN,), peers=peers)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (mesh(A, B), mesh(A, B)),
        (Settings(), Settings()),
        (Settings(), mesh(A, B)),
        (mesh(A), mesh(A)),
        (mesh(), mesh()),
        (mesh(A), mesh(A, B)),
        (mesh(A, B), mesh(A, B_OFF)),
        (mesh(A, B_OFF), mesh(A, B)),
        (mesh(A, B, overlays=(LAN, DMZ)), mesh(A, B, overlays=(DMZ,))),
        (mesh(A, B), mesh(A, overlays=(DMZ,))),
        (named("a", A, B), named("a", B)),
        (named("x", A), named("x", B)),
        (named("x", A), mesh(A, B)),
    ],
)
def test_what_is_taken(old: Settings, new: Settings) -> None:
    """Among it: disabled peers, one overlay of two removed, another overlay."""
    assert refusal(old, new) is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (mesh(A, B), Settings(), "has no overlays"),
        (mesh(A, B), Settings(peers=(A, B)), "has no overlays"),
        (mesh(A), Settings(), "has no overlays"),
        (mesh(A, B), mesh(A), "no other peer is left in overlay lan"),
        (mesh(A, B), mesh(), "no other peer is left in overlay lan"),
        (mesh(A, B_OFF), mesh(A), "no other peer is left in overlay lan"),
        (mesh(A, B), mesh(A, B_ELSEWHERE), "no other peer is left in overlay lan"),
        (
            mesh(A, B, overlays=(LAN, DMZ)),
            mesh(A, C, overlays=(LAN, DMZ)),
            "no other peer is left in overlay lan,",
        ),
        (
            mesh(A, B, overlays=(LAN, DMZ)),
            mesh(A, overlays=(LAN, DMZ)),
            "no other peer is left in overlay lan, dmz",
        ),
        (named("a", A, B), named("a", A), "no other peer is left in overlay lan"),
        (named("x", A), named("x"), "no other peer is left in overlay lan"),
    ],
)
def test_what_is_refused(old: Settings, new: Settings, reason: str) -> None:
    """The reason says what to run where it is meant."""
    actual = refusal(old, new)
    assert actual is not None
    assert reason in actual
    assert "vxland down" in actual
