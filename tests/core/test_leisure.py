"""What only hints need is remembered from one leisurely turn to the next."""

from tests.core.test_report import desired, seen
from tests.fake_kernel import FakeKernel
from vxland.loop.leisure import Leisure
from vxland.model import Desired
from vxland.observed import Claim, FarEnd, ForwardChain, Observed

CLAIM = Claim("ifupdown", "vxbr0", "/etc/network/interfaces", 1)


class Kernel(FakeKernel):
    """One that sees something."""

    def read_forward(self) -> tuple[ForwardChain, ...]:
        return (ForwardChain("ip", "filter", "FORWARD"),)

    def read_far_ends(self, bridges: frozenset[str]) -> dict[str, FarEnd]:
        return dict.fromkeys(bridges, FarEnd("eth0", 1500))


class Others:
    """Who else is there."""

    def culprit(self, *, rules: bool, within: float) -> str | None:
        raise NotImplementedError(rules, within)

    def __init__(self) -> None:
        self.news: frozenset[int] | None = frozenset()

    def touched(self) -> frozenset[int] | None:
        return self.news

    def claims(self, desired: Desired, observed: Observed) -> tuple[Claim, ...]:
        assert desired.overlays
        assert observed.links
        return (CLAIM,)


def test_what_was_seen_is_remembered() -> None:
    """Nothing at first; then the same until it is looked at again."""
    leisure = Leisure(Kernel(), Others())  # type: ignore[arg-type] # it knows no host
    assert leisure.remember(seen()) == seen()
    looked = leisure.look(seen(), desired())
    assert looked.claims == (CLAIM,)
    assert set(looked.far_ends) == {"vxbr0"}
    assert len(looked.forward) == 1
    assert leisure.remember(seen()) == looked


def test_what_was_touched_is_mended_first() -> None:
    """But nothing is put off for ever, nor where it can't be told."""
    others = Others()
    leisure = Leisure(Kernel(), others)  # type: ignore[arg-type] # it knows no host
    assert leisure.is_now()
    others.news = frozenset({7})
    assert [leisure.is_now() for _ in range(4)] == [False, True] * 2
    assert not leisure.is_now()
    others.news = frozenset()
    assert leisure.is_now()
    others.news = None
    assert leisure.is_now()
