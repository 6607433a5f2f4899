"""What docs/mtu.md says of the kernel is so on this one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.waiting import PATIENCE
from tests.mtu.crossing import Crossing, Way
from tests.mtu.sending import ARRIVES, LOST, tagged
from tests.mtu.table import read, rows

pytestmark = [pytest.mark.kernel]


@pytest.fixture(scope="module", name="crossing")
def _crossing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crossing]:
    with Crossing(Path(tmp_path_factory.mktemp("crossing"))) as made:
        yield made


@pytest.mark.parametrize("row", rows())
def test_the_document_says_what_happens(crossing: Crossing, row: str) -> None:
    """Row by row."""
    way, fate = read(row)
    crossing.lay(way)
    assert crossing.fate(fate) == fate


@pytest.mark.parametrize(
    ("family", "size", "fate"),
    [(6, 1430, LOST), (6, 1426, ARRIVES), (4, 1450, ARRIVES)],
)
def test_a_tag_inside_takes_four_bytes(
    crossing: Crossing, family: int, size: int, fate: str
) -> None:
    """That the MTU doesn't count: in pieces over IPv4, and lost over IPv6."""
    crossing.lay(Way(family=family, guest=size))
    assert tagged(crossing.guests, size, 1.0 if fate == LOST else PATIENCE) == fate
