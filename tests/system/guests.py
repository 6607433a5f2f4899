"""Guests of booted machines, and a flow between two of them that mustn't suffer."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.lab import Listener, Namespace, Steady, eventually
from tests.lab.site import MTU
from tests.system.machine import Machine

RATE = 1000  # frames a second
AROUND = 1.0  # seconds of flow before a disturbance, and after it


class Guest(Namespace):
    """A namespace beside a machine, whose eth0 is a port of the machine's bridge."""

    def __init__(self, machine: Machine, number: int, bridge: str = "vxbr0") -> None:
        super().__init__(f"{machine.name}-guest")
        self.machine = machine
        self.address = f"10.10.10.{number}"
        port = f"veth{number}"
        peer = f"peer name {port} mtu {MTU} netns {machine.leader}"
        self.sh(f"ip link add eth0 mtu {MTU} type veth {peer}")
        self.sh(f"ip addr add {self.address}/24 dev eth0; ip link set eth0 up")
        machine.run(f"ip link set {port} master {bridge} up")

    def reaches(self, other: "Guest") -> bool:
        """Whether one ping comes back."""
        words = ["ping", "-c1", "-W1", "-n", other.address]
        return self.run(words, check=False).returncode == 0


@contextlib.contextmanager
def unharmed(one: Guest, other: Guest) -> Iterator[None]:
    """1,000 frames a second each way, before, meanwhile and after: each arrives, and once."""
    with (
        Listener(one) as at_one,
        Listener(other) as at_other,
        Steady(one, at_other.mac, RATE) as there,
        Steady(other, at_one.mac, RATE) as back,
    ):
        started = time.monotonic()
        time.sleep(AROUND)
        yield
        time.sleep(AROUND)
        for flow in (there, back):
            flow.stop()
        seconds = time.monotonic() - started
        for flow, listener in ((there, at_other), (back, at_one)):
            with contextlib.suppress(AssertionError):  # the sum below says it better
                eventually(lambda: not flow.lost(listener), "the last ones come", patience=1)  # noqa: B023
            lost, copies = flow.lost(listener), listener.copies(flow.number)
            assert lost == 0, f"{lost} frames of {flow.sent} are lost"
            assert copies == 1, f"a frame came {copies} times"
            rate = flow.sent / seconds
            assert rate == pytest.approx(RATE, rel=0.05), "frames a second that were sent"
