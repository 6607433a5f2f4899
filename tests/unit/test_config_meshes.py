"""A valid file gives no node two tunnels that the kernel would refuse, and the cures are cures."""

import re
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.profiles import examples
from tests.unit.written import errors_in
from vxland.observed import Host, LocalAddress, Route
from vxland.peers import addresses
from vxland.problems import Kind, Unresolved
from vxland.resolve import resolve
from vxland.settings import SHARED, NodeSettings, OverlaySettings, PeerSettings, Settings, VniScheme

NAMES = ("a", "b", "c", "d")
PAIRS = tuple(frozenset((one, other)) for one in NAMES for other in NAMES if one < other)
LINE = re.compile(r'.* this line in \[overlay.vnis\] of overlay "(.*)": "(.*)" = (\d+)')
MEET = "have the same VNI"
SCHEMES = (
    *((VniScheme.PAIR, None), (VniScheme.PAIR, None), (VniScheme.INDEX, None)),
    *((VniScheme.PAIR, VniScheme.INDEX), (VniScheme.INDEX, VniScheme.PAIR)),
)


@dataclass(frozen=True, slots=True)
class Mesh:
    """A configuration as settings, and as it is written."""

    settings: Settings

    @property
    def text(self) -> str:
        """The file."""
        overlays = "".join(map(_overlay, self.settings.overlays))
        return overlays + "".join(map(_peer, self.settings.peers))

    @property
    def clashes(self) -> bool:
        """Whether any node has two tunnels with one VNI, or two devices with one name."""
        return any(self._clashes_on(name) for name in NAMES)

    def _clashes_on(self, node: str) -> bool:
        wanted = replace(self.settings, node=NodeSettings(name=node))
        try:
            vteps = list(resolve(wanted, addresses(wanted.peers), self._host()).vteps())
        except Unresolved as refusal:  # for nothing else: it knows who it is
            return all(problem.kind is Kind.CONFLICT for problem in refusal.problems)
        keys = Counter(vtep.vni_key for vtep in vteps) + Counter(vtep.device for vtep in vteps)
        assert all(number == 1 for number in keys.values())
        return False

    def _host(self) -> Host:
        """A machine that reaches every peer, in either family."""
        here = map(ip_interface, ("203.0.113.254/24", "2001:db8::ff/64"))
        return Host(
            tuple(LocalAddress(interface, "eth0") for interface in here),
            {ip_address(peer.address): Route("eth0", 1500) for peer in self.settings.peers},
        )

    def cured(self, lines: list[tuple[str, str, int]]) -> "Mesh":
        """The same with lines in [overlay.vnis], by overlay and pair."""
        more = {(name, frozenset(pair.split())): vni for name, pair, vni in lines}
        overlays = []
        for overlay in self.settings.overlays:
            own = {pair: vni for (name, pair), vni in more.items() if name == overlay.name}
            overlays.append(replace(overlay, vnis=tuple((dict(overlay.vnis) | own).items())))
        return Mesh(replace(self.settings, overlays=tuple(overlays)))


def _overlay(overlay: OverlaySettings) -> str:
    lines = [f'"{" ".join(pair)}" = {vni}' for pair, vni in overlay.vnis]
    head = f'[[overlay]]\nname = "{overlay.name}"\nbridge = "{overlay.bridge}"\n'
    vni = overlay.vni if isinstance(overlay.vni, int) else f'"{overlay.vni.value}"'
    if overlay.heard:
        vni = f'[{vni}, "{overlay.heard.value}"]'
    keys = f'mode = "{overlay.mode}"\nvni = {vni}\nport = {overlay.port}\n[overlay.vnis]\n'
    return "\n".join([head + keys, *lines, ""])


def _peer(peer: PeerSettings) -> str:
    overlays = ""
    if peer.overlays is not None:
        overlays = f"overlays = {sorted(peer.overlays)}\n"
    off = "true" if peer.disabled else "false"
    head = f'[[peer]]\nname = "{peer.name}"\naddress = "{peer.address}"\n'
    return f"{head}disabled = {off}\n{overlays}"


def overlays(name: str) -> st.SearchStrategy[OverlaySettings]:
    """An overlay whose VNIs are likely to meet others."""
    shared = st.builds(
        OverlaySettings,
        name=st.just(name),
        bridge=st.just(f"br-{name}"),
        mode=st.just(SHARED),
        vni=st.integers(1, 4),
        port=st.sampled_from((4789, 4790)),
    )
    mesh = st.builds(
        lambda schemes, **keys: OverlaySettings(**keys, vni=schemes[0], heard=schemes[1]),
        schemes=st.sampled_from(SCHEMES),
        name=st.just(name),
        bridge=st.just(f"br-{name}"),
        port=st.sampled_from((4789, 4790)),
        vnis=st.dictionaries(st.sampled_from(PAIRS), st.integers(1, 4)).map(
            lambda vnis: tuple(vnis.items())
        ),
    )
    return st.one_of(mesh, shared)


def peers(number: int) -> st.SearchStrategy[PeerSettings]:
    """A peer in either family, perhaps disabled, perhaps not in every overlay."""
    return st.builds(
        PeerSettings,
        name=st.just(NAMES[number]),
        address=st.sampled_from((f"203.0.113.{number}", f"2001:db8::{number + 1}")),
        overlays=st.sampled_from((None, None, frozenset({"lan"}), frozenset({"dmz"}))),
        disabled=st.sampled_from((False, False, True)),
    )


meshes = st.builds(
    lambda lan, dmz, *peers: Mesh(Settings(overlays=(lan, dmz), peers=peers)),
    overlays("lan"),
    overlays("dmz"),
    *map(peers, range(len(NAMES))),
)


def messages(mesh: Mesh) -> list[tuple[str, str]]:
    """What is said about it, and the cures."""
    with TemporaryDirectory() as folder:
        return [(error.message, error.cure) for error in errors_in(Path(folder), mesh.text)]


@given(meshes)
@examples(150)
def test_a_valid_mesh_clashes_nowhere(mesh: Mesh) -> None:
    """And one with VNIs that meet clashes somewhere."""
    said = [message for message, _ in messages(mesh)]
    meet = [message for message in said if MEET in message or "is the VNI of" in message]
    if not said:
        assert not mesh.clashes
    if meet:
        assert mesh.clashes


@given(meshes)
@examples(150)
def test_the_lines_that_are_asked_for_are_enough(mesh: Mesh) -> None:
    """All of them at once: afterwards no VNIs meet."""
    said = messages(mesh)
    found = [LINE.fullmatch(cure) for message, cure in said if MEET in message]
    lines = [(match[1], match[2], int(match[3])) for match in found if match]
    assert len(found) == len(lines)
    if len(said) == len(found):
        assert messages(mesh.cured(lines)) == []
