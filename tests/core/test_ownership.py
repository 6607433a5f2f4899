"""What is vxland's: what carries its mark."""

import pytest

from tests.unit.journal_log import DEVICE, GONE, LEFT, SMALL
from vxland.identity import GROUP
from vxland.observed import Link
from vxland.ownership import Mark, attributed, is_newborn, is_own, mark, owners
from vxland.problems import Kind, Problem

LXD2 = Mark("lan", "lxd2")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (Link("a", "vxlan", alias="vxland:lan:lxd2"), LXD2),
        (Link("a", "bridge", alias="vxland:lan"), Mark("lan")),
        (Link("a", "vxlan", altnames=frozenset({"vxland-lan+lxd2"})), LXD2),
        (Link("a", "vxlan", altnames=frozenset({"aaa", "vxland-lan+lxd2", "zzz"})), LXD2),
        (Link("a", "vxlan", alias="mine", altnames=frozenset({"vxland-lan+lxd2"})), LXD2),
        (Link("a", "vxlan", altnames=frozenset({"aaa", "bbb"})), None),
        (Link("a", "vxlan", alias="not vxland:lan:lxd2"), None),
        (Link("a", "vxlan"), None),
        (Link("a", "veth", alias="vxland:lan:lxd2"), None),
    ],
)
def test_a_device_says_whom_it_stands_for(link: Link, expected: Mark | None) -> None:
    """By alias, else by altname; only kinds that vxland makes."""
    assert mark(link) == expected
    assert is_own(link) is (expected is not None)


@pytest.mark.parametrize(
    ("link", "newborn"),
    [
        (Link("a", "vxlan", group=GROUP), True),
        (Link("a", "bridge", group=GROUP), True),
        (Link("a", "vxlan"), False),
        (Link("a", "veth", group=GROUP), False),
        (Link("a", "vxlan", group=GROUP, up=True), False),
        (Link("a", "vxlan", group=GROUP, master="br0"), False),
        (Link("a", "vxlan", group=GROUP, alias="mine"), False),
    ],
)
def test_a_newborn_was_never_used(link: Link, *, newborn: bool) -> None:
    """The group alone is no mark of a device in use."""
    assert is_newborn(link) is newborn
    assert is_own(link) is newborn


def test_a_device_stands_for_what_is_wanted_of_it_or_else_for_its_mark() -> None:
    """Somebody else's stands for nobody."""
    found = owners([DEVICE, "vxbr0", GONE, "eth0"], SMALL, LEFT)
    assert found == {DEVICE: LXD2, "vxbr0": Mark("lan"), GONE: Mark("lan", "lxd9")}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Problem(Kind.FAILED, "x", device=DEVICE), ("lan", "lxd2")),
        (Problem(Kind.FAILED, "x", device="vxbr0"), ("lan", "")),
        (Problem(Kind.CONFLICT, "x", overlay="dmz", peer="a", device=DEVICE), ("dmz", "a")),
        (Problem(Kind.HAZARD, "x", overlay="lan", device="eth0"), ("lan", "")),
        (Problem(Kind.HINT, "x"), ("", "")),
    ],
)
def test_a_problem_of_a_device_is_its_peers(said: Problem, expected: tuple[str, str]) -> None:
    """So that it is found by the peer; what it says itself counts first."""
    [told] = attributed([said], SMALL, LEFT)
    assert (told.overlay, told.peer) == expected
    assert (told.kind, told.text, told.device) == (said.kind, said.text, said.device)
