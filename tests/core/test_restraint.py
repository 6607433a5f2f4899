"""What of a plan is left for later."""

from ipaddress import ip_address

import pytest

from vxland.fights import Fight
from vxland.identity import CHAIN, TABLE
from vxland.loop.restraint import Restraint, grounded
from vxland.model import Bridge, Desired, Overlay, Remote, Vtep
from vxland.operations import (
    Attach,
    BringUp,
    Guarding,
    Isolate,
    Operation,
    Rename,
    SetMtu,
    TakeDown,
    WriteChain,
)
from vxland.plan import Plan
from vxland.settings import OverlaySettings, VxlanOptions
from vxland.vni import by_pair

DEVICE = "vxl-lan-b"
MTU = SetMtu("lan", DEVICE, 1450)
UP = BringUp("lan", DEVICE, Guarding(DEVICE, ("isolated",)))
DOWN = TakeDown("lan", DEVICE)
ISOLATE = Isolate("lan", DEVICE)
CHAIN_RULES = WriteChain("", CHAIN, (), (), ())
OTHER = SetMtu("lan", "vxl-lan-c", 1450)
ALL: tuple[Operation, ...] = (DOWN, CHAIN_RULES, MTU, OTHER, ISOLATE, UP)


@pytest.mark.parametrize(
    ("restraint", "left"),
    [
        (Restraint(), ALL),
        (Restraint(devices=frozenset({DEVICE})), (DOWN, CHAIN_RULES, OTHER, ISOLATE)),
        (Restraint(subjects=frozenset({MTU.subject})), (DOWN, CHAIN_RULES, OTHER, ISOLATE, UP)),
        (
            Restraint(subjects=frozenset({(DEVICE, "master")})),
            (DOWN, CHAIN_RULES, OTHER, ISOLATE),
        ),
        (Restraint(subjects=frozenset({ISOLATE.subject})), (DOWN, CHAIN_RULES, MTU, OTHER, UP)),
        (
            Restraint(devices=frozenset({CHAIN}), subjects=frozenset({CHAIN_RULES.subject})),
            (DOWN, MTU, OTHER, ISOLATE, UP),
        ),
    ],
)
def test_guards_and_taking_down_are_never_held(
    restraint: Restraint, left: tuple[Operation, ...]
) -> None:
    """But for a guard that is fought over."""
    assert restraint.applied(Plan(ALL)).operations == left


def test_a_port_that_is_not_there_yet_is_not_isolated() -> None:
    """It would fail, and each failure would put off what has to come before it."""
    held = Restraint(devices=frozenset({DEVICE, "stolen"}))
    for before in (Attach("lan", DEVICE, "vxbr0"), Rename("lan", "stolen", DEVICE)):
        assert held.applied(Plan((DOWN, before, ISOLATE, OTHER))).operations == (DOWN, OTHER)
        assert Restraint().applied(Plan((before, ISOLATE))).operations == (before, ISOLATE)


def desired(*guards: str) -> Desired:
    """Two tunnels with these guards."""
    numbers = by_pair(OverlaySettings("lan", "vxbr0"), "a", ["b", "c"])
    vteps = tuple(
        Vtep(
            "lan",
            number.peer,
            number.device,
            "",
            "",
            "",
            number.vni,
            4789,
            ip_address("192.0.2.1"),
            (Remote(number.peer, ip_address("192.0.2.2")),),
            1450,
            VxlanOptions(),
        )
        for number in numbers
    )
    bridge = Bridge("vxbr0", "", "", "", 1450, frozenset())
    return Desired("a", (Overlay("lan", bridge, vteps, guards, "vxl-"),))


def fight(device: str, attribute: str) -> Fight:
    """Somebody takes this away again and again."""
    return Fight((device, attribute), 0.0, 20, 1.0, 1.0)


@pytest.mark.parametrize(
    ("guards", "fights", "down"),
    [
        (("isolated",), [], set()),
        (("isolated",), [(DEVICE, "mtu")], set()),
        (("isolated",), [(DEVICE, "isolated")], {DEVICE}),
        (("isolated", "ebtables"), [(DEVICE, "isolated")], set()),
        (("isolated", "ebtables"), [(DEVICE, "isolated"), (CHAIN, "ebtables")], {DEVICE}),
        (("ebtables",), [(CHAIN, "ebtables")], {DEVICE, "vxl-lan-c"}),
        (("nftables",), [(TABLE, "nftables")], {DEVICE, "vxl-lan-c"}),
        (("ebtables", "nftables"), [(TABLE, "nftables")], set()),
    ],
)
def test_a_port_without_a_guard_that_holds_goes_down(
    guards: tuple[str, ...], fights: list[tuple[str, str]], down: set[str]
) -> None:
    """Where another configured guard isn't fought over, the port may stay up."""
    assert grounded(desired(*guards), [fight(*subject) for subject in fights]) == down
