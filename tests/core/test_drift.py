"""What somebody changed is told from what vxland does of its own accord."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, UP, desired
from vxland.identity import CHAIN
from vxland.loop.drift import Drift, kept_down
from vxland.observed import Link, Observed
from vxland.operations import Adopt, Operation, Rename, SetMtu, TakeDown, WriteChain
from vxland.plan import Plan

DOWN = TakeDown("lan", DEVICE)
MTU = SetMtu("lan", DEVICE, 1450)
ADOPT = Adopt("lan", DEVICE, "vxland-lan+b", "b", "vxbr0", ())
WRITE = WriteChain("", CHAIN, (), (), ())
IT = frozenset({DEVICE})
NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("done", "kept_down", "repaired", "secured"),
    [
        ({}, NONE, NONE, NONE),
        ({DEVICE: [MTU]}, NONE, IT, NONE),
        ({DEVICE: [UP]}, NONE, IT, NONE),
        ({DEVICE: [DOWN]}, NONE, NONE, IT),
        ({DEVICE: [DOWN]}, IT, IT, NONE),
        ({DEVICE: [UP]}, IT, NONE, NONE),
        ({DEVICE: [MTU, UP]}, IT, IT, NONE),
        ({DEVICE: [DOWN, MTU]}, NONE, IT, NONE),
        ({DEVICE: [ADOPT, MTU], CHAIN: [WRITE]}, NONE, NONE, NONE),
        ({DEVICE: [ADOPT, MTU], "other": [MTU]}, NONE, frozenset({"other"}), NONE),
        ({DEVICE: [ADOPT, Rename("lan", DEVICE, "other")], "other": [MTU]}, NONE, NONE, NONE),
    ],
    ids=[
        "nothing",
        "it was changed",
        "it was taken down",
        "it could loop",
        "it could loop, and was brought up again",
        "it can't loop any more",
        "and was changed meanwhile",
        "it is down for a change",
        "it was taken over",
        "it was taken over, and another was changed",
        "it was taken over, and has another name from then on",
    ],
)
def test_why_something_was_done(
    done: Mapping[str, Sequence[Operation]],
    kept_down: frozenset[str],
    repaired: frozenset[str],
    secured: frozenset[str],
) -> None:
    assert Drift.of(done, kept_down) == Drift(repaired, secured)


@pytest.mark.parametrize(
    ("link", "operations", "kept"),
    [
        (Link(DEVICE, "vxlan", up=True), (), NONE),
        (Link(DEVICE, "vxlan"), (), IT),
        (Link(DEVICE, "vxlan"), (UP,), NONE),
        (Link(DEVICE, "vxlan", up=True), (DOWN,), IT),
        (Link(DEVICE, "vxlan", up=True), (DOWN, UP), NONE),
        (None, (), NONE),
    ],
    ids=["up", "left down", "brought up", "taken down", "for a moment", "gone"],
)
def test_what_a_plan_keeps_down(
    link: Link | None, operations: tuple[Operation, ...], kept: frozenset[str]
) -> None:
    observed = Observed(links={link.name: link} if link else {})
    assert kept_down(desired(), observed, replace(Plan(), operations=operations)) == kept
