"""What the unit tests share."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def crossable() -> Iterator[Path]:
    """A folder that other users may cross: each pytest that starts closes pytest's own to them."""
    with TemporaryDirectory(prefix="vxland-") as made:
        Path(made).chmod(0o711)
        yield Path(made)
