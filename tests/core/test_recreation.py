"""What of a device the kernel doesn't change in place, in words."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.fake.wishes import LAN, led_to, wish
from vxland.model import Vtep
from vxland.observed import Host, Link, Route, VxlanState
from vxland.plan.recreation import needs_recreation, unchangeable
from vxland.settings import VxlanOptions

VTEP = next(wish(LAN).vteps())
REMOTE = VTEP.remotes[0].address
STATE = VxlanState(VTEP.vni, 4789, VTEP.local, REMOTE, VTEP.options)
ZONED = led_to(replace(VTEP, local=ip_address("fe80::1%eth0")), "b", "fe80::2%eth0")
BOUND = replace(STATE, local=ZONED.local, remote=ZONED.remote, underlay="eth0")
HOST = Host(routes={REMOTE: Route("eth0", 1500)}, mtus={"eth0": 1500})


@pytest.mark.parametrize(
    ("vtep", "state", "host", "text"),
    [
        (VTEP, STATE, HOST, ""),
        (ZONED, BOUND, HOST, ""),
        (VTEP, replace(STATE, vni=5), HOST, f"its VNI is 5, not {VTEP.vni}"),
        (VTEP, replace(STATE, port=8472), HOST, "its port is 8472, not 4789"),
        (
            VTEP,
            replace(STATE, local=None, remote=ip_address("2001:db8::1")),
            HOST,
            "it is for IPv6, not IPv4",
        ),
        (ZONED, replace(BOUND, underlay="eth1"), HOST, "it is bound to eth1, not eth0"),
        (ZONED, replace(BOUND, underlay=None), HOST, "it is bound to no device, not eth0"),
        (VTEP, replace(STATE, underlay="eth0"), HOST, ""),
        (VTEP, replace(STATE, underlay="eth0"), Host(), ""),
        (VTEP, replace(STATE, underlay="eth0"), replace(HOST, routes={}), ""),
        (
            VTEP,
            replace(STATE, underlay="eth1"),
            HOST,
            f"it is bound to eth1, and {REMOTE} is reached through eth0",
        ),
        (
            replace(VTEP, mtu=1451),
            replace(STATE, underlay="eth0"),
            HOST,
            "it is bound to eth0, so its MTU can't be more than 1450, and the overlay's is 1451",
        ),
        (
            VTEP,
            replace(STATE, plain=False),
            HOST,
            "it has a flag that vxland's have not (external, gbp, gpe, proxy, rsc, vnifilter)",
        ),
        (VTEP, replace(STATE, zero_csum6=True), HOST, "it does without UDP checksums over IPv6"),
        (VTEP, replace(STATE, options=VxlanOptions(udp_csum=False)), HOST, "its udp_csum is false"),
        (
            VTEP,
            replace(STATE, options=VxlanOptions(ttl_inherit=True)),
            HOST,
            'its ttl is "inherit"',
        ),
        (
            replace(VTEP, options=VxlanOptions(ttl_inherit=True)),
            STATE,
            HOST,
            'its ttl is not "inherit"',
        ),
    ],
)
def test_what_differs_is_said(vtep: Vtep, state: VxlanState, host: Host, text: str) -> None:
    """And nothing where nothing does."""
    assert "; ".join(unchangeable(vtep, state, host)) == text
    assert needs_recreation(vtep, Link("t", "vxlan", vxlan=state), host) is bool(text)


def test_a_device_of_another_kind_is_made_anew() -> None:
    """Whatever it is."""
    assert needs_recreation(VTEP, Link("t", "veth"), HOST)
