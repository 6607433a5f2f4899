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


def after(*deeds: somebody.Vandalism) -> Observed:
    """All was as it is wanted, before this."""
    kernel = FakeKernel()
    execute(plan(kernel.observe(), wish(LAN)), kernel)
    for deed in deeds:
        assert deed.apply(kernel), deed
    return kernel.observe()


GONE = ("-D FORWARD -i vxl-+ -o vxl-+ -j VXLAND", "-F VXLAND", "-X VXLAND")
UP_WITHOUT_CHAIN = after(*map(somebody.ebtables, GONE))
DOWN = after(*map(somebody.set_down, ("vxl-lan-b", "vxl-lan-c", "vxl-lan-d")))


@pytest.mark.parametrize(
    ("observed", "guards", "first", "starts"),
    [
        (FakeKernel().observe(), ("isolated", "ebtables"), True, True),
        (FakeKernel().observe(), ("isolated", "ebtables"), False, False),
        (FakeKernel().observe(), ("isolated", "nftables"), True, False),
        (UP_WITHOUT_CHAIN, ("isolated", "ebtables"), True, False),
        (DOWN, ("isolated", "ebtables"), True, False),
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
    with headstart(kernel.ahead, wanted, observed, first=first):
        assert kernel.started == starts
    assert kernel.started == 0
