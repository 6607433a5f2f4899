"""What would have been sent to the kernel, held against what the kernel had said of marks.

Devices are told from one another as roughly as can be, so that nothing is shared with what is
tested: one has a mark if any was among the bytes of something that was said of its number.
"""

import struct

from vxland import identity
from vxland.kernel.netlink import NETLINK_NETFILTER
from vxland.kernel.wire import HEADER, NLM_F_CREATE, NLM_F_EXCL, attributes

INDEX, INDEX_AT = struct.Struct("=i"), 4  # in ifinfomsg, ifaddrmsg and ndmsg alike
LINK, LINK_BODY = 16, HEADER.size + 16  # RTM_NEWLINK, and where its attributes begin
LINK_KINDS = frozenset({16, 17, 19, 108, 109})  # what has an ifinfomsg: …LINK, …LINKPROP
NAME, MASTER = 3, 10  # IFLA_IFNAME, IFLA_MASTER
TABLE, TABLE_BODY = 1, HEADER.size + 4  # NFTA_…_TABLE, whatever it is about
GET = frozenset({1, 4, 7, 10, 13, 16})  # NFT_MSG_GET…, of tables to the generation
NEW = NLM_F_CREATE | NLM_F_EXCL
MARKS = (
    identity.ALIAS_MARK.encode(),
    identity.ALTNAME_MARK.encode(),
    struct.pack("=I", identity.GROUP),
)
OWN_TABLES = frozenset(
    (name.split()[1] + trial).encode()
    for name in (identity.TABLE, identity.INGRESS_TABLE, identity.TALLY_TABLE)
    for trial in ("", "-probe")  # to find out what the kernel has; never committed
)


def is_question(protocol: int, kind: int) -> bool:
    """Whether a request of this type is one."""
    if protocol != NETLINK_NETFILTER:
        return kind & 3 == 2  # RTM_GET…
    return kind >> 8 != 0 and kind & 0xFF in GET  # those of 0 are the brackets of a transaction


class Changes:
    """Those that one daemon asks for, whose tunnels are to be ports of this bridge."""

    def __init__(self, bridge: str) -> None:
        self._bridge = bridge.encode() + b"\0"  # which may be another's: it is used as it is
        self._bridges: set[int] = set()
        self.strange: list[str] = []  # those of what has no mark
        self.count = 0
        self._marked: set[int] = set()
        self._made: set[bytes] = set()  # names of devices

    def told(self, kind: int, body: bytes) -> None:
        """Hear what rtnetlink answers, whatever it is like."""
        (index,) = INDEX.unpack_from(body.ljust(8, b"\0"), INDEX_AT)
        if kind == LINK and any(known in body for known in (*MARKS, *self._made)):
            self._marked.add(index)
        if kind == LINK and self._bridge in body:
            self._bridges.add(index)

    def asked(self, protocol: int, message: bytes) -> None:
        """See a request."""
        _, kind, flags, _, _ = HEADER.unpack_from(message)
        if is_question(protocol, kind) or (protocol == NETLINK_NETFILTER and not kind >> 8):
            return
        self.count += 1
        if protocol == NETLINK_NETFILTER:
            name = dict(attributes(message, TABLE_BODY))[TABLE]
            is_own = name.rstrip(b"\0") in OWN_TABLES
        else:
            is_own = self._is_own(kind, flags, message)
        if not is_own:
            self.strange.append(f"{protocol}, {kind}, {flags:#x}: {message.hex(' ')}")

    def _is_own(self, kind: int, flags: int, message: bytes) -> bool:
        """Whether a device is, and where it is to be a port."""
        (index,) = INDEX.unpack_from(message, HEADER.size + INDEX_AT)
        if kind not in LINK_KINDS:
            return index in self._marked
        said = dict(attributes(message, LINK_BODY))
        master = INDEX.unpack(said.get(MASTER, bytes(4)))[0]
        if kind == LINK and flags & NEW == NEW and not index:
            self._made.add(said[NAME])
        known = index in self._marked if index else said.get(NAME) in self._made
        return known and (not master or master in self._marked | self._bridges)
