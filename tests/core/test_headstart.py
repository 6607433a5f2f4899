"""What writes ebtables' chain is started early only where it will be told something."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from tests.fake import vandalism as somebody
from tests.fake.wishes import LAN, settings, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.loop.headstart import headstart
from vxland.observed import Observed, Unavailable
from vxland.plan import plan

WANTED = settings(LAN)


class Starting(FakeKernel):
    """It counts what it has started, and hasn't ended."""

    started = 0

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """One more."""
        self.started += 1
        yield
        self.started -= 1


def up_without_chain() -> Observed:
    """Tunnels are up, and somebody took the chain."""
    kernel = FakeKernel()
    execute(plan(kernel.observe(), wish(LAN)), kernel)
    for line in ("-D FORWARD -i vxl-+ -o vxl-+ -j VXLAND", "-F VXLAND", "-X VXLAND"):
        assert somebody.ebtables(line).apply(kernel)
    return kernel.observe()


def made() -> Observed:
    """All is as it is wanted, but that no tunnel is up."""
    kernel = FakeKernel()
    execute(plan(kernel.observe(), wish(LAN)), kernel)
    for device in ("vxl-lan-b", "vxl-lan-c", "vxl-lan-d"):
        assert somebody.set_down(device).apply(kernel)
    return kernel.observe()


@pytest.mark.parametrize(
    ("observed", "guards", "first", "starts"),
    [
        (FakeKernel().observe(), ("isolated", "ebtables"), True, True),
        (FakeKernel().observe(), ("isolated", "ebtables"), False, False),
        (FakeKernel().observe(), ("isolated", "nftables"), True, False),
        (up_without_chain(), ("isolated", "ebtables"), True, False),
        (made(), ("isolated", "ebtables"), True, False),
        (Observed(ebtables=Unavailable("none")), ("isolated", "ebtables"), True, False),
    ],
    ids=["at first", "later", "not wanted", "up", "there", "not to be had"],
)
def test_it_starts(
    observed: Observed, guards: tuple[str, ...], *, first: bool, starts: bool
) -> None:
    """In a first turn, where there is no chain and no tunnel is up."""
    kernel = Starting()
    wanted = replace(WANTED, overlays=(replace(LAN, guards=guards),))
    with headstart(kernel, wanted, observed, first=first):
        assert kernel.started == starts
    assert kernel.started == 0
