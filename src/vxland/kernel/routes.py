"""Which route leads to a peer, and its MTU (include/uapi/linux/rtnetlink.h)."""

import errno
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address

from msgspec import Struct, field

from vxland.addresses import IPAddress, are_ipv4, needs_zone, zone
from vxland.kernel.netlink import Netlink
from vxland.kernel.prefixes import BITS, FAMILY, RTM_GETROUTE, Prefixes, read_prefixes
from vxland.kernel.wire import HEADER, NetlinkError, attributes
from vxland.observed import Link, LocalAddress, Route

RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst and src length, tos, table, protocol, …, flags
# The route as configured, not a copy of it with a path MTU that somebody's ICMP brought down.
RTM_F_FIB_MATCH = 0x2000
RTN_UNICAST = 1
(DST, SRC, OIF, PREFSRC, METRICS, MULTIPATH) = (1, 2, 4, 7, 8, 9)
RTAX_MTU = 2
FEW = 50  # addresses: fewer are asked about one by one sooner than all routes are read
ANSWERS = 32_768  # that needn't be read again, turn by turn
AFTER_RTMSG = HEADER.size + RTMSG.size
NEXTHOP_OIF = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, ifindex

REASONS = {  # what a lookup is answered with where nothing leads there
    errno.ENETUNREACH: "there is no route",
    errno.EHOSTUNREACH: "the route is of type unreachable",
    errno.EINVAL: "the route is of type blackhole",
    errno.EACCES: "the route is of type prohibit",
}


class Underlay(Struct, frozen=True):
    """What a lookup needs to know of this machine."""

    names: Mapping[int, str]  # of devices, by index
    links: Mapping[str, Link]
    local: Iterable[LocalAddress]

    def device(self, index: int) -> tuple[str, int] | None:
        """A device's name and MTU."""
        name = self.names.get(index)
        return None if name is None else (name, self.links[name].mtu)


class Routes(Struct):
    """Where the routes lead, and why there is none."""

    found: dict[IPAddress, Route] = field(default_factory=dict)
    missing: dict[IPAddress, str] = field(default_factory=dict)


class _Answer(Struct, frozen=True):
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


class _Subject(Struct, frozen=True):
    """What the questions are about."""

    remotes: frozenset[IPAddress]
    sources: Mapping[int, IPAddress]  # this machine's own among them, by IP version
    prefixes: Mapping[int, Prefixes | None]  # by IP version, of those that have a source


class _Questions(Struct, frozen=True):
    """What is asked, one thing after the other, and whom each answer is about."""

    subject: _Subject
    requests: Sequence[bytes]
    sources: Sequence[IPAddress | None]  # where packets to each come from
    about: Sequence[Sequence[IPAddress]]
    lasting: bool  # neither the kernel nor a device's number was asked for to ask so


class RouteTable:
    """The routes to some addresses, as the tunnels' own packets take them.

    These carry a source address, by which rules may choose the table (ip-rule(8)): that of the
    addresses which is this machine's own; else the one that the kernel prefers. All are looked up
    each time, of those that neither a route nor a rule tells apart one; where all is answered as it
    was, it isn't read again.
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
        whole = True
        asked = zip(questions.about, questions.sources, answers, strict=True)
        for alike, source, said in asked:
            answer = _said(said)
            if not isinstance(answer, _Answer) or answer.index is not None:
                self._add(alike, answer, source, underlay)
                continue
            # Of a route as configured a nexthop object may be all that is told
            # (nexthop_compat_mode).
            requests = [request(remote, source, flags=0) for remote in alike]
            for remote, each in zip(alike, _ask(netlink, requests), strict=True):
                self._add([remote], each, source, underlay)
            whole = False
        self._questions = questions if whole and questions.lasting else None
        self._answers = answers
        return self._routes

    def _asking(
        self, netlink: Netlink, remotes: frozenset[IPAddress], underlay: Underlay
    ) -> _Questions:
        sources = _own({local.ip for local in underlay.local} & remotes)
        last = self._questions.subject if self._questions else None
        if last is not None and (last.remotes, last.sources) != (remotes, sources):
            last = None
        prefixes = {
            version: None
            if last is not None and last.prefixes[version] is None
            else read_prefixes(netlink, version, len(remotes))
            for version in sources
            if len(remotes) > FEW
        }
        subject = _Subject(remotes, sources, prefixes)
        if self._questions is not None and self._questions.subject == subject:
            return self._questions
        return _questions(netlink, subject, underlay)

    def _add(
        self,
        remotes: Iterable[IPAddress],
        answer: _Answer | str | None,
        source: IPAddress | None,
        underlay: Underlay,
    ) -> None:
        """What they were answered: where nothing leads there, why; None: it is no peer's."""
        if isinstance(answer, str):
            self._routes.missing.update(dict.fromkeys(remotes, answer))
        elif answer is not None:
            index = answer.index or 0
            if index not in self._devices:
                self._devices[index] = underlay.device(index)
            if (device := self._devices[index]) is not None:
                name, mtu = device
                route = Route(name, answer.mtu or mtu, source, fixed=answer.mtu > 0)
                self._routes.found.update(dict.fromkeys(remotes, route))


def _questions(netlink: Netlink, subject: _Subject, underlay: Underlay) -> _Questions:
    about: list[Sequence[IPAddress]] = []
    sources: list[IPAddress | None] = []
    unsure: list[IPAddress] = []
    zoned: list[IPAddress] = []
    remotes: dict[int, Iterable[IPAddress]] = {4: subject.remotes}
    if not are_ipv4(subject.remotes):
        remotes = {v: [remote for remote in subject.remotes if remote.version == v] for v in FAMILY}
        zoned = [remote for remote in remotes[6] if needs_zone(remote)]
        remotes[6] = [remote for remote in remotes[6] if not needs_zone(remote)]
    for version, plain in remotes.items():
        if version not in subject.sources:
            unsure += plain
            continue
        prefixes = subject.prefixes.get(version)
        alike = prefixes.alike(plain) if prefixes else [[remote] for remote in plain]
        about += alike
        sources += [subject.sources[version]] * len(alike)
    told = _ask(netlink, [request(remote, flags=0) for remote in unsure])
    sources += [answer.source if isinstance(answer, _Answer) else None for answer in told]
    about += ([remote] for remote in unsure)
    requests = [request(each[0], source) for each, source in zip(about, sources, strict=True)]
    indexes = {name: index for index, name in underlay.names.items()}
    for remote in zoned:
        if (index := indexes.get(zone(remote) or "")) is not None:
            about.append([remote])
            sources.append(None)
            requests.append(request(remote, None, index))
    return _Questions(subject, requests, sources, about, not (unsure or zoned))


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
