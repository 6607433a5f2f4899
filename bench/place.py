"""A server whose peers aren't there: what it costs is this server's alone."""

import struct
import subprocess
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import Server
from tests.lab.server import BOUND
from vxland import identity
from vxland.kernel.ebtables import ENVIRONMENT
from vxland.kernel.link_table import LinkTable
from vxland.kernel.links import GROUP, IFINFO
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER
from vxland.ownership import KINDS
from vxland.settings import HttpSettings, OverlaySettings, PeerSettings, Settings

RTM_DELLINK = 17
OVERLAY = "lan"
SHARED_VNI = 4711
MESH, SHARED = "mesh", "shared"
HTTP = 'listen = "127.0.0.1:9788"'
UNIT = Path(__file__).parents[1] / "packaging/systemd/vxland.service"
SETS = "Environment="


def name(number: int) -> str:
    """A peer's, by number; this server is 1."""
    return f"lxd{number}"


def address(number: int) -> str:
    """The same peer's address."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def numbers(peers: int, first: int = 2) -> list[int]:
    """This server's, and those of so many peers, which begin with the ``first``."""
    return [1, *range(first, first + peers)]


def explicit_vnis(peers: int, first: int = 2) -> dict[frozenset[str], int]:
    """What a file of so many peers has to say, since some pairs' VNIs are the same."""
    names = [*map(name, numbers(peers, first))]
    at: dict[int, list[frozenset[str]]] = {}
    explicit: dict[frozenset[str], int] = {}
    for one, other in combinations(names, 2):
        pair = frozenset((one, other))
        vni = identity.pair_vni(OVERLAY, one, other)
        if any(pair & met for met in at.get(vni, ())):
            explicit[pair] = vni
        else:
            at.setdefault(vni, []).append(pair)
    free = (vni for vni in range(1, identity.VNI_LIMIT) if vni not in at)
    return {pair: next(free) for pair in explicit}


def settings(peers: int, mode: str = MESH) -> Settings:
    """The configuration as the daemon has it once the file is read."""
    overlay = OverlaySettings(OVERLAY, "vxbr0")
    if mode == SHARED:
        overlay = OverlaySettings(OVERLAY, "vxbr0", mode, SHARED_VNI)
    return Settings(
        overlays=(overlay,),
        peers=tuple(PeerSettings(name(number), address(number)) for number in numbers(peers)),
        http=HttpSettings(listen=None),
    )


def text(
    peers: int, mode: str = MESH, *, interval: str = "30s", http: str = HTTP, first: int = 2
) -> str:
    """The same as a file; of other peers where another is the ``first``."""
    head = (
        f"[http]\n{http}\n[reconcile]\ninterval = {interval!r}\n"
        f'[[overlay]]\nname = "{OVERLAY}"\nbridge = "vxbr0"\n'
    )
    if mode == SHARED:
        head += f'mode = "{SHARED}"\nvni = {SHARED_VNI}\n'
    else:
        head += "[overlay.vnis]\n"
        for pair, vni in explicit_vnis(peers, first).items():
            head += f'"{" ".join(sorted(pair))}" = {vni}\n'
    return head + "".join(map(peer, numbers(peers, first)))


def peer(number: int) -> str:
    """A peer as the file has it."""
    return f'[[peer]]\nname = "{name(number)}"\naddress = "{address(number)}"\n'


def unit_environment() -> dict[str, str]:
    """What the unit sets: how memory is handed out depends on it."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    settings = [line.removeprefix(SETS) for line in lines if line.startswith(SETS)]
    return {name: value for name, _, value in (setting.partition("=") for setting in settings)}


class Place(Server):
    """A server with an address from which all peers have a route."""

    def __init__(self, label: str, folder: Path) -> None:
        super().__init__(label, folder)
        self.sh("ip link add eth0 type veth peer name far0; ip link set far0 up")
        self.sh(f"ip address add {address(1)}/8 dev eth0; ip link set eth0 up")
        self.await_carrier("eth0")

    def start(
        self,
        *,
        wait: bool = True,
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = BOUND,
    ) -> None:
        """Start the daemon as the unit does."""
        environment = unit_environment() | dict(environment or {})
        super().start(wait=wait, environment=environment, before=before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.entered():
            clean()
        self.delete()


def delete_group(group: int = identity.GROUP) -> None:
    """All devices of a group, by one message to the kernel of this thread's namespace."""
    body = IFINFO.pack(0, 0, 0, 0, 0) + struct.pack("=HHI", 8, GROUP, group)
    message = HEADER.pack(HEADER.size + len(body), RTM_DELLINK, 0, 0, 0) + body
    with Netlink() as netlink:
        netlink.request([message])  # ENODEV: there was none


def clean() -> None:
    """Nothing of vxland's, nor of a reference's, is left in this thread's namespace."""
    with Netlink() as netlink:
        links = LinkTable().refresh(netlink)
    strangers = [link.name for link in links.values() if link.kind in KINDS]
    lines = "".join(f"link set dev {name} group {identity.GROUP}\n" for name in strangers)
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
    delete_group()
    tables = (identity.INGRESS_TABLE, identity.TALLY_TABLE)
    for command in ("ebtables -F", "ebtables -X", *(f"nft delete table {t}" for t in tables)):
        subprocess.run(command.split(), check=False, capture_output=True, env=ENVIRONMENT)
