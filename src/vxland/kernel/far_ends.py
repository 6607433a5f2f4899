"""The interfaces of containers, which are in other network namespaces than the ports they lead to.

That takes CAP_NET_ADMIN over their namespaces, which the host's has (net/core/rtnetlink.c,
rtnl_get_net_ns_capable). Nothing tells when such an interface changes.
"""

from collections.abc import Mapping

from vxland.kernel.links import link_request, read_link
from vxland.kernel.netlink import Netlink, NetlinkError
from vxland.observed import FarEnd


def read_far_ends(netlink: Netlink, ends: Mapping[str, tuple[int, int]]) -> dict[str, FarEnd]:
    """Look at these, as far as that is allowed; they are a namespace's number and an index each."""
    answers = netlink.ask([link_request(*end) for end in ends.values()])
    return {
        port: FarEnd(link.name, link.mtu)
        for port, answer in zip(ends, answers, strict=True)
        if not isinstance(answer, NetlinkError)
        for link in (read_link(answer).link,)
    }
