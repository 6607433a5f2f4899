"""What has been counted for peers, read when somebody asks: a look of its own, piece by piece."""

import contextlib
import time
from collections.abc import Callable

from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.tally import TALLY
from vxland.kernel.tally_sets import counts
from vxland.kernel.wire import readable
from vxland.observed import Counted
from vxland.tables.meter import Counters
from vxland.tables.tally import KEYS, RECEIVED
from vxland.traffic import Count


def read_counters(give_way: Callable[[], None] = lambda: None) -> Counters:
    """All of them; of a set that isn't there, or may not be read, none."""
    began = time.monotonic()
    received: dict[Counted, Count] = {}
    sent: dict[Counted, Count] = {}
    # A status without numbers is better than none; the loop says why there is no table.
    with contextlib.suppress(OSError), readable(), Netlink(NETLINK_NETFILTER) as netlink:
        for name in KEYS:
            into = received if name.startswith(RECEIVED) else sent
            for piece in counts(TALLY, netlink, name):
                into.update(piece)
                give_way()
    return Counters(began, time.monotonic(), received, sent)
