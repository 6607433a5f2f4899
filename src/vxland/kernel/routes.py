"""Which route leads to a peer, and its MTU (include/uapi/linux/rtnetlink.h)."""

import errno
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_address

from vxland.addresses import IPAddress, needs_zone, zone
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError, attributes
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


def request(
    remote: IPAddress, source: IPAddress | None = None, oif: int = 0, flags: int = RTM_F_FIB_MATCH
) -> bytes:
    """Ask for the route to an address, for packets from ``source`` if it is given."""
    packed = None if source is None else source.packed
    return _request(remote.version, packed, oif, flags) + remote.packed


@lru_cache
def _request(version: int, source: bytes | None, oif: int, flags: int) -> bytes:
    """What such requests have in common: all up to the destination."""
    bits = BITS[version]
    from_bits = 0 if source is None else bits
    body = RTMSG.pack(FAMILY[version], bits, from_bits, 0, 0, 0, 0, 0, flags)
    if source is not None:
        body += _attribute(SRC, source)
    if oif:
        body += _attribute(OIF, struct.pack("=I", oif))
    body += struct.pack("=HH", 4 + bits // 8, DST)
    return HEADER.pack(HEADER.size + len(body) + bits // 8, RTM_GETROUTE, 0, 0, 0) + body


@dataclass(frozen=True, slots=True)
class _Questions:
    """What is asked, one thing after the other: an address's hash costs more than its request."""

    remotes: frozenset[IPAddress]
    sources: Mapping[int, IPAddress]  # this machine's own among them, by IP version
    order: Sequence[IPAddress]
    chosen: Sequence[IPAddress | None]  # where packets to each come from
    requests: Sequence[bytes]
    lasting: bool  # neither the kernel nor a device's number was asked for to ask so

    def with_more(self, remotes: frozenset[IPAddress], more: "_Questions") -> "_Questions":
        """These and more."""
        return replace(
            self,
            remotes=remotes,
            order=[*self.order, *more.order],
            chosen=[*self.chosen, *more.chosen],
            requests=[*self.requests, *more.requests],
        )


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
        answers = [*map(_bare, netlink.ask(questions.requests))]
        devices = {index: underlay.device(index) for index in self._devices}
        if questions is self._questions and (answers, devices) == (self._answers, self._devices):
            return self._routes
        self.read += 1
        self._routes, self._devices = Routes(), {}
        whole = self._take(netlink, questions, answers, underlay)
        self._questions = questions if whole and questions.lasting else None
        self._answers = answers
        return self._routes

    def refresh_some(
        self, netlink: Netlink, remotes: frozenset[IPAddress], underlay: Underlay
    ) -> Routes:
        """The same where routes and addresses are as they were: what is new is looked up alone."""
        last = self._questions
        sources = _own({local.ip for local in underlay.local} & remotes)
        if last is None or last.sources != sources or not remotes >= last.remotes:
            return self.refresh(netlink, remotes, underlay)
        more = _questions(netlink, remotes - last.remotes, sources, underlay)
        if not more.requests:
            return self._routes
        answers = [*map(_bare, netlink.ask(more.requests))]
        self._routes = Routes(dict(self._routes.found), dict(self._routes.missing))
        whole = self._take(netlink, more, answers, underlay)
        self._questions = last.with_more(remotes, more) if whole and more.lasting else None
        self._answers = [*self._answers, *answers]
        return self._routes

    def _take(
        self,
        netlink: Netlink,
        questions: _Questions,
        answers: Sequence[bytes | int],
        underlay: Underlay,
    ) -> bool:
        """Read answers; whether they were all that had to be asked for."""
        whole = True
        asked = zip(questions.order, questions.chosen, answers, strict=True)
        for remote, source, said in asked:
            answer = _said(said)
            if isinstance(answer, _Answer) and answer.index is None:
                # Of a route as configured a nexthop object may be all that is told
                # (nexthop_compat_mode).
                (answer,) = _ask(netlink, [request(remote, source, flags=0)])
                whole = False
            if isinstance(answer, str):
                self._routes.missing[remote] = answer
            elif answer is not None:
                self._add(remote, answer, source, underlay)
        return whole

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
    order = sorted(remotes, key=lambda a: (a.version, int(a), zone(a) or ""))
    zoned = frozenset(filter(needs_zone, order))
    oifs: dict[IPAddress, int] = {}
    if zoned:
        indexes = {name: index for index, name in underlay.names.items()}
        oifs = {r: indexes[zone(r) or ""] for r in zoned if zone(r) in indexes}
        order = [remote for remote in order if remote not in zoned or remote in oifs]
    chosen = [
        None if zoned and remote in zoned else sources.get(remote.version) for remote in order
    ]
    unsure = [i for i, r in enumerate(order) if chosen[i] is None and r not in zoned]
    told = _ask(netlink, [request(order[i], flags=0) for i in unsure])
    for i, answer in zip(unsure, told, strict=True):
        chosen[i] = answer.source if isinstance(answer, _Answer) else None
    requests = [
        request(remote, source, oifs.get(remote, 0) if oifs else 0)
        for remote, source in zip(order, chosen, strict=True)
    ]
    return _Questions(remotes, sources, order, chosen, requests, not (unsure or zoned))


def _own(here: Iterable[IPAddress]) -> dict[int, IPAddress]:
    """By IP version, the one address that is this machine's, where there is one."""
    ours = [address for address in here if not needs_zone(address)]
    return {
        version: found[0]
        for version in FAMILY
        if len(found := [address for address in ours if address.version == version]) == 1
    }


def _ask(netlink: Netlink, requests: Sequence[bytes]) -> list[_Answer | str | None]:
    """The answers; where nothing leads there, why; None where it is no peer's address."""
    return [_said(_bare(answer)) for answer in netlink.ask(requests)]


def _bare(answer: bytes | NetlinkError) -> bytes | int:
    """An answer without its header, or the number of an error: what may be the same next time."""
    return answer[HEADER.size :] if isinstance(answer, bytes) else answer.errno or 0


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
