"""br_netfilter sends a bridge's frames through FORWARD, and a policy of DROP there ends them."""

from collections.abc import Iterator

from vxland.model import Overlay
from vxland.observed import ForwardChain, Observed
from vxland.problems import Kind, Problem

PROGRAMS = {"ip": "iptables", "ip6": "ip6tables"}
DOCKERS = "DOCKER-USER"  # the chain that Docker leaves to the administrator


def filtered_bridge(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for an overlay's bridge."""
    bridge = overlay.bridge.device
    if bridge not in observed.links:
        return
    drops = [chain for chain in observed.forward if not chain.lets_through(bridge)]
    if not drops:
        return
    chains = " and ".join(f"{chain.family} {chain.table} {chain.name}" for chain in drops)
    accept = "; ".join(_accept(chain, bridge) for chain in drops)
    sysctls = " ".join(_sysctl(family) for family in dict.fromkeys(c.family for c in drops))
    yield Problem(
        Kind.HINT,
        f"br_netfilter sends what passes bridge {bridge} through the chain {chains}, whose policy"
        f" is drop: guests of overlay {overlay.name} may not reach each other",
        f"Accept it: {accept}. Or, if nothing on this machine needs it: sysctl -w {sysctls}",
        overlay=overlay.name,
        about="br_netfilter",
    )


def _accept(chain: ForwardChain, bridge: str) -> str:
    program = PROGRAMS.get(chain.family)
    if program and (chain.table, chain.name) == ("filter", "FORWARD"):
        where = DOCKERS if DOCKERS in chain.chains else chain.name
        return f"{program} -I {where} -i {bridge} -o {bridge} -j ACCEPT"
    return (
        f"nft insert rule {chain.family} {chain.table} {chain.name}"
        f" iifname {bridge} oifname {bridge} accept"
    )


def _sysctl(family: str) -> str:
    names = [PROGRAMS[family]] if family in PROGRAMS else PROGRAMS.values()
    return " ".join(f"net.bridge.bridge-nf-call-{name}=0" for name in names)
