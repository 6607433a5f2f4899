"""How many packets were kept out, by overlay, whatever becomes of the counters."""

from msgspec.structs import replace

from tests.fake.wishes import DMZ, LAN, wish
from vxland.identity import pair_vni
from vxland.metrics.kept_out import KeptOut
from vxland.observed import Element

HOME = wish(LAN, DMZ, replace(LAN, name="open", bridge="vxbr2", ingress=False))
B = Element("vnis", 4789, pair_vni("lan", "a", "b"))
C = Element("vnis", 4789, pair_vni("lan", "a", "c"))
D = Element("vnis", 4789, pair_vni("dmz", "a", "d"))
PORT = Element("ports", 4789)


def test_packets_are_counted_by_overlay() -> None:
    """Those that are filtered; what has no VNI has none."""
    kept = KeptOut()
    assert kept.totals(HOME, {}) == {"": 0, "lan": 0, "dmz": 0}
    assert kept.totals(HOME, {B: 2, C: 3, D: 4, PORT: 5}) == {"": 5, "lan": 5, "dmz": 4}
    assert kept.totals(HOME, {B: 3, C: 3, D: 4, PORT: 5}) == {"": 5, "lan": 6, "dmz": 4}


def test_totals_never_go_back() -> None:
    """Where the table was made anew, counters begin again."""
    kept = KeptOut()
    kept.totals(HOME, {B: 7})
    assert kept.totals(HOME, {})["lan"] == 7
    assert kept.totals(HOME, {B: 2})["lan"] == 9
    assert kept.totals(HOME, {B: 1})["lan"] == 10


def test_an_overlay_that_is_gone_is_forgotten() -> None:
    """And begins again if it comes back; what is left of it has no overlay."""
    kept = KeptOut()
    kept.totals(HOME, {D: 4})
    assert kept.totals(wish(LAN), {D: 5}) == {"": 1, "lan": 0}
    assert kept.totals(HOME, {D: 5})["dmz"] == 0
