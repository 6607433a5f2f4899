"""Which addresses this machine's routes and rules tell apart, of a family.

The way to two addresses is the same where the same destinations cover both, in whichever table or
rule they stand (fib_table_lookup and fib6_node_lookup choose by the destination's prefix alone, and
a rule by FRA_DST). So one of them needs asking about.
"""

import errno
from collections.abc import Iterable
from itertools import chain

from msgspec import Struct

from vxland.addresses import IPAddress
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError, by_kind

RTM_GETROUTE, RTM_GETRULE = 26, 34
FAMILY, BITS = {4: 2, 6: 10}, {4: 32, 6: 128}
SIZE = 12  # of struct rtmsg, and of struct fib_rule_hdr, which begins alike
LENGTH_AT = HEADER.size + 1  # of the prefix
DST = 1  # RTA_DST and FRA_DST


class Prefixes(Struct, frozen=True):
    """The destinations of all routes and rules, the longest prefixes first."""

    shifts: tuple[tuple[int, frozenset[int]], ...]  # how many bits don't count, and the others

    def alike(self, addresses: Iterable[IPAddress]) -> list[list[IPAddress]]:
        """These, of this family, by the longest one that covers them: all others cover it, too."""
        uncovered: list[IPAddress] = []
        covered: list[tuple[int, dict[int, list[IPAddress]]]] = [
            (shift, {head: [] for head in heads}) for shift, heads in self.shifts
        ]
        for address in addresses:
            number = int(address)
            for shift, by_head in covered:
                if (same := by_head.get(number >> shift)) is not None:
                    same.append(address)
                    break
            else:
                uncovered.append(address)
        groups = chain.from_iterable(by_head.values() for _, by_head in covered)
        return [same for same in (*groups, uncovered) if same]


def read_prefixes(netlink: Netlink, version: int, most: int) -> Prefixes | None:
    """All of this IP version; None where they can't be read, or are more than ``most``."""
    found: set[tuple[int, int]] = set()

    def note(message: bytes) -> None:
        shift = BITS[version] - message[LENGTH_AT]
        found.add((shift, _destination(message) >> shift))
        if len(found) > most:  # a dump that isn't read to its end is given up
            raise NetlinkError(errno.E2BIG)

    body = bytes([FAMILY[version]]) + bytes(SIZE - 1)
    for kind in (RTM_GETRULE, RTM_GETROUTE):
        request = HEADER.pack(HEADER.size + SIZE, kind, 0, 0, 0) + body
        try:
            netlink.dump_as(note, request)
        except NetlinkError:
            return None
    heads: dict[int, set[int]] = {}
    for shift, head in sorted(found):
        heads.setdefault(shift, set()).add(head)
    return Prefixes(tuple((shift, frozenset(alike)) for shift, alike in heads.items()))


def _destination(message: bytes) -> int:
    """The number of the address that the prefix begins with; 0 for all addresses."""
    return int.from_bytes(by_kind(message, HEADER.size + SIZE).get(DST, b""), "big")
