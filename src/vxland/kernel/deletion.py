"""Deletions of many devices as one: each on its own waits until no processor uses the device.

Devices of a link group go by one message (net/core/rtnetlink.c, rtnl_group_dellink). vxland's own
are in one from the start, which goes if there is nothing in it that stays. Others are moved into a
group that nobody has, and it is looked whether they are all that is in it.
"""

import secrets
import struct
from collections.abc import Sequence

from vxland import identity
from vxland.kernel.links import GROUP, IFINFO, dump_request
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError, attributes

RTM_DELLINK, RTM_SETLINK = 17, 19
MANY = 10  # of fewer, each is deleted on its own
GROUP_NUMBER = struct.Struct("=HHI")  # IFLA_GROUP


def delete(netlink: Netlink, messages: Sequence[bytes]) -> list[NetlinkError | None]:
    """Send these deletions (RTM_DELLINK); returns the kernel's answer to each, in order."""
    indexes = [_index(message) for message in messages]
    gone = _delete_together(netlink, frozenset(indexes) - {0})
    rest = {i: message for i, message in enumerate(messages) if indexes[i] not in gone}
    answers = dict(zip(rest, netlink.request([*rest.values()]), strict=True))
    return [answers.get(i) for i in range(len(messages))]


def _delete_together(netlink: Netlink, indexes: frozenset[int]) -> frozenset[int]:
    """Delete those that can be, as groups; returns them."""
    if len(indexes) < MANY:
        return frozenset()
    gone = _delete_group(netlink, identity.GROUP, indexes)
    rest = indexes - gone
    if len(rest) >= MANY:
        group = secrets.randbits(32)
        netlink.request([_message(RTM_SETLINK, index, group) for index in rest])
        gone |= _delete_group(netlink, group, rest)
    return gone


def _delete_group(netlink: Netlink, group: int, indexes: frozenset[int]) -> frozenset[int]:
    """Delete a group if only these are in it; returns those that went so, all or none."""
    members = _members(netlink, group)
    if not members or not members.issubset(indexes):  # for the other group that is chance
        return frozenset()
    refusal = netlink.request([_message(RTM_DELLINK, 0, group)])[0]
    return members if refusal is None else frozenset()


def _members(netlink: Netlink, group: int) -> frozenset[int]:
    """The devices of a group, by number."""
    wanted = struct.pack("=I", group)

    def member(message: bytes) -> int | None:
        return _index(message) if _group(message) == wanted else None

    return frozenset(filter(None, netlink.dump_as(member, dump_request())))


def _group(message: bytes) -> bytes | None:
    """What a message about a link says of its group; it does so early, and is read no further."""
    found = attributes(message, HEADER.size + IFINFO.size)
    return next((value for kind, value in found if kind == GROUP), None)


def _message(kind: int, index: int, group: int) -> bytes:
    body = IFINFO.pack(0, 0, index, 0, 0) + GROUP_NUMBER.pack(GROUP_NUMBER.size, GROUP, group)
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body


def _index(message: bytes) -> int:
    """The device's number in a message about a link; 0 where it goes by its name."""
    index: int = IFINFO.unpack_from(message, HEADER.size)[2]
    return index
