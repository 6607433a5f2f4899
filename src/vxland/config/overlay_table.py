"""``[[overlay]]`` as it is written: every key, and what it takes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.json_schema import SkipJsonSchema

from vxland.config import values
from vxland.config.fields import DEVICE, LIST, NAME, SWITCH, Table, Takes, enum, one_of
from vxland.config.wording import listed, quoted
from vxland.guards import GUARDS
from vxland.identity import VNI_LIMIT
from vxland.modes import MODES
from vxland.settings import Df, VniScheme

DFS = {df.name.lower(): df for df in Df}
VNI_SCHEMES = {scheme.value: scheme for scheme in VniScheme}


def _guards(names: tuple[str, ...]) -> tuple[str, ...]:
    cure = f"Write any of {listed(map(quoted, GUARDS), 'and')}, each once"
    if len(set(names)) < len(names):
        raise values.Unusable("names the same guard twice", cure)
    return names


def _schemes(names: tuple[str, ...]) -> tuple[str, ...]:
    if sorted(names) != sorted(VNI_SCHEMES):
        cure = 'Write ["index", "pair"] or ["pair", "index"], or one of them without a list'
        raise values.Unusable("is not both, each once", cure)
    return names


class OverlayTable(Table):
    """One Ethernet segment across the peers."""

    name: Annotated[
        str | SkipJsonSchema[None],
        Takes("a string", '"lan"'),
        Field(
            description="Its identity, the same on all servers: it goes into VNIs, marks and"
            " metrics. Default: the bridge's name.",
            json_schema_extra=NAME,
        ),
    ] = None
    bridge: Annotated[
        str,
        Takes("a string", '"vxbr0"'),
        Field(
            description="The bridge that the tunnels are ports of. It is made when missing;"
            " one that exists is used as it is, never altered or deleted.",
            json_schema_extra=DEVICE,
        ),
    ]
    mode: Annotated[
        str,
        Takes("a string", '"mesh"'),
        one_of(MODES),
        enum(MODES),
        Field(
            description='"mesh": a device for each peer. "shared": one device for all, which sends'
            " broadcast and what it hasn't learned to each of them."
        ),
    ] = "mesh"
    vni: Annotated[
        Annotated[int, Field(ge=1, le=VNI_LIMIT - 1)]
        | Annotated[str, one_of(VNI_SCHEMES), enum(VNI_SCHEMES)]
        | Annotated[
            tuple[Annotated[str, enum(VNI_SCHEMES)], ...],
            LIST,
            AfterValidator(_schemes),
            Field(json_schema_extra={"minItems": 2, "maxItems": 2, "uniqueItems": True}),
        ],
        Takes(
            f'"pair", "index", a list of both or a number from 1 to {VNI_LIMIT - 1}',
            '"pair"  # with mode = "shared" a number: vni = 4711',
        ),
        Field(
            description='"pair": both ends compute the same VNI from the names.'
            ' "index": position in this machine\'s own list of peers, as vxlansetup.sh numbers'
            " them; for one overlay a machine. A list of both, on the way from one to the other:"
            ' the first is spoken, both are heard. A number, with mode = "shared" and only there:'
            " the VNI of all peers."
        ),
    ] = "pair"
    port: Annotated[
        int,
        Takes("a number from 1 to 65535", "4789"),
        Field(ge=1, le=values.PORT_LIMIT, description="The UDP port, at both ends."),
    ] = 4789
    guard: Annotated[
        tuple[Annotated[str, one_of(GUARDS), enum(GUARDS)], ...],
        LIST,
        Takes("a list of strings", '["isolated", "ebtables"]'),
        AfterValidator(_guards),
        Field(
            description="What keeps frames from one tunnel out of the others: at least one of"
            ' "isolated", a flag of the ports, "ebtables", a chain, and "nftables", a table;'
            ' none is needed with mode = "shared" where peers are of one address family.',
            json_schema_extra={"uniqueItems": True},
        ),
    ] = ("isolated", "ebtables")
    ingress: Annotated[
        Literal["peers", "exclusive", "off"],
        Takes('"peers", "exclusive" or "off"', '"peers"'),
        Field(
            description='"peers": packets with a VNI of this overlay are taken from the peers that'
            ' it belongs to alone. "exclusive": nobody else uses the UDP port, and packets with'
            ' other VNIs are dropped, too. "off": from anybody; something else filters.'
        ),
    ] = "peers"
    mtu: Annotated[
        Annotated[int, Field(ge=576, le=65485)] | Literal["auto"],
        Takes('"auto" or a number from 576 to 65485', "1450"),
        Field(
            description="The tunnels' and the bridge's MTU in bytes. \"auto\": the smallest MTU of"
            " the routes to the peers, at most 1500, minus 50 (over IPv6: 70)."
        ),
    ] = "auto"
    addresses: Annotated[
        tuple[str, ...],
        LIST,
        Takes("a list of strings", '["10.10.10.1/24"]'),
        Field(
            description="Addresses with their prefix length that this machine has on the bridge.",
        ),
    ] = ()
    allow_tunnel_ports: Annotated[
        tuple[Annotated[str, Field(json_schema_extra=DEVICE)], ...],
        LIST,
        Takes("a list of strings", '["gretap1"]'),
        Field(
            description="Names of tunnel devices of others that may be ports of this bridge.",
        ),
    ] = ()
    reattach: Annotated[
        bool,
        SWITCH,
        Field(
            description="Put others' ports back into the bridge when it was deleted and made again."
        ),
    ] = False
    adopt: Annotated[
        bool,
        SWITCH,
        Field(
            description="Take over tunnel devices, their bridge and their ebtables rules that"
            " something else made, where they match exactly."
        ),
    ] = False
    ttl: Annotated[
        Annotated[int, Field(ge=1, le=255)] | Literal["auto", "inherit"],
        Takes('"auto", "inherit" or a number from 1 to 255', "64"),
        Field(
            description='The outer TTL. "auto": the machine\'s default. "inherit": the inner'
            " packet's."
        ),
    ] = "auto"
    tos: Annotated[
        Annotated[int, Field(ge=0, le=255)] | Literal["inherit"],
        Takes('"inherit" or a number from 0 to 255', "0"),
        Field(
            description='The outer TOS byte. "inherit": the inner packet\'s, and so is 1 for the'
            " kernel."
        ),
    ] = 0
    df: Annotated[
        str,
        Takes("a string", '"unset"'),
        one_of(DFS),
        enum(DFS),
        Field(description="The outer don't-fragment bit."),
    ] = "unset"
    ageing: Annotated[
        int,
        Takes("a number of seconds from 0 to 4294967295", "300"),
        Field(
            ge=0,
            le=0xFFFFFFFF,
            description="Seconds until a learned address is forgotten. 0: never.",
        ),
    ] = 300
    udp_csum: Annotated[
        bool, SWITCH, Field(description="Compute the outer UDP checksum over IPv4.")
    ] = True
    learning: Annotated[
        bool | SkipJsonSchema[None],
        SWITCH,
        Field(
            description="Learn which peer an address is behind. Default: false with"
            ' vni = "pair", true with vni = "index" and with mode = "shared".'
        ),
    ] = None
    vnis: Annotated[
        dict[str, Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 16777215})]],
        Takes("a table of numbers", '{ "lxd1 lxd3" = 4711 }', "a number"),
        Field(description='Explicit VNIs for pairs of peers: "lxd1 lxd3" = 4711, in either order.'),
    ] = Field(default_factory=dict)
