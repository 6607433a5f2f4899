"""What people add to the script's commands, and where it goes with vxland.

It goes by the look of a line: a command may be in a string, or put together of variables.
"""

import re
from collections.abc import Iterable, Iterator

from vxland.script.faults import Fault

_KEYS = {
    "ageing": "ageing",
    "df": "df",
    "learning": "learning",
    "nolearning": "learning = false",
    "noudpcsum": "udp_csum = false",
    "tos": "tos",
    "ttl": "ttl",
    "udpcsum": "udp_csum",
}
_VXLAN = re.compile(r"\btype\s+vxlan\b([^;|&]*)")
_ID = re.compile(r"\b(?:id|vni)\s+[\"']?([^\s\"']+)")
_POSITION = re.compile(r"\$\w+|\$\{\w+\}|\$\(\(\s*\$?\w+\s*\)\)")
_ADDITIONS = (
    (r"\b(ip|ifconfig)\b.*\bmtu\s", "sets an MTU: write it as mtu in [[overlay]]"),
    (
        r"\bip\b.*\baddr(ess)?\s+add\b|\bifconfig\b.*\bnetmask\b",
        "adds an address: those on the bridge are addresses in [[overlay]], a server's own",
    ),
    (
        r"\bbrctl\s+(stp|set)|\b(stp_state|vlan_filtering|ageing_time|forward_delay)\b",
        "sets something of the bridge, which vxland leaves alone: it uses a bridge that is there",
    ),
    (r"\b(ip6?tables|nft)\s", "changes the firewall, which vxland doesn't"),
    (r"\bbridge\s+fdb\b", "changes forwarding entries, which vxland keeps as it wants them"),
)


Lines = Iterable[tuple[int, str]]  # with their numbers


def _commands(lines: Lines) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in lines if not line.lstrip().startswith("#"))


def notes(lines: Lines) -> Iterator[tuple[int, str]]:
    """What a person has to take over: on which line, and how."""
    for number, line in _commands(lines):
        for made in _VXLAN.findall(line):
            for word in re.findall(r"[a-z]+", made):
                if word in _KEYS:
                    key = _KEYS[word]
                    yield number, f'makes devices with "{word}": write {key} in [[overlay]]'
        for pattern, what in _ADDITIONS:
            if re.search(pattern, line):
                yield number, what


def faults(file: str, lines: Lines) -> Iterator[Fault]:
    """Numbers that no configuration gives."""
    for number, line in _commands(lines):
        for made in _VXLAN.findall(line):
            found = _ID.search(made)
            if found and not _POSITION.fullmatch(found[1]):
                yield Fault(
                    file,
                    number,
                    f"VNIs are numbered otherwise than by position: {found[1]}",
                    'vni = "index" counts from 0. If this comes to the same, import a copy that'
                    " has the variables alone",
                )
