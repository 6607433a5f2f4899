"""Where bridges, and shared tunnels, have seen MAC addresses, look by look."""

from collections import defaultdict
from collections.abc import Mapping
from ipaddress import ip_address

from vxland.diagnosis.facts import Place
from vxland.kernel.fdb import DST, LLADDR, NDMSG, NTF_SELF, dump_request
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, attributes, readable
from vxland.observed import NULL_MAC, Observed

MOST = 20_000  # entries of a look that are gone through


class Sightings:
    """Collects what several looks have seen. A MAC address at two places at once is a clash."""

    def __init__(self, observed: Observed, indexes: Mapping[int, str]) -> None:
        self._links, self._names = observed.links, indexes
        self._seen: dict[str, set[Place]] = defaultdict(set)

    @readable()
    def look(self) -> None:
        """One more look. Raises OSError."""
        with Netlink() as netlink:
            messages = netlink.dump(dump_request())
        for message in messages[:MOST]:
            _, _, _, index, _, flags, _ = NDMSG.unpack_from(message, HEADER.size)
            link = self._links.get(self._names.get(index, ""))
            if link is None or link.master is None:  # a bridge's own
                continue
            seen = dict(attributes(message, HEADER.size + NDMSG.size))
            mac = seen.get(LLADDR, b"").hex(":")
            if not flags & NTF_SELF:
                self._seen[mac].add(Place(link.master, link.name))
            elif DST in seen and link.vxlan and not link.vxlan.remote and mac != NULL_MAC:
                self._seen[mac].add(Place(link.name, str(ip_address(seen[DST]))))

    def found(self) -> dict[str, frozenset[Place]]:
        """By MAC address, where it was."""
        return {mac: frozenset(places) for mac, places in self._seen.items()}
