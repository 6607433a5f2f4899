"""The data plane: what vxland puts into it costs, and how much of a link is left inside.

The guards are the split horizon's. The filter is the table that lets only peers in, and keeps their
packets out of connection tracking: what it costs has rows of its own.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Row, Spread, Way, in_turns
from bench.scale import Scale
from bench.streams import Stream, datagram, tcp
from tests.lab import Server, Site
from tests.lab.site import ADDRESS, config
from vxland.kernel.ingress import INGRESS, Ingress
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.own_table import DORMANT, PERSIST
from vxland.kernel.transactions import BEGIN, END
from vxland.observed import IngressTable, TableState

GUARDED, OF_LINK = 0.98, 0.94
SECONDS = 2.0  # for which a link is filled
AGAINST = {"guarded": "unguarded", "filtered": "unfiltered", "as shipped": "neither"}
TUNNELS = "$(ip -br link show type vxlan | cut -d' ' -f1)"
ISOLATED = f"for p in {TUNNELS}; do echo link set dev $p isolated {{}}; done | bridge -batch -"
UNGUARD = f"{ISOLATED.format('off')}; nft delete table bridge filter 2>/dev/null || true"
GUARD = f"{ISOLATED.format('on')}; ebtables-restore <{{}}"
SHAPE = "tc qdisc replace dev eth0 root tbf rate 1gbit burst 256kb latency 50ms"
ASKING = "type filter hook input priority 0; ct state new;"  # somebody's firewall
TRACK = f"nft 'table inet asking {{ chain input {{ {ASKING} }}; }}'"


class Plane:
    """Two servers with a container each, and what of vxland is in between."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site = site
        self._rules = folder / "rules"
        self._rules.write_text(site.servers[0].sh("ebtables-save"))

    def become(self, *, guarded: bool, filtered: bool) -> None:
        """Have these, and not the others."""
        for server in self._site.servers:
            server.sh(GUARD.format(self._rules) if guarded else UNGUARD)
            _filter(server, active=filtered)

    def track(self) -> None:
        """Have connections tracked from now on, as by a firewall that asks for their state."""
        for server in self._site.servers:
            server.sh(TRACK)

    def stream(self, seconds: float) -> Stream:
        """One connection from container to container."""
        one, other = self._site.containers
        return tcp(one, other, other.address, seconds)

    def frame(self, count: int) -> float:
        """Seconds of a processor for each small frame from container to container."""
        one, other = self._site.containers
        return datagram(one, other, other.address, count)


def rows(scale: Scale) -> Iterator[Row]:
    """Guarded against unguarded, filtered against not, and a tunnel against the link below it."""
    for peers in (2, 100):
        with Site(scale.folder / f"plane{peers}", 2, prefix=f"pl{peers}-") as site:
            site.start(config(range(1, peers + 1)))
            site.add_containers()
            for server in site.servers:
                server.stop()  # or it would put right what is tried here
            plane = Plane(site, scale.folder)
            yield from _streams(plane, peers, scale)
            yield from _frames(plane, peers, scale)
    with Site(scale.folder / "link", 2, prefix="link-") as site:
        site.start()
        site.add_containers()
        for server in site.servers:
            server.sh(SHAPE)
        yield _link(site, scale)


def _streams(plane: Plane, peers: int, scale: Scale) -> Iterator[Row]:
    """One TCP connection, by the clock and by processor time."""
    worked: dict[str, list[float]] = {}

    def streamed(name: str, *, guarded: bool, filtered: bool) -> float:
        plane.become(guarded=guarded, filtered=filtered)
        stream = plane.stream(scale.streams)
        worked.setdefault(name, []).append(stream.of_processor)
        return stream.rate

    ways: dict[str, Way] = {
        "guarded": lambda: streamed("guarded", guarded=True, filtered=False),
        "neither": lambda: streamed("neither", guarded=False, filtered=False),
        "filtered": lambda: streamed("filtered", guarded=False, filtered=True),
        "as shipped": lambda: streamed("as shipped", guarded=True, filtered=True),
    }
    seen = in_turns(ways, scale.streamed)
    counted = {name: Spread(tuple(figures[1:])) for name, figures in worked.items()}
    for kind, against in AGAINST.items():
        limit = GUARDED if kind == "guarded" else None
        for what, figures, held in (
            (f"data plane, {kind}", seen, limit),
            (f"data plane, {kind}, by processor time", counted, None),
        ):
            yield Row(
                what,
                peers,
                figures[kind],
                "B/s",
                reference=figures["neither"],
                against=against,
                limit=held,
                least=True,
            )


def _frames(plane: Plane, peers: int, scale: Scale) -> Iterator[Row]:
    """What a small frame costs, the way through both servers."""

    def sent(*, guarded: bool, filtered: bool) -> Way:
        def way() -> float:
            plane.become(guarded=guarded, filtered=filtered)
            return plane.frame(scale.frames)

        return way

    neither = sent(guarded=False, filtered=False)
    filtered = sent(guarded=False, filtered=True)
    ways = {
        "guarded": sent(guarded=True, filtered=False),
        "neither": neither,
        "filtered": filtered,
        "as shipped": sent(guarded=True, filtered=True),
    }
    seen = in_turns(ways, scale.rounds)
    for kind, against in AGAINST.items():
        yield Row(
            f"a small frame, {kind}",
            peers,
            seen[kind],
            reference=seen["neither"],
            against=against,
        )
    plane.track()
    seen = in_turns({"filtered": filtered, "unfiltered": neither}, scale.rounds)
    yield Row(
        "a small frame, filtered, connections tracked",
        peers,
        seen["filtered"],
        reference=seen["unfiltered"],
        against="unfiltered",
    )


def _filter(server: Server, *, active: bool) -> None:
    """What lets only peers in sees packets, or doesn't: a dormant table has no hooks."""
    with (
        server.entered(),
        contextlib.closing(Ingress()) as ingress,
        Netlink(NETLINK_NETFILTER) as netlink,
    ):
        flags = (PERSIST if _table(ingress).persistent else 0) | (0 if active else DORMANT)
        refusal = netlink.transaction(BEGIN, [INGRESS.making(flags, request=0)], [END])
        if refusal or _table(ingress).dormant is active:
            message = f"{server.name}'s table stays as it is: {refusal}"
            raise RuntimeError(message)


def _table(ingress: Ingress) -> IngressTable:
    state = ingress.read()
    if not isinstance(state, TableState) or state.table is None:
        message = f"there is no table that filters: {state}"
        raise RuntimeError(message)
    return state.table


def _link(site: Site, scale: Scale) -> Row:
    web, db = site.containers
    one, other = site.servers
    ways: dict[str, Way] = {
        "tunnel": lambda: tcp(web, db, db.address, SECONDS).rate,
        "link": lambda: tcp(one, other, ADDRESS.format(2), SECONDS).rate,
    }
    seen = in_turns(ways, scale.rounds)
    return Row(
        "data plane, TCP in the tunnel at 1 Gbit/s",
        2,
        seen["tunnel"],
        "B/s",
        reference=seen["link"],
        against="the link below",
        limit=OF_LINK,
        least=True,
    )
