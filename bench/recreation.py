"""The kernel's own time to recreate a tunnel, or a flood entry: its messages, made beforehand."""

import threading
from itertools import groupby

from bench.moments import MOMENTS, deletion, kept, outage
from bench.place import Place
from bench.turns import Turns
from vxland.kernel.directory import Directory
from vxland.kernel.link_table import LinkTable
from vxland.kernel.messages import MESSAGES
from vxland.kernel.netlink import Netlink
from vxland.operations import AppendFlood, Operation

FIRST = 2  # the number of the first peer


class Recreation:
    """A place of so many peers, what there is for one of whom goes and comes without a daemon."""

    def __init__(self, place: Place, peers: int, mode: str) -> None:
        self._place = place
        self._moments = MOMENTS[mode]
        self._thing = kept(mode, FIRST)
        with place.entered():
            with Turns(peers, mode) as turns:
                operations = turns.turn()[0].plan.operations
            self._netlink, self._deleter = Netlink(), Netlink()
            table = LinkTable()
            table.refresh(self._netlink)
        staying = table.indexes.keys() - {self._thing}  # which is another device each time
        directory = Directory({name: table.indexes[name] for name in staying}, {})
        own = [o for o in operations if _about(o) == self._thing and type(o) in MESSAGES]
        self._phases = [
            [MESSAGES[type(operation)](operation, directory) for operation in phase]
            for _, phase in groupby(own, lambda operation: (operation.phase, operation.step))
        ]
        self._deletion = deletion(mode, FIRST, directory)

    def close(self) -> None:
        """Close the sockets."""
        self._netlink.close()
        self._deleter.close()

    def __call__(self) -> float:
        """Delete and make it; returns the seconds between the kernel's two notifications."""
        with self._moments(self._place) as moments:
            # Apart: the kernel tells of a deletion long before it answers who asked for it.
            deleter = threading.Thread(target=self._deleter.request, args=([self._deletion],))
            deleter.start()
            moments.until(lambda: self._thing in moments.gone, "it is gone")
            for phase in self._phases:
                self._netlink.request(phase)
            took = outage(moments, self._thing)
            deleter.join()
        return took


def _about(operation: Operation) -> str:
    if isinstance(operation, AppendFlood):
        return str(operation.destination)
    return operation.device
