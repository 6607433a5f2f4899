"""nftables' generation number: while it stands still, nobody changed a rule.

Every transaction raises it (net/netfilter/nf_tables_api.c, nft_base_seq). Asking takes a tenth of a
millisecond; a process that prints the rules takes many. It is raised when a transaction begins to
be carried out, and whoever lists the rules then sees a part of them: so its end is waited for.
"""

import contextlib
import errno
import struct
from collections.abc import Iterator
from socket import htons

from vxland.kernel.attributes import text
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.wire import HEADER, NetlinkError, attributes
from vxland.process.closing import Closing

GETGEN = 10 << 8 | 16  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN
GETCHAIN = 10 << 8 | 4
CHAIN_TABLE, CHAIN_NAME = 1, 3  # NFTA_CHAIN_…
BRIDGE = 7  # NFPROTO_BRIDGE
NFGENMSG = struct.Struct("=BBH")  # family, version, resource
GEN_ID = 1
TRIES = 5  # until none began meanwhile
BATCH_BEGIN, BATCH_GENID = 16, 1  # NFNL_MSG_BATCH_BEGIN, NFNL_BATCH_GENID
NFTABLES = htons(10)


class Generation(Closing):
    """Asks for the generation of this network namespace's rules."""

    def __init__(self) -> None:
        self.netlink: Netlink | None = None
        self._settled: int | None = None  # the last one that was seen to be over
        self._at: tuple[int | None] | None = None  # the one at which a look began that goes on
        with contextlib.suppress(OSError):  # a kernel without nfnetlink has no nftables either
            self.netlink = Netlink(NETLINK_NETFILTER)

    def close(self) -> None:
        """Close the socket."""
        if self.netlink is not None:
            self.netlink.close()

    def read(self) -> int | None:
        """The number; None where it can't be had (no nftables, no CAP_NET_ADMIN).

        The transaction that it is of is over then.
        """
        if self.netlink is None:
            return None
        number = _ask(self.netlink)
        for _ in range(TRIES):
            if number in {None, self._settled}:
                return number
            _wait(self.netlink, number)
            before, number = number, _ask(self.netlink)
            if number == before:
                self._settled = number
                return number
        return None

    def now(self) -> int | None:
        """The same, though the transaction that it is of may go on."""
        return None if self.netlink is None else _ask(self.netlink)

    def has_moved(self, before: int) -> bool:
        """Whether there was a transaction since then; the caller's own one is over.

        If that is the only one, nobody has to wait for its end any more.
        """
        number = self.now()
        if number == before + 1:
            self._settled = number
        return number != before

    @contextlib.contextmanager
    def look(self) -> Iterator[None]:
        """A look at several things, each of which asks ``at_look``: the kernel is asked once."""
        self._at = (self.read(),)
        try:
            yield
        finally:
            self._at = None

    def at_look(self) -> int | None:
        """The number when the look began; what it is now where there is none."""
        return self.read() if self._at is None else self._at[0]

    def lacks(self, table: str, chain: str) -> bool:
        """Whether the bridge family has no such chain; False where that can't be told."""
        if self.netlink is None:
            return False
        body = NFGENMSG.pack(BRIDGE, 0, 0) + text(CHAIN_TABLE, table) + text(CHAIN_NAME, chain)
        request = HEADER.pack(HEADER.size + len(body), GETCHAIN, 0, 0, 0) + body
        answer = self.netlink.ask([request])[0]
        return isinstance(answer, NetlinkError) and answer.errno == errno.ENOENT


def _ask(netlink: Netlink) -> int | None:
    body = NFGENMSG.pack(0, 0, 0)
    request = HEADER.pack(HEADER.size + len(body), GETGEN, 0, 0, 0) + body
    answer = netlink.ask([request])[0]
    if isinstance(answer, NetlinkError):
        return None
    seen = dict(attributes(answer, HEADER.size + NFGENMSG.size))
    return int.from_bytes(seen[GEN_ID], "big") if GEN_ID in seen else None


def _wait(netlink: Netlink, number: int) -> None:
    """Wait until whoever changes rules is done.

    A transaction that wants to be one after another generation gets its turn, and is refused.
    """
    wanted = struct.pack("=HH", 8, BATCH_GENID) + struct.pack(">I", number ^ 1 << 31 or 1)
    body = NFGENMSG.pack(0, 0, NFTABLES) + wanted
    netlink.ask([HEADER.pack(HEADER.size + len(body), BATCH_BEGIN, 0, 0, 0) + body])
