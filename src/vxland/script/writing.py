"""The vxland.toml that means the same as the scripts."""

import json
import re
import textwrap
from collections.abc import Iterator

from vxland import identity, peers
from vxland.script.mesh import Mesh

OVERLAY = "lan"
WIDTH = 100


def peer_name(address: str) -> str:
    """A peer's name, the same from whichever server's script it is made."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", address)
    return re.sub("^[^A-Za-z0-9]", "0", name)[: identity.NAME_LENGTH]


def toml(mesh: Mesh) -> str:
    """The file's text."""
    return "\n".join((*_head(mesh), *_overlay(mesh), *_peers(mesh), *_node(mesh))) + "\n"


def _comment(text: str, first: str = "# ", next_: str = "# ") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=next_,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _head(mesh: Mesh) -> Iterator[str]:
    yield "# Made by vxland import-script from:"
    for one in mesh.setups:
        yield f"#   {one.file} ({one.local})"
    yield from _comment(
        "It means the same as the script, as long as this is so on all servers: the order of the"
        " peers, which numbers the tunnels. Add new ones at the end."
    )
    yield from _whose(mesh)
    yield "#"
    yield "# What differs from the script:"
    for text in _differences(mesh):
        yield from _comment(text, "# - ", "#   ")
    notes = [(one.file, line, what) for one in mesh.setups for line, what in one.notes]
    if notes:
        yield "#"
        yield "# Of what else is in the script, see to this yourself:"
    for file, line, what in notes:
        yield from _comment(f"{file}:{line} {what}", "# - ", "#   ")
    yield ""


def _whose(mesh: Mesh) -> Iterator[str]:
    """Which servers the file is for."""
    first = mesh.setups[0]
    unread = [name for name in mesh.addresses if name not in {one.local for one in mesh.setups}]
    if len(mesh.setups) == 1:
        yield from _comment(
            f"This file is for {first.local} alone: another server's script may have another"
            " order. Of scripts that agree, one file for all is made: vxland import-script FILE..."
        )
    elif unread:
        yield from _comment(
            "It is for the servers named above. Not for these, whose scripts weren't read: "
            + ", ".join(unread)
        )


def _differences(mesh: Mesh) -> Iterator[str]:
    yield (
        "Instead of a rule for each pair of tunnels there are two guards. The script's stop removes"
        " everybody's ebtables rules; vxland down removes what is vxland's."
    )
    yield (
        "The tunnels aren't bound to the network device, and stay when that goes. Their MTU is at"
        " most 1500 minus 50 (over IPv6: 70), unless mtu in [[overlay]] says more: with jumbo"
        " frames (LOCAL_DEV has 9000: mtu = 8950) write it, or guests lose what they send in larger"
        " packets."
    )
    for prefix in dict.fromkeys(one.prefix for one in mesh.setups):
        if prefix != identity.INDEX_PREFIX:
            files = ", ".join(one.file for one in mesh.setups if one.prefix == prefix)
            said = "isn't known" if prefix is None else f'is "{prefix}"'
            yield (
                f"VXLAN_DEV {said} in {files}: vxland's devices are {identity.index_device(0)},"
                f" {identity.index_device(1)} and so on. The others don't see that; rules of yours"
                " may."
            )
    devices = dict.fromkeys(one.device for one in mesh.setups)
    if len(devices) > 1 or None in devices:
        said = ", ".join(f"{one.device or 'unknown'} in {one.file}" for one in mesh.setups)
        yield (
            f"LOCAL_DEV ({said}) isn't taken over, and needn't be: the MTU goes by the routes."
            " A server's own file may have interface in [node]."
        )
    yield from _behind_nat(mesh)


def _behind_nat(mesh: Mesh) -> Iterator[str]:
    for one in mesh.setups:
        own = peers.lookup(one.local)
        remotes = [found for found in map(peers.lookup, one.remotes) if found is not None]
        if own is not None and own.is_private and any(found.is_global for found in remotes):
            yield (
                f"{one.local} ({one.file}) is a private address, and there are public ones in its"
                " list. Behind NAT, this peer's address is here the one that the others know it by,"
                f' and on the server itself [node] has name and address = "{one.local}".'
            )


def _overlay(mesh: Mesh) -> Iterator[str]:
    first = mesh.setups[0]
    yield "[[overlay]]"
    yield f"name = {_quoted(OVERLAY)} # the same on all servers"
    yield f"bridge = {_quoted(first.bridge)}"
    yield f"port = {first.port}"
    yield 'vni = "index" # by position in the list, as the script does; learning is on then'
    yield ""


def _peers(mesh: Mesh) -> Iterator[str]:
    yield from _comment(
        "The names are made of the addresses, so that all servers give the same. To rename them, do"
        " so on all servers before vxland starts: later it makes the tunnels anew."
    )
    files = {one.local: one.file for one in mesh.setups}
    for address in mesh.addresses:
        yield "[[peer]]"
        yield f"name = {_quoted(peer_name(address))}"
        own = f" # {files[address]}" if address in files else ""
        yield f"address = {_quoted(address)}{own}"
        yield ""


def _node(mesh: Mesh) -> Iterator[str]:
    devices = {one.device for one in mesh.setups}
    device = devices.pop()
    if devices or device is None:
        return
    yield "[node]"
    yield f"interface = {_quoted(device)} # its MTU counts"


def _quoted(text: str) -> str:
    """A string as TOML has it: as JSON does, for what is printable."""
    return json.dumps(text, ensure_ascii=False)
