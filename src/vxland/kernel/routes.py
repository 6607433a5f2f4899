"""Which route leads to a peer, and its MTU (include/uapi/linux/rtnetlink.h)."""

import errno
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

from vxland.addresses import IPAddress, needs_zone, zone
from vxland.kernel.netlink import HEADER, Netlink, NetlinkError, attributes
from vxland.observed import Link, LocalAddress, Route

RTM_GETROUTE = 26
RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst and src length, tos, table, protocol, …, flags
# The route as configured, not a copy of it with a path MTU that somebody's ICMP brought down.
RTM_F_FIB_MATCH = 0x2000
RTN_UNICAST = 1
(DST, SRC, OIF, PREFSRC, METRICS, MULTIPATH) = (1, 2, 4, 7, 8, 9)
RTAX_MTU = 2
ANSWERS = 32_768  # that needn't be read again, turn by turn
FAMILY, BITS = {4: 2, 6: 10}, {4: 32, 6: 128}
AFTER_RTMSG = HEADER.size + RTMSG.size
NEXTHOP_OIF = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, ifindex

REASONS = {  # what a lookup is answered with where nothing leads there
    errno.ENETUNREACH: "there is no route",
    errno.EHOSTUNREACH: "the route is of type unreachable",
    errno.EINVAL: "the route is of type blackhole",
    errno.EACCES: "the route is of type prohibit",
}


@dataclass(frozen=True, slots=True)
class Underlay:
    """What a lookup needs to know of this machine."""

    names: Mapping[int, str]  # of devices, by index
    links: Mapping[str, Link]
    local: Iterable[LocalAddress]

    def device(self, index: int) -> tuple[str, int] | None:
        """A device's name and MTU."""
        name = self.names.get(index)
        return None if name is None else (name, self.links[name].mtu)


@dataclass(slots=True)
class Routes:
    """Where the routes lead, and why there is none."""

    found: dict[IPAddress, Route] = field(default_factory=dict)
    missing: dict[IPAddress, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Answer:
    index: int | None
    source: IPAddress | None
    mtu: int  # 0: the device's


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


def request(
    remote: IPAddress, source: IPAddress | None = None, oif: int = 0, flags: int = RTM_F_FIB_MATCH
) -> bytes:
    """Ask for the route to an address, for packets from ``source`` if it is given."""
    return _request(remote.version, source, oif, flags) + remote.packed


@lru_cache
def _request(version: int, source: IPAddress | None, oif: int, flags: int) -> bytes:
    """What such requests have in common: all up to the destination."""
    bits = BITS[version]
    from_bits = 0 if source is None else bits
    body = RTMSG.pack(FAMILY[version], bits, from_bits, 0, 0, 0, 0, 0, flags)
    if source is not None:
        body += _attribute(SRC, source.packed)
    if oif:
        body += _attribute(OIF, struct.pack("=I", oif))
    body += struct.pack("=HH", 4 + bits // 8, DST)
    return HEADER.pack(HEADER.size + len(body) + bits // 8, RTM_GETROUTE, 0, 0, 0) + body


@dataclass(frozen=True, slots=True)
class _Questions:
    """What is asked for each address, in an order that stays."""

    remotes: frozenset[IPAddress]
    sources: Mapping[int, IPAddress]  # this machine's own among them, by IP version
    chosen: Mapping[IPAddress, IPAddress | None]  # where packets to them come from
    oifs: Mapping[IPAddress, int]
    requests: Mapping[IPAddress, bytes]
    lasting: bool  # neither the kernel nor a device's number was asked for to ask so


class RouteTable:
    """The routes to some addresses, as the tunnels' own packets take them.

    These carry a source address, by which rules may choose the table (ip-rule(8)): that of the
    addresses which is this machine's own; else the one that the kernel prefers. All are looked up
    each time; where all is answered as it was, it isn't read again.
    """

    def __init__(self) -> None:
        self._questions: _Questions | None = None
        self._answers: list[bytes | int] = []
        self._devices: dict[int, tuple[str, int] | None] = {}  # that they lead to, by number
        self._routes = Routes()
        self.read = 0  # times so far that answers were read, to be counted in tests

    def refresh(
        self, netlink: Netlink, remotes: frozenset[IPAddress], underlay: Underlay
    ) -> Routes:
        """Look them up; what is returned is the same object while it is the same."""
        questions = self._asking(netlink, remotes, underlay)
        answers = [
            answer.errno or 0 if isinstance(answer, NetlinkError) else answer[HEADER.size :]
            for answer in netlink.ask([*questions.requests.values()])
        ]
        devices = {index: underlay.device(index) for index in self._devices}
        if questions is self._questions and (answers, devices) == (self._answers, self._devices):
            return self._routes
        self.read += 1
        read = dict(zip(questions.requests, map(_said, answers), strict=True))
        # Of a route as configured a nexthop object may be all that is told (nexthop_compat_mode).
        vague = [r for r, a in read.items() if isinstance(a, _Answer) and a.index is None]
        if vague:
            read |= _ask(netlink, {r: request(r, questions.chosen.get(r), flags=0) for r in vague})
        self._routes = Routes()
        self._devices = {}
        for remote, answer in read.items():
            if isinstance(answer, str):
                self._routes.missing[remote] = answer
            elif answer is not None:
                self._add(remote, answer, questions.chosen.get(remote), underlay)
        # What more than one answer tells is to be asked for again.
        self._questions = None if vague or not questions.lasting else questions
        self._answers = answers
        return self._routes

    def _asking(
        self, netlink: Netlink, remotes: frozenset[IPAddress], underlay: Underlay
    ) -> _Questions:
        sources = _own({local.ip for local in underlay.local} & remotes)
        last = self._questions
        if last is not None and (last.remotes, last.sources) == (remotes, sources):
            return last
        return _questions(netlink, remotes, sources, underlay)

    def _add(
        self, remote: IPAddress, answer: _Answer, source: IPAddress | None, underlay: Underlay
    ) -> None:
        index = answer.index or 0
        if index not in self._devices:
            self._devices[index] = underlay.device(index)
        if (device := self._devices[index]) is not None:
            name, mtu = device
            route = Route(name, answer.mtu or mtu, source, fixed=answer.mtu > 0)
            self._routes.found[remote] = route


def _questions(
    netlink: Netlink,
    remotes: frozenset[IPAddress],
    sources: Mapping[int, IPAddress],
    underlay: Underlay,
) -> _Questions:
    wanted = sorted(remotes, key=lambda a: (a.version, int(a), zone(a) or ""))
    zoned = [remote for remote in wanted if needs_zone(remote)]
    oifs: dict[IPAddress, int] = {}
    if zoned:
        indexes = {name: index for index, name in underlay.names.items()}
        oifs = {r: indexes[zone(r) or ""] for r in zoned if zone(r) in indexes}
        wanted = [remote for remote in wanted if not needs_zone(remote) or remote in oifs]
    plain = [remote for remote in wanted if remote not in oifs] if oifs else wanted
    unsure = [remote for remote in plain if remote.version not in sources]
    chosen = {r: sources[r.version] for r in plain if r.version in sources}
    if unsure:
        told = _ask(netlink, {r: request(r, flags=0) for r in unsure})
        chosen |= {r: a.source for r, a in told.items() if isinstance(a, _Answer) and a.source}
    return _Questions(
        remotes,
        sources,
        chosen,
        oifs,
        {r: request(r, chosen.get(r), oifs.get(r, 0)) for r in wanted},
        lasting=not (unsure or zoned),
    )


def _own(here: Iterable[IPAddress]) -> dict[int, IPAddress]:
    """By IP version, the one address that is this machine's, where there is one."""
    ours = [address for address in here if not needs_zone(address)]
    return {
        version: found[0]
        for version in FAMILY
        if len(found := [address for address in ours if address.version == version]) == 1
    }


def _ask(
    netlink: Netlink, requests: Mapping[IPAddress, bytes]
) -> dict[IPAddress, _Answer | str | None]:
    """The answers; where nothing leads there, why; None where it is no peer's address."""
    answers = netlink.ask([*requests.values()])
    return {
        remote: _said(
            answer.errno or 0 if isinstance(answer, NetlinkError) else answer[HEADER.size :]
        )
        for remote, answer in zip(requests, answers, strict=True)
    }


def _said(answer: bytes | int) -> _Answer | str | None:
    """What an answer without its header, or the number of an error, says."""
    return _read(answer) if isinstance(answer, bytes) else _reason(NetlinkError(answer))


def _reason(error: NetlinkError) -> str:
    return REASONS.get(error.errno or 0, f"{error.strerror} ({error.name})")


@lru_cache(ANSWERS)
def _read(body: bytes) -> _Answer | None:
    """What an answer without its header says: for each peer the same until a route changes."""
    if RTMSG.unpack_from(body)[7] != RTN_UNICAST:
        return None
    seen = dict(attributes(body, RTMSG.size))
    index = None
    if OIF in seen:
        index = struct.unpack("=I", seen[OIF])[0]
    elif MULTIPATH in seen:
        index = NEXTHOP_OIF.unpack_from(seen[MULTIPATH])[3]
    metrics = dict(attributes(seen.get(METRICS, b""), 0))
    mtu = struct.unpack("=I", metrics[RTAX_MTU])[0] if RTAX_MTU in metrics else 0
    return _Answer(index, ip_address(seen[PREFSRC]) if PREFSRC in seen else None, mtu)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value
