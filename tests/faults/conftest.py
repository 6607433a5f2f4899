"""What the tests of faults share."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.ledger import Ledger


@pytest.fixture
def ledger(record_property: Callable[[str, object], None]) -> Iterator[Ledger]:
    """Where faults are counted."""
    kept = Ledger(record_property)
    yield kept
    kept.close()
