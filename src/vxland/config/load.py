"""From the configuration's files to settings."""

from ipaddress import ip_address, ip_interface
from pathlib import Path

from msgspec import Struct

from vxland.config import values
from vxland.config.document import Document, Item, compose
from vxland.config.errors import ConfigError, InvalidConfig
from vxland.config.overlay_table import DFS, OverlayTable
from vxland.config.rules import violations, warnings
from vxland.config.rules.meshes import explicit, heard_of, vni_of
from vxland.config.schema import HttpTable, NodeTable, PeerTable
from vxland.config.source import Contents, Sources, contents, of_text, parsed
from vxland.settings import (
    HttpSettings,
    NodeSettings,
    OverlaySettings,
    PeerSettings,
    Settings,
    VniScheme,
    VxlanOptions,
)

_TTLS = {"auto": (0, False), "inherit": (0, True)}  # and whether it is the inner packet's
_TOSES = {"inherit": 1}  # as the kernel has it


class Checked(Struct, frozen=True):
    """A valid configuration, and what is worth knowing about it."""

    settings: Settings
    warnings: tuple[ConfigError, ...] = ()


def load(path: Path) -> Settings:
    """The settings in PATH and PATH.d, for a node that is to be what they say.

    Raises InvalidConfig with everything that is wrong, but for VNIs and device names that meet on
    some node: whoever resolves them looks at this node's.
    """
    return loaded(path, contents(path))


def loaded(path: Path, found: Contents) -> Settings:
    """The same of what was found there. Raises InvalidConfig."""
    sources = parsed(found)
    return _settings(_valid(path, sources, everywhere=False), sources.digest)


def check(path: Path) -> Checked:
    """The settings, with the warnings. Raises InvalidConfig with everything that is wrong."""
    return _checked(path, parsed(contents(path)))


def check_text(path: Path, text: str) -> Checked:
    """The same of a text before it is written. Raises InvalidConfig."""
    return _checked(path, of_text(path, text))


def _checked(path: Path, sources: Sources) -> Checked:
    document = _valid(path, sources, everywhere=True)
    return Checked(_settings(document, sources.digest), tuple(warnings(document)))


def _valid(path: Path, sources: Sources, *, everywhere: bool) -> Document:
    document, errors = compose(path, sources)
    errors = [*sources.errors, *errors, *violations(document, everywhere=everywhere)]
    if errors:
        order = {name: index for index, name in enumerate(sources.names)}
        raise InvalidConfig(
            sorted(errors, key=lambda error: (order.get(error.file, -1), error.line or 0))
        )
    return document


def _settings(document: Document, digest: str) -> Settings:
    return Settings(
        node=_node(document.node),
        overlays=tuple(map(_overlay, document.overlays)),
        peers=tuple(map(_peer, document.peers)),
        interval=values.interval(document.reconcile.interval),
        http=_http(document.http),
        digest=digest,
    )


def _node(table: NodeTable) -> NodeSettings:
    return NodeSettings(
        name=table.name,
        address=None if table.address is None else ip_address(table.address),
        interface=table.interface,
    )


def _http(table: HttpTable) -> HttpSettings:
    return HttpSettings(
        listen=values.listen(table.listen),
        tls_cert=table.tls_cert,
        tls_key=table.tls_key,
        tls_client_ca=table.tls_client_ca,
    )


def _overlay(item: Item[OverlayTable]) -> OverlaySettings:
    table = item.table
    return OverlaySettings(
        name=item.name,
        bridge=table.bridge,
        mode=table.mode,
        vni=vni_of(table),
        heard=heard_of(table),
        port=table.port,
        guards=table.guard,
        mtu=None if table.mtu == "auto" else table.mtu,
        addresses=tuple(map(ip_interface, table.addresses)),
        allow_tunnel_ports=frozenset(table.allow_tunnel_ports),
        reattach=table.reattach,
        adopt=table.adopt,
        ingress=table.ingress != "off",
        exclusive=table.ingress == "exclusive",
        options=_options(table),
        vnis=explicit(table),
    )


def _options(table: OverlayTable) -> VxlanOptions:
    ttl, inherit = (table.ttl, False) if isinstance(table.ttl, int) else _TTLS[table.ttl]
    vni = vni_of(table)
    learning = vni.learning if isinstance(vni, VniScheme) else True  # a number: in shared mode
    return VxlanOptions(
        ttl=ttl,
        ttl_inherit=inherit,
        tos=table.tos if isinstance(table.tos, int) else _TOSES[table.tos],
        df=DFS[table.df],
        ageing=table.ageing,
        udp_csum=table.udp_csum,
        learning=learning if table.learning is None else table.learning,
    )


def _peer(item: Item[PeerTable]) -> PeerSettings:
    table = item.table
    return PeerSettings(
        name=table.name,
        address=table.address,
        overlays=None if table.overlays is None else frozenset(table.overlays),
        disabled=table.disabled,
    )
