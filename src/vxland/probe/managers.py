"""Programs that manage network devices, by what they have on disk: whether they claim vxland's.

networkd's and NetworkManager's own state under /run tells what they do; configuration files tell
what they will do. What can't be read, as some is by root alone, says nothing.
"""

import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from vxland.last import Last
from vxland.makers import claims
from vxland.makers.files import INTERFACES, PATTERNS, Files
from vxland.makers.interfaces import sourced
from vxland.makers.subjects import Subject, subjects
from vxland.model import Desired
from vxland.observed import Claim, Observed
from vxland.observed.claims import NETWORK_MANAGER, NETWORKD, UDEV
from vxland.ownership import is_own

ROOT = Path("/")
OWN = "ID_NET_MANAGED_BY"  # the property by which 79-vxland.rules tells them to keep off
# What udev will say of a device of vxland's once it has looked at it.
EXPECTED = {OWN: "vxland", "USEC_INITIALIZED": "1"}
LARGEST = 1 << 20  # bytes of a file that is read
PAUSE = 25.0  # seconds


class Patrol:
    """Reads the files again after a while, for a loop that turns more often.

    What they say of the same devices as before isn't thought about again.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._udev = root / "run/udev/control"
        self._claims = Last(_expected)
        self._files: Files = {}
        self._due = 0.0  # monotonic seconds

    def claims(self, desired: Desired, observed: Observed) -> tuple[Claim, ...]:
        """Which files are to do something with vxland's devices, once udev knows those."""
        if time.monotonic() >= self._due:
            self._files = read(self._root)
            self._due = time.monotonic() + PAUSE
        seen = Observed(links=observed.links, host=observed.host)  # all that counts here
        return self._claims(self._files, desired, seen, udev=self._udev.exists())


def claims_now(desired: Desired, observed: Observed, root: Path = ROOT) -> tuple[Claim, ...]:
    """Who claims these devices as they are, by files and by what programs say of themselves."""
    indexes = {name: index for index, name in socket.if_nameindex()}
    return all_claims(subjects(desired, observed), indexes, root)


def all_claims(
    asked: Sequence[Subject], indexes: Mapping[str, int], root: Path = ROOT
) -> tuple[Claim, ...]:
    """Who claims these devices, whose interface indexes are given by name."""
    states: list[Claim] = []
    known: list[Subject] = []
    for subject in asked:
        index = indexes.get(subject.device, 0)
        known.append(replace(subject, properties=_properties(root, index)))
        if subject.link is not None and is_own(subject.link):
            states += _states(known[-1], index, root)
    told = {(claim.program, claim.device) for claim in states}
    files = claims(read(root), known)
    return (*states, *(c for c in files if c.makes or (c.program, c.device) not in told))


def read(root: Path = ROOT) -> Files:
    """The files as they are now."""
    files = {path: text for pattern in PATTERNS for path, text in _texts(root, pattern)}
    waiting = [INTERFACES]
    while waiting:
        for path, text in _texts(root, waiting.pop()):
            if path not in files:
                files[path] = text
                waiting += sourced(text)
    return files


def _texts(root: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Each file that a pattern of absolute paths means, and its text."""
    try:
        for path in sorted(root.glob(pattern.lstrip("/"))):
            if path.is_file() and path.stat().st_size <= LARGEST:
                name = f"/{path.relative_to(root)}"
                yield name, path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # a pattern may be anything
        return


def _expected(
    files: Files, desired: Desired, observed: Observed, *, udev: bool
) -> tuple[Claim, ...]:
    """By files, with the properties that udev gives devices of vxland's, where there is udev."""
    return claims(files, tuple(_known(subjects(desired, observed), udev=udev)))


def _known(asked: Iterable[Subject], *, udev: bool) -> Iterator[Subject]:
    for subject in asked:
        own = subject.link is not None and is_own(subject.link)
        yield replace(subject, properties=EXPECTED if udev and own else None)


def _states(subject: Subject, index: int, root: Path) -> Iterator[Claim]:
    """What programs that run say of a device, by its number."""
    file = _networkd_has(root, index)
    if file:
        yield Claim(NETWORKD, subject.device, file, overlay=subject.overlay)
    state = root / f"run/NetworkManager/devices/{index}"
    if "managed=true" in _lines(state):
        yield Claim(NETWORK_MANAGER, subject.device, str(state), overlay=subject.overlay)
    if subject.properties is not None and OWN not in subject.properties:
        path = str(root / f"run/udev/data/n{index}")
        yield Claim(UDEV, subject.device, path, overlay=subject.overlay)


def _networkd_has(root: Path, index: int) -> str:
    """The file by which a running networkd manages a device."""
    told = dict.fromkeys(_lines(root / f"run/systemd/netif/links/{index}"))
    files = [line.partition("=")[2] for line in told if line.startswith("NETWORK_FILE=")]
    return files[0] if files and "ADMIN_STATE=unmanaged" not in told else ""


def _properties(root: Path, index: int) -> dict[str, str] | None:
    """What udev says of a device; None where there is no udev, or it hasn't seen the device."""
    path = root / f"run/udev/data/n{index}"
    if not path.exists():
        return None
    told = [_property(line).partition("=") for line in _lines(path)]
    return {name: value for name, _, value in told if name}


def _property(line: str) -> str:
    """What a line of udev's database says, if it is one of a property."""
    kind, _, rest = line.partition(":")
    return {"E": rest, "I": f"USEC_INITIALIZED={rest}"}.get(kind, "")


def _lines(path: Path) -> list[str]:
    """A file's lines; none where it isn't there or readable."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
