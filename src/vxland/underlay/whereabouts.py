"""Which address of a peer counts: of those its name has, by what its tunnel has now."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from vxland import peers
from vxland.addresses import IPAddress
from vxland.listing import some
from vxland.model import Desired
from vxland.observed import Host, Observed
from vxland.problems import Kind, Problem
from vxland.settings import PeerSettings, Settings
from vxland.underlay import names, traces
from vxland.underlay.names import Answer
from vxland.underlay.unsuitable import Doubt, doubts

MOST_NAMED = 3  # of the names that can't be confirmed


class Sight(Protocol):
    """Who sees the kernel."""

    def host(self, remotes: frozenset[IPAddress] = ...) -> Host:
        """What the machine has apart from overlays."""

    def observe(
        self,
        remotes: frozenset[IPAddress] = ...,
        *,
        others: bool = ...,
        guards: Collection[str] = ...,
    ) -> Observed:
        """Everything in this namespace; what others have in ebtables' FORWARD if asked for.

        ``guards`` are those that are wanted.
        """


class Beyond(Struct, frozen=True):
    """What is known beyond the file and this moment."""

    mine: frozenset[IPAddress] = frozenset()  # other addresses that this machine's name stands for
    apart: frozenset[str] = frozenset()  # peers whose names have no IP version of this machine's
    before: str = ""  # the peer that this machine was lately


class Whereabouts(Struct, frozen=True):
    """Where the peers are, by name."""

    addresses: Mapping[str, IPAddress] = field(default_factory=dict)  # that count
    problems: Mapping[str, Problem] = field(default_factory=dict)  # of peers without one
    notes: tuple[Problem, ...] = ()
    kept: Mapping[str, IPAddress] = field(default_factory=dict)  # to be known next time
    complete: bool = True  # every name has an answer
    beyond: Beyond = Beyond()


def survey(
    sight: Sight,
    settings: Settings,
    answers: Mapping[str, Answer],
    before: Mapping[str, IPAddress],
) -> tuple[Observed, Whereabouts]:
    """Look at everything, with routes to wherever the peers turn out to be.

    ``before`` is what was kept last time, ``answers`` what is known of host names.
    """
    written = peers.addresses(settings.peers)
    asked = frozenset((*written.values(), *before.values()))
    if settings.node.address is not None:  # by which routes are chosen
        asked |= {settings.node.address}
    observed = sight.observe(
        asked,
        others=any(one.adopt for one in settings.overlays),
        guards={name for one in settings.overlays for name in one.guards},
    )
    if len(written) == len(settings.peers):  # nobody has a host name
        return observed, Whereabouts(written)
    where = whereabouts(settings, answers, observed, before)
    if more := {*where.addresses.values()} - asked:
        observed = replace(observed, host=sight.host(asked | more))
    return observed, where


def whereabouts(
    settings: Settings,
    answers: Mapping[str, Answer],
    observed: Observed,
    before: Mapping[str, IPAddress],
) -> Whereabouts:
    """Where each peer is. A name without an answer is where it was, or where its tunnel leads."""
    named = peers.named(settings.peers)
    if not named:
        return Whereabouts(peers.addresses(settings.peers))
    doubt = doubts(settings, observed.host)
    known = {peer.name: _known(peer, answers, doubt) for peer in settings.peers}
    here = frozenset(local.ip for local in observed.host.addresses)
    if settings.node.address is not None:
        here = frozenset({settings.node.address})
    by_name = {peer.name: peer for peer in named}
    own = _own(settings, known, here, by_name.keys(), observed)
    present = {**before}
    if any(peer.name not in before for peer in named):
        present = traces.ends(observed, own) | present
    mine = known.get(own or "", Answer())
    by_own_name = mine.addresses
    if settings.node.address is not None:
        mine = names.besides(settings.node.address, known.get(own or ""))
    this = _Self(own, here)
    chosen = _chosen(known, present, mine, this)
    apart = frozenset(
        name
        for name, answer in known.items()
        if name != own and answer.versions.isdisjoint(mine.versions)
    )
    addresses, twice = _once(settings.peers, chosen, present, this)
    lost = {
        name: _unknown(by_name[name], known[name])
        for name, address in chosen.items()
        if address is None and name in by_name
    }
    kept = {
        name: address
        for name in by_name
        if (address := addresses.get(name) or present.get(name)) is not None
    }
    unconfirmed = [
        (by_name[name], known[name].reason)
        for name in addresses
        if name in by_name and known[name].reason not in {"", names.ASKING}
    ]
    return Whereabouts(
        addresses,
        lost | twice,
        tuple(_notes(unconfirmed)),
        kept,
        all(known[name].addresses for name in by_name),
        Beyond(by_own_name, apart),
    )


def explained(desired: Desired, where: Whereabouts) -> Desired:
    """The same, with what is known of why a peer's address isn't."""
    if not where.problems:
        return desired
    return replace(
        desired,
        overlays=tuple(
            replace(
                overlay,
                waiting=tuple(
                    replace(where.problems.get(problem.peer, problem), overlay=overlay.name)
                    for problem in overlay.waiting
                ),
            )
            for overlay in desired.overlays
        ),
    )


def choose(answer: Answer, present: IPAddress | None, mine: Answer) -> IPAddress | None:
    """The address of a peer that counts, of those that are known; ``mine`` are this node's own.

    Both ends of a tunnel come to the same family so: IPv4 where both have it, else IPv6. In it, the
    present address stays while it is among the answers, else it is the smallest.
    """
    if present is not None and present.version in answer.unsure:
        return present  # nobody said otherwise
    if present in answer.addresses and mine.unsure:
        return present
    shared = [a for a in answer.addresses if a.version in mine.versions] or list(answer.addresses)
    family = min((address.version for address in shared), default=None)
    shared = [address for address in shared if address.version == family]
    return present if present in shared else min(shared, key=int, default=None)


def _known(peer: PeerSettings, answers: Mapping[str, Answer], doubt: Doubt) -> Answer:
    literal = peers.lookup(peer.address)
    if literal is not None:
        return names.written(literal)
    answer = answers.get(str(peers.key(peer.address)), Answer())
    doubtful = {a: why for a in answer.addresses if (why := doubt(peer, a)) is not None}
    if not doubtful:
        return answer
    if len(doubtful) == len(answer.addresses):
        reasons = [f"{address}, {why}" for address, why in sorted(doubtful.items(), key=str)]
        return Answer(reason=f"it has only {' and '.join(reasons[:MOST_NAMED])}")
    return replace(answer, addresses=answer.addresses - doubtful.keys())


class _Self(Struct, frozen=True):
    """This machine: which peer it is, as far as that is known, and its addresses."""

    name: str | None
    addresses: frozenset[IPAddress]


def _own(
    settings: Settings,
    known: Mapping[str, Answer],
    here: frozenset[IPAddress],
    named: Collection[str],
    observed: Observed,
) -> str | None:
    """Which peer this machine is: as the file says, as tunnels remember it, or by an address.

    Names may have no answer, or a wrong one that gives this machine's address to another peer.
    """
    if settings.node.name is not None:
        return settings.node.name
    found = [name for name, answer in known.items() if answer.addresses & here]
    if len(found) == 1 and found[0] not in named:
        return found[0]
    made = traces.maker(observed, (*found, *named))
    if made is not None:
        return made
    return found[0] if len(found) == 1 else None


def _chosen(
    known: Mapping[str, Answer], present: Mapping[str, IPAddress], mine: Answer, this: _Self
) -> dict[str, IPAddress | None]:
    """Each peer's address that counts; None where nobody knows."""
    chosen = {}
    for name, answer in known.items():
        ours = answer.addresses & this.addresses
        if ours and this.name in {name, None}:
            own_answer = Answer(ours, frozenset(), "")
            chosen[name] = choose(own_answer, present.get(name), own_answer)
        else:  # an address of this machine's is another peer's only if it has no other
            others = replace(answer, addresses=answer.addresses - ours) if ours else answer
            others = others if others.addresses else answer
            chosen[name] = choose(others, present.get(name), mine)
    return chosen


def _once(
    listed: Iterable[PeerSettings],
    chosen: Mapping[str, IPAddress | None],
    present: Mapping[str, IPAddress],
    this: _Self,
) -> tuple[dict[str, IPAddress], dict[str, Problem]]:
    """Each address once: whose it was has it before who comes by it.

    Where this machine doesn't know who it is, its address may be several peers': that is said so.
    """
    addresses: dict[str, IPAddress] = {}
    holders = {} if this.name is None else dict.fromkeys(this.addresses, this.name)
    shared = this.addresses if this.name is None else frozenset()
    problems: dict[str, Problem] = {}

    def rank(peer: PeerSettings) -> int:
        if peers.lookup(peer.address) is not None:
            return 0
        return 1 if chosen[peer.name] == present.get(peer.name) else 2

    for peer in sorted(listed, key=rank):
        address = chosen[peer.name]
        if address is None:
            continue
        holder = holders.setdefault(address, peer.name)
        if holder != peer.name and address not in shared:
            problems[peer.name] = Problem(
                Kind.CONFLICT,
                f"peer {peer.name}: {peer.address} is {address}, and so is peer {holder}",
                "Correct one of the two, in the file or in DNS; until then the tunnel stays as"
                " it is",
                peer=peer.name,
                about="name",
            )
            continue
        addresses[peer.name] = address
    return addresses, problems


def _unknown(peer: PeerSettings, answer: Answer) -> Problem:
    return Problem(
        Kind.WAITING,
        f"the address of peer {peer.name} isn't known yet: {peer.address}: {answer.reason}",
        "Nothing, if it still comes: it is looked up again and again. Otherwise see"
        f" /etc/resolv.conf and: getent ahosts {peer.address}",
        peer=peer.name,
    )


def _notes(unconfirmed: list[tuple[PeerSettings, str]]) -> Iterator[Problem]:
    if not unconfirmed:
        return
    which = some([peer.address for peer, _ in unconfirmed], MOST_NAMED)
    first, reason = unconfirmed[0]
    yield Problem(
        Kind.HINT,
        f"{which} can't be looked up at the moment, so tunnels keep the addresses they have:"
        f" {reason}",
        f"See /etc/resolv.conf and: getent ahosts {first.address}",
        about="names",
    )
