"""What of the filter is in force is told, and not what the file wants."""

from collections.abc import Iterable
from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.core.test_ingress import ALONE, HOME, PORT, do, home
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.ingress_drift import INGRESS, VNI_B
from tests.fake.tally_drift import SHARED_LAN
from tests.fake.wishes import (
    LAN,
    address6,
    host,
    known_addresses,
    settings,
    wish,
)
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.hints import hints
from vxland.identity import INGRESS_TABLE
from vxland.model import Desired
from vxland.observed import Observed, Unavailable
from vxland.plan import plan
from vxland.resolve import resolve
from vxland.tables.in_force import after, lets_in


def told(desired: Desired, observed: Observed) -> list[str]:
    """Of each overlay."""
    return [lets_in(overlay, observed) for overlay in desired.overlays]


def hinted(desired: Desired, kernel: FakeKernel) -> list[str]:
    """What is said of ports while somebody else's tunnel is there."""
    do([others.external_vxlan("swarm0", 99)], kernel)
    said = [hint.text for hint in hints(desired, kernel.observe())]
    return [text for text in said if "UDP port" in text]


def beside_a_mixed_one() -> Desired:
    """An overlay that can't be filtered has the port, too."""
    wanted = settings(ALONE, replace(SHARED_LAN, name="two", bridge="vxbr1"))
    addresses = {**known_addresses(wanted), "d": ip_address(address6("d"))}
    return resolve(wanted, addresses, host())


def test_a_port_is_exclusive_where_it_is_so() -> None:
    """For all that use it, whichever says so, and from the turn on that made it so."""
    alone = wish(ALONE)
    assert told(alone, home(alone).observe()) == ["exclusive"]
    assert told(HOME, home().observe()) == ["peers"]
    assert told(alone, home().observe()) == ["peers"]
    both = wish(ALONE, replace(LAN, name="two", bridge="vxbr1"))
    assert told(both, home(both).observe()) == ["exclusive", "exclusive"]
    assert told(wish(replace(LAN, ingress=False)), home().observe()) == ["off"]
    (hint,) = hinted(alone, home(alone))
    assert "swarm0. What comes for them is dropped" in hint


def test_a_port_is_not_exclusive_beside_what_cant_be_filtered() -> None:
    """Nothing of others' is dropped, and that is said."""
    desired = beside_a_mixed_one()
    kernel = home(desired)
    assert told(desired, kernel.observe()) == ["peers", "off"]
    (hint,) = (text for text in hinted(desired, kernel) if text.startswith("overlay lan"))
    assert hint.startswith(f"overlay lan doesn't have UDP port {PORT} to itself yet")


def test_a_port_is_not_exclusive_while_a_device_isnt_laid_out() -> None:
    """Which is said as well."""
    kernel, alone = FakeKernel(), wish(ALONE)
    do([others.external_vxlan("fvx0", VNI_B)], kernel)
    execute(plan(kernel.observe(), alone), kernel)
    assert told(alone, kernel.observe()) == ["peers"]
    (hint,) = hinted(alone, kernel)
    assert "to itself yet" in hint


def test_nothing_is_exclusive_where_there_is_no_table() -> None:
    """Why there is none is said elsewhere."""
    alone = wish(ALONE)
    for observed in (Observed(), Observed(ingress=Unavailable("no nftables"))):
        assert told(alone, observed) == ["peers"]
        assert after(observed, ()) is observed
        assert not [text for text in map(str, hints(alone, observed)) if "UDP port" in text]


@pytest.mark.parametrize("before", [HOME, wish(ALONE)], ids=["open", "exclusive"])
@pytest.mark.parametrize(
    "wanted",
    [HOME, wish(ALONE), wish(ALONE, peers="abc"), wish(replace(LAN, ingress=False))],
    ids=["open", "exclusive", "fewer", "off"],
)
@pytest.mark.parametrize(
    "deeds",
    [(), (somebody.nft(f"delete table {INGRESS_TABLE}"),), INGRESS["all let in"]],
    ids=["there", "gone", "other rules"],
)
def test_what_a_turn_did_is_in_force_after_it(
    before: Desired, wanted: Desired, deeds: Iterable[somebody.Vandalism]
) -> None:
    """As the next look will see it."""
    kernel = home(before)
    do(deeds, kernel)
    observed = kernel.observe()
    outcomes = execute(plan(observed, wanted), kernel)
    seen = after(observed, [outcome.operation for outcome in outcomes])
    assert told(wanted, seen) == told(wanted, kernel.observe())
