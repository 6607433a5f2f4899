"""ifupdown and ifupdown2: /etc/network/interfaces and what it sources (interfaces(5))."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct, field

from vxland.makers.files import INTERFACES, Files
from vxland.makers.subjects import Subject
from vxland.observed import Claim
from vxland.observed.claims import IFUPDOWN, PROXMOX

SDN = "/etc/network/interfaces.d/sdn"  # pve-network writes it, whole
DEFAULT_PORT = 4789  # ifupdown2's
# What begins something new, apart from auto and allow-CLASS.
STARTS = ("iface", "mapping", "source", "source-directory", "no-auto-down", "no-scripts", "rename")


class Stanza(Struct):
    """``iface NAME`` and what is said of it."""

    name: str
    line: int
    options: dict[str, str] = field(default_factory=dict)


def ifupdown(files: Files, subjects: Sequence[Subject]) -> Iterator[Claim]:
    """Each stanza of a device, whatever it does: ifupdown2 undoes what isn't in it."""
    for path in _in_force(files):
        program = PROXMOX if path == SDN else IFUPDOWN
        for stanza in stanzas(files[path]):
            vni, port = stanza.options.get("vxlan-id", ""), stanza.options.get("vxlan-port", "")
            for subject in subjects:
                if stanza.name in subject.names or subject.is_made_by(
                    stanza.name,
                    "",
                    int(vni) if vni.isdecimal() else None,
                    int(port) if port.isdecimal() else DEFAULT_PORT,
                ):
                    yield Claim(program, subject.device, path, stanza.line, overlay=subject.overlay)


def _in_force(files: Files) -> list[str]:
    """The paths of the files that count: the one, and what is sourced from there."""
    found = [INTERFACES] if INTERFACES in files else []
    for path in found:  # grows meanwhile
        for pattern in sourced(files[path]):
            found += (p for p in files if p not in found and fnmatchcase(p, pattern))
    return found


def stanzas(text: str) -> Iterator[Stanza]:
    """Those of one file. An option's name may have - or _ in it."""
    stanza: Stanza | None = None
    for number, words in _lines(text):
        if words[0] in STARTS or words[0] == "auto" or words[0].startswith("allow-"):
            if stanza is not None:
                yield stanza
            stanza = Stanza(words[1], number) if words[0] == "iface" and len(words) > 1 else None
        elif stanza is not None:
            stanza.options[words[0].replace("_", "-")] = " ".join(words[1:])
    if stanza is not None:
        yield stanza


def sourced(text: str) -> Iterator[str]:
    """What a file sources, as patterns of absolute paths."""
    for _, words in _lines(text):
        if words[0] in {"source", "source-directory"} and len(words) > 1:
            pattern = words[1] if words[1].startswith("/") else f"/etc/network/{words[1]}"
            yield f"{pattern.rstrip('/')}/*" if words[0] == "source-directory" else pattern


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The words of each line that has some, with its number; a backslash joins lines."""
    start, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\"):
            joined += f"{line[:-1]} "
            continue
        words = f"{joined}{line}".split()
        if words and not words[0].startswith("#"):
            yield start, words
        start, joined = 0, ""
