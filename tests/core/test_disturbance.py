from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from vxland.model import Bridge, Desired, Overlay, Remote, Vtep
from vxland.observed import BridgeAddress, EbtablesState, Link, Observed
from vxland.operations import (
    AddAddress,
    Adopt,
    Attach,
    BringUp,
    CreateBridge,
    CreateVtep,
    DeleteLink,
    Guarding,
    Operation,
    PinMac,
    RaiseBridge,
    RemoveAddress,
    RemoveChain,
    Rename,
    RetireRules,
    SetAlias,
    SetMtu,
    TakeDown,
    TrimChain,
    WriteChain,
)
from vxland.plan import Plan, plan
from vxland.plan.disturbance import Disturbance, by_disturbance
from vxland.settings import VxlanOptions

VTEP = Vtep(
    overlay="lan",
    peer="b",
    device="vxl-lan-b",
    altname="vxland-lan+b",
    alias="vxland:lan:b",
    mac="02:00:00:00:00:0b",
    vni=7,
    port=4789,
    local=ip_address("203.0.113.1"),
    remotes=(Remote("b", ip_address("203.0.113.2")),),
    mtu=1450,
    options=VxlanOptions(),
)
ADDRESS = ip_interface("fd00::1/64")
BRIDGE = Bridge("br0", "vxland-lan", "vxland:lan", "02:00:00:00:00:01", 1450, frozenset({ADDRESS}))
OVERLAY = Overlay("lan", BRIDGE, (), ("isolated",), prefix="vxl-", peers_listed=1)

Groups = dict[Disturbance, tuple[Operation, ...]]


def up(device: str, overlay: str = "lan") -> BringUp:
    """The step that brings a tunnel up."""
    return BringUp(overlay, device, Guarding(device, ("isolated",)))


def create(device: str, overlay: str = "lan") -> CreateVtep:
    """The step that makes a tunnel's device."""
    return CreateVtep(overlay, device, replace(VTEP, device=device, overlay=overlay))


def groups(*operations: Operation) -> Groups:
    """The groups that aren't empty."""
    found = by_disturbance(Plan(operations))
    return {key: members for key, members in found.items() if members}


def test_every_disturbance_is_a_group() -> None:
    """The groups are all there, the mildest first, even if there is nothing to do."""
    expected = [(disturbance, ()) for disturbance in Disturbance]
    assert expected == list(by_disturbance(Plan()).items())
    assert [*Disturbance][:2] == [Disturbance.ADOPTED, Disturbance.NONE]


@pytest.mark.parametrize(
    ("disturbance", "operations"),
    [
        pytest.param(
            Disturbance.ADOPTED,
            (
                PinMac("lan", "br0", "02"),
                Adopt("lan", "t", "vxland-lan+b", "b", "br0", ()),
                RetireRules("lan", "ebtables FORWARD", (), ()),
            ),
            id="taken over",
        ),
        pytest.param(Disturbance.NONE, (SetMtu("lan", "t", 1400),), id="in place"),
        pytest.param(Disturbance.NONE, (create("t"), Attach("lan", "t", "br0"), up("t")), id="new"),
        pytest.param(
            Disturbance.NONE, (CreateBridge("lan", "br0", BRIDGE), up("t")), id="new bridge"
        ),
        pytest.param(Disturbance.NONE, (up("t"),), id="was down"),
        pytest.param(Disturbance.NONE, (RemoveAddress("", "br9", ADDRESS),), id="address"),
        pytest.param(
            Disturbance.BLINKS,
            (TakeDown("lan", "t"), Attach("lan", "t", "br0"), up("t")),
            id="down and up",
        ),
        pytest.param(
            Disturbance.BLINKS,
            (TakeDown("lan", "odd"), Rename("lan", "odd", "t"), SetMtu("lan", "t", 1), up("t")),
            id="renamed",
        ),
        pytest.param(
            Disturbance.BLINKS,
            (
                TakeDown("lan", "odd"),
                Rename("lan", "odd", "br0"),
                SetAlias("lan", "t", "vxland:lan:b"),
                RaiseBridge("lan", "br0"),
            ),
            id="bridge renamed",
        ),
        pytest.param(
            Disturbance.RECREATED,
            (DeleteLink("lan", "t"), create("t"), SetAlias("lan", "t", "a"), up("t")),
            id="recreated",
        ),
        pytest.param(
            Disturbance.RECREATED,
            (DeleteLink("lan", "t", spare=True), create("t"), up("t")),
            id="recreated for another peer",
        ),
        pytest.param(Disturbance.SPARE, (DeleteLink("lan", "t", spare=True),), id="one of two"),
        pytest.param(Disturbance.REMOVED, (DeleteLink("lan", "t"),), id="deleted"),
        pytest.param(Disturbance.REMOVED, (TakeDown("lan", "t"),), id="stays down"),
    ],
)
def test_operations_of_one_device_disturb_alike(
    disturbance: Disturbance, operations: tuple[Operation, ...]
) -> None:
    """All that is done to a device counts as what disturbs it most, in the plan's order."""
    assert {disturbance: operations} == groups(*operations)


def test_tunnels_are_told_apart() -> None:
    """Each tunnel is in the group of what happens to it, and no operation is lost."""
    delete, gone = DeleteLink("lan", "t1"), DeleteLink("lan", "t2")
    down, made, mtu, again, back = (
        TakeDown("lan", "t3"),
        create("t1"),
        SetMtu("lan", "t4", 1400),
        up("t1"),
        up("t3"),
    )
    expected = {
        Disturbance.NONE: (mtu,),
        Disturbance.BLINKS: (down, back),
        Disturbance.RECREATED: (delete, made, again),
        Disturbance.REMOVED: (gone,),
    }
    assert expected == groups(delete, gone, down, made, mtu, again, back)


def test_only_the_renamed_bridges_overlay_blinks() -> None:
    """A bridge that goes down and up takes its own tunnels with it, and no other overlay's."""
    down, rename, raised = (
        TakeDown("lan", "odd"),
        Rename("lan", "odd", "br0"),
        RaiseBridge("lan", "br0"),
    )
    own, other, gone = (
        SetMtu("lan", "t1", 1400),
        SetMtu("dmz", "t2", 1400),
        DeleteLink("lan", "t3"),
    )
    expected = {
        Disturbance.NONE: (other,),
        Disturbance.BLINKS: (down, rename, own, raised),
        Disturbance.REMOVED: (gone,),
    }
    assert expected == groups(down, gone, rename, own, other, raised)


def test_the_chain_never_disturbs() -> None:
    """The chain is nobody's, even where a device has its name."""
    chain = (
        WriteChain("", "VXLAND", ("-i vxl-+ -o vxl-+ -j DROP",), (), ()),
        TrimChain("", "VXLAND", (), (), ()),
        RemoveChain("", "VXLAND", (), ()),
    )
    delete = DeleteLink("lan", "VXLAND")
    expected = {Disturbance.NONE: chain, Disturbance.REMOVED: (delete,)}
    assert expected == groups(delete, *chain)


def test_renamed_bridge_gets_its_ipv6_addresses_back() -> None:
    """Going down to be renamed, the bridge loses them: one plan adds them again, and it blinks."""
    bridge = Link(
        "odd",
        "bridge",
        alias=BRIDGE.alias,
        altnames=frozenset({BRIDGE.altname}),
        mac=BRIDGE.mac,
        mtu=BRIDGE.mtu,
        up=True,
    )
    present = frozenset({BridgeAddress(ADDRESS, own=True)})
    observed = Observed(links={"odd": bridge}, addresses={"odd": present}, ebtables=EbtablesState())
    expected = (
        TakeDown("lan", "odd"),
        Rename("lan", "odd", "br0"),
        AddAddress("lan", "br0", ADDRESS),
        RaiseBridge("lan", "br0"),
    )
    assert {Disturbance.BLINKS: expected} == groups(
        *plan(observed, Desired("a", (OVERLAY,))).operations
    )
