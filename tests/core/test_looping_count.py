"""How many pairs could loop is counted by kinds of ports, and is the number of these pairs."""

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.test_guards import DROP, FORMER, JUMP, NFT_DROP, port, seen
from tests.fake.drift import HOME
from tests.fake.table import parse_rule as parse_nft
from vxland.guards.nftables import FORWARD
from vxland.hazards import looping_in, looping_pairs
from vxland.observed import Link, NftTable, TableState

NAMES = ("vxl-lan-b", "vxl-lan-c", "vxl-foreign", "vxlan0", "gre0")
EBTABLES = (
    *(DROP, "-i vxlan+ -o vxlan+ -j DROP", "-j DROP", "-p ARP -j ACCEPT"),
    *("-i vxl-foreign -j RETURN", "-o vxl-foreign -j RETURN", "-i vxl-lan-b -o gre0 -j DROP"),
)
FORWARD_RULES = (
    *(JUMP, FORMER, "-i vxlan+ -o vxlan+ -j VXLAND", "-i vxl-lan-b -j VXLAND"),
    *("-i vxl-lan-c -j VXLAND", "-j ACCEPT"),
)
PORTS = st.lists(
    st.builds(
        port,
        st.sampled_from(NAMES),
        isolated=st.booleans(),
        own=st.booleans(),
        kind=st.sampled_from(["vxlan", "gretap", "veth"]),
    ),
    unique_by=lambda link: link.name,
)
(LAN,) = HOME.overlays
TABLE = NftTable((parse_nft(NFT_DROP),), chains=frozenset({FORWARD}))


@given(
    PORTS,
    st.none() | st.lists(st.sampled_from(EBTABLES), max_size=4),
    st.lists(st.sampled_from(FORWARD_RULES), max_size=3),
    st.sampled_from([TableState(), TableState(TABLE)]),
    st.sets(st.sampled_from(NAMES), max_size=1),
)
@example([port(name) for name in NAMES], None, [], TableState(), set())
@example([port(name) for name in NAMES], None, [], TableState(TABLE), set())
@example([port(n) for n in NAMES], ["-j DROP"], ["-i vxl-lan-b -j VXLAND"], TableState(), set())
@example(
    [port(n) for n in NAMES],
    ["-j DROP"],
    ["-i vxl-lan-b -j VXLAND", "-i vxl-lan-c -j VXLAND"],
    TableState(),
    set(),
)
def test_as_many_as_there_are(
    ports: list[Link],
    chain: list[str] | None,
    forward: list[str],
    nft: TableState[NftTable],
    allowed: set[str],
) -> None:
    observed = replace(seen(*ports, chain=chain, forward=forward), nftables=nft)
    overlay = replace(LAN, allow_tunnel_ports=frozenset(allowed))
    pairs = looping_pairs(observed, overlay.allow_tunnel_ports)
    assert looping_in(overlay, observed) == len(pairs)


def test_many_ports_are_counted_at_once() -> None:
    """By pairs it would take minutes."""
    observed = seen(*(port(f"vxl-lan-{number}") for number in range(10_000)))
    assert looping_in(LAN, observed) == 10_000 * 9_999 // 2
