"""Whether a change of a route is about the way to some address."""

from vxland.addresses import IPAddress
from vxland.kernel.prefixes import FAMILY
from vxland.kernel.routes import AFTER_RTMSG, DST, RTMSG
from vxland.kernel.wire import HEADER, attributes


class Destinations:
    """Addresses, by the networks that a route to them may have for its destination."""

    def __init__(self, remotes: frozenset[IPAddress]) -> None:
        self.remotes = remotes
        self._networks: dict[tuple[int, int], frozenset[bytes]] = {}  # by family and length

    def match(self, message: bytes) -> bool:
        """Whether an RTM_NEWROUTE or RTM_DELROUTE is about the way to one of them."""
        family, length, *_ = RTMSG.unpack_from(message, HEADER.size)
        if not length:
            return True
        networks = self._networks.get((family, length))
        if networks is None:
            networks = frozenset(
                _masked(remote, length)
                for remote in self.remotes
                if FAMILY[remote.version] == family
            )
            self._networks[family, length] = networks
        return bool(networks) and dict(attributes(message, AFTER_RTMSG)).get(DST) in networks


def _masked(address: IPAddress, length: int) -> bytes:
    bits = address.max_prefixlen
    return (int(address) >> (bits - length) << (bits - length)).to_bytes(bits // 8, "big")
