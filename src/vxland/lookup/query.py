"""One name: /etc/hosts first, then DNS as /etc/resolv.conf has it. Never raises."""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.resolver
from msgspec import Struct

from vxland.addresses import IPAddress
from vxland.lookup.hosts import Hosts
from vxland.underlay.names import FAMILIES, Lookup, usable

PATIENCE = 4.0  # seconds for one name, whatever /etc/resolv.conf says of single questions
HOSTS_TTL = 30.0  # seconds until a change of /etc/hosts is seen
MOST_NAMED = 3  # of the addresses that are of no use
RECORDS = {4: "A", 6: "AAAA"}


class _Part(Struct, frozen=True):
    """What DNS says of one IP version."""

    family: int
    addresses: frozenset[IPAddress] = frozenset()
    ttl: float = 0.0
    reason: str = ""
    sure: bool = True  # it is an answer, even if it is that there is nothing


async def look_up(name: str, hosts: Hosts) -> Lookup:
    """What it stands for now."""
    listed = usable(hosts.addresses(name))
    if listed:
        return Lookup(listed, ttl=HOSTS_TTL)
    try:
        resolver = dns.asyncresolver.Resolver()  # reads /etc/resolv.conf, which may have changed
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return Lookup(reason=f"/etc/resolv.conf is of no use: {_said(error)}")
    share = PATIENCE / len(resolver.nameservers)  # so that the last one is asked, too
    if not 0 < resolver.timeout < share:
        resolver.timeout = share
    parts = await asyncio.gather(*(_ask(resolver, name, family) for family in RECORDS))
    return _joined(parts)


def _joined(parts: Iterable[_Part]) -> Lookup:
    parts = sorted(parts, key=lambda part: (part.sure, part.family))
    addresses = frozenset[IPAddress]().union(*(part.addresses for part in parts))
    if not addresses:
        return Lookup(unsure=FAMILIES, reason=parts[0].reason)
    return Lookup(
        addresses,
        frozenset(part.family for part in parts if not part.sure),
        min(part.ttl for part in parts if part.addresses),
    )


async def _ask(resolver: dns.asyncresolver.Resolver, name: str, family: int) -> _Part:
    try:
        answer = await resolver.resolve(name, RECORDS[family], search=True, lifetime=PATIENCE)
        told = [ip_address(str(record)) for record in answer]
        ttl = answer.chaining_result.minimum_ttl  # the least on the way: of aliases, too
    except Exception as error:  # noqa: BLE001 - whatever a server sent: this name has no answer
        return _nothing(family, error, resolver)
    if not usable(told):
        first = ", ".join(map(str, told[:MOST_NAMED]))
        reason = f"it is {first}, where no other server can be reached"
        return _Part(family, reason=reason)
    return _Part(family, usable(told), ttl)


def _nothing(family: int, error: Exception, resolver: dns.asyncresolver.Resolver) -> _Part:
    match error:
        case dns.resolver.NXDOMAIN():
            return _Part(family, reason="there is no such name (NXDOMAIN)")
        case dns.resolver.NoAnswer():
            return _Part(family, reason="the name has no address in DNS")
        case dns.resolver.NoNameservers():
            reason = _refusals(error)
        case dns.exception.Timeout():
            servers = ", ".join(map(str, resolver.nameservers))
            reason = f"no answer from {servers} within {PATIENCE:.0f} s"
        case _:
            reason = _said(error)
    return _Part(family, reason=reason, sure=False)


def _refusals(error: dns.resolver.NoNameservers) -> str:
    """What each server did instead of answering: SERVFAIL, REFUSED, or nothing that is DNS."""
    said = dict.fromkeys(
        f"{str(where).removeprefix('Do53:').removesuffix('@53')}: {what}"
        for where, _, _, what, _ in error.kwargs["errors"]
    )
    return f"no name server would answer ({', '.join(said)})"


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
