"""Servers with the script and servers with vxland are one segment, in whatever mixture."""

from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from pathlib import Path

import pytest

from tests.lab import Site
from tests.mixed.segment import Lists, Segment

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

THREE = (1, 2, 3)
MIXTURES = tuple(chain.from_iterable(combinations(THREE, count) for count in range(4)))
ORDERS: tuple[Lists, ...] = tuple(
    {
        n: others[::turn]
        for n, others, turn in zip(THREE, ((2, 3), (1, 3), (1, 2)), turns, strict=True)
    }
    for turns in ((1, 1, 1), (1, -1, 1), (-1, 1, -1), (-1, -1, -1))
)
FIVE: Mapping[str, tuple[Lists, tuple[int, ...]]] = {
    "all know all": (
        {1: (2, 3, 4, 5), 2: (5, 4, 3, 1), 3: (4, 5, 1, 2), 4: (1, 2, 3, 5), 5: (4, 2, 1, 3)},
        (1, 4),
    ),
    "some know fewer": (
        {1: (3, 2, 4, 5), 2: (3, 5, 4, 1), 3: (5, 1), 4: (1, 2, 3, 5), 5: (4, 2, 1)},
        (2, 3),
    ),
}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segment]:
    with Site(tmp_path_factory.mktemp("three"), len(THREE)) as site:
        yield Segment(site)


def check(segment: Segment) -> None:
    """A broadcast comes once to whom it is to come, and after that each frame to whom it is for."""
    wanted = segment.wanted()
    assert segment.broadcasts() == wanted
    assert segment.unicasts() == dict.fromkeys(wanted, "once")


@pytest.mark.parametrize("scripted", MIXTURES, ids=str)
def test_three_servers(three: Segment, scripted: tuple[int, ...]) -> None:
    """All pairs reach each other, also after a restart of the one server or the other."""
    number = MIXTURES.index(scripted)
    three.lay_out(ORDERS[number % len(ORDERS)], scripted)
    three.site.all_reach()
    check(three)
    three.restart(THREE[number % len(THREE)])
    three.site.all_reach()
    check(three)


@pytest.mark.parametrize("name", FIVE)
def test_five_servers(tmp_path: Path, name: str) -> None:
    """Broadcast goes where the sender's list leads, and the receiver has the position."""
    lists, scripted = FIVE[name]
    with Site(tmp_path, len(lists), prefix="five") as site:
        segment = Segment(site)
        segment.lay_out(lists, scripted)
        assert segment.broadcasts() == segment.wanted()
        segment.restart(3)
        assert segment.broadcasts() == segment.wanted()
        segment.check_opening()


FEWER: Mapping[str, Lists] = {
    "listed where it has a position": {1: (3, 2), 2: (3, 1), 3: (1,)},
    "listed where it has none": {1: (2, 3), 2: (1, 3), 3: (1,)},
}


@pytest.mark.parametrize("scripted", [(1, 2), (3,)], ids=str)
@pytest.mark.parametrize("name", FEWER)
def test_a_server_knows_fewer(three: Segment, name: str, scripted: tuple[int, ...]) -> None:
    """Nothing comes twice, and who a guest can open a connection to is told by the lists alone."""
    three.lay_out(FEWER[name], scripted)
    assert three.broadcasts() == three.wanted()
    three.check_opening()
