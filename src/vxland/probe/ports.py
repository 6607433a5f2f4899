"""Whether peers refuse UDP to the tunnels' port, which is told by ICMP, or not at all.

What is sent is no valid VXLAN packet (its flag I isn't set), so that a kernel with VXLAN devices
drops it and says nothing (RFC 7348, section 5; vxlan_rcv). Needs no privilege.
"""

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Collection
from ipaddress import ip_address

from vxland.addresses import IPAddress
from vxland.diagnosis.facts import Told
from vxland.diagnosis.targets import Ends
from vxland.probe.icmp import FAMILIES, Family, word

PATIENCE = 0.5  # seconds
TRIES = 2  # ICMP is limited in rate
INVALID = bytes(8)  # a VXLAN header without a flag
# struct sock_extended_err (include/uapi/linux/errqueue.h), then the address of who said it.
ERROR = struct.Struct("=IBBBxII")
OFFENDER = {4: struct.Struct("=HH4s"), 6: struct.Struct("=HHI16s")}
BY_ICMP = {2, 3}  # SO_EE_ORIGIN_ICMP, …_ICMP6
ROOM = 512  # bytes

Port = tuple[Ends, int]
_About = tuple[IPAddress, bytes, int]  # the same as an error tells it, without a zone


def knock(ports: Collection[Port]) -> dict[Port, Told]:
    """Those that are refused. Raises OSError."""
    refused: dict[Port, Told] = {}
    asked = {(ends.local, ends.remote.packed, port): (ends, port) for ends, port in ports}
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        doors: dict[IPAddress, socket.socket] = {}
        for local in {ends.local for ends, _ in ports}:
            with contextlib.suppress(OSError):  # the address isn't here at the moment
                doors[local] = stack.enter_context(_door(local))
                selector.register(doors[local], selectors.EVENT_READ, local)
        for _ in range(TRIES):
            for ends, port in ports:
                if ends.local in doors and (ends, port) not in refused:
                    _send(doors[ends.local], ends.remote, port)
            end = time.monotonic() + PATIENCE
            while (left := end - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    for about, told in _errors(doors[key.data], key.data):
                        if about in asked:
                            refused[asked[about]] = told
    return refused


def _door(local: IPAddress) -> socket.socket:
    family = FAMILIES[local.version]
    door = socket.socket(family.family, socket.SOCK_DGRAM)
    try:
        door.setsockopt(family.level, family.errors, 1)
        door.settimeout(0)
        door.bind((str(local), 0))
    except OSError:
        door.close()
        raise
    return door


def _send(door: socket.socket, remote: IPAddress, port: int) -> None:
    for _ in range(TRIES):  # an error that was told of another packet comes out here, too
        with contextlib.suppress(OSError):
            door.sendto(INVALID, (str(remote), port))
            return


def _errors(door: socket.socket, local: IPAddress) -> list[tuple[_About, Told]]:
    found = []
    family = FAMILIES[local.version]
    while True:
        try:
            _, told, _, about = door.recvmsg(ROOM, ROOM, socket.MSG_ERRQUEUE)
        except OSError:  # there is none left
            break
        remote = ip_address(about[0].partition("%")[0]).packed
        for level, kind, data in told:
            if (level, kind) == (family.level, family.errors) and (what := _told(data, family)):
                found.append(((local, remote, about[1]), what))
    with contextlib.suppress(OSError):  # whatever else came: nobody has asked for it
        while door.recv(ROOM):
            pass
    return found


def _told(data: bytes, family: Family) -> Told | None:
    _, origin, kind, code, _, _ = ERROR.unpack_from(data)
    if origin not in BY_ICMP:
        return None
    offender = OFFENDER[family.version].unpack_from(data, ERROR.size)[-1]
    return word(family, kind, code, ip_address(offender))
