"""Other programs that manage vxland's devices, or will, and undo what it does."""

from collections.abc import Iterable, Iterator
from shlex import quote

from vxland.changes import some
from vxland.culprits import CURES
from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.identity import PAIR_PREFIX

NAMED = 3


def managers(facts: Facts) -> Iterator[Finding]:
    """One for each file by which they do, or a program's own note of it."""
    by_file: dict[tuple[str, str], list[str]] = {}
    for claim in facts.claims:
        where = "" if claim.program in NOTES else claim.where
        by_file.setdefault((claim.program, where), []).append(claim.device)
    for (program, where), devices in by_file.items():
        text, cure = WORDS[program]
        words = {
            "file": quote(where),
            "devices": some(devices, NAMED),
            "device": quote(devices[0]),
            "patterns": quote(" ".join(_patterns(devices))),
        }
        yield Finding(State.WARNING, text.format(**words), cure.format(**words))
    if not by_file:
        yield Finding(State.OK, "none is known to touch vxland's devices")


def _patterns(devices: Iterable[str]) -> list[str]:
    """As networkd's Name= has them: one for all the tunnels of meshes."""
    names = (f"{PAIR_PREFIX}*" if name.startswith(PAIR_PREFIX) else name for name in devices)
    return list(dict.fromkeys(names))


NOTES = {"NetworkManager", "udev"}  # whose files are about one device each
NETWORKD = (
    r"printf '[Match]\nName=%s\n\n[Link]\nUnmanaged=yes\n' {patterns}"
    " > /etc/systemd/network/00-vxland.network; networkctl reload. Or make that file's [Match]"
    " narrower"
)
UDEV = (
    "udev doesn't know {devices} as vxland's, and may change the MAC address"
    " (MACAddressPolicy=persistent) or let others manage it"
)
RULES = (
    "With 79-vxland.rules of vxland's package in /usr/lib/udev/rules.d: udevadm control --reload;"
    " udevadm trigger --subsystem-match=net"
)
STANZA = "Take the stanza out of {file}; addresses of a bridge go into addresses in [[overlay]]"
WORDS = {  # what it is, and what ends it
    "systemd-networkd": ("{file} has systemd-networkd manage {devices}", NETWORKD),
    "NetworkManager": ("NetworkManager manages {devices}", CURES["NetworkManager"]),
    "ifupdown": ("{file} has ifupdown configure {devices}", STANZA),
    "udev": (UDEV, RULES),
}
