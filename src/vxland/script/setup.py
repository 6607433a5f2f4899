"""What one server's script is set to."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field

from vxland import peers
from vxland.script import deviations
from vxland.script.environment import Misread, Unknown, Value
from vxland.script.faults import Fault, NotImportable
from vxland.script.statements import Variables, variables
from vxland.script.syntax import parse

NEEDED = ("LOCALIP", "REMOTEIPS", "BRIDGE_DEV", "PORT")
OPTIONAL = ("LOCAL_DEV", "VXLAN_DEV")  # vxland doesn't need these
LARGEST = 1 << 18  # bytes: with a thousand servers it is a tenth of that

_DEVICE = re.compile(r"[^\s/:]{1,15}")
_PORT_LIMIT = 65535
_HERE = "Correct the script, in a copy"


class Setup(Struct, frozen=True):
    """One server: what its script makes, and what is worth knowing about it."""

    file: str
    local: str  # its address
    remotes: tuple[str, ...]  # by position; addresses are written as Python writes them
    bridge: str
    port: int
    device: str | None  # LOCAL_DEV; None where it isn't known
    prefix: str | None  # VXLAN_DEV
    lines: Mapping[str, int]
    notes: tuple[tuple[int, str], ...] = ()


def setup(file: str, content: bytes) -> Setup:
    """Read a script. Raises NotImportable with everything that stands in the way."""
    if len(content) > LARGEST:
        cure = "Check that it is the script"
        raise NotImportable([Fault(file, None, f"it is larger than {LARGEST >> 10} KiB", cure)])
    try:
        return _setup(file, content)
    except RecursionError:
        what, cure = "it is nested too deeply", "Import a copy with the variables alone"
        raise NotImportable([Fault(file, None, what, cure)]) from None


def _setup(file: str, content: bytes) -> Setup:
    try:
        syntax = parse(content)
        found = variables(syntax, (*NEEDED, *OPTIONAL))
    except Misread as error:
        cure = 'See "bash -n"; if that is content, import a copy with the variables alone'
        raise NotImportable([Fault(file, error.line, "this isn't understood", cure)]) from None
    script = tuple(syntax.lines())
    draft = _Draft(file, found)
    local, remotes = draft.local(), draft.remotes()
    bridge, port = draft.named("BRIDGE_DEV", _device), draft.named("PORT", _port)
    device, prefix = (_plain(found.values.get(name)) for name in OPTIONAL)
    faults = [*draft.faults, *deviations.faults(file, script)]
    if not faults and local and remotes:
        faults += _relations(file, found, local, remotes)
    if faults or not (local and remotes and bridge and port):
        raise NotImportable(faults)
    notes = sorted({*_notes(found), *deviations.notes(script)})
    return Setup(file, local, remotes, bridge, int(port), device, prefix, found.lines, tuple(notes))


_Check = Callable[[str], tuple[str, str] | None]  # what is wrong with a value, and what to do


def _device(value: str) -> tuple[str, str] | None:
    if _DEVICE.fullmatch(value) and value.isprintable():
        return None
    return f"{value[:40]!r} can't be a device's name", _HERE


def _port(value: str) -> tuple[str, str] | None:
    if re.fullmatch("[1-9][0-9]{0,4}", value) and int(value) <= _PORT_LIMIT:
        return None
    return f"{value[:40]!r} isn't a port's number", _HERE


def _address(value: str) -> tuple[str, str] | None:
    """A problem with an address, as vxland.toml takes it."""
    problem = peers.problem(value)
    return problem and (f"{value[:80]!r} {problem[0]}", problem[1])


def _local(value: str) -> tuple[str, str] | None:
    if peers.problem(value) is None and peers.lookup(value) is None:
        return f"{value[:80]!r} is a host name", "Write the address itself, in a copy"
    return _address(value)


class _Draft(Struct):
    """A setup in the making."""

    file: str
    variables: Variables
    faults: list[Fault] = field(default_factory=list)

    def fault(self, name: str, what: str, cure: str) -> None:
        line = self.variables.lines.get(name)
        self.faults.append(Fault(self.file, line, f"{name}: {what}", cure))

    def value(self, name: str) -> str | Mapping[int, str] | None:
        """What a variable holds; None, and a fault, where that isn't known."""
        value = self.variables.values.get(name)
        if value is None:
            near = difflib.get_close_matches(name, sorted(self.variables.others), 1, 0.7)
            hint = f"Is it {near[0]}? " if near else ""
            self.fault(name, "isn't assigned in this file", f"{hint}Assign it, in a copy")
        elif isinstance(value, Unknown):
            self.faults.append(Fault(self.file, value.line, f"{name}: {value.what}", value.cure))
            return None
        return value

    def named(self, name: str, check: _Check) -> str | None:
        """A single value that stands the check; None, and a fault, where it doesn't."""
        value = self.value(name)
        if value is None:
            return None
        single = value if isinstance(value, str) else value.get(0, "")
        if problem := check(single):
            self.fault(name, *problem)
            return None
        return single

    def local(self) -> str | None:
        """The server's own address."""
        written = self.named("LOCALIP", _local)
        return written and str(peers.key(written))

    def remotes(self) -> tuple[str, ...] | None:
        """The others, by position."""
        value = self.value("REMOTEIPS")
        if value is None:
            return None
        elements = {0: value} if isinstance(value, str) else value
        before = len(self.faults)
        if isinstance(value, str) and len(value.split()) > 1:
            self.fault(
                "REMOTEIPS", "is one string, not an array", f"Write ({value[:60]}), in a copy"
            )
            return None
        if list(elements) != list(range(len(elements))):
            gaps = sorted(set(range(max(elements))) - set(elements))
            self.fault("REMOTEIPS", f"nothing has the index {gaps[0]}", _HERE)
        if not elements:
            self.fault("REMOTEIPS", "is empty, so there is no tunnel", "Put in the other servers")
        for element in elements.values():
            if problem := _address(element):
                self.fault("REMOTEIPS", *problem)
        if len(self.faults) > before:
            return None
        return tuple(str(peers.key(element)) for element in elements.values())


def _plain(value: Value | None) -> str | None:
    """What a variable holds that may as well not be known."""
    if isinstance(value, str) and _device(value) is None:
        return value
    return None


def _relations(
    file: str, found: Variables, local: str, remotes: tuple[str, ...]
) -> Iterator[Fault]:
    """What is wrong between the values."""
    line = found.lines["REMOTEIPS"]
    again = 'vni = "index" numbers the later ones otherwise then, as does the script once you'
    for address in dict.fromkeys(remotes):
        at = [str(index) for index, other in enumerate(remotes) if other == address]
        if address == local:
            what = f"REMOTEIPS has this server itself, {address}, at position {at[0]}"
            yield Fault(file, line, what, f"Take it out there: {again} restart it")
        elif len(at) > 1:
            what = f"REMOTEIPS has {address} more than once, at positions {', '.join(at)}"
            yield Fault(file, line, what, f"Leave one: {again} restart it")
        elif peers.families(address).isdisjoint(peers.families(local)):
            what = (
                f"REMOTEIPS has {address}, which LOCALIP {local} can't reach: the families differ"
            )
            yield Fault(file, line, what, "Write both as IPv4 or both as IPv6, in a copy")


def _notes(found: Variables) -> Iterator[tuple[int, str]]:
    for name, line in found.assumed.items():
        yield line, f"{name} may come from the environment: here its default counts"
    for name, line in found.late.items():
        yield line, f"{name} is assigned once more after it was used: that doesn't count here"
    for name in OPTIONAL:
        value = found.values.get(name)
        if isinstance(value, Unknown):
            yield value.line, f"{name} isn't known: {value.what}"
        elif value is not None and _plain(value) is None:
            yield found.lines[name], f"{name} isn't a device's name"
