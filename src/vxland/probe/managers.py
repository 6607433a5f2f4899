"""Programs that manage network devices, by what they have on disk: whether they claim vxland's.

networkd's and NetworkManager's own state under /run tells what they do; configuration files tell
what they will do once they are started.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from vxland.diagnosis.facts import Claim
from vxland.observed import Link

ROOT = Path("/")
NETWORKD, NETWORK_MANAGER, IFUPDOWN, UDEV = (
    "systemd-networkd",
    "NetworkManager",
    "ifupdown",
    "udev",
)
NETWORK_FOLDERS = (  # systemd.network(5): the first that has a file of a name hides the others
    "etc/systemd/network",
    "run/systemd/network",
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
)
OWN = "ID_NET_MANAGED_BY"  # the property by which 79-vxland.rules tells them to keep off

Sections = dict[str, dict[str, list[str]]]


def claims(
    links: Iterable[Link], indexes: Mapping[str, int], root: Path = ROOT
) -> tuple[Claim, ...]:
    """Who claims these devices."""
    networks = list(_networks(root))
    interfaces = dict(_interfaces(root))
    found = []
    for link in links:
        index = indexes.get(link.name, 0)
        properties = _properties(root, index)
        file = _networkd_has(root, index) or _first_match(link, properties, networks)
        if file is not None:
            found.append(Claim(NETWORKD, link.name, str(file)))
        state = root / f"run/NetworkManager/devices/{index}"
        if "managed=true" in _lines(state):
            found.append(Claim(NETWORK_MANAGER, link.name, str(state)))
        if link.name in interfaces:
            found.append(Claim(IFUPDOWN, link.name, str(interfaces[link.name])))
        if properties is not None and OWN not in properties:
            found.append(Claim(UDEV, link.name, str(root / f"run/udev/data/n{index}")))
    return tuple(found)


def _lines(path: Path) -> list[str]:
    """A file's lines; none where it isn't there or readable."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _properties(root: Path, index: int) -> dict[str, str] | None:
    """What udev says of a device; None where there is no udev, or it hasn't seen the device."""
    path = root / f"run/udev/data/n{index}"
    if not path.exists():
        return None
    told = [line[2:].partition("=") for line in _lines(path) if line.startswith("E:")]
    return {name: value for name, _, value in told}


def _networkd_has(root: Path, index: int) -> Path | None:
    """The file by which a running networkd manages a device."""
    told = dict.fromkeys(_lines(root / f"run/systemd/netif/links/{index}"))
    files = [line.partition("=")[2] for line in told if line.startswith("NETWORK_FILE=")]
    unmanaged = "ADMIN_STATE=unmanaged" in told
    return Path(files[0]) if files and not unmanaged else None


def _networks(root: Path) -> Iterator[tuple[Path, Sections]]:
    """The .network files that are in force, in their order, with their drop-ins left out."""
    named: dict[str, Path] = {}
    for folder in reversed(NETWORK_FOLDERS):
        with contextlib.suppress(OSError):
            named |= {path.name: path for path in (root / folder).glob("*.network")}
    for name in sorted(named):
        yield named[name], _sections(_lines(named[name]))


def _sections(lines: Iterable[str]) -> Sections:
    found: Sections = {}
    section = ""
    for line in map(str.strip, lines):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line and line[0] not in "#;":
            key, _, value = line.partition("=")
            found.setdefault(section, {}).setdefault(key.strip(), []).append(value.strip())
    return found


def _first_match(
    link: Link, properties: Mapping[str, str] | None, networks: list[tuple[Path, Sections]]
) -> Path | None:
    """The file that networkd would use for a device, unless that says to leave it alone."""
    for path, sections in networks:
        match = sections.get("Match", {})
        if match and all(_matches(key, words, link, properties) for key, words in match.items()):
            told = sections.get("Link", {}).get("Unmanaged", ["no"])[-1]
            return None if told.lower() in {"yes", "true", "1", "on"} else path
    return None


def _matches(key: str, values: list[str], link: Link, properties: Mapping[str, str] | None) -> bool:
    """Whether a condition is met; one that isn't understood counts as not met."""
    words = " ".join(values).split()
    if key == "Property":
        known = {f"{name}={value}" for name, value in (properties or {}).items()}
        return all(word in known for word in words)
    what = {
        "Name": (link.name, *sorted(link.altnames)),
        "Kind": (link.kind or "",),
        "Type": (_type(link),),
        "MACAddress": (link.mac,),
    }.get(key)
    if what is None or not words:
        return False
    inverted = words[0].startswith("!")
    patterns = [words[0].removeprefix("!"), *words[1:]]
    hit = any(fnmatchcase(name, pattern) for name in what for pattern in patterns)
    return hit is not inverted


def _type(link: Link) -> str:
    """As networkctl shows it: udev's DEVTYPE."""
    return link.kind if link.kind in {"bridge", "vxlan"} else "ether"


def _interfaces(root: Path) -> Iterator[tuple[str, Path]]:
    """The devices that /etc/network/interfaces configures (interfaces(5)), each with its file."""
    folder = root / "etc/network/interfaces.d"
    for path in (root / "etc/network/interfaces", *sorted(folder.glob("*"))):
        for line in _lines(path):
            words = line.split()
            if words[:1] == ["iface"] and len(words) > 1:
                yield words[1], path
