"""The configuration file as it is written: every table, every key, and what each one takes."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from vxland.config import values
from vxland.config.fields import DEVICE, LIST, NAME, SWITCH, Table, Takes, checked, pattern
from vxland.config.overlay_table import OverlayTable


class NodeTable(Table):
    """Which machine this is. Everything may be left to be found out."""

    name: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"lxd1"'),
        Field(
            description="Which [[peer]] this machine is."
            " Default: the one whose address is on a local interface.",
            json_schema_extra=NAME,
        ),
    ] = None
    address: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"203.0.113.1"'),
        Field(
            description="The local address of the tunnels (behind NAT: the private one)."
            " Default: that peer's address. With name and address, this machine needn't be a peer."
        ),
    ] = None
    interface: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"eth0"'),
        Field(
            description="The underlay device that the tunnels' MTU is computed from, and with name,"
            " behind NAT, their address taken. Default: the device of the route to each peer.",
            json_schema_extra=DEVICE,
        ),
    ] = None


class HttpTable(Table):
    """Metrics, status and the page over HTTP."""

    listen: Annotated[
        str,
        Takes("a string", '"127.0.0.1:9788"'),
        checked(values.listen),
        Field(description='Host and port to listen on ("[::1]:9788" for IPv6). "" turns it off.'),
    ] = "127.0.0.1:9788"
    tls_cert: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"/etc/vxland/tls/server.pem"'),
        checked(values.file),
        Field(
            description="The server's certificate (PEM), with those between it and the root."
            " With tls_key; default: no TLS.",
            json_schema_extra=pattern(values.FILE_PATTERN),
        ),
    ] = None
    tls_key: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"/etc/vxland/tls/server.key"'),
        checked(values.file),
        Field(
            description="The certificate's private key (PEM), without a passphrase.",
            json_schema_extra=pattern(values.FILE_PATTERN),
        ),
    ] = None
    tls_client_ca: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"/etc/vxland/tls/clients.pem"'),
        checked(values.file),
        Field(
            description="Only clients with a certificate that one of these (PEM) has signed"
            " are answered. Default: no client needs one.",
            json_schema_extra=pattern(values.FILE_PATTERN),
        ),
    ] = None


class ReconcileTable(Table):
    """How often everything is checked."""

    interval: Annotated[
        str,
        Takes("a string with a unit", '"30s"'),
        checked(values.interval),
        Field(
            description="How often everything is checked even when no event came:"
            ' "30s", "1m30s", "500ms"; from "100ms" to "24h".',
            json_schema_extra=pattern(values.DURATION_PATTERN),
        ),
    ] = "30s"


class PeerTable(Table):
    """One server of the mesh, this machine among them."""

    name: Annotated[
        str,
        Takes("a string", '"lxd1"'),
        Field(
            description="The same on all servers. Renaming it makes its tunnels anew.",
            json_schema_extra=NAME,
        ),
    ]
    address: Annotated[
        str,
        Takes("a string", '"203.0.113.1"'),
        Field(
            description="The address that the others reach it at: IPv4, IPv6 or a host name."
            " Link-local IPv6 with this machine's interface, as fe80::1%eth0."
        ),
    ]
    overlays: Annotated[
        Annotated[tuple[str, ...], LIST] | SkipJsonSchema[None],
        Takes("a list of strings", '["lan"]'),
        Field(description="The overlays that it takes part in. Default: all."),
    ] = None
    disabled: Annotated[
        bool, SWITCH, Field(description="Keep it in the list, but have no tunnel to it.")
    ] = False


class File(Table):
    """The configuration of vxland: which servers share which Ethernet segments."""

    # Its tables are validated one by one; only the JSON Schema needs it whole.
    model_config = ConfigDict(title="vxland.toml", defer_build=True)

    node: NodeTable = NodeTable()
    http: HttpTable = HttpTable()
    reconcile: ReconcileTable = ReconcileTable()
    overlay: Annotated[tuple[OverlayTable, ...], LIST] = ()
    peer: Annotated[tuple[PeerTable, ...], LIST] = ()


TABLES: dict[str, type[Table]] = {"node": NodeTable, "http": HttpTable, "reconcile": ReconcileTable}
LISTS: dict[str, type[Table]] = {"overlay": OverlayTable, "peer": PeerTable}
HEADERS = {name: f"[{name}]" for name in TABLES} | {name: f"[[{name}]]" for name in LISTS}
KEYS = {HEADERS[name]: frozenset(table.model_fields) for name, table in (TABLES | LISTS).items()}
