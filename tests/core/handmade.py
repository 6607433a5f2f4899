"""A mesh that something else made, as it is wanted or nearly: on the fake kernel."""

from itertools import permutations
from typing import Literal

from msgspec.structs import replace

from tests.core.digits import Digits
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.vandalism import Vandalism
from tests.fake_kernel import FakeKernel
from vxland.model import Desired, Overlay, Vtep

NIC, VLAN = "u0", "u0.5"

Way = Literal[
    "as wanted", "bound", "elsewhere", "another name", "no checksums", "loose", "down", "missing"
]
EXACT: tuple[Way, ...] = ("as wanted", "bound")
WAYS: tuple[Way, ...] = (
    *(*EXACT, *EXACT, *EXACT),
    *("another name", "loose", "down", "missing", "elsewhere", "no checksums"),
)
STRAY = "192.0.2.66"


class Handmade:
    """What was made, step by step."""

    def __init__(self, choose: Digits, desired: Desired, ways: tuple[Way, ...] = WAYS) -> None:
        self._choose = choose
        self._ways = ways
        self.steps: list[Vandalism] = [others.veth(NIC), somebody.set_up(NIC)]
        for number, overlay in enumerate(desired.overlays):
            self._overlay(overlay, number)

    def __repr__(self) -> str:
        return "\n".join(("Handmade:", *(step.command for step in self.steps)))

    def make(self) -> FakeKernel:
        """A kernel with all of it."""
        kernel = FakeKernel()
        for step in self.steps:
            step.apply(kernel)
        return kernel

    def _overlay(self, overlay: Overlay, number: int) -> None:
        bridge = overlay.bridge.device
        if self._choose.of((True, True, False)):
            self.steps.append(others.bridge(bridge))
        else:
            self.steps.append(others.own_bridge(bridge, f"n{number}"))
        self.steps.append(somebody.set_up(bridge))
        names = [
            name
            for place, vtep in enumerate(overlay.vteps)
            if (name := self._tunnel(vtep, bridge, f"old{number}{place}"))
        ]
        if self._choose.of((True, True, False)):
            self.steps += [
                somebody.ebtables(f"-A FORWARD -i {one} -o {other} -j DROP")
                for one, other in permutations(names, 2)
            ]
        for guest in self._choose.some(("guest", "card", "stranger"), most=2):
            self._guest(guest, f"{guest[0]}{number}", bridge)

    def _tunnel(self, vtep: Vtep, bridge: str, other: str) -> str:
        way = self._choose.of(self._ways)
        name = other if way == "another name" else vtep.device
        if way == "missing":
            return ""
        made = others.tunnel(
            vtep,
            name,
            dev=NIC if way == "bound" else "",
            udp_csum="noudpcsum" if way == "no checksums" else "udpcsum",
        )
        self.steps.append(made)
        if way == "elsewhere":
            stray = STRAY if vtep.local.version == 4 else "2001:db8::66"
            self.steps.append(somebody.remote(name, stray))
        if way == "down":
            self.steps.append(somebody.set_down(name))
        if way != "loose":
            self.steps.append(somebody.put_into(name, bridge))
        return name

    def _guest(self, guest: str, name: str, bridge: str) -> None:
        if guest == "guest":
            made = others.veth(name)
        elif guest == "card":
            made = others.macvlan(name, NIC)
        else:
            made = others.vxlan(name, 4242)
        self.steps += [made, somebody.set_up(name), somebody.put_into(name, bridge)]


def adopting(desired: Desired, *, adopt: bool = True) -> Desired:
    """The same, with or without ``adopt`` in every overlay."""
    overlays = (replace(overlay, adopt=adopt) for overlay in desired.overlays)
    return replace(desired, overlays=tuple(overlays))
