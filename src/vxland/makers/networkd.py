"""systemd-networkd: .netdev makes a device, .network configures what it matches."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from vxland.makers.files import NETWORKD as FOLDERS
from vxland.makers.files import Files, in_force
from vxland.makers.ini import Sections, Value, last, number, parse
from vxland.makers.subjects import Subject
from vxland.observed import Claim, Link
from vxland.observed.claims import NETPLAN, NETWORKD

DEFAULT_PORT = 8472  # the kernel's, where DestinationPort= doesn't say
TRUE = {"yes", "true", "1", "on", "y", "t"}
GENERATED = "-netplan-"  # in the names of files that netplan writes


def networkd(files: Files, subjects: Sequence[Subject]) -> Iterator[Claim]:
    """Of several files that match, the first one counts."""
    for sections in _units(files, ".netdev"):
        yield from _made(sections, subjects)
    networks = list(_units(files, ".network"))
    for subject in subjects:
        if subject.link is None:
            continue
        matched = first_match(subject.link, subject.properties, networks)
        if matched is not None:
            yield _claim(subject, matched, makes=False)


def _units(files: Files, ending: str) -> Iterator[Sections]:
    """The files that are in force, each with its drop-ins."""
    for path in in_force(files, FOLDERS, ending):
        name = path.rpartition("/")[2]
        folders = tuple(f"{folder}/{name}.d" for folder in FOLDERS)
        paths = (path, *in_force(files, folders, ".conf"))
        yield parse((path, files[path]) for path in paths)


def _made(sections: Sections, subjects: Sequence[Subject]) -> Iterator[Claim]:
    name, kind = last(sections, "NetDev", "Name"), last(sections, "NetDev", "Kind")
    if name is None or kind is None:
        return
    vni = number(last(sections, "VXLAN", "VNI", "Id"))
    port = number(last(sections, "VXLAN", "DestinationPort"), DEFAULT_PORT)
    for subject in subjects:
        if subject.is_made_by(name.text, kind.text, vni, port or DEFAULT_PORT):
            yield _claim(subject, name, makes=True)


def _claim(subject: Subject, value: Value, *, makes: bool) -> Claim:
    program = NETPLAN if GENERATED in value.where else NETWORKD
    return Claim(program, subject.device, value.where, value.line, makes, subject.overlay)


def first_match(
    link: Link, properties: Mapping[str, str] | None, networks: Sequence[Sections]
) -> Value | None:
    """By what networkd would manage a device; None also where it is told to leave it alone."""
    for sections in networks:
        match = sections.get("Match", {})
        if match and all(_matches(key, said, link, properties) for key, said in match.items()):
            unmanaged = last(sections, "Link", "Unmanaged")
            if unmanaged is not None and unmanaged.text.lower() in TRUE:
                return None
            return next(iter(match.values()))[0]
    return None


def _matches(
    key: str, values: Sequence[Value], link: Link, properties: Mapping[str, str] | None
) -> bool:
    """Whether a condition is met; one that isn't understood counts as not met."""
    words = " ".join(value.text for value in values).split()
    if key == "Property":
        return all(_has(word, properties or {}) for word in words)
    what = {
        "Name": (link.name, *sorted(link.altnames)),
        "OriginalName": (link.name,),
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


def _has(word: str, properties: Mapping[str, str]) -> bool:
    """Whether a device has a property, ``NAME=VALUE`` with patterns in the value, or hasn't."""
    name, _, pattern = word.removeprefix("!").partition("=")
    hit = name in properties and fnmatchcase(properties[name], pattern)
    return hit is not word.startswith("!")


def _type(link: Link) -> str:
    """As networkctl shows it: udev's DEVTYPE."""
    return link.kind if link.kind in {"bridge", "vxlan"} else "ether"
