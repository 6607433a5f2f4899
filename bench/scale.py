"""How much is measured: all that the table has, or what fits into five minutes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.harness import SLOW
from bench.place import MESH, SHARED

LARGE = 1000  # peers: what the limits that grow with a mesh are of


@dataclass(frozen=True, slots=True)
class Scale:
    """``folder`` is for what measurements write.

    A bridge has at most 1,023 ports (BR_MAX_PORTS, net/bridge/br_private.h), and so a mesh ends
    there; a flood list doesn't.
    """

    folder: Path
    rounds: int = 5
    more: int = 4  # times as many where one takes milliseconds, of which the kernel waits for some
    pairs: int = 40  # rounds of a first turn and its floor, and half as many where it takes longer
    meshes: tuple[int, ...] = (10, 100, 1000)  # peers
    shared: tuple[int, ...] = (10, 100, 1000, 10_000)
    listed: tuple[int, ...] = (10, 100, 1000, 10_000)  # peers of a file
    flooded: tuple[int, ...] = (1000, 10_000)  # peers of flood lists, where meshes have the limits
    scripted: int = 100  # the most peers that the script is tried with: rules are their square
    slow: float = SLOW  # seconds: what takes as long to make a mesh is tried once
    deletions: int = 500
    turns: int = 10_000  # over which memory must stay flat
    parts: int = 4  # of these turns, after each of which there is a look; an even number
    lasting: tuple[int, ...] = (10, 1000)  # peers of the meshes that take them
    seconds: float = 20.0  # of what is measured for a while
    pause: float = 4.0  # seconds: what follows from new devices comes late
    streams: float = 0.25  # seconds of each TCP stream
    streamed: int = 80  # rounds of them: they vary more than what is looked for
    frames: int = 50_000  # small ones, in a row
    storm: float = 60.0  # seconds of events; a file is written for ``seconds``
    interval: int = 30  # seconds between the checks of an idle daemon
    intervals: int = 3
    networkd: bool = False  # needs a Debian 13 root, which takes minutes to make

    def sizes(self) -> Iterator["Size"]:
        """Every mesh, and then long flood lists: a shared overlay's cost is about one alone."""
        yield from (Size(peers, MESH) for peers in self.meshes)
        yield from (Size(peers, SHARED) for peers in self.flooded)


@dataclass(frozen=True, slots=True)
class Size:
    """How many peers there are, and what there is for each."""

    peers: int
    mode: str

    def of(self, what: str) -> str:
        """A row's name: a mesh's goes without saying."""
        return what if self.mode == MESH else f"{what}, {self.mode}"

    def limit(self, limits: Mapping[int, float]) -> float | None:
        """By peers: they are of meshes."""
        return limits.get(self.peers) if self.mode == MESH else None


def quick(folder: Path) -> Scale:
    """What takes less than five minutes."""
    return Scale(
        folder,
        rounds=3,
        more=2,
        pairs=6,
        shared=(10, 1000),
        flooded=(),
        scripted=10,
        slow=0.5,
        deletions=30,
        turns=100,
        parts=2,
        seconds=3.0,
        pause=1.0,
        streamed=16,
        frames=5000,
        storm=3.0,
        interval=2,
    )
