"""The interfaces of containers, which are in other network namespaces than the ports they lead to.

That takes CAP_NET_ADMIN over their namespaces, which the host's has (net/core/rtnetlink.c,
rtnl_get_net_ns_capable). Nothing tells when such an interface changes.
"""

import time
from collections.abc import Mapping

from vxland.kernel.links import Indexed, link_request, read_link
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import NetlinkError
from vxland.observed import FarEnd

PAUSE = 50  # times as long as the last look at all of them took; a look takes 0.08 ms


class FarEnds:
    """What was seen of them. Those of ports that changed are looked at anew each time."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Indexed, FarEnd | None]] = {}
        self._due = 0.0

    def read(self, netlink: Netlink, ports: Mapping[str, Indexed]) -> dict[str, FarEnd]:
        """As far as that is allowed, by port."""
        started = time.monotonic()
        anew = started >= self._due
        kept = {} if anew else self._kept(ports)
        asked = {name: port for name, port in ports.items() if name not in kept}
        requests = [link_request(port.far[1], port.far[0]) for port in asked.values() if port.far]
        answers = netlink.ask(requests)
        self._seen = kept | {
            name: (port, _far_end(answer))
            for (name, port), answer in zip(asked.items(), answers, strict=True)
        }
        if anew:
            now = time.monotonic()
            self._due = now + PAUSE * (now - started)
        return {name: end for name, (_, end) in self._seen.items() if end is not None}

    def _kept(self, ports: Mapping[str, Indexed]) -> dict[str, tuple[Indexed, FarEnd | None]]:
        return {name: seen for name, seen in self._seen.items() if ports.get(name) is seen[0]}


def _far_end(answer: bytes | NetlinkError) -> FarEnd | None:
    if isinstance(answer, NetlinkError):
        return None
    link = read_link(answer).link
    return FarEnd(link.name, link.mtu)
