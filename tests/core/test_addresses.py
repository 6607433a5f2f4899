"""vxland's addresses on a bridge beside others'."""

from ipaddress import ip_interface

import pytest

from vxland.observed import BridgeAddress
from vxland.operations import RemoveAddress
from vxland.plan.addresses import kept, removals, taken_along

OWN = BridgeAddress(ip_interface("10.10.10.1/24"), own=True)
OWN6 = BridgeAddress(ip_interface("fd00::1/64"), own=True)
OWN_SECOND = BridgeAddress(ip_interface("10.10.10.2/24"), own=True, secondary=True)
SAME_NETWORK = BridgeAddress(ip_interface("10.10.10.7/24"))
OTHER_NETWORK = BridgeAddress(ip_interface("10.10.11.7/24"))
SAME_NETWORK6 = BridgeAddress(ip_interface("fd00::7/64"))


@pytest.mark.parametrize(
    ("present", "wanted", "removed", "stays"),
    [
        ({OWN}, set(), ["10.10.10.1/24"], 0),
        ({OWN}, {OWN.interface}, [], 0),
        ({OWN, OTHER_NETWORK}, set(), ["10.10.10.1/24"], 0),
        ({OWN, SAME_NETWORK}, set(), [], 1),
        ({OWN, SAME_NETWORK}, {OWN.interface}, [], 0),
        ({OWN_SECOND, SAME_NETWORK}, set(), ["10.10.10.2/24"], 0),
        ({OWN6, SAME_NETWORK6}, set(), ["fd00::1/64"], 0),
        ({SAME_NETWORK}, set(), [], 0),
    ],
)
def test_nobody_elses_address_goes_with_vxlands(
    present: set[BridgeAddress], wanted: set[object], removed: list[str], stays: int
) -> None:
    """The kernel removes an IPv4 network's secondaries with its first address."""
    operations = list(removals("lan", "vxbr0", present, wanted))  # type: ignore[arg-type]
    assert operations == [RemoveAddress("lan", "vxbr0", ip_interface(text)) for text in removed]
    assert len(list(kept("lan", "vxbr0", present, wanted))) == stays  # type: ignore[arg-type]


def test_own_ones_that_may_go_along_are_known() -> None:
    """So that they are added again in the same plan."""
    leaving = [OWN.interface]
    assert taken_along(SAME_NETWORK.interface, leaving)
    assert not taken_along(OTHER_NETWORK.interface, leaving)
    assert not taken_along(OWN6.interface, [OWN6.interface])
