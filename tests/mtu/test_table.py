"""What docs/mtu.md says of the kernel is so on this one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mtu.crossing import Crossing
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
