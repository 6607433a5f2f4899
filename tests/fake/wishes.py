"""Desired states for tests, made as the daemon makes them: by resolving settings."""

from ipaddress import ip_address, ip_interface

from msgspec.structs import replace

from vxland.addresses import IPAddress
from vxland.model import Desired, Remote, Vtep
from vxland.observed import Host, LocalAddress, Route
from vxland.peers import lookup
from vxland.resolve import resolve
from vxland.settings import NodeSettings, OverlaySettings, PeerSettings, Settings

NODE = "a"
PEERS = "abcd"
ADDRESSES = {name: f"192.0.2.{number}" for number, name in enumerate(PEERS, 1)}
WRITTEN = {NODE: "a.example.org"}  # a name that has an address of either family
LAN = OverlaySettings("lan", "vxbr0")
DMZ = OverlaySettings("dmz", "vxbr1")


def address6(name: str) -> str:
    """The IPv6 address of a peer."""
    return f"2001:db8::{PEERS.index(name) + 1}"


def settings(*overlays: OverlaySettings, peers: str = PEERS, off: str = "") -> Settings:
    """A configuration with these overlays and peers, of which some are disabled."""
    return Settings(
        node=NodeSettings(name=NODE),
        overlays=overlays,
        peers=tuple(
            PeerSettings(name, WRITTEN.get(name, ADDRESSES[name]), disabled=name in off)
            for name in peers
        ),
    )


def host(mtu: int = 1500) -> Host:
    """A machine with an address of either family, from which everybody can be reached."""
    here = ("192.0.2.1/24", "2001:db8::1/64")
    there = [ip_address(text) for name in PEERS for text in (ADDRESSES[name], address6(name))]
    return Host(
        addresses=tuple(LocalAddress(ip_interface(text), "eth0") for text in here),
        routes={address: Route("eth0", mtu) for address in there},
        mtus={"eth0": mtu},
    )


def wish(*overlays: OverlaySettings, peers: str = PEERS, off: str = "") -> Desired:
    """What node a should look like."""
    return resolved(settings(*overlays, peers=peers, off=off))


def resolved(wanted: Settings, *, unknown: str = "", mtu: int = 1500) -> Desired:
    """The desired state, while the addresses of some peers aren't known."""
    return resolve(wanted, known_addresses(wanted, unknown), host(mtu))


def known_addresses(wanted: Settings, unknown: str = "") -> dict[str, IPAddress]:
    """The peers' addresses, without those of some."""
    return {
        peer.name: lookup(peer.address) or ip_address(ADDRESSES[peer.name])
        for peer in wanted.peers
        if not any(peer.name == name for name in unknown)
    }


def led_to(vtep: Vtep, peer: str, address: str | None = None) -> Vtep:
    """The same for another peer, at another address or at the same."""
    where = vtep.remotes[0].address if address is None else ip_address(address)
    return replace(vtep, peer=peer, remotes=(Remote(peer, where),))


def over_ipv6(wanted: Settings) -> Settings:
    """The same peers by their IPv6 addresses."""
    peers = (replace(peer, address=address6(peer.name)) for peer in wanted.peers)
    return replace(wanted, peers=tuple(peers))
