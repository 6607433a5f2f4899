"""The kernel's own time to recreate a tunnel: its messages, made beforehand."""

import threading
from itertools import groupby

from bench.place import MESH, OVERLAY, Place, name
from bench.turns import Turns
from tests.lab import Moments
from vxland.identity import pair_device
from vxland.kernel.directory import Directory
from vxland.kernel.link_table import LinkTable
from vxland.kernel.messages import MESSAGES
from vxland.kernel.netlink import Netlink
from vxland.operations import DeleteLink


class Recreation:
    """A place of so many tunnels, one of which is deleted and made again without a daemon."""

    def __init__(self, place: Place, peers: int) -> None:
        self._place = place
        self._device = pair_device(OVERLAY, name(2))
        with place.entered():
            with Turns(peers, MESH) as turns:
                operations = turns.turn()[0].plan.operations
            self._netlink, self._deleter = Netlink(), Netlink()
            table = LinkTable()
            table.refresh(self._netlink)
        directory = Directory({"vxbr0": table.indexes["vxbr0"]}, {})
        own = [o for o in operations if o.device == self._device and type(o) in MESSAGES]
        self._phases = [
            [MESSAGES[type(operation)](operation, directory) for operation in phase]
            for _, phase in groupby(own, lambda operation: (operation.phase, operation.step))
        ]
        self._deletion = deletion(self._device)

    def close(self) -> None:
        """Close the sockets."""
        self._netlink.close()
        self._deleter.close()

    def __call__(self) -> float:
        """Delete and make it; returns the seconds between the kernel's two notifications."""
        with Moments(self._place) as moments:
            # Apart: the kernel tells of a deletion long before it answers who asked for it.
            deleter = threading.Thread(target=self._deleter.request, args=([self._deletion],))
            deleter.start()
            moments.until(lambda: self._device in moments.gone, "it is gone")
            for phase in self._phases:
                self._netlink.request(phase)
            took = outage(moments, self._device)
            deleter.join()
        return took


def deletion(device: str) -> bytes:
    """The message that deletes a device by its name."""
    operation = DeleteLink(OVERLAY, device)
    return MESSAGES[DeleteLink](operation, Directory({}, {}))


def outage(moments: Moments, device: str) -> float:
    """How long a device was gone, once it is back."""
    moments.until(
        lambda: device in moments.gone and moments.outage(device) is not None, f"{device} is back"
    )
    return moments.back[device] - moments.gone[device]
