"""Whether frames that go into a tunnel are answered out of it: at any size, at full size."""

from collections.abc import Iterator
from shlex import quote

from vxland.diagnosis.facts import Facts, InputChain, Through
from vxland.diagnosis.finding import Finding, State
from vxland.diagnosis.targets import Target

SMALLER = (
    "See above what the path takes. An mtu in [[overlay]] that is small enough, on all servers and"
    " in their guests, mends it"
)
THERE = "On that server, vxland doctor tells whether packets arrive, and what drops them"


def tunnel(facts: Facts) -> Iterator[Finding]:
    """One for each tunnel that was tried."""
    for target in facts.targets:
        through = facts.through.get(target.key)
        if through is None:
            if not facts.denied:
                text = f"{target.device} isn't there, or down, so nothing could be tried"
                yield _of(target, State.UNKNOWN, text)
        elif through.answered:
            yield _answered(target, through)
        elif through.wire:
            yield _stopped_here(target, facts)
        elif (target.ends, target.port) not in facts.ports:  # else it is said already
            yield _silent(target, through, facts)


def _of(target: Target, state: State, text: str, cure: str = "") -> Finding:
    return Finding(state, text, cure, target.overlay, target.peer, target.device)


def _answered(target: Target, through: Through) -> Finding:
    whole = target.whole
    if through.full and through.pieces is False:
        text = f"packets of up to {whole} bytes pass both ways, those of {target.mtu} leave in"
        return _of(
            target,
            State.PROBLEM,
            f"{text} pieces, and vanish: a firewall or router on the way drops fragments",
            f"Let it pass them on. Otherwise {_automatic(target)}",
        )
    if through.full:
        text = f"works both ways, with packets of {whole} bytes inside"
        if through.pieces:
            text += f"; those of {target.mtu} get there in pieces"
        return _of(target, State.OK, text)
    if through.full is None:
        text = "works both ways; whether at full size can't be told: the bridge there has no IPv6"
        return _of(target, State.UNKNOWN, text)
    if through.fits:
        text = f"guests are told that packets of {whole} bytes don't pass, those of {through.fits}"
        return _of(target, State.WARNING, f"{text} do: what heeds that works", SMALLER)
    text = f"small packets pass both ways, those of {whole} bytes vanish: ssh works, scp hangs"
    return _of(target, State.PROBLEM, text, SMALLER)


def _automatic(target: Target) -> str:
    where = f"[[overlay]] {target.overlay} on all servers"
    return f'mtu = "auto" in {where}, and {target.whole} in their guests'


def _stopped_here(target: Target, facts: Facts) -> Finding:
    """An answer came to this machine, and not out of the tunnel."""
    if facts.checksum_errors:
        return _of(
            target,
            State.PROBLEM,
            "its packets come with a wrong checksum, and are dropped here: its network card, or"
            " that card's driver, doesn't finish them",
            "On that server, for its underlay device: ethtool -K DEVICE tx off",
        )
    mine = [chain for chain in facts.inputs if _is_met(chain, target)]
    ways = [_accept(chain, target.port) for chain in mine]
    return _of(
        target,
        State.PROBLEM,
        "its packets come to this machine, and don't get into the tunnel: a firewall here drops"
        f" UDP port {target.port}",
        "; ".join(ways) or "Find the rule: nft list ruleset, iptables-legacy -S",
    )


def _is_met(chain: InputChain, target: Target) -> bool:
    return chain.family in ("inet", "ip" if target.ends.remote.version == IPV4 else "ip6")


IPV4 = 4
PROGRAMS = {"ip": "iptables", "ip6": "ip6tables"}


def _accept(chain: InputChain, port: int) -> str:
    if chain.table == "firewalld":
        add = f"firewall-cmd --add-port={port}/udp"
        return f"{add}; {add} --permanent"
    if (chain.table, chain.name) == ("filter", "INPUT") and chain.family in PROGRAMS:
        return f"{PROGRAMS[chain.family]} -I INPUT -p udp --dport {port} -j ACCEPT"
    where = " ".join(map(quote, (chain.family, chain.table, chain.name)))
    return f"nft insert rule {where} udp dport {port} accept"


def _silent(target: Target, through: Through, facts: Facts) -> Finding:
    if not through.sent:
        text = f"{target.device} takes no frames: there is no way to {target.ends.remote}"
        return _of(target, State.PROBLEM, text, f"See it: ip route get {target.ends.remote}")
    if target.device in facts.heard and not target.shared:
        text = "frames come from it, but ours aren't answered: they don't get there, or its bridge"
        return _of(target, State.WARNING, f"{text} answers neither ARP nor IPv6", THERE)
    path = facts.paths.get(target.ends)
    if path is not None and path.size:
        return _of(
            target,
            State.PROBLEM,
            "nothing comes back, though the server answers ping: a firewall drops UDP port"
            f" {target.port}, or the two servers don't mean the same tunnel",
            f"{THERE}. Overlay {target.overlay} and both servers must be named alike in both files,"
            " and have the same port",
        )
    text = "nothing comes from it, neither through the tunnel nor to ping"
    cure = f"Is it on, and is {target.ends.remote} its address?"
    return _of(target, State.PROBLEM, text, cure)
